"""A subscription into Kafka: what committed readers see is each change once, in the order of its key."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drivers.messages.kafka.broker import Broker
from tests.subscriptions.rebuilt.kafka import IntoKafka, into_kafka, topic_events
from tests.subscriptions.rebuilt.run import Plan
from tests.subscriptions.shown import told
from tests.subscriptions.world import Subscribed, rebuilt


@pytest.fixture(scope="module")
def broker(server_folder: Path) -> Iterator[Broker]:
    made = Broker(server_folder / "subscribed-kafka")
    made.start()
    yield made
    made.kill()


def test_a_snapshot_changes_and_kills(world: Subscribed, broker: Broker) -> None:
    world.on_source(
        f"CREATE TABLE {world.name}.t (id INT PRIMARY KEY, a INT)", f"INSERT INTO {world.name}.t VALUES (1, 1), (2, 2)"
    )
    world.node.post_job(into_kafka(world, broker))
    world.posted.append(world.name)
    world.node.wait_stage(world.name)
    for number in range(3, 60):
        world.on_source(f"INSERT INTO {world.name}.t VALUES ({number}, 1)", f"UPDATE {world.name}.t SET a = a + 1")
        if number in (20, 40):
            world.kill("applier")
    world.on_source(f"DELETE FROM {world.name}.t WHERE id = 1", f"UPDATE {world.name}.t SET id = 100 WHERE id = 2")
    world.level(90)
    rows = rebuilt(topic_events(world, broker, ".t"))
    assert sorted(row["id"] for row in rows.values()) == [*range(3, 60), 100]
    assert all(event.value is None or event.id for event in topic_events(world, broker, ".t"))


def test_what_is_in_the_topics_is_shown_by_the_server(world: Subscribed, broker: Broker) -> None:
    world.on_source(f"CREATE TABLE {world.name}.t (id INT PRIMARY KEY)", f"CREATE TABLE {world.name}.u (id INT)")
    world.node.post_job(into_kafka(world, broker))
    world.posted.append(world.name)
    world.node.wait_stage(world.name)
    world.on_source(f"INSERT INTO {world.name}.t VALUES (1), (2), (3)", f"DELETE FROM {world.name}.t WHERE id = 2")
    world.on_source(f"INSERT INTO {world.name}.u VALUES (1)")
    world.level()
    shown = told(world, "--from", "start", "--table", f"{world.name}.t")
    seen = {each.id: each.value for each in topic_events(world, broker, ".t")}
    assert {each["id"]: each["value"] for each in shown} == seen and len(seen) == 5
    deleted = next(value for value in seen.values() if value and value["op"] == "d")
    gtid = deleted["source"]["gtid"]
    ids = {each["id"] for each in told(world, "--from", gtid, "--table", f"{world.name}.t")}
    assert {each for each in seen if each.startswith(f"{gtid}:")} <= ids


def test_tables_are_rebuilt_from_a_topic_alone(world: Subscribed, broker: Broker) -> None:
    victims = ("applier", "extractor", "supervisor", "main")
    plan = Plan(seed=str(time.time_ns()), seconds=8.0, kill_seconds=2.5, victims=victims)
    IntoKafka(world, broker, plan, print).run()


def _away(world: Subscribed) -> str:
    """Which side the job waits for."""
    told = world.node.job(world.name)["Progress"].get("reconnecting") or {}
    return str(told.get("side", ""))


def test_a_broker_that_is_away_is_waited_for(world: Subscribed, server_folder: Path) -> None:
    """The job says so, and what was written meanwhile comes once when the broker is back."""
    own = Broker(server_folder / f"away-{world.name}")
    own.start()
    try:
        world.on_source(f"CREATE TABLE {world.name}.t (id INT PRIMARY KEY, a INT)")
        world.node.post_job(into_kafka(world, own))
        world.posted.append(world.name)
        world.node.wait_stage(world.name)
        world.on_source(f"INSERT INTO {world.name}.t VALUES (1, 1)")
        world.level()
        own.kill()
        world.wait_for(lambda: _away(world) == "target", lambda: world.node.job(world.name))
        world.on_source(*(f"INSERT INTO {world.name}.t VALUES ({number}, 1)" for number in range(2, 40)))
        own.start()
        world.level(90)
        rows = rebuilt(topic_events(world, own, ".t"))
        assert sorted(row["id"] for row in rows.values()) == [*range(1, 40)]
    finally:
        own.kill()
