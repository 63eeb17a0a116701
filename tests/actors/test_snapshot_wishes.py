"""`udup job snapshot` as the supervisor carries it out: stored, answered, then the next run is told of it."""

from __future__ import annotations

import pytest

from tests.actors.conftest import post
from tests.actors.small_world import World
from tests.jobs.subscriptions import to_nats
from udup.actors.messages import Accepted, PauseJob, RegisterJob, Rejected, Rejection, ResumeJob
from udup.actors.table_messages import WishSnapshot
from udup.base import remedies
from udup.base.errors import Failure, FailureKind, Fault


@pytest.fixture
def following(world: World) -> World:
    """A world in which the subscription `events` follows the log."""
    posted = to_nats({"Stream": "S"}, {"ReplicateDoDb": [{"TableSchema": "s"}]})
    assert isinstance(world.ask(RegisterJob(posted, None)), Accepted)
    world.reaches("events", "running")
    return world


def _wishes(world: World) -> list[tuple[int, tuple[str, ...]]]:
    """The wishes that the last run was told of."""
    return list(world.extracts[-1].settings.wishes)


def test_a_wish_is_stored_and_a_new_run_begins_with_it(following: World) -> None:
    before = following.extracts[-1].run
    assert isinstance(following.ask(WishSnapshot("events", ("s.t", "s.u"))), Accepted)
    assert [each.tables for each in following.stored["events"].wishes] == [("s.t", "s.u")]
    following.until(lambda: following.extracts[-1].run > before)
    assert _wishes(following) == [(1, ("s.t", "s.u"))]
    following.reaches("events", "running")
    assert following.stored["events"].restarts == 0, "it is drained, and no run has failed"


def test_each_wish_has_a_number_of_its_own_and_outlives_the_node(following: World) -> None:
    following.ask(WishSnapshot("events", ("s.t",)))
    following.ask(WishSnapshot("events", ("s.t",)))
    following.start()
    following.until(lambda: _wishes(following) == [(1, ("s.t",)), (2, ("s.t",))])


def test_a_wish_of_a_paused_subscription_waits_until_it_is_resumed(following: World) -> None:
    following.ask(PauseJob("events"))
    following.reaches("events", "paused")
    runs = len(following.extracts)
    assert isinstance(following.ask(WishSnapshot("events", ("s.t",))), Accepted)
    following.run(30)
    assert len(following.extracts) == runs and following.stage("events") == "paused"
    following.ask(ResumeJob("events"))
    following.until(lambda: len(following.extracts) > runs)
    assert _wishes(following) == [(1, ("s.t",))]


@pytest.mark.parametrize("tables", [(), ("other.t",), ("t",), ("s.t", "other.t")])
def test_tables_that_the_job_does_not_have_are_refused_and_nothing_changes(
    following: World, tables: tuple[str, ...]
) -> None:
    runs = len(following.extracts)
    answer = following.ask(WishSnapshot("events", tables))
    assert isinstance(answer, Rejected) and answer.reason is Rejection.REFUSED
    following.run(5)
    assert len(following.extracts) == runs and not following.stored["events"].wishes


def test_a_job_to_a_database_has_no_such_snapshots_and_nobodys_job_neither(world: World) -> None:
    post(world, "j")
    assert "is no subscription" in world.ask(WishSnapshot("j", ("s.t",))).failure.text
    assert world.ask(WishSnapshot("nobody", ("s.t",))).reason is Rejection.UNKNOWN_JOB


def test_a_subscription_that_lost_the_log_is_told_to_make_a_snapshot(following: World) -> None:
    fault = Fault("Src s:1", "the source has purged its log", f"keep it longer, and {remedies.COPY_AGAIN}")
    extractor = following.child_of("extractor", "events")
    extractor.end(extractor.run, Failure(FailureKind.REFUSED, str(fault), faults=(fault,)))
    following.reaches("events", "failed")
    told = following.stored["events"].status_description
    assert "begin with a new snapshot: udup job delete --purge events" in told
    assert remedies.COPY_AGAIN not in told
