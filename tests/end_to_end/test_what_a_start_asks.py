"""A hundred jobs start in seconds because one asks little: connections and statements of a small job's way to level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from tests.end_to_end.conftest import World, run, value
from udup.base.endpoint import Endpoint
from udup.jobs.words import Stage
from udup.sandbox.api import job_document

#: What a small copy and what a start from a checkpoint come to at most, a bit above what was measured (9 and 131, 5 and
#: 110; 7 and 75, 3 and 56): connections and statements of the source, of the target. Each connection costs 1 ms of
#: processors, each statement a tenth of it; who needs more of them finds out whether it was known already.
_COPY = ((10, 160), (6, 130))
_RESTART = ((8, 95), (4, 75))


@pytest.fixture
def accounts(world: World, name: str) -> Iterator[tuple[Endpoint, Endpoint]]:
    """One of the job alone on each server, by which its questions are counted."""
    user = f"c{name}"[:32]
    ends = [server.endpoint for server in (world.source, world.target)]
    for end in ends:
        run(end, f"CREATE USER '{user}'@'%' IDENTIFIED BY 'secret'", f"GRANT ALL ON *.* TO '{user}'@'%'")
    yield replace(ends[0], user=user, password="secret"), replace(ends[1], user=user, password="secret")
    world.forget_all()
    for end in ends:
        run(end, f"DROP USER '{user}'@'%'")


def _asked(world: World, user: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the connections and statements of an account until now, at the source and at the target."""
    connections = "SELECT SUM(TOTAL_CONNECTIONS) FROM performance_schema.users WHERE USER = %s"
    statements = (
        "SELECT SUM(COUNT_STAR) FROM performance_schema.events_statements_summary_by_user_by_event_name WHERE USER = %s"
    )
    source, target = (
        (int(value(server.endpoint, connections, user) or 0), int(value(server.endpoint, statements, user) or 0))
        for server in (world.source, world.target)
    )
    return source, target


def _command(world: World, job: str, command: str) -> None:
    httpx.post(f"{world.node.url}/v1/job/{job}/{command}", timeout=30).raise_for_status()


def test_a_small_job_asks_little_until_it_is_level(
    world: World, name: str, accounts: tuple[Endpoint, Endpoint]
) -> None:
    source, target = accounts
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a VARCHAR(20))",
        f"INSERT INTO {name}.t VALUES (1, 'one'), (2, 'two')",
    )
    world.post({**job_document(name, source, target, [name], workers=1), "ID": name})
    world.runs(name)
    world.level_and_equal(name, name)
    copied = _asked(world, source.user)
    for (connections, statements), most in zip(copied, _COPY, strict=True):
        assert 0 < connections <= most[0] and 0 < statements <= most[1], (copied, _COPY)
    _command(world, name, "pause")
    world.node.wait_stage(name, [Stage.PAUSED])
    before = _asked(world, source.user)
    _command(world, name, "resume")
    world.runs(name)
    world.level(name)
    after = _asked(world, source.user)
    for one, other, most in zip(before, after, _RESTART, strict=True):
        assert other[0] - one[0] <= most[0] and other[1] - one[1] <= most[1], (before, after, _RESTART)
