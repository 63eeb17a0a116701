"""What a run has said of itself is worth less the longer nothing was heard of it."""

from __future__ import annotations

import time

import pytest

from udup.jobs import JobProgress, JobRecord, Stage
from udup.jobs.staleness import PATIENCE_SECONDS

LEVEL = JobProgress(rows=7, lag_ms=0, level=True)


@pytest.mark.parametrize("stage", [Stage.RUNNING, Stage.CATCHING_UP])
@pytest.mark.parametrize("lag", [0, None, 3_600_000])
def test_the_lag_grows_when_nothing_more_is_heard(stage: Stage, lag: int | None) -> None:
    record = JobRecord(id="one", document={}, stage=stage, progress=LEVEL)
    fresh = JobProgress(lag_ms=lag, level=lag == 0, reported_at=time.time() - PATIENCE_SECONDS / 2)
    shown = record.shown_progress(fresh)
    assert (shown.lag_ms, shown.level, shown.rows) == (lag, lag == 0, 7)
    shown = record.shown_progress(fresh.with_(reported_at=time.time() - 60))
    assert shown.lag_ms == pytest.approx(60_000 + (lag or 0), abs=10_000)
    assert shown.level is False


def test_a_run_that_has_said_nothing_yet_has_no_lag() -> None:
    record = JobRecord(id="one", document={}, stage=Stage.RUNNING, progress=LEVEL)
    shown = record.shown_progress()
    assert (shown.lag_ms, shown.level, shown.rows) == (None, False, 7)


def test_what_is_copied_or_is_done_is_not_late() -> None:
    old = JobProgress(lag_ms=0, level=True, reported_at=1.0)
    for stage in (Stage.COPYING, Stage.COMPLETED):
        record = JobRecord(id="one", document={}, stage=stage)
        assert record.shown_progress(old).lag_ms == 0
