"""The life of a subscription: paused, replaced, its server restarted, its sink away, its job deleted."""

from __future__ import annotations

import time

import httpx

from tests.end_to_end.conftest import run
from tests.subscriptions.world import Subscribed, rebuilt

_TABLE = "(id INT PRIMARY KEY, a INT)"


def _begin(world: Subscribed) -> None:
    world.on_source(f"CREATE TABLE {world.name}.t {_TABLE}", f"INSERT INTO {world.name}.t VALUES (1, 1), (2, 2)")
    world.post()
    world.level()


def _ids(world: Subscribed) -> list[int]:
    return sorted(row["id"] for row in rebuilt(world.rows_of("t")).values())


def _put(world: Subscribed, act: str) -> None:
    answer = httpx.post(f"{world.node.url}/v1/job/{world.name}/{act}", timeout=30)
    assert answer.status_code == 200, answer.text


def test_a_job_that_is_paused_goes_on_where_it_was(world: Subscribed) -> None:
    _begin(world)
    _put(world, "pause")
    world.node.wait_stage(world.name, ("paused",))
    world.on_source(f"INSERT INTO {world.name}.t VALUES (3, 3)")
    time.sleep(0.3)
    assert _ids(world) == [1, 2]
    _put(world, "resume")
    world.level()
    assert _ids(world) == [1, 2, 3]


def test_another_document_goes_on_behind_what_was_delivered(world: Subscribed) -> None:
    _begin(world)
    world.post(dest={"Format": "flat"})
    world.on_source(f"INSERT INTO {world.name}.t VALUES (3, 3)")
    world.level()
    events = world.rows_of("t")
    assert len(events) == 3
    assert events[-1].value["id"] == 3 and "before" not in events[-1].value


def test_a_sink_that_is_killed_is_waited_for(world: Subscribed) -> None:
    _begin(world)
    world.kill("nats-server")
    for number in range(3, 30):
        world.on_source(f"INSERT INTO {world.name}.t VALUES ({number}, 1)")
    world.level(90)
    assert _ids(world) == list(range(1, 30))


def test_a_server_that_is_restarted_carries_on(world: Subscribed) -> None:
    _begin(world)
    world.node.stop()
    run(world.source.endpoint, f"INSERT INTO {world.name}.t VALUES (3, 3)")
    world.node.start()
    world.node.wait_stage(world.name)
    world.level()
    assert _ids(world) == [1, 2, 3]


def test_a_job_that_is_deleted_with_its_position_begins_anew_elsewhere(world: Subscribed) -> None:
    _begin(world)
    answer = httpx.delete(f"{world.node.url}/v1/job/{world.name}?purge=true", timeout=40)
    assert answer.status_code == 200, answer.text
    assert len(world.rows_of("t")) == 2
    world.post(dest={"NatsConfig": {"Stream": f"{world.stream}_2"}, "Prefix": f"{world.name}_2"})
    world.level()
    assert len(world.rows_of("t")) == 2


def test_no_snapshot_begins_with_what_comes(world: Subscribed) -> None:
    world.on_source(f"CREATE TABLE {world.name}.t {_TABLE}", f"INSERT INTO {world.name}.t VALUES (1, 1), (2, 2)")
    world.post(dest={"Snapshot": "never"})
    world.on_source(f"INSERT INTO {world.name}.t VALUES (3, 3)")
    world.level()
    assert _ids(world) == [3]


def test_a_snapshot_only_completes(world: Subscribed) -> None:
    world.on_source(f"CREATE TABLE {world.name}.t {_TABLE}", f"INSERT INTO {world.name}.t VALUES (1, 1), (2, 2)")
    world.node.post_job(world.document(dest={"Snapshot": "only"}))
    world.posted.append(world.name)
    world.node.wait_stage(world.name, ("completed",), 60)
    assert _ids(world) == [1, 2]


def test_level_is_asked_of_the_sink(world: Subscribed) -> None:
    _begin(world)
    world.on_source(f"INSERT INTO {world.name}.t VALUES (3, 3)")
    answer = httpx.get(f"{world.node.url}/v1/job/{world.name}/level", params={"timeout": "20"}, timeout=40)
    assert answer.status_code == 200 and answer.json()["Level"], answer.text
    assert _ids(world) == [1, 2, 3]
