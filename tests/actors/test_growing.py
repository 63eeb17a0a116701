"""A job gets other tables while it goes on, whatever dies meanwhile. The real supervisor, in virtual time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.actors.conftest import post, running
from tests.actors.growing import REPORTS, SIDE, checkpoints_of, digest_of, settled, state_of, tables_of, with_targets
from tests.actors.small_world import World, refused, small_world, transient
from udup.actors.cutover_messages import StartCutover
from udup.actors.messages import (
    Accepted,
    DeleteJob,
    FinishJob,
    PauseJob,
    Progress,
    RegisterJob,
    Rejected,
    Rejection,
    ResumeJob,
)
from udup.actors.table_messages import GiveUpTables, ReloadTables
from udup.actors.task_settings import applier_settings, extractor_settings
from udup.base.errors import Failure, FailureKind
from udup.jobs.growth import GrowthState
from udup.jobs.progress import TaskReport
from udup.pipeline.cutover.state import Options
from udup.pipeline.ports import Scope

STORMS = int(os.environ.get("UDUP_STORMS", "6"))


# ---- More tables ----


def test_new_tables_are_copied_beside_the_job_and_joined_when_they_are_level(grown: World) -> None:
    world = grown
    run = world.job("j").run
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    assert world.job("j").run is run and not run.outdated, "the job goes on as it is"
    world.until(lambda: SIDE in world.stored and world.stage(SIDE) == "copying")
    apply = next(each for each in world.applies if each.settings.job == SIDE)
    assert apply.settings.selection.wants("s", "c") and not apply.settings.selection.wants("s", "a")
    assert world.job("j").run is run
    assert world.apart["j"].other.wants("s", "c") and not world.apart["j"].is_new, (
        "its log is told, without another run"
    )
    world.until(lambda: settled(world))
    assert len(world.runs["j"]) == 2 and len(world.runs[SIDE]) == 1, "one run each: nothing begins more often"
    assert checkpoints_of(world).copies == ["j", SIDE] and not checkpoints_of(world).wrong


def test_one_change_after_the_other_is_joined_though_the_run_of_the_first_join_goes_on(grown: World) -> None:
    world = grown
    for tables in ("abc", "abcd", "abcde"):
        post(world, ReplicateDoDb=tables_of(*tables))
        world.until(lambda: settled(world) and world.job("j").goes_on and world.job("j").progress.is_level)
    assert checkpoints_of(world).joins == 3 and len(world.runs["j"]) == 4


def test_the_records_say_what_older_versions_must_leave_alone_as_long_as_they_must(grown: World) -> None:
    world = grown
    assert world.stored["j"].format == 1
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    world.until(lambda: SIDE in world.stored)
    assert (world.stored["j"].format, world.stored[SIDE].format) == (2, 2)
    world.until(lambda: settled(world))
    assert world.stored["j"].format == 1


@pytest.mark.parametrize("state", list(GrowthState))
@pytest.mark.parametrize("dies", ["supervisor", "applier", "extractor", "side"])
def test_whatever_dies_at_whichever_step_the_tables_come_once(grown: World, state: GrowthState, dies: str) -> None:
    world = grown
    if state is GrowthState.ENDING:
        post(world, ReplicateDoDb=tables_of("a", "b", "c"))
        world.until(lambda: SIDE in world.stored)
        post(world, ReplicateDoDb=tables_of("a", "b"))
    elif state is GrowthState.CLOSING:
        world.ask(ReloadTables("j", ("s.b",)))
        world.until(lambda: SIDE in world.stored)
        world.ask(GiveUpTables("j"))
    else:
        post(world, ReplicateDoDb=tables_of("a", "c"))
    world.until(lambda: state_of(world) is state)
    for _ in range(4):
        match dies:
            case "supervisor":
                world.start()
            case "side":
                for role in ("applier", "extractor"):
                    if (child := world.child_of(role, SIDE)) is not None:
                        world.kill(child)
            case _:
                if (child := world.child_of(dies, "j")) is not None:
                    world.kill(child)
        world.run(0.02)
    world.until(lambda: settled(world), 300)
    checkpoints = checkpoints_of(world)
    assert not checkpoints.wrong and checkpoints.copies.count("j") == 1
    assert checkpoints.joins == (0 if state in (GrowthState.ENDING, GrowthState.CLOSING) else 1)


def test_a_side_job_that_comes_to_no_boundary_goes_on_and_is_joined_later(grown: World) -> None:
    world = grown
    world.script(SIDE).drains = transient()
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    world.until(lambda: len(world.runs[SIDE]) >= 2)
    assert state_of(world) is GrowthState.COPYING and checkpoints_of(world).joins == 0
    world.script(SIDE).drains = None
    world.until(lambda: settled(world))


def test_what_keeps_them_apart_lets_both_go_on_and_is_tried_again(grown: World) -> None:
    world = grown
    checkpoints_of(world).apart = "an XA transaction is prepared"
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    world.until(lambda: world.stored["j"].growth is not None and world.stored["j"].growth.problem != "")
    world.until(lambda: world.stage("j") == world.stage(SIDE) == "running" and len(world.living) == 4)
    assert state_of(world) is GrowthState.COPYING and "XA" in world.stored["j"].growth.problem  # type: ignore[union-attr]
    checkpoints_of(world).apart = ""
    world.until(lambda: settled(world))
    assert checkpoints_of(world).copies.count(SIDE) == 1 and not checkpoints_of(world).wrong


def test_a_pause_holds_the_new_tables_as_well_and_a_resume_goes_on_with_both(grown: World) -> None:
    world = grown
    world.script(SIDE).reports = REPORTS[:2]
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    world.until(lambda: SIDE in world.stored and world.stage(SIDE) == "catching_up")
    world.ask(PauseJob("j"))
    world.until(lambda: world.living == [])
    world.script(SIDE).reports = REPORTS
    world.run(60)
    assert world.living == [] and state_of(world) is GrowthState.COPYING
    world.ask(ResumeJob("j"))
    world.until(lambda: settled(world))


@pytest.mark.parametrize("purge", [False, True])
@pytest.mark.parametrize("restarts", [False, True])
def test_a_job_that_is_deleted_leaves_nothing_of_its_new_tables(grown: World, purge: bool, restarts: bool) -> None:
    world = grown
    world.script(SIDE).reports = REPORTS[:2]
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    world.until(lambda: SIDE in checkpoints_of(world).of)
    world.send(DeleteJob("j", purge=purge))
    world.until(lambda: "j" not in world.stored)
    if restarts:
        world.start()
    world.until(world.is_empty)
    assert checkpoints_of(world).of.keys() == (set() if purge else {"j"})


def test_another_document_meanwhile_counts_for_both_and_other_tables_wait(grown: World) -> None:
    world = grown
    world.script(SIDE).reports = REPORTS[:2]
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    world.until(lambda: SIDE in world.stored)
    answer = world.ask(RegisterJob(world.document("j", ReplicateDoDb=tables_of("a", "d")), None))
    assert isinstance(answer, Rejected) and answer.reason is Rejection.NOT_NOW and "wait" in answer.failure.text.lower()
    post(world, ReplicateDoDb=tables_of("a", "b", "c"), ParallelWorkers=7)
    world.until(lambda: world.stored[SIDE].spec().parallel_workers == 7)
    world.script(SIDE).reports = REPORTS
    world.kill(world.child_of("applier", SIDE))
    world.until(lambda: settled(world))


def test_new_tables_are_given_up_by_the_document_of_before(grown: World) -> None:
    world = grown
    world.script(SIDE).target = refused("Dest", "there is a table c already")
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    world.until(lambda: SIDE in world.stored and world.stage(SIDE) == "failed")
    assert world.stage("j") == "running", "the job goes on"
    post(world, ReplicateDoDb=tables_of("a", "b"))
    world.until(lambda: settled(world))
    assert SIDE in world.purged


def test_a_side_job_that_has_failed_gets_its_attempts_again_by_a_resume(grown: World) -> None:
    world = grown
    world.script(SIDE).target = refused("Dest", "there is a table c already")
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    world.until(lambda: SIDE in world.stored and world.stage(SIDE) == "failed")
    world.script(SIDE).target = "full copy"
    run = world.job("j").run
    assert world.ask(ResumeJob("j")).changed
    assert world.job("j").run is run, "the job itself goes on"
    world.until(lambda: settled(world))


def test_nobody_may_touch_a_side_job_by_its_name(grown: World) -> None:
    world = grown
    world.script(SIDE).reports = REPORTS[:2]
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    world.until(lambda: SIDE in world.stored)
    for command in (PauseJob(SIDE), DeleteJob(SIDE), ResumeJob(SIDE)):
        answer = world.ask(command)
        assert isinstance(answer, Rejected) and answer.reason is Rejection.UNKNOWN_JOB


def test_a_job_that_gets_tables_is_not_cut_over(grown: World) -> None:
    world = grown
    world.script(SIDE).reports = REPORTS[:2]
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    answer = world.ask(StartCutover("j", Options()))
    assert isinstance(answer, Rejected) and "wait until they are live" in answer.failure.text


def test_a_migration_that_gets_tables_ends_when_it_has_them(world: World) -> None:
    with_targets(world)
    document = world.document("j", "migration", ReplicateDoDb=tables_of("a"))
    document["EndWhen"] = "finished"
    world.ask(RegisterJob(document, None))
    world.reaches("j", "running")
    world.script(SIDE).reports = REPORTS[:2]
    document["Tasks"][0]["Config"]["ReplicateDoDb"] = tables_of("a", "b")
    document["Tasks"][1]["Config"]["ReplicateDoDb"] = tables_of("a", "b")
    assert isinstance(world.ask(RegisterJob(document, None)), Accepted)
    world.ask(FinishJob("j"))
    world.run(60)
    assert world.stage("j") == "running"
    world.script(SIDE).reports = REPORTS
    world.kill(world.child_of("applier", SIDE))
    world.reaches("j", "completed")
    assert not checkpoints_of(world).wrong and checkpoints_of(world).of == {"j": digest_of(world)}


# ---- Fewer, and the same once more ----


def test_both_tasks_of_a_run_have_the_tables_that_it_began_with(grown: World) -> None:
    """Else one would leave out what the other takes for done, and a supervisor that dies now knows of no change."""
    job = grown.job("j")
    run = job.run
    grown.ask(ReloadTables("j", ("s.b",)))
    assert job.record.growth is not None and run is not None
    for selection in (applier_settings(job, run).selection, extractor_settings(job, run).scope.selection):
        assert selection.wants("s", "a") and selection.wants("s", "b")


def test_a_job_lets_go_of_tables_without_a_copy(grown: World) -> None:
    world = grown
    post(world, ReplicateDoDb=tables_of("a"))
    world.until(lambda: settled(world))
    assert checkpoints_of(world).copies == ["j"] and SIDE not in world.runs


def test_a_table_is_loaded_again_when_the_job_has_let_go_of_it(grown: World) -> None:
    world = grown
    world.ask(ReloadTables("j", ("s.b",)))
    world.until(lambda: SIDE in world.stored)
    without = [each.settings for each in world.applies if each.settings.job == "j"][-1]
    assert not without.selection.wants("s", "b") and without.leaves
    world.until(lambda: settled(world))
    side = next(each.settings for each in world.applies if each.settings.job == SIDE)
    assert side.drop_existing and side.selection.wants("s", "b") and not side.selection.wants("s", "a")
    assert checkpoints_of(world).joins == 1


@pytest.mark.parametrize("tables", [("s.x",), (), ("b",)])
def test_what_the_job_does_not_have_is_not_loaded_again(grown: World, tables: tuple[str, ...]) -> None:
    answer = grown.ask(ReloadTables("j", tables))
    assert isinstance(answer, Rejected) and answer.reason is Rejection.REFUSED


def test_a_table_that_stays_under_another_name_is_refused_and_the_job_goes_on(grown: World) -> None:
    world = grown
    renamed = [{"TableSchema": "s", "Tables": [{"TableName": "a", "TableRename": "x"}, {"TableName": "b"}]}]
    answer = world.ask(RegisterJob(world.document("j", ReplicateDoDb=renamed), None))
    assert isinstance(answer, Rejected) and "take the table out" in str(answer.failure.faults)
    assert world.job("j").run is not None and not world.job("j").run.outdated


# ---- All of it, by chance ----


@pytest.mark.parametrize("seed", range(STORMS))
def test_tables_come_and_go_by_chance_while_everything_dies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seed: int
) -> None:
    with small_world(monkeypatch, tmp_path, seed) as world:
        with_targets(world)
        running(world, ReplicateDoDb=tables_of("a", "b"))
        _storm(world)
        world.ask(ResumeJob("j"), 120)
        world.until(lambda: settled(world), 900)
        assert not checkpoints_of(world).wrong and checkpoints_of(world).copies.count("j") == 1


def _storm(world: World) -> None:
    dice, end = world.random, world.clock + 300
    while world.clock < end:
        acts: list[tuple[int, Callable[[], object]]] = [
            (3, lambda: world.send(RegisterJob(_any_document(world), None))),
            (2, lambda: world.send(ReloadTables("j", ("s.a",)))),
            (1, lambda: world.send(GiveUpTables("j"))),
            (1, lambda: _stops_at_once(world)),
            (1, lambda: world.send(PauseJob("j"))),
            (2, lambda: world.send(ResumeJob("j"))),
            (6, lambda: _kill_one(world)),
            (1, world.start),
            (2, lambda: setattr(checkpoints_of(world), "apart", dice.choice(["", "", "XA"]))),
        ]
        dice.choices([each for _, each in acts], [weight for weight, _ in acts])[0]()
        world.run(dice.random() * 6)
    checkpoints_of(world).apart = ""
    world.run(30)


def _any_document(world: World) -> dict[str, Any]:
    names = ["a", *(each for each in "bcd" if world.random.random() < 0.5)]
    return world.document("j", ReplicateDoDb=tables_of(*names))


def _stops_at_once(world: World) -> None:
    """The target contradicts the source, where a run is under way."""
    applier, run = world.child_of("applier", "j"), world.job("j").run
    if applier is not None and run is not None and applier.run == run.number:
        applier.end(run.number, Failure(FailureKind.DIVERGENCE, "u:6: no such row in s.a", table="s.a"))


def _kill_one(world: World) -> None:
    living = [each for each in world.children if each.alive and each.role in ("applier", "extractor", "store")]
    if living:
        world.kill(world.random.choice(living))


# ---- A statement that only both can carry ----

HELD = "held: it names tables that are still catching up together with others of the job: RENAME TABLE s.c TO s.d"


def _unsupported() -> Failure:
    return Failure(FailureKind.UNSUPPORTED, "u:7: RENAME TABLE takes s.c out of the job")


def _scope(world: World) -> Scope:
    """What the job's last run was told to read."""
    return next(each.settings.scope for each in reversed(world.extracts) if each.settings.job == "j")


def _holds(world: World, job: str) -> None:
    """The extractor of a job says that it stands at the statement."""
    extractor = world.child_of("extractor", job)
    extractor.tell(Progress("extractor", extractor.run, TaskReport.of({"held": HELD}), world.clock))


def test_a_side_job_that_stands_at_a_statement_is_joined_though_it_is_behind(grown: World) -> None:
    world = grown
    world.script(SIDE).reports = REPORTS[:2]
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    world.until(lambda: SIDE in world.stored and world.stage(SIDE) == "catching_up")
    world.run(30)
    assert checkpoints_of(world).joins == 0
    _holds(world, SIDE)
    world.until(lambda: world.stored["j"].growth is not None and world.stored["j"].growth.problem == HELD)
    world.until(lambda: settled(world))
    assert checkpoints_of(world).joins == 1 and not checkpoints_of(world).wrong


def test_a_run_that_did_not_know_of_the_new_tables_begins_again_and_holds(grown: World) -> None:
    world = grown
    world.script(SIDE).reports = REPORTS[:2]
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    world.until(lambda: SIDE in world.stored and world.stage(SIDE) == "catching_up")
    world.child_of("extractor", "j").end(world.job("j").run.number, _unsupported())
    world.until(lambda: _scope(world).apart is not None and world.job("j").goes_on and world.stage("j") == "running")
    apart = _scope(world).apart
    assert apart is not None and apart.other.wants("s", "c") and apart.whole.wants("s", "a")
    _holds(world, "j")
    world.until(lambda: world.stored["j"].growth is not None and world.stored["j"].growth.problem == HELD)
    world.run(30)
    assert len(world.runs["j"]) == 2, "it waits for the new tables"
    _holds(world, SIDE)
    world.until(lambda: settled(world))


def test_a_run_that_knows_of_them_and_stops_all_the_same_fails_the_job(grown: World) -> None:
    world = grown
    world.script(SIDE).reports = REPORTS[:2]
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    world.until(lambda: SIDE in world.stored and world.stage(SIDE) == "catching_up")
    for runs in (2, 2):
        world.child_of("extractor", "j").end(world.job("j").run.number, _unsupported())
        world.until(lambda: world.stage("j") == "failed" or (len(world.runs["j"]) == runs and world.job("j").goes_on))  # noqa: B023
    world.reaches("j", "failed")


def test_what_was_held_for_tables_that_are_given_up_is_read_by_a_run_that_knows_of_none(grown: World) -> None:
    world = grown
    world.script(SIDE).reports = REPORTS[:2]
    post(world, ReplicateDoDb=tables_of("a", "b", "c"))
    world.until(lambda: SIDE in world.stored and world.stage(SIDE) == "catching_up")
    world.child_of("extractor", "j").end(world.job("j").run.number, _unsupported())
    world.until(lambda: len(world.runs["j"]) == 2 and world.job("j").goes_on)
    _holds(world, "j")
    world.until(lambda: world.stored["j"].growth is not None and world.stored["j"].growth.problem == HELD)
    post(world, ReplicateDoDb=tables_of("a", "b"))
    world.until(lambda: settled(world))
    assert _scope(world).apart is None and len(world.runs["j"]) == 3
