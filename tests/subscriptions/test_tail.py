"""People look at a subscription: what it delivers, as it passes."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.end_to_end.conftest import wait_for
from tests.followed import Follower
from tests.subscriptions.shown import asked, told
from tests.subscriptions.world import Subscribed

_TABLES = ("CREATE TABLE {0}.t (id INT PRIMARY KEY, state VARCHAR(20))", "CREATE TABLE {0}.u (id INT PRIMARY KEY)")


@contextmanager
def _following(world: Subscribed, *words: str) -> Iterator[Iterator[str]]:
    """The lines of a command that goes on."""
    environment = {**os.environ, "UDUP_ADDR": world.node.url, "HOME": str(world.node.data)}
    command = [sys.executable, "-m", "udup", "job", "tail", world.name, *words]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield iter(process.stdout)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _filled(world: Subscribed) -> None:
    world.on_source(
        *(each.format(world.name) for each in _TABLES),
        f"INSERT INTO {world.name}.t VALUES (1, 'new'), (2, 'new')",
    )
    world.post()
    world.level()
    world.on_source(
        f"INSERT INTO {world.name}.u VALUES (1)",
        f"UPDATE {world.name}.t SET state = 'paid' WHERE id = 2",
        f"DELETE FROM {world.name}.t WHERE id = 1",
    )
    world.level()


def test_what_a_consumer_sees_is_shown_from_the_start_of_a_table_and_of_a_transaction(world: Subscribed) -> None:
    _filled(world)
    seen = world.events()
    every = [each for each in told(world, "--from", "start") if each["subject"] != world.name]  # less the DDL
    assert [(each["subject"], each["key"], each["value"], each["id"]) for each in every] == [
        (each.subject, each.key, each.value, each.id) for each in seen
    ]
    table = f"{world.name}.t"
    of_table = [each.id for each in world.rows_of("t")]
    assert [each["id"] for each in told(world, "--from", "start", "--table", table)] == of_table
    updated = next(each for each in seen if each.op == "u")
    gtid = updated.value["source"]["gtid"]
    behind = [each.id for each in seen[seen.index(updated) :]]
    assert [each["id"] for each in told(world, "--from", gtid)] == behind
    assert [each["id"] for each in told(world, "--from", gtid, "--table", f"{world.name}.u")] == []
    people = asked(world, "--from", gtid, "--no-follow").output.splitlines()
    assert people[0].split()[1:] == ["update", table, "id=2", gtid]
    assert people[1].strip() == 'state: "new" → "paid"'


def test_what_is_not_there_is_said(world: Subscribed) -> None:
    _filled(world)
    unknown = asked(world, "--table", "elsewhere.t")
    assert unknown.exit_code == 1 and "delivers no table elsewhere.t" in unknown.output
    gtid = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1"
    unknown = asked(world, "--from", gtid)
    assert unknown.exit_code == 1 and f"no message of the transaction {gtid}" in unknown.output


def test_messages_are_shown_as_they_pass(world: Subscribed) -> None:
    _filled(world)
    [last] = [each["id"] for each in told(world, "--from", "start")][-1:]
    gtid = last.split(f":{world.name}.t:")[0]
    with _following(world, "--json", "--from", gtid, "--table", f"{world.name}.t") as lines:
        assert json.loads(next(lines))["id"] == last
        for number in (5, 6):
            world.on_source(f"INSERT INTO {world.name}.t VALUES ({number}, 'new')")
            assert json.loads(next(lines))["key"] == {"id": number}


def test_what_is_delivered_is_counted(world: Subscribed) -> None:
    _filled(world)

    def counted() -> dict[str, int]:
        events = world.node.job(world.name)["Progress"].get("events") or {}
        return {kind: count for kind, count in events.items() if kind != "other" and count}

    world.wait_for(lambda: counted() == {"r": 2, "c": 1, "u": 1, "d": 1}, counted)
    progress = world.node.job(world.name)["Progress"]
    assert progress["events_by_table"] == {f"{world.name}.t": 4, f"{world.name}.u": 1}
    assert progress["delivered_bytes"] > 500 and progress["decoder"] in ("compiled", "python")
    assert progress["delivered_messages"] == len(told(world, "--from", "start"))


def test_a_stream_has_a_sample_of_what_passes(world: Subscribed) -> None:
    """Far more pass than are shown; of a table alone if one is named, and what is wrong is said."""
    _filled(world)
    table = f"{world.name}.t"
    every = Follower(world.node.url, f"tail:{world.name}", rate="5")
    one, none = (Follower(world.node.url, f"tail:{world.name}", table=each) for each in (table, "elsewhere.t"))
    try:
        wait_for(lambda: none.count("error") == 1, lambda: none.events)
        assert "delivers no table elsewhere.t" in none.events[-1][1]["Text"]
        rows = ", ".join(f"({number})" for number in range(1000, 1400))
        number = itertools.count(10)

        def passes() -> bool:
            world.on_source(
                f"INSERT INTO {world.name}.u VALUES {rows}",
                f"DELETE FROM {world.name}.u WHERE id >= 1000",
                f"INSERT INTO {table} VALUES ({next(number)}, 'new')",
            )
            return bool(messages(one)) and any(each["PerSecond"] > 50 for each in messages(every))

        wait_for(passes, lambda: (one.events[-2:], every.events[-1:]))
    finally:
        for each in (every, one, none):
            each.close()
    assert all(len(each["Events"]) == each["Shown"] <= 5 for each in messages(every))
    of_table = [event for each in messages(one) for event in each["Events"]]
    assert {event["Subject"].rpartition(".")[2] for event in of_table} == {"t"}
    assert {json.loads(event["Value"])["op"] for event in of_table} == {"c"}


def messages(follower: Follower) -> list[Any]:
    return [data for name, data in list(follower.events) if name == "message"]
