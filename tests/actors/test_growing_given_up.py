"""Tables that a job gets are not wanted any more, and what brings a job back that has stopped. In virtual time."""

from __future__ import annotations

import pytest

from tests.actors.conftest import post
from tests.actors.growing import REPORTS, SIDE, checkpoints_of, settled, state_of, stops, tables_of, with_targets
from tests.actors.small_world import World, refused
from udup.actors.messages import Accepted, PauseJob, RegisterJob, Rejected, Rejection, ResumeJob
from udup.actors.table_messages import GiveUpTables, ReloadTables
from udup.jobs.growth import GrowthState


def _ignored(world: World) -> list[str]:
    """The tables of `s` that the job's document leaves out."""
    config = world.stored["j"].document["Tasks"][0]["Config"]
    return [table["TableName"] for each in config.get("ReplicateIgnoreDb", ()) for table in each["Tables"]]


@pytest.mark.parametrize("stored", [GrowthState.LEAVING, GrowthState.COPYING])
def test_a_reload_that_is_given_up_leaves_its_table_out_of_the_job(grown: World, stored: GrowthState) -> None:
    world = grown
    world.script(SIDE).target = refused("Dest", "no room on the disk")
    world.ask(ReloadTables("j", ("s.b",)))
    world.until(lambda: state_of(world) is stored)
    if stored is GrowthState.COPYING:
        world.until(lambda: SIDE in world.stored and world.stage(SIDE) == "failed")
    number, run = world.stored["j"].posted.number, world.job("j").run
    assert world.ask(GiveUpTables("j")).changed
    assert _ignored(world) == ["b"] and world.stored["j"].posted.number == number + 1
    assert world.job("j").run is run, "nothing of the job begins again for that"
    assert not world.ask(GiveUpTables("j")).changed, "once"
    world.until(lambda: settled(world))
    assert checkpoints_of(world).copies == ["j"] and not checkpoints_of(world).wrong
    assert isinstance(world.ask(ReloadTables("j", ("s.b",))), Rejected), "it does not have it any more"


@pytest.mark.parametrize("tables", ["b", "bx"])
def test_new_tables_are_given_up_while_others_have_left_and_the_job_has_what_stayed(grown: World, tables: str) -> None:
    """By a command, or by a document that chooses just that."""
    world = grown
    world.script(SIDE).reports = REPORTS[:2]
    post(world, ReplicateDoDb=tables_of("b", "c"))
    world.until(lambda: SIDE in world.stored and world.stage(SIDE) == "catching_up")
    before = world.ask(RegisterJob(world.document("j", ReplicateDoDb=tables_of("a", "b")), None))
    assert isinstance(before, Rejected) and "--give-up" in before.failure.text, "a is not followed any more"
    if tables == "b":
        post(world, ReplicateDoDb=tables_of("b"))
    else:
        assert world.ask(GiveUpTables("j")).changed
    world.until(lambda: settled(world))
    assert [world.stored["j"].spec().selection().wants("s", each) for each in "abc"] == [False, True, False]


def test_what_is_being_joined_is_not_given_up(grown: World) -> None:
    world = grown
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    world.until(lambda: state_of(world) is GrowthState.JOINING)
    answer = world.ask(GiveUpTables("j"))
    assert isinstance(answer, Rejected) and answer.reason is Rejection.NOT_NOW and "wait" in answer.failure.text
    world.until(lambda: settled(world))
    assert not world.ask(GiveUpTables("j")).changed, "there is nothing to give up"


def test_a_paused_job_gives_up_its_new_tables_and_stays_paused(grown: World) -> None:
    world = grown
    world.script(SIDE).reports = REPORTS[:2]
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    world.until(lambda: SIDE in world.stored and world.stage(SIDE) == "catching_up")
    world.ask(PauseJob("j"))
    world.ask(GiveUpTables("j"))
    world.until(lambda: list(world.stored) == ["j"] and world.stored["j"].growth is None)
    assert world.living == [] and world.stage("j") == "paused"
    world.ask(ResumeJob("j"))
    world.until(lambda: settled(world))


# ---- A job that has stopped ----


def test_a_reload_gets_a_job_going_that_has_stopped_at_the_table(grown: World) -> None:
    world = grown
    stops(world)
    assert isinstance(world.ask(ReloadTables("j", ("s.b",))), Accepted)
    world.until(lambda: settled(world))
    assert checkpoints_of(world).copies == ["j", SIDE] and checkpoints_of(world).joins == 1


@pytest.mark.parametrize("tables", ["a", "ac", "abc"])
def test_a_document_gets_a_job_going_that_has_stopped_whatever_tables_it_has(grown: World, tables: str) -> None:
    world = grown
    stops(world)
    post(world, ReplicateDoDb=tables_of(*tables))
    world.until(lambda: settled(world))
    assert not checkpoints_of(world).wrong


def test_a_paused_job_loads_its_table_again_when_it_is_resumed(grown: World) -> None:
    world = grown
    world.ask(PauseJob("j"))
    world.until(lambda: world.living == [])
    assert isinstance(world.ask(ReloadTables("j", ("s.b",))), Accepted)
    world.run(60)
    assert world.living == [] and world.stage("j") == "paused"
    world.ask(ResumeJob("j"))
    world.until(lambda: settled(world))
    assert checkpoints_of(world).copies == ["j", SIDE]


def test_a_job_that_stops_while_it_gets_tables_gives_them_up_and_loads_its_own_again(grown: World) -> None:
    world = grown
    world.script(SIDE).reports = REPORTS[:2]
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    world.until(lambda: SIDE in world.stored and world.stage(SIDE) == "catching_up")
    stops(world)
    answer = world.ask(ReloadTables("j", ("s.b",)))
    assert isinstance(answer, Rejected) and "udup job reload j --give-up" in answer.failure.text
    world.ask(GiveUpTables("j"))
    world.until(lambda: SIDE not in world.stored and world.stored["j"].growth is None)
    assert world.stage("j") == "failed"
    world.script(SIDE).reports = REPORTS
    world.ask(ReloadTables("j", ("s.b",)))
    world.until(lambda: settled(world))
    assert not checkpoints_of(world).wrong


def test_a_job_that_stops_while_it_loads_a_table_again_gives_that_up_and_goes_on_by_another_reload(
    grown: World,
) -> None:
    world = grown
    world.script(SIDE).reports = REPORTS[:2]
    world.ask(ReloadTables("j", ("s.a",)))
    world.until(lambda: SIDE in world.stored and world.stage(SIDE) == "catching_up")
    world.until(lambda: world.job("j").goes_on)
    stops(world)
    world.ask(GiveUpTables("j"))
    world.until(lambda: state_of(world) is GrowthState.CLOSING)
    answer = world.ask(ReloadTables("j", ("s.b",)))
    assert isinstance(answer, Rejected) and "udup job resume j" in answer.failure.text
    world.ask(ResumeJob("j"))
    world.until(lambda: world.stored["j"].growth is None)
    stops(world)
    world.script(SIDE).reports = REPORTS
    world.ask(ReloadTables("j", ("s.b",)))
    world.until(lambda: settled(world))
    assert not checkpoints_of(world).wrong


def test_a_resume_of_both_gives_both_their_attempts_again(grown: World) -> None:
    world = grown
    world.script(SIDE).target = refused("Dest", "there is a table c already")
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    world.until(lambda: SIDE in world.stored and world.stage(SIDE) == "failed")
    stops(world)
    world.script(SIDE).target = "full copy"
    world.ask(ResumeJob("j"))
    world.until(lambda: settled(world))


def test_a_job_that_has_ended_loads_nothing_again(world: World) -> None:
    with_targets(world)
    document = world.document("j", "migration", ReplicateDoDb=tables_of("a"))
    world.ask(RegisterJob(document, None))
    world.reaches("j", "completed")
    answer = world.ask(ReloadTables("j", ("s.a",)))
    assert isinstance(answer, Rejected) and "has ended" in str(answer.failure.faults)
