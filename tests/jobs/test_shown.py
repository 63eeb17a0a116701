"""One word for how a job is: which of several counts, since when, and whether it needs somebody."""

from __future__ import annotations

from typing import Any

import pytest

from tests.jobs.documents import seed
from tests.jobs.stopped_jobs import stopped_job
from udup.base.causes import Cause
from udup.base.errors import FailureKind, Side
from udup.jobs import DesiredState, JobProgress, JobRecord, Stage, history, to_api, to_stub
from udup.jobs.growth import Growth, GrowthState
from udup.jobs.outage import Outage
from udup.jobs.shown import Group, Shown, ShownState, Watch, state_of
from udup.pipeline.cutover.state import Cutover, CutoverState, Options
from udup.pipeline.verify.state import CompareOptions, CompareState, Comparison

NOW = 1_700_000_000.0

OUTAGE = Outage(side=Side.TARGET, why="refused", since=NOW - 60, next_try=NOW + 4, attempts=3)
GROWTH = Growth(state=GrowthState.COPYING, side="one tables", since_ns=int((NOW - 30) * 1e9))
CUTOVER = Cutover.asked(Options()).with_(since_ns=int((NOW - 20) * 1e9))
REPAIR = CompareOptions(repair=True)
CONTINUOUS = Comparison(id="c", options=CompareOptions(continuous=True), since_ns=1, round=2, last_differences=1)
DIFFERS = Comparison(id="c", options=CompareOptions(), since_ns=1, state=CompareState.DONE, differences=3)


def _job(stage: Stage = Stage.RUNNING, **about: Any) -> JobRecord:
    return JobRecord(id="one", document=seed(), stage=stage, **about)


@pytest.mark.parametrize(
    ("record", "word", "group"),
    [
        (_job(Stage.PENDING), Shown.PENDING, Group.UNDER_WAY),
        (_job(Stage.COPYING), Shown.COPYING, Group.UNDER_WAY),
        (_job(Stage.CATCHING_UP), Shown.CATCHING_UP, Group.UNDER_WAY),
        (_job(), Shown.RUNNING, Group.RUNNING),
        (_job(Stage.PAUSED, desired=DesiredState.PAUSE), Shown.PAUSED, Group.PAUSED),
        (_job(desired=DesiredState.PAUSE), Shown.PAUSED, Group.PAUSED),
        (_job(Stage.COMPLETED), Shown.COMPLETED, Group.ENDED),
        (_job(outage=OUTAGE, comparison=DIFFERS), Shown.RECONNECTING, Group.HEALING),
        (_job(comparison=DIFFERS, cutover=CUTOVER), Shown.DIFFERS, Group.BEHIND),
        (_job(Stage.COMPLETED, comparison=DIFFERS), Shown.COMPLETED, Group.ENDED),
        (_job(Stage.CATCHING_UP, cutover=CUTOVER), Shown.CUTTING_OVER, Group.UNDER_WAY),
        (_job(cutover=Cutover.asked(Options(dry_run=True))), Shown.RUNNING, Group.RUNNING),
        (_job(comparison=CONTINUOUS), Shown.DIFFERS, Group.BEHIND),
        (_job(comparison=DIFFERS.model_copy(update={"options": REPAIR})), Shown.RUNNING, Group.RUNNING),
        (_job(growth=GROWTH), Shown.RELOADING, Group.UNDER_WAY),
        (_job(Stage.CATCHING_UP, growth=GROWTH), Shown.CATCHING_UP, Group.UNDER_WAY),
        (_job(Stage.FAILED, outage=OUTAGE), Shown.FAILED, Group.NEEDS_YOU),
    ],
)
def test_of_several_that_hold_the_first_counts(record: JobRecord, word: Shown, group: Group) -> None:
    state = state_of(record)
    assert (state.word, state.group) == (word, group)
    assert state.needs_you == (group is Group.NEEDS_YOU)


@pytest.mark.parametrize("cause", Cause)
def test_a_job_that_stopped_needs_somebody_and_tells_since_when(cause: Cause) -> None:
    record = stopped_job(cause, seed())
    state = state_of(record)
    assert state.needs_you and state.group is Group.NEEDS_YOU
    if record.stopped is not None:
        assert state.since == pytest.approx(record.stopped.time_ns / 1e9)
    diverged = record.stopped is not None and record.stopped.kind is FailureKind.DIVERGENCE
    assert (state.word is Shown.DIVERGED) == diverged


def test_a_cut_over_that_has_stopped_needs_somebody() -> None:
    state = state_of(_job(cutover=CUTOVER.with_(state=CutoverState.STOPPED)))
    assert (state.word, state.group) == (Shown.CUTTING_OVER, Group.NEEDS_YOU)


def test_a_paused_job_says_since_when_by_its_last_event() -> None:
    record = history.registered(_job(), None, int((NOW - 50) * 1e9))
    paused = history.paused(record, int(NOW * 1e9)).model_copy(
        update={"stage": Stage.PAUSED, "desired": DesiredState.PAUSE}
    )
    assert state_of(paused).since == pytest.approx(NOW)


def test_api_and_stub_tell_the_same() -> None:
    record = _job(outage=OUTAGE, progress=JobProgress(reconnecting=OUTAGE.shown()))
    told = to_api(record)
    assert (told["Shown"], told["ShownSince"], told["NeedsYou"]) == ("reconnecting", "2023-11-14T22:12:20.000Z", False)
    assert to_stub(record)["Waits"] == told["Waits"] is not None
    seen = record.model_copy(update={"shown": ShownState(Shown.LAGGING, NOW)})
    assert (to_api(seen)["Shown"], to_api(seen)["ShownSince"]) == ("lagging", "2023-11-14T22:13:20.000Z")


# ---- What only somebody who looks again and again knows ----


def _behind(seconds: float, stage: Stage = Stage.RUNNING) -> JobRecord:
    return _job(stage, progress=JobProgress(lag_ms=seconds * 1000))


def test_a_job_lags_that_is_behind_for_long() -> None:
    watch = Watch(lag_s=30, lag_for_s=60)
    assert watch.look(_behind(31), NOW, NOW).word is Shown.RUNNING
    assert watch.look(_behind(40), NOW + 59, NOW + 59).word is Shown.RUNNING
    assert watch.look(_behind(40), NOW + 60, NOW + 60) == ShownState(Shown.LAGGING, NOW + 60)
    assert watch.look(_behind(31), NOW + 90, NOW + 90).since == NOW + 60
    assert watch.look(_behind(30), NOW + 91, NOW + 91) == ShownState(Shown.RUNNING, NOW + 91)
    assert watch.look(_behind(31), NOW + 92, NOW + 92).word is Shown.RUNNING


def test_a_job_that_catches_up_lags_only_when_it_comes_no_nearer() -> None:
    watch = Watch(lag_s=30, lag_for_s=60)
    for step in range(5):
        at = NOW + 50 * step
        assert watch.look(_behind(900 - step, Stage.CATCHING_UP), at, at).word is Shown.CATCHING_UP
    for step, word in ((5, Shown.CATCHING_UP), (6, Shown.LAGGING)):
        at = NOW + 50 * step
        assert watch.look(_behind(900, Stage.CATCHING_UP), at, at).word is word


def test_a_run_of_which_nothing_is_heard_is_told() -> None:
    watch, record = Watch(), _job(progress=JobProgress(reported_at=NOW))
    assert watch.look(record, NOW, NOW + 20).word is Shown.RUNNING
    assert watch.look(record, NOW, NOW + 21) == ShownState(Shown.NOT_HEARD, NOW)
    assert watch.look(record, NOW + 22, NOW + 22).word is Shown.RUNNING


def test_a_run_that_begins_has_its_time_until_it_says_something() -> None:
    watch = Watch()
    assert watch.look(_job(), None, NOW).word is Shown.RUNNING
    assert watch.look(_job(), None, NOW + 19).word is Shown.RUNNING
    assert watch.look(_job(), None, NOW + 21).word is Shown.NOT_HEARD
    assert watch.look(_job(Stage.PENDING), None, NOW + 22).word is Shown.PENDING
    assert watch.look(_job(), None, NOW + 60).word is Shown.RUNNING


def test_since_when_is_known_from_the_change_on_and_not_before() -> None:
    watch = Watch()
    assert watch.look(_job(Stage.COPYING), NOW, NOW).since is None
    assert watch.look(_job(Stage.COPYING), NOW + 9, NOW + 9).since is None
    assert watch.look(_job(), NOW + 10, NOW + 10).since == NOW + 10
    assert watch.look(_job(), NOW + 15, NOW + 15).since == NOW + 10
    watch.forget_all_but(())
    assert watch.look(_job(), NOW + 16, NOW + 16).since is None
