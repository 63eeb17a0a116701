"""A job that is posted again while its first run begins: what that run has still to say is nobody's any more."""

from __future__ import annotations

import time

import httpx

from tests.end_to_end.conftest import NUMBERS, World

#: Milliseconds between the two; a run's first reports come within 50.
PAUSES_MS = (0, 15, 30, 46)


def test_a_job_that_is_posted_twice_at_once_runs(world: World, name: str) -> None:
    """Each time as a full copy, whose first run may be anywhere when the second one is wanted."""
    world.on_source(
        f"CREATE DATABASE {name}",
        f"CREATE TABLE {name}.t (id INT PRIMARY KEY, a INT)",
        f"INSERT INTO {name}.t {NUMBERS.format(100)} SELECT n, n FROM n",
    )
    one = world.document(name, [name], dest={"DropTableIfExists": True}, workers=2)
    other = world.document(name, [name], dest={"DropTableIfExists": True}, workers=3)
    for pause in PAUSES_MS:
        world.post(one)
        time.sleep(pause / 1000)
        world.post(other)
        world.node.wait_stage(name, deadline=60)
        world.level(name)
        assert world.node.job(name)["Progress"]["restarts"] == 0, world.node.job(name)["Progress"]
        answer = httpx.delete(f"{world.node.url}/v1/job/{name}?purge=true", timeout=40)
        assert answer.status_code == 200, answer.text
        world.posted.discard(name)
    world.assert_equal(name)
