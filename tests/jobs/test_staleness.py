"""What a run has said of itself is worth less the longer nothing was heard of it."""

from __future__ import annotations

import time

import pytest

from udup.jobs import JobProgress, JobRecord, Stage
from udup.jobs.staleness import PATIENCE_SECONDS, ReportAges, silent_seconds

LEVEL = JobProgress(rows=7, lag_ms=0, level=True)


@pytest.mark.parametrize("stage", [Stage.RUNNING, Stage.CATCHING_UP])
@pytest.mark.parametrize("lag", [0, None, 3_600_000])
def test_the_lag_grows_when_nothing_more_is_heard(stage: Stage, lag: int | None) -> None:
    record = JobRecord(id="one", document={}, stage=stage, progress=LEVEL)
    fresh = JobProgress(lag_ms=lag, level=lag == 0, reported_at=time.time() - PATIENCE_SECONDS / 2)
    shown = record.shown_progress(fresh)
    assert (shown.lag_ms, shown.level, shown.rows) == (lag, lag == 0, 7)
    shown = record.shown_progress(fresh.with_(reported_at=time.time() - 60))
    assert shown.lag_ms == (lag or pytest.approx(60_000, abs=10_000))
    assert shown.level is False


def test_a_run_that_has_said_nothing_yet_has_no_lag() -> None:
    record = JobRecord(id="one", document={}, stage=Stage.RUNNING, progress=LEVEL)
    shown = record.shown_progress()
    assert (shown.lag_ms, shown.level, shown.rows) == (None, False, 7)


def test_what_is_copied_or_has_ended_is_not_late() -> None:
    old = JobProgress(lag_ms=0, level=True, reported_at=1.0)
    for stage in (Stage.COPYING, Stage.PAUSED, Stage.COMPLETED, Stage.FAILED):
        record = JobRecord(id="one", document={}, stage=stage)
        assert record.shown_progress(old).lag_ms == 0


class _Clocks:
    """One that never goes back, and one that somebody sets."""

    def __init__(self) -> None:
        self.steady, self.wall = 500.0, 1_700_000_000.0
        self.ages = ReportAges(lambda: self.steady, lambda: self.wall)

    def passes(self, seconds: float) -> None:
        self.steady += seconds
        self.wall += seconds

    def silent(self, live: JobProgress) -> float:
        return silent_seconds(live, Stage.RUNNING, self.ages.now("one", live))


@pytest.mark.parametrize("step", [-3600.0, 0.0, 3600.0])
def test_a_clock_that_is_set_makes_no_run_late_and_hides_none(step: float) -> None:
    clocks = _Clocks()
    last = LEVEL.with_(reported_at=clocks.wall)
    assert clocks.silent(last) == 0
    clocks.passes(5)
    clocks.wall += step
    assert clocks.silent(last) == 0
    clocks.passes(PATIENCE_SECONDS)
    assert clocks.silent(last) == pytest.approx(PATIENCE_SECONDS + 5, abs=0.01)
    again = LEVEL.with_(reported_at=clocks.wall)
    assert clocks.silent(again) == 0


def test_a_report_of_before_this_process_is_as_old_as_it_says() -> None:
    clocks = _Clocks()
    assert clocks.silent(LEVEL.with_(reported_at=clocks.wall - 90)) == pytest.approx(90, abs=0.01)
