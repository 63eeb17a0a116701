"""What happens to a job is seen as it happens, on a stream, and later on its time line, also of another process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.end_to_end.conftest import World, wait_for
from tests.followed import Follower


@contextmanager
def _following(world: World, topics: str) -> Iterator[Follower]:
    follower = Follower(world.node.url, topics)
    try:
        yield follower
    finally:
        follower.close()


def _comes(follower: Follower, job: str, word: str) -> None:
    wait_for(lambda: follower.shown(job)[-1:] == [word], lambda: (word, follower.shown(job)))


def _timeline(world: World, job: str, after: int = 0) -> Any:
    return httpx.get(f"{world.node.url}/v1/job/{job}/timeline", params={"after": str(after)}, timeout=30).json()


def test_a_job_that_reconnects_and_fails_is_seen_as_it_happens_and_over_a_start_of_the_node(
    following: World, name: str
) -> None:
    world = following
    with _following(world, f"jobs,job:{name}") as follower:
        _comes(follower, name, "running")
        world.on_target("SET GLOBAL super_read_only = ON")
        try:
            world.on_source(f"INSERT INTO {name}.t VALUES (4, 4)")
            _comes(follower, name, "reconnecting")
        finally:
            world.on_target("SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")
        _comes(follower, name, "running")
        world.level(name)
        world.on_target(f"DELETE FROM {name}.t WHERE id = 4")
        world.on_source(f"UPDATE {name}.t SET a = 5 WHERE id = 4")
        _comes(follower, name, "diverged")
        in_order = iter(follower.shown(name))
        assert all(word in in_order for word in ("running", "reconnecting", "running", "diverged"))
        kinds = iter([each["Kind"] for each in follower.entries()])
        assert all(kind in kinds for kind in ("reconnecting", "connected", "failed")), follower.entries()
        failed = next(each for each in follower.entries() if each["Kind"] == "failed")
        assert (failed["Gtid"] != "", failed["Table"]) == (True, f"{name}.t")

        before = _timeline(world, name)
        world.node.stop()
        world.node.start()
        wait_for(lambda: follower.count("reset") == 1, lambda: follower.events[-3:])
        wait_for(lambda: follower.count("hello") == 2, lambda: follower.events[-3:])
        _put(world, name, "resume")
        wait_for(lambda: "resumed" in {each["Kind"] for each in follower.entries()}, follower.entries)

    after = _timeline(world, name)["Entries"]
    kept = {"document", "started", "reconnecting", "connected", "failed"}
    said = [(each["Number"], each["Kind"]) for each in before["Entries"] if each["Kind"] in kept]
    assert [kind for _, kind in said][:2] == ["document", "started"]
    assert set(said) <= {(each["Number"], each["Kind"]) for each in after}, "a start of the node loses none of these"
    new = _timeline(world, name, before["Next"])["Entries"]
    assert "resumed" in [each["Kind"] for each in new]
    assert not {each["Number"] for each in before["Entries"]} & {each["Number"] for each in new}


def _put(world: World, job: str, command: str) -> None:
    assert httpx.put(f"{world.node.url}/v1/job/{job}/{command}", timeout=30).status_code == 200


def test_lag_and_rates_of_a_job_are_kept_and_gaps_stay_gaps(following: World, name: str) -> None:
    world = following

    def lags() -> list[float]:
        shown = httpx.get(f"{world.node.url}/v1/job/{name}/series", timeout=30).json()
        return [each for each in shown["LagMs"] if each is not None]

    wait_for(lambda: len(lags()) > 0, lags)
    every = httpx.get(f"{world.node.url}/v1/series?points=60", timeout=30).json()
    assert None in every["Jobs"][name]
    world.forget(name)
    wait_for(lambda: name not in httpx.get(f"{world.node.url}/v1/series", timeout=30).json()["Jobs"], lambda: "")


def test_a_new_job_is_in_the_list_and_on_the_stream_at_once(world: World, name: str) -> None:
    world.on_source(f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT PRIMARY KEY)")
    with _following(world, "jobs") as follower:
        wait_for(lambda: follower.count("jobs") > 0, lambda: follower.events)
        world.post(world.document(name, [name]))
        brief = httpx.get(f"{world.node.url}/v1/jobs?brief", timeout=30).json()
        assert name in [each["ID"] for each in brief]
        wait_for(lambda: bool(follower.shown(name)), lambda: follower.events[-3:])
        world.runs(name)
        _comes(follower, name, "running")
        world.forget(name)
        is_gone = lambda: any(name in data["Gone"] for kind, data in follower.events if kind == "jobs")  # noqa: E731
        wait_for(is_gone, lambda: follower.events[-3:])
