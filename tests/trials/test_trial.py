"""What a trial of a cluster holds for a violation, and proxies that let one way through."""

from __future__ import annotations

import socket
import time
from contextlib import closing
from typing import Any

import pytest

from tests.trials.judging import Before, Judge, Outcome
from tests.trials.links import HOST, Links
from tests.trials.trial import with_agents
from tests.trials.watch import Place, Seen
from udup.cluster.owners import LEADER, Owner, key_of

JOB = "job_0"


def _judged(
    changes: list[Owner],
    victims: set[str],
    *,
    silent: float = 0.0,
    moves: int = 1,
    source: str = "",
    apart: bool = False,
) -> Outcome:
    """The job was node a's, which coordinates, when the fault struck."""
    silences = {"a": [(105.0, silent)]} if silent else {}
    outcome = Outcome("a fault", "a", "busy")
    seen = [Seen(n, 101.0 + n, key_of(each.job) if each.job else LEADER, each) for n, each in enumerate(changes)]
    was = Before(100.0, {JOB: Place("a", source)}, "a", victims, apart)
    Judge(was, moves, silences, str).look_through(outcome, [JOB], seen)
    return outcome


def _job(node: str, run: str = "", source: str = "") -> Owner:
    return Owner(node=node, job=JOB, run=run, source=source)


def test_a_job_may_be_taken_from_a_node_that_was_hit_and_from_no_other() -> None:
    moved = [_job("b"), _job("b", "b-1")]
    assert not _judged(moved, {"a"}).violations
    assert "job_0 went from a to b, which was well" in _judged(moved, set()).violations[0]


def test_a_node_that_the_machine_gave_no_time_may_have_been_held_for_dead() -> None:
    outcome = _judged([_job("b")], set(), silent=4.0)
    assert not outcome.violations and "no time for 4.0 s" in outcome.notes[0]


def test_silences_with_a_single_beat_between_them_are_one() -> None:
    was = Before(100.0, {JOB: Place("a", "b")}, "a", set())
    changes = [Seen(1, 106.0, key_of(JOB), _job("a", "a-2", source="b"))]
    for silences, is_starved in (
        ([(103.0, 1.5), (104.2, 1.1)], True),
        ([(103.0, 1.5), (105.2, 1.1)], False),
        ([(94.0, 4.0)], False),
    ):
        outcome = Outcome("a fault", "a", "busy")
        Judge(was, 1, {"b": silences}, str).look_through(outcome, [JOB], changes)
        assert (bool(outcome.notes), bool(outcome.violations)) == (is_starved, not is_starved)


def test_a_job_that_moves_to_and_fro_is_a_violation() -> None:
    to_and_fro = [_job("b"), _job("c")]
    assert "moved 2 times" in _judged(to_and_fro, {"a", "b"}).violations[0]
    assert not _judged(to_and_fro, {"a", "b"}, moves=2).violations


def test_a_run_that_begins_again_where_nothing_happened_is_a_violation() -> None:
    assert "1 runs of job_0 began without reason" in _judged([_job("a", "a-2")], set()).violations[0]
    assert not _judged([_job("a", "a-2")], {"a"}).violations


def test_the_source_of_a_job_on_two_nodes_is_taken_from_nobody_who_is_well() -> None:
    moved = [_job("a", source="c"), _job("a", "a-2", source="c")]
    assert "the source of job_0 went from b to c" in _judged(moved, set(), source="b").violations[0]
    assert not _judged(moved, {"b"}, source="b").violations


def test_a_job_whose_two_nodes_do_not_hear_each_other_has_other_runs() -> None:
    again = [_job("a", "a-2", source="b")]
    assert not _judged(again, set(), source="b", apart=True).violations
    assert _judged([_job("a", "a-2")], set(), apart=True).violations


def test_leadership_is_taken_from_nobody_who_is_well() -> None:
    assert "the leadership went from a to b" in _judged([Owner(node="b")], set()).violations[0]
    assert not _judged([Owner(node="b")], {"a"}).violations


@pytest.fixture
def ends() -> Any:
    """Yield links, and both ends of a connection from 0 to 1 over them."""
    links = Links()
    with closing(socket.create_server((HOST, 0))) as server:
        port = links.add(0, 1, server.getsockname()[1])
        with closing(socket.create_connection((HOST, port))) as near:
            far, _ = server.accept()
            with closing(far):
                for end in (near, far):
                    end.settimeout(5)
                yield links, near, far


def test_a_silent_way_holds_bytes_back_and_the_other_way_goes_on(ends: Any) -> None:
    links, near, far = ends
    links.silence([(0, 1)])
    near.sendall(b"there")
    far.sendall(b"back")
    assert near.recv(10) == b"back"
    far.settimeout(0.1)
    with pytest.raises(TimeoutError):
        far.recv(10)
    links.heal()
    far.settimeout(5)
    assert far.recv(10) == b"there"


def test_a_link_that_is_cut_hangs_up_and_takes_nobody_until_it_is_healed(ends: Any) -> None:
    links, near, far = ends
    near.sendall(b"one")
    assert far.recv(10) == b"one"
    links.cut([(1, 0)])
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            if not far.recv(10):
                break
        except ConnectionResetError:
            break
    else:
        pytest.fail("it did not hang up")


def test_an_agent_is_hit_with_the_last_manager_that_it_hangs_on() -> None:
    hangs = {5: {0}, 6: {1}, 7: {0, 1}, 8: set[int]()}
    assert with_agents({0}, hangs) == {0, 5}
    assert with_agents(set(), hangs) == set()
    assert with_agents({0, 1}, hangs) == {0, 1, 5, 6, 7}
