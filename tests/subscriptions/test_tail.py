"""People look at a subscription: what it delivers, as it passes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

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
