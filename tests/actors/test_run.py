"""What follows from what a run has learnt, without any actor; and that nothing of it reaches the next run."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

import udup.actors.job
from tests.actors.small_children import Info
from udup.actors.job import Job, Step
from udup.actors.messages import Ready, Wake
from udup.actors.run import Next, Phase, Run, RunNumbers, tasks_at_fault
from udup.actors.task_settings import applier_settings, extractor_settings
from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Failure, FailureKind, Fault
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.client.privileges import Privileges
from udup.drivers.registry import Registry
from udup.jobs import DesiredState, JobProgress, JobRecord, Stage, TaskType, accept
from udup.jobs.progress import TaskReport
from udup.jobs.signs import SignsOfLife
from udup.pipeline.ports import SourceLook
from udup.pipeline.transport.link import token_of
from udup.sandbox.api import job_document

FACTS = ServerFacts("127.0.0.1:1", "'a'@'%'", (9, 7, 0), "9.7.0", False, {}, Privileges((), False), {}, frozenset())

LOOK = SourceLook(Info())

REFUSAL = Fault("Dest t:1", "the target refuses")


def _job(**document: Any) -> Job:
    here = Endpoint("127.0.0.1", 1, "nobody", "")
    spec, kept = accept({**job_document("j", here, replace(here, port=2), ["s"]), "ID": "j", **document})
    return Job(JobRecord(id=spec.id, document=kept), spec, "nats://127.0.0.1:1", 1 << 20)


def _ready(run: Run, start_after: str | None = None) -> Ready:
    return Ready(run.number, start_after, Info(), "stamps", "uuid")


def _desired(job: Job, desired: DesiredState = DesiredState.RUN, stage: Stage = Stage.PENDING) -> None:
    job.record = job.record.model_copy(update={"desired": desired, "stage": stage})


# ---- Starting ----


def test_nothing_is_decided_before_both_sides_have_answered() -> None:
    run = Run(1)
    assert run.next_step() is Next.WAIT
    run.source_seen(LOOK)
    assert run.next_step() is Next.WAIT
    run.target_ready(_ready(run))
    assert run.next_step() is Next.CHECK, "a full copy needs no second look"


def test_with_a_checkpoint_the_source_is_looked_at_once_more_after_it_was_read() -> None:
    run = Run(1)
    run.target_ready(_ready(run, "x:1-5"))
    run.source_seen(LOOK)
    assert run.next_step() is Next.LOOK_AGAIN
    run.look_again()
    assert run.next_step() is Next.WAIT
    run.source_seen(LOOK)
    assert run.next_step() is Next.CHECK and run.start_after == "x:1-5"


def test_a_source_with_faults_is_not_looked_at_again() -> None:
    run = Run(1)
    run.source_seen(SourceLook(Info(), (Fault("Src", "no log"),)))
    run.target_ready(_ready(run, "x:1-5"))
    assert run.next_step() is Next.CHECK


@pytest.mark.parametrize("refuses_first", [True, False])
def test_a_refusal_is_an_answer(refuses_first: bool) -> None:
    run = Run(1)
    steps = [lambda: run.refused("applier", [REFUSAL]), lambda: run.source_seen(LOOK)]
    for step in steps if refuses_first else reversed(steps):
        assert run.next_step() is Next.WAIT
        step()
    assert run.next_step() is Next.CHECK
    assert run.refusals == [replace(REFUSAL, task="Dest")], "whose fault it is, is known by who refused"


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.STARTING])
def test_late_answers_decide_nothing(phase: Phase) -> None:
    run = Run(1, phase, source=LOOK)
    run.target_ready(_ready(run))
    assert run.next_step() is Next.WAIT and not run.may_refuse


# ---- A run finds nothing of the one before ----


def test_a_run_is_made_anew_and_has_everything_that_one_learns() -> None:
    """Whatever is learnt in a run is a field of `Run`: a second run has none of it."""
    job, other = _job(), _job()
    run = job.begin_run(1)
    run.source_seen(SourceLook(FACTS))
    run.target_ready(Ready(1, "x:1-5", FACTS, "stamps", "uuid"))
    run.refused("applier", [REFUSAL])
    job.start(run, Registry())
    run.stage, run.proven, run.outdated, run.completing = Stage.RUNNING, True, True, True
    job.end_run()
    assert run.phase is Phase.ENDED and job.run is None
    second, first = job.begin_run(2), other.begin_run(2)
    assert second is not run
    for each in fields(Run):
        if each.name != "began":
            assert getattr(second, each.name) == getattr(first, each.name), each.name
    settings, fresh = extractor_settings(job, second), extractor_settings(other, first)
    assert (settings.start_after, settings.stamps, settings.source_uuid) == (None, "", "")
    assert settings == fresh


def test_a_target_that_refuses_is_not_judged_by_the_checkpoint_of_a_run_before() -> None:
    """It was purged in between: the source's log of long ago is no matter of the copy that follows."""
    uuid = "11111111-1111-1111-1111-111111111111"
    purged = replace(FACTS, variables={"gtid_executed": f"{uuid}:1-9", "gtid_purged": f"{uuid}:1-9"})
    job, drivers = _job(), Registry()
    run = job.begin_run(1)
    run.source_seen(SourceLook(purged))
    run.target_ready(Ready(1, f"{uuid}:1-5", FACTS))
    assert any("has purged" in fault.problem for fault in job.start_faults(run, drivers))
    job.end_run()
    run = job.begin_run(2)
    run.source_seen(SourceLook(purged))
    run.refused("applier", [REFUSAL])
    faults = job.start_faults(run, drivers)
    assert REFUSAL.problem in str(faults[0]) and not any("has purged" in fault.problem for fault in faults)


def test_what_a_run_shows_stays_until_the_next_says_otherwise_but_nobody_is_level() -> None:
    job = _job()
    run = job.begin_run(1)
    job.hear(TaskReport(JobProgress(level=True, applied_gtid="x:1")), 5.0)
    job.end_run()
    job.begin_run(2)
    told = {"level": False, "lag_ms": None, "applied_gtid": "x:1", "reported_at": 5.0}
    assert job.progress.as_dict() == told
    assert run.number == 1


def test_numbers_of_runs_only_grow_whatever_the_clock_does(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [5_000_000_000]
    monkeypatch.setattr(runtime, "wall_ns", lambda: now[0])
    numbers = RunNumbers()
    first, second = numbers.next(), numbers.next()
    now[0] = 1
    third = numbers.next()
    assert (first, second, third) == (5000, 5001, 5002)
    now[0] = 9_000_000_000
    assert numbers.next() == 9000 and RunNumbers().next() == 9000, "the next supervisor goes by the same clock"


# ---- Time ----


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("wake", list(Wake))
def test_a_wake_up_finds_a_run_late_only_where_it_was_to_be_elsewhere_by_then(wake: Wake, phase: Phase) -> None:
    meant = {
        Wake.START_OVERDUE: Phase.STARTING,
        Wake.OTHER_SIDE_SILENT: Phase.STARTING,
        Wake.DRAIN_OVERDUE: Phase.DRAINING,
        Wake.PURGE_OVERDUE: Phase.PURGING,
    }
    assert Run(1, phase, refusals=[REFUSAL]).is_late(wake) == (meant.get(wake) is phase)
    if wake is Wake.OTHER_SIDE_SILENT:
        assert not Run(1, phase).is_late(wake), "nobody has refused"
        lost = Run(1, phase)
        lost.lose("applier", Failure(FailureKind.UNAVAILABLE, "away"))
        assert lost.is_late(wake) == (phase is Phase.STARTING), "one server is away, and the other is asked"


def test_a_run_takes_the_moment_that_it_began_from_the_clock_of_that_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "now", lambda: 42.0)
    assert Run(1).began == 42.0


# ---- The next step to what is wanted ----


def test_what_is_wanted_of_a_job_that_does_not_run_is_begun() -> None:
    job = _job()
    assert job.next_step() is Step.START
    for desired, stage, step in (
        (DesiredState.PAUSE, Stage.PENDING, Step.REST),
        (DesiredState.STOP, Stage.PAUSED, Step.PURGE),
        (DesiredState.STOP, Stage.FAILED, Step.PURGE),
        (DesiredState.RUN, Stage.FAILED, Step.REST),
        (DesiredState.RUN, Stage.COMPLETED, Step.REST),
        (DesiredState.RUN, Stage.PAUSED, Step.START),
    ):
        _desired(job, desired, stage)
        assert job.next_step() is step, (desired, stage)


def test_a_run_that_is_not_wanted_any_more_is_drained_and_one_that_is_ending_is_left_alone() -> None:
    job = _job()
    run = job.begin_run(1)
    assert job.next_step() is Step.NONE
    for desired in (DesiredState.PAUSE, DesiredState.STOP):
        _desired(job, desired)
        for phase in Phase:
            run.phase = phase
            wanted = Step.DRAIN if phase in (Phase.STARTING, Phase.RUNNING) else Step.NONE
            assert job.next_step() is wanted, phase
    _desired(job)
    run.phase = Phase.RUNNING
    for name in ("outdated", "completing"):
        setattr(run, name, True)
        assert job.next_step() is Step.DRAIN
        setattr(run, name, False)


def test_a_run_is_drainable_where_it_applies_the_log() -> None:
    for phase in Phase:
        for stage in Stage:
            follows = phase is Phase.RUNNING and stage in (Stage.CATCHING_UP, Stage.RUNNING)
            assert Run(1, phase, stage=stage).drainable == follows


def test_a_migration_is_done_when_it_is_level_and_its_run_follows_the_log() -> None:
    job = _job(Type="migration")
    run = job.begin_run(1)
    run.phase, run.stage = Phase.RUNNING, Stage.RUNNING
    assert not job.done
    job.hear(TaskReport(JobProgress(level=True)), None)
    assert job.done
    run.stage = Stage.COPYING
    assert not job.done
    other = _job()
    other.begin_run(1).phase = Phase.RUNNING
    other.hear(TaskReport(JobProgress(level=True)), None)
    assert not other.done, "only a migration ends"


def _report(**told: object) -> TaskReport:
    return TaskReport(JobProgress.of(told))


def test_how_current_the_target_is_follows_from_what_both_sides_say() -> None:
    job = _job()
    job.begin_run(1)
    job.hear(_report(level=False, lag_ms=1500, source_gtid="x:1-9"), 100.0)
    assert job.progress.current_until == 98.5
    job.hear(_report(level=True, lag_ms=0, source_gtid="x:1-9"), 101.0)
    assert job.progress.current_until == 101.0
    job.hear(_report(source_gtid="x:1-9"), None, 105.0)
    assert (job.progress.level, job.progress.current_until) == (True, 105.0), "nothing came to the source since"
    job.hear(_report(source_gtid="x:1-10"), None, 109.0)
    assert (job.progress.level, job.progress.lag_ms, job.progress.current_until) == (False, None, 105.0)
    job.hear(_report(level=False, lag_ms=None, source_gtid="x:1-10"), 110.0)
    job.hear(_report(source_gtid="x:1-10"), None, 111.0)
    assert not job.progress.level, "DestApplier has not said so"
    assert job.progress.current_until == 105.0


def test_a_job_that_has_noted_that_it_is_level_was_so_until_then_when_it_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    signs = SignsOfLife()
    monkeypatch.setattr(udup.actors.job, "SIGNS", signs)
    monkeypatch.setattr(runtime, "wall", lambda: 1003.0)
    job = _job()
    token = token_of(job.id)
    signs.admit(token)
    job.begin_run(1)
    job.hear(_report(level=True, lag_ms=0, source_gtid="x:1-9"), 101.0)
    signs.made(token, 101.0)
    signs.still(token, 101.0, 1000.0)
    job.run_is_lost()
    assert (job.progress.level, job.progress.current_until, job.progress.reported_at) == (False, 1000.0, 1000.0)


def test_what_the_source_had_before_does_not_contradict_a_target_that_is_level_now() -> None:
    job = _job()
    job.begin_run(1)
    job.hear(_report(level=True, lag_ms=0, source_gtid="x:1-10"), 101.0)
    job.hear(_report(source_gtid="x:1-9"), None, 100.5)
    assert job.progress.level and job.progress.current_until == 101.0
    job.hear(_report(source_gtid="x:1-11"), None, 102.0)
    job.begin_run(2)
    job.hear(_report(source_gtid="x:1-10"), None, 103.0)
    assert not job.progress.level, "what a run before has said is worth nothing in this one"


# ---- Failures ----


def test_what_a_failure_means_follows_from_its_kind() -> None:
    for kind in FailureKind:
        pause = _job().pause_after(kind, 3, 10.0)
        again = kind.passes or kind in (FailureKind.SUPERSEDED, FailureKind.CONFLICT)
        assert (pause is not None) == again, kind


def test_a_conflict_is_tried_one_by_one_and_then_given_up() -> None:
    job = _job()
    assert [job.pause_after(FailureKind.CONFLICT, 9, 10.0) for _ in range(3)] == [0.0, 0.0, None]
    assert job.serial and applier_settings(job, job.begin_run(1)).serial
    job.reset_attempts()
    assert not job.serial


def test_failures_in_a_row_end_with_a_run_that_has_proven_itself() -> None:
    job = _job()
    assert [job.pause_after(FailureKind.TRANSIENT, 2, 10.0) is None for _ in range(3)] == [False, False, True]
    assert job.pause_after(FailureKind.TRANSIENT, 2, 10.0, proven=True) is not None


@pytest.mark.parametrize(
    ("faults", "role", "tasks"),
    [
        ([Fault("Src 1:1", "x", task="Src"), Fault("Dest 2:2", "y", task="Dest")], "applier", ["Src", "Dest"]),
        ([Fault("Dest 2:2", "y", task="Dest")], "extractor", ["Dest"]),
        ([Fault("Src in the text alone", "y")], "applier", ["Dest"]),
        ([], "extractor", ["Src"]),
        ([], "worker", ["Dest"]),
        ([], "", ["Src", "Dest"]),
    ],
)
def test_the_task_at_fault_is_the_one_that_a_fault_names_else_the_one_that_has_said_it(
    faults: list[Fault], role: str, tasks: list[str]
) -> None:
    assert [task.value for task in tasks_at_fault(faults, role)] == tasks
    assert all(isinstance(task, TaskType) for task in tasks_at_fault(faults, role))
