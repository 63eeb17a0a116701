"""What stays of a job's progress when it is done: all that its source had executed is there. The real supervisor."""

from __future__ import annotations

from typing import Any

from tests.actors.conftest import post, running
from tests.actors.small_children import Applier, Carrier
from tests.actors.small_world import World
from udup.actors.cutover_messages import AskJob, Keep, StartCutover
from udup.actors.messages import StopRun
from udup.base.errors import Failure, FailureKind
from udup.jobs import JobProgress, Stage
from udup.pipeline.cutover.state import Options, StepName, StepState

#: What a job says long before its end.
STALE = {"stage": "running", "level": False, "lag_ms": 25, "applied_gtid": "u:1-3", "source_gtid": "u:1-2"}

EXECUTED = "u:1-9"


def _switch(world: World) -> None:
    """Have the cut-over of a running job switched."""
    assert world.ask(StartCutover("j", Options(source_read_only=True))).changed
    world.until(lambda: getattr(world.child_of("cutover", "j"), "settings", None) is not None)
    engine: Carrier = world.child_of("cutover", "j")
    cutover = engine.settings.cutover.noted(StepName.END, StepState.DOING)
    engine.ask(Keep, cutover.with_(switched_ns=int(world.clock * 1e9), executed=EXECUTED))
    assert engine.ask(AskJob).job is not None


def _shown(world: World) -> tuple[Any, ...]:
    """What the API shows: of the record, overlaid by what is reported last."""
    world.run(2)
    stored = world.stored["j"].shown_progress()
    shown = world.stored["j"].shown_progress(world.shown.get("j"))
    told = [(each.applied_gtid, each.source_gtid, each.lag_ms, each.level) for each in (stored, shown)]
    assert told[0] == told[1], "also when NATS was started again since"
    return told[0]


def test_a_job_that_was_cut_over_shows_that_the_target_has_all(world: World, monkeypatch: Any) -> None:
    """Its last report, made when it was drained, says how far it has come: behind what the source had at the look."""
    world.script("j").reports = (STALE,)
    drain = Applier.on_StopRun

    def tells_its_end(self: Applier, message: StopRun) -> None:
        if message.drain:
            self.report({"applied_gtid": "u:1-10", "lag_ms": 3, "level": False})
        drain(self, message)

    monkeypatch.setattr(Applier, "on_StopRun", tells_its_end)
    running(world)
    _switch(world)
    world.reaches("j", "completed")
    assert _shown(world) == ("u:1-10", EXECUTED, 0, True)


def test_a_job_whose_last_run_died_at_the_switch_shows_what_was_seen_there(world: World) -> None:
    world.script("j").reports = (STALE,)
    world.script("j").drains = Failure(FailureKind.TRANSIENT, "the applier died")
    running(world)
    _switch(world)
    world.reaches("j", "completed")
    assert _shown(world) == (EXECUTED, EXECUTED, 0, True)


def test_a_job_that_was_switched_before_the_server_died_shows_it_too(world: World) -> None:
    world.script("j").reports = ({**STALE, "inserts": 7},)
    world.script("j").drains = "never"
    running(world)
    _switch(world)
    world.start()
    world.reaches("j", "completed")
    assert _shown(world) == (EXECUTED, EXECUTED, 0, True)


def test_a_migration_that_is_done_shows_what_the_source_had_when_it_was_asked(world: World) -> None:
    world.script("j").reports = ({"stage": "running", "level": True, "applied_gtid": "u:1-9", "source_gtid": "u:1-2"},)
    world.script("j").executed = EXECUTED
    post(world, kind="migration")
    world.reaches("j", "completed")
    assert _shown(world) == (EXECUTED, EXECUTED, 0, True)


def test_what_stays_waits_for_nothing_and_a_set_that_is_too_long_is_cut() -> None:
    last = JobProgress.of({"waiting_for": {"what": "row lock"}, "inserts": 7}).completed("u:1,3," * 20_000)
    assert last.waiting_for is None and last.inserts == 7
    assert last.source_gtid is not None and last.source_gtid.endswith("… (120,000 characters in all)")


def test_no_older_report_is_shown_beside_the_record_of_a_job_that_is_done(world: World) -> None:
    """Not even for the moment in which reports are gathered."""
    world.script("j").reports = (STALE,)
    running(world)
    world.until(lambda: "j" in world.shown)
    _switch(world)
    world.until(lambda: world.stored["j"].stage == Stage.COMPLETED)
    shown = world.stored["j"].shown_progress(world.shown.get("j"))
    assert (shown.source_gtid, shown.lag_ms, shown.level) == (EXECUTED, 0, True)
