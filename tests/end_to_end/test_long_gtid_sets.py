"""GTID sets longer than what SHOW prints of a value, 1,024 characters: many servers, many gaps, both."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from click.testing import CliRunner

from tests.end_to_end.conftest import World, value, wait_for
from udup.cli import cli
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.client.facts import read_facts

#: Servers that the source has transactions of: each is 40 characters and more.
SERVERS = 30

#: Gaps of the first of them. What is shown of a set is cut long before that.
GAPS = 12_000

DUMPS = "SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'"


@pytest.fixture(scope="module")
def past() -> str:
    """In the order in which the server prints it."""
    first = f"00000000-0000-0000-0000-{uuid.uuid4().hex[:12]}"
    gaps = ":".join(str(2 * number + 1) for number in range(GAPS))
    others = [f"f{number:07}-0000-4000-8000-{uuid.uuid4().hex[:12]}" for number in range(SERVERS - 1)]
    return ",".join([f"{first}:{gaps}", *(f"{each}:1-5" for each in others)])


@pytest.fixture
def world(world: World, past: str, name: str) -> Iterator[World]:
    """A source that has purged a long past."""
    world.on_source("RESET BINARY LOGS AND GTIDS", f"SET GLOBAL gtid_purged = '{past}'")
    world.on_source(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY)")
    yield world
    world.on_source("RESET BINARY LOGS AND GTIDS")


def test_facts_hold_long_values_whole(world: World, past: str) -> None:
    modes = "d:" + ",".join(f"w{number}" for number in range(400))
    with closing(connect(world.source.endpoint)) as connection:
        before = query(connection, "SELECT @@GLOBAL.init_connect")[0][0]
        query(connection, "SET GLOBAL init_connect = %s", f"SET @a = '{modes}'")
        try:
            facts = read_facts(connection)
        finally:
            query(connection, "SET GLOBAL init_connect = %s", before)
    assert facts.value("init_connect") == f"SET @a = '{modes}'"
    assert GtidSet.parse(facts.gtid_purged) == GtidSet.parse(past)
    assert GtidSet.parse(past) <= GtidSet.parse(facts.gtid_executed)


def test_a_job_goes_on_from_a_long_set_and_finds_its_place_again(world: World, name: str) -> None:
    """Copied, followed, and after the loss of its dump looked up in what the source says of itself."""
    world.on_source(f"INSERT INTO {name}.t VALUES (1)")
    world.start(name, [name])
    world.on_source(f"INSERT INTO {name}.t VALUES (2)")
    world.level(name)
    for number in (3, 4):
        [dump] = _dumps(world)
        world.on_source(f"KILL {dump}", f"INSERT INTO {name}.t VALUES ({number})")
        wait_for(lambda dump=dump: dump not in _dumps(world), lambda: "the dump lives on")
        world.level(name)
    world.runs(name)
    world.assert_equal(name)
    shown = world.node.job(name)
    assert shown["Progress"]["applied_gtid"].endswith("characters in all)") and len(str(shown)) < 1 << 20
    level = httpx.get(f"{world.node.url}/v1/job/{name}/level", timeout=40).json()
    assert (level["Level"], level["Missing"]) == (True, ""), "whole sets are compared, not what is shown"
    assert GtidSet.parse(level["Wanted"]) == GtidSet.parse(world.executed()) <= GtidSet.parse(level["Applied"])
    assert len(level["Wanted"]) > 64 << 10
    waited = CliRunner().invoke(cli, ["job", "wait", name, "--address", world.node.url, "--json"])
    assert waited.exit_code == 0 and json.loads(waited.stdout)["Level"] is True, waited.output
    answer = httpx.post(f"{world.node.url}/v1/validate/job", json=world.document(name, [name]), timeout=40)
    assert answer.status_code == 200, answer.text
    assert answer.json()["DriverConfigValidated"] is True, answer.text


def test_a_jobs_own_long_set_is_held_against_all_that_was_purged(world: World, name: str) -> None:
    world.on_target(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY)")
    executed = GtidSet.parse(world.executed())
    last = max(source for source, _ in executed.items() if source != _uuid(world))
    world.post(world.document(name, [name], gtid=str(executed - GtidSet.parse(f"{last}:5"))))
    assert f"has purged {last}:5 from its log" in world.failure(name)
    world.forget(name)
    world.on_target(f"DELETE FROM udup.checkpoint WHERE job = '{name}'")
    world.start(name, [name], gtid=str(executed))
    world.on_source(f"INSERT INTO {name}.t VALUES (1)")
    world.level_and_equal(name, name)


def _dumps(world: World) -> list[int]:
    with closing(connect(world.source.endpoint)) as connection:
        return [int(each) for (each,) in query(connection, DUMPS)]


def _uuid(world: World) -> str:
    return str(value(world.source.endpoint, "SELECT @@server_uuid"))
