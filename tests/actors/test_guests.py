"""A job whose Src is on another node, as the supervisors of the two see it: what they say, hire and end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.actors.conftest import cluster_of
from tests.actors.small_cluster import HERE, OTHER
from tests.actors.small_world import World, small_world
from udup.actors.guest_messages import EndGuest, GuestSays, TellGuest
from udup.actors.messages import Accepted, PauseJob, Progress, RegisterJob, RunEnded
from udup.base.errors import Failure, FailureKind
from udup.cluster.beats import Role
from udup.cluster.guest_words import BeginExtract, Ended, LookAtSource, Looked, Reported, Word
from udup.cluster.guests import GuestLost, GuestOrdered, GuestOver, GuestSaid
from udup.cluster.owners import NOWHERE
from udup.cluster.view import NodeSeen
from udup.jobs.progress import TaskReport


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    with small_world(monkeypatch, tmp_path, clustered=True) as world:
        _node(world, is_here=True)
        world.run(1)
        yield world


def _node(world: World, *, is_here: bool) -> None:
    cluster_of(world).nodes = (NodeSeen(OTHER, "far", Role.AGENT, "dc1", "", "", is_here),)
    cluster_of(world).show()


def _told(world: World, kind: type[object]) -> list[Word]:
    told = [each for each in cluster_of(world).guests if isinstance(each, (TellGuest, GuestSays))]
    return [each.word for each in told if isinstance(each.word, kind)]


# ---- The owner ----


def _begun(world: World) -> int:
    """A job that is this node's, its source on another: the run's number when the guest is to look."""
    assert isinstance(world.ask(RegisterJob(world.document("a"), None)), Accepted)
    cluster_of(world).give("a", source=OTHER)
    world.until(lambda: bool(_told(world, LookAtSource)))
    return int(world.job("a").run.number)


def _says(world: World, run: int, word: Word) -> None:
    cluster_of(world).tell(GuestSaid("a", run, word))


def _running(world: World) -> int:
    run = _begun(world)
    _says(world, run, Looked(look=b"()"))
    world.until(lambda: bool(_told(world, BeginExtract)))
    assert all(each.reads_packed for each in _told(world, BeginExtract) if isinstance(each, BeginExtract))
    applier = world.child_of("applier", "a")
    applier.report({"stage": "running", "lag_ms": 0})
    world.reaches("a", "running")
    return run


def test_the_owner_runs_the_job_with_a_guest_and_has_no_extractor(world: World) -> None:
    run = _running(world)
    assert world.living == [("applier", "a")]
    assert world.applies[-1].settings.from_other_node
    (look,) = _told(world, LookAtSource)
    assert isinstance(look, LookAtSource) and look.index == world.stored["a"].job_modify_index
    assert look.revision <= cluster_of(world).revisions["a"][0]
    report = TaskReport.of({"extracted_transactions": 7}).to_json()
    _says(world, run, Reported(report=report, at=world.clock))
    world.until(lambda: world.job("a").progress.extracted_transactions == 7)
    world.ask(PauseJob("a"))
    world.reaches("a", "paused")
    assert EndGuest("a", run) in cluster_of(world).guests


def test_a_guest_that_is_lost_is_waited_for_without_end_and_no_run_begins_while_its_node_is_away(world: World) -> None:
    run = _running(world)
    cluster_of(world).tell(GuestLost("a", run, "was not heard for 3 s"))
    _node(world, is_here=False)
    world.run(600)
    assert world.stored["a"].outage is not None and "on node far (other)" in world.stored["a"].outage.why
    assert len(world.runs["a"]) <= 2, "tries that cannot come to anything"
    assert world.stage("a") != "failed"
    _node(world, is_here=True)
    world.until(lambda: world.job("a").run is not None and world.job("a").run.number > run, 30)


def test_what_the_extractor_over_there_fails_by_ends_the_run_as_here(world: World) -> None:
    run = _running(world)
    _says(world, run, Ended(failure=Failure(FailureKind.TRANSIENT, "the extractor died")))
    world.until(lambda: len(_told(world, LookAtSource)) == 2)
    _says(world, run, Looked(look=b"()"))  # late, of the run before
    world.run(1)
    assert len(_told(world, BeginExtract)) == 1


def test_a_look_that_this_version_cannot_read_is_another_try(world: World) -> None:
    _says(world, _begun(world), Looked(look=b"{}"))
    world.until(lambda: len(_told(world, LookAtSource)) == 2)
    assert any("speaks another version" in str(each) for each in world.logged)


def test_a_source_that_moves_ends_the_run_and_the_next_reads_it_there(world: World) -> None:
    run = _running(world)
    cluster_of(world).give("a")  # this node reads it itself now
    world.until(lambda: world.living == [("applier", "a"), ("extractor", "a")])
    assert world.job("a").run.number > run and EndGuest("a", run) in cluster_of(world).guests


def test_a_keeper_that_dies_ends_the_runs_of_guests_and_they_begin_again(world: World) -> None:
    run = _running(world)
    world.kill(world.child_of("keeper", ""))
    world.until(lambda: len(_told(world, LookAtSource)) == 2)
    assert world.job("a").run.number > run


# ---- Where the guest is ----


def _stored(world: World) -> LookAtSource:
    """A job of another node, and what its owner says of it."""
    assert isinstance(world.ask(RegisterJob(world.document("a"), None)), Accepted)
    cluster_of(world).give("a", OTHER)
    world.run(1)
    assert not world.supervisor._jobs
    record, (revision, _) = world.stored["a"], cluster_of(world).revisions["a"]
    return LookAtSource(revision=revision, incarnation=record.incarnation, index=record.job_modify_index)


def _order(world: World, run: int, word: Word) -> None:
    cluster_of(world).granted[run] = "a", 0  # to its owner
    cluster_of(world).tell(GuestOrdered("a", run, word))


def test_a_guest_is_hired_by_the_record_and_reads_what_its_owner_says(world: World) -> None:
    _order(world, 7, _stored(world))
    world.until(lambda: bool(_told(world, Looked)))
    assert world.living == [("extractor", "a")]
    _order(world, 7, BeginExtract(start_after="u:1-5", stamps="s", copy_first=("x.y",), reads_packed=True))
    world.until(lambda: bool(world.extracts))
    settings = world.extracts[-1].settings
    assert (settings.run, settings.start_after, settings.stamps) == (7, "u:1-5", "s")
    assert settings.to_other_node and settings.compresses
    extractor = world.child_of("extractor", "a")
    extractor.tell(Progress("extractor", 7, TaskReport.of({"sent_messages": 3}), 1.0))
    world.until(lambda: bool(_told(world, Reported)))
    cluster_of(world).tell(GuestOver("a", 7, "its run has ended"))
    world.until(lambda: not world.living)


def test_an_owner_of_a_version_before_gets_what_it_reads(world: World) -> None:
    """It says nothing of compressed messages, would fail the job for one, and sends no marks back."""
    _order(world, 7, _stored(world))
    world.until(lambda: bool(_told(world, Looked)))
    _order(world, 7, BeginExtract(start_after="u:1-5"))
    world.until(lambda: bool(world.extracts))
    settings = world.extracts[-1].settings
    assert not settings.to_other_node and not settings.compresses


def test_a_guest_of_another_document_or_of_no_record_is_none(world: World) -> None:
    wanted = _stored(world)
    other = LookAtSource(revision=wanted.revision, incarnation=wanted.incarnation, index=wanted.index + 2)
    _order(world, 7, other)
    world.until(lambda: bool(_told(world, Ended)))
    _order(world, 9, LookAtSource(revision=wanted.revision + 9, incarnation="", index=0))
    world.until(lambda: len(_told(world, Ended)) == 2)
    assert not world.living
    texts = [each.failure.text for each in _told(world, Ended) if isinstance(each, Ended)]
    assert "another document" in texts[0] and "is stored elsewhere" in texts[1]


def test_a_guest_that_dies_or_fails_is_told_to_its_owner(world: World) -> None:
    wanted = _stored(world)
    _order(world, 7, wanted)
    world.until(lambda: bool(_told(world, Looked)))
    world.kill(world.child_of("extractor", "a"))
    world.until(lambda: bool(_told(world, Ended)))
    _order(world, 9, wanted)
    world.until(lambda: len(_told(world, Looked)) == 2)
    failure = Failure(FailureKind.UNSUPPORTED, "a statement", gtid="u:3")
    world.child_of("extractor", "a").tell(RunEnded("extractor", 9, failure))
    world.until(lambda: len(_told(world, Ended)) == 2)
    assert [each for each in _told(world, Ended) if isinstance(each, Ended)][1].failure == failure


def test_a_node_that_gets_the_job_itself_ends_its_guest_first(world: World) -> None:
    _order(world, 7, _stored(world))
    world.until(lambda: bool(_told(world, Looked)))
    guest = world.child_of("extractor", "a")
    cluster_of(world).give("a", HERE)
    world.reaches("a", "running")
    assert not guest.alive and world.living == [("applier", "a"), ("extractor", "a")]
    _order(world, 7, LookAtSource(revision=0, incarnation="", index=0))
    world.run(1)
    own = world.child_of("extractor", "a")
    own.tell(Progress("extractor", own.run, TaskReport.of({"sent_messages": 3}), 1.0))
    world.until(lambda: world.job("a").progress.sent_messages == 3)


def test_no_run_begins_while_the_source_is_nowhere(world: World) -> None:
    assert isinstance(world.ask(RegisterJob(world.document("a"), None)), Accepted)
    cluster_of(world).give("a", source=NOWHERE)
    world.run(30)
    assert not world.living and world.stage("a") == "pending" and not _told(world, LookAtSource)
    cluster_of(world).give("a", source=OTHER)
    world.until(lambda: bool(_told(world, LookAtSource)))


def test_without_its_keeper_a_node_has_no_guests(world: World) -> None:
    _order(world, 7, _stored(world))
    world.until(lambda: bool(_told(world, Looked)))
    world.kill(world.child_of("keeper", ""))
    world.until(lambda: not world.living)


def test_a_guest_that_looks_again_while_the_store_keeper_dies_is_answered_by_the_next(world: World) -> None:
    wanted = _stored(world)
    _order(world, 7, wanted)
    world.until(lambda: bool(_told(world, Looked)))
    world.kill(world.child_of("store", ""))
    _order(world, 7, wanted)
    world.until(lambda: len(_told(world, Looked)) == 2)
    world.run(1)
    assert len(_told(world, Looked)) == 2
