"""Each side of a job has a state of its own: both servers may be away, each since a time of its own."""

from __future__ import annotations

import pytest

from tests.actors.conftest import post, running
from tests.actors.small_children import Info
from tests.actors.small_world import World, refused, transient
from tests.actors.test_outages import LEVEL, away, outage
from udup.actors.messages import PauseJob, ResumeJob
from udup.actors.outages import OTHER_SERVER_SECONDS
from udup.base.errors import Failure, FailureKind, Side
from udup.jobs.outage import Away
from udup.pipeline.ports import SourceLook


def _sides(world: World) -> dict[Side, Away]:
    return {each.side: each for each in outage(world).sides}


def _both_down(world: World) -> None:
    """The source is lost first, and no run that is tried reaches either of them."""
    running(world)
    world.script("j").look = away(Side.SOURCE, "the source refuses")
    world.script("j").target = away(Side.TARGET, "the target refuses")
    extractor = world.child_of("extractor", "j")
    extractor.end(extractor.run, away(Side.SOURCE, "the source is gone"))


def test_two_servers_that_are_away_are_both_told_each_since_when_and_why(world: World) -> None:
    _both_down(world)
    world.until(lambda: world.job("j").record.outage is not None)
    assert set(_sides(world)) == {Side.SOURCE}, "of the other one nothing was heard yet"
    began = world.clock
    world.until(lambda: len(outage(world).sides) == 2, 5)
    world.run(60)
    source, target = _sides(world)[Side.SOURCE], _sides(world)[Side.TARGET]
    assert (source.to, target.to) == ("nobody@127.0.0.1:1", "nobody@127.0.0.1:2")
    assert (source.why, target.why) == ("the source refuses", "the target refuses")
    assert source.since == outage(world).since < target.since < began + 5
    shown = world.stored["j"].shown_progress(world.shown["j"]).reconnecting
    assert shown is not None and shown.sides is not None
    assert [(each.side, each.next_try) for each in shown.sides] == [
        ("source", shown.next_try),
        ("target", shown.next_try),
    ]
    assert shown.side == "source", "the one that was told first goes on being told first"


def test_a_side_that_is_back_is_told_while_the_other_is_away(world: World) -> None:
    _both_down(world)
    world.until(lambda: world.job("j").record.outage is not None and len(outage(world).sides) == 2)
    target = _sides(world)[Side.TARGET]
    world.script("j").look = SourceLook(Info())
    world.until(lambda: len(outage(world).sides) == 1)
    assert _sides(world) == {Side.TARGET: target}
    assert (outage(world).side, outage(world).why) == (Side.TARGET, "the target refuses")
    world.script("j").target = "x:1"
    world.until(lambda: world.stored["j"].outage is None)


def test_a_second_server_that_hangs_is_told_after_a_while(world: World) -> None:
    world.script("j").look = away(Side.SOURCE, "refused")
    world.script("j").target = None
    post(world)
    world.until(lambda: world.job("j").record.outage is not None, OTHER_SERVER_SECONDS + 5)
    assert _sides(world)[Side.TARGET].why == "the target did not answer in 15 s"
    assert outage(world).side is Side.SOURCE


def test_a_second_server_that_has_something_in_the_way_is_not_away(world: World) -> None:
    world.script("j").look = away(Side.SOURCE, "refused")
    world.script("j").target = None
    post(world)
    world.until(lambda: world.runs["j"] != [])
    world.run(1)
    world.child_of("applier", "j").report({"waiting_for": {"what": "take-over", "since": 1, "side": "target"}})
    world.until(lambda: world.job("j").record.outage is not None, OTHER_SERVER_SECONDS + 5)
    assert set(_sides(world)) == {Side.SOURCE}


def test_what_the_other_side_refuses_later_is_not_waited_for(world: World) -> None:
    world.script("j").look = away(Side.SOURCE)
    world.script("j").target = refused("Dest d:1", "no grant")
    post(world)
    world.reaches("j", "failed")
    assert world.stored["j"].status_description == "Dest d:1: no grant"


def test_a_process_that_dies_while_a_server_is_away_counts_for_nothing(world: World) -> None:
    world.attempts = 2
    world.script("j").look = away(Side.SOURCE)
    world.script("j").target = transient("ApplyWorker 1 died")
    post(world)
    world.run(300)
    assert world.stage("j") != "failed"
    assert set(_sides(world)) == {Side.SOURCE} and outage(world).attempts > 5


def test_a_job_can_be_paused_while_it_asks_the_second_server(world: World) -> None:
    world.script("j").look = away(Side.SOURCE)
    world.script("j").target = None
    post(world)
    world.run(2)
    world.ask(PauseJob("j"))
    world.reaches("j", "paused", 5)
    assert world.stored["j"].outage is None


def test_a_lock_on_one_side_leaves_the_other_as_it_is(world: World) -> None:
    world.script("j").look = away(Side.SOURCE)
    world.script("j").target = Failure(FailureKind.CONTENDED, "a lock", side=Side.TARGET)
    post(world)
    world.run(60)
    assert set(_sides(world)) == {Side.SOURCE}


# ---- The lag from the moment of a loss on ----


def test_the_lag_of_a_job_at_rest_grows_from_its_loss_on_and_not_from_its_last_report(world: World) -> None:
    """Reports that say the same are not sent: the last one may be 10 s old."""
    world.script("j").reports = LEVEL
    running(world)
    world.run(9)
    world.script("j").target = away()
    applier = world.child_of("applier", "j")
    lost = world.clock
    applier.end(applier.run, away())
    world.until(lambda: world.job("j").record.outage is not None)
    until = outage(world).current_until
    assert until is not None and lost - 6 <= until <= lost
    world.until(lambda: world.shown["j"].current_until == until)


@pytest.mark.parametrize("role", ["extractor", "applier"])
def test_the_lag_grows_from_the_death_of_a_process_on(world: World, role: str) -> None:
    world.script("j").reports = LEVEL
    running(world)
    world.run(9)
    world.script("j").reports = ()
    lost = world.clock
    world.kill(world.child_of(role, "j"))
    world.until(lambda: not world.shown["j"].level)
    world.run(3)
    shown = world.stored["j"].shown_progress(world.shown["j"], world.clock)
    assert shown.lag_ms is not None and (world.clock - lost) * 1000 <= shown.lag_ms <= (world.clock - lost + 6) * 1000
    assert shown.level is False


# ---- A job that is carried on ----


def _unknown(world: World) -> None:
    """See that the lag is unknown at every moment until the new run has told one, and is that one then."""
    seen = set()
    for _ in range(300):
        shown = world.stored["j"].shown_progress(world.shown.get("j"), world.clock)
        seen.add((world.stored["j"].stage.value, shown.lag_ms, shown.tx_per_s or 0.0))
        world.run(0.01)
    assert {lag for _, lag, _ in seen} == {None, 7}, seen
    assert {rate for _, _, rate in seen} == {0.0, 1.0}
    assert ("running", 7, 1.0) in seen and ("pending", None, 0.0) in seen


@pytest.mark.parametrize("ended", ["paused", "failed", "completed"])
@pytest.mark.parametrize("supervisor_died", [False, True])
def test_the_lag_after_a_job_is_resumed_is_that_of_its_new_run(world: World, ended: str, supervisor_died: bool) -> None:
    busy = {"stage": "running", "level": ended == "completed", "lag_ms": 400, "tx_per_s": 35.0, "source_gtid": "u:1"}
    world.script("j").reports = (busy,)
    post(world, kind="migration" if ended == "completed" else "synchronous")
    if ended != "completed":
        world.reaches("j", "running")
        world.run(5)
    if ended == "paused":
        world.ask(PauseJob("j"))
    elif ended == "failed":
        applier = world.child_of("applier", "j")
        applier.end(applier.run, Failure(FailureKind.DIVERGENCE, "a row is not there"))
    world.reaches("j", ended)
    world.run(100)
    if supervisor_died:
        world.start()
        world.run(1)
    world.script("j").target = "u:1"
    world.script("j").reports = ({"stage": "catching_up"}, {"stage": "running", "lag_ms": 7, "tx_per_s": 1.0})
    world.ask(ResumeJob("j"))
    _unknown(world)


def test_another_document_says_nothing_of_the_lag_before(world: World) -> None:
    world.script("j").reports = ({"stage": "running", "lag_ms": 400, "tx_per_s": 35.0},)
    running(world)
    world.run(100)
    world.script("j").target = "u:1"
    world.script("j").reports = ({"stage": "catching_up"}, {"stage": "running", "lag_ms": 7, "tx_per_s": 1.0})
    post(world, ParallelWorkers=2)
    _unknown(world)
