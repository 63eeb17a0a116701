"""What a run has said of itself is worth less the longer nothing was heard of it."""

from __future__ import annotations

import time

import pytest

from udup.base.errors import Side
from udup.jobs import JobProgress, JobRecord, Stage
from udup.jobs.outage import Outage
from udup.jobs.staleness import (
    PATIENCE_SECONDS,
    RESTLESS_SECONDS,
    ReportAges,
    at_this_moment,
    changes_by_itself,
)

LEVEL = JobProgress(rows=7, lag_ms=0, level=True)


@pytest.mark.parametrize("stage", [Stage.RUNNING, Stage.CATCHING_UP])
@pytest.mark.parametrize("lag", [0, None, 3_600_000])
def test_the_lag_grows_when_nothing_more_is_heard(stage: Stage, lag: int | None) -> None:
    record = JobRecord(id="one", document={}, stage=stage, progress=LEVEL)
    age = PATIENCE_SECONDS / 2 if lag == 0 else RESTLESS_SECONDS / 2
    fresh = JobProgress(lag_ms=lag, level=lag == 0, reported_at=time.time() - age)
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


UNTIL = 1_000_000.0
OUTAGE = Outage(side=Side.SOURCE, why="gone", since=UNTIL + 5, next_try=UNTIL + 6)
TOLD = JobProgress(rows=7, lag_ms=0, level=True, reported_at=UNTIL, current_until=UNTIL)


@pytest.mark.parametrize("stage", [Stage.PENDING, Stage.CATCHING_UP, Stage.RUNNING])
@pytest.mark.parametrize("live", [TOLD, TOLD.not_level(), None])
def test_while_a_server_is_waited_for_the_lag_grows_from_when_the_target_was_current(
    stage: Stage, live: JobProgress | None
) -> None:
    for seconds in (6, 60):
        shown = at_this_moment(TOLD, live, stage, OUTAGE, UNTIL + seconds)
        assert (shown.lag_ms, shown.level, shown.rows) == (seconds * 1000, False, 7)


def test_after_a_restart_of_the_node_the_outage_knows_when_the_target_was_current() -> None:
    outage = OUTAGE.model_copy(update={"current_until": UNTIL})
    assert at_this_moment(JobProgress(), None, Stage.RUNNING, outage, UNTIL + 9).lag_ms == 9000
    assert at_this_moment(JobProgress(), None, Stage.RUNNING, OUTAGE, UNTIL + 9).lag_ms == 4000, "else since it began"
    assert at_this_moment(JobProgress(), None, Stage.PENDING, OUTAGE, UNTIL + 9).lag_ms is None, "it was never current"


@pytest.mark.parametrize("stage", [Stage.PAUSED, Stage.FAILED])
def test_a_job_that_is_not_carried_out_is_not_level_and_falls_behind(stage: Stage) -> None:
    for live in (TOLD, None):
        shown = at_this_moment(TOLD, live, stage, None, UNTIL + 30)
        assert (shown.lag_ms, shown.level) == (30_000, False)
    older = JobProgress(lag_ms=500, level=False, reported_at=UNTIL)
    assert at_this_moment(older, None, stage, None, UNTIL + 30).lag_ms == 30_500, "as an older version has told it"


def test_a_run_that_does_not_know_its_lag_yet_has_that_of_the_run_before() -> None:
    live = TOLD.with_(lag_ms=None, level=False, reported_at=UNTIL + 40)
    assert at_this_moment(TOLD, live, Stage.RUNNING, None, UNTIL + 41).lag_ms == 41_000


def test_a_clock_that_is_set_back_makes_no_lag_negative() -> None:
    for stage, outage in ((Stage.RUNNING, OUTAGE), (Stage.PAUSED, None), (Stage.RUNNING, None)):
        assert at_this_moment(TOLD, TOLD, stage, outage, UNTIL - 3600).lag_ms == 0


class _Clocks:
    """One that never goes back, and one that somebody sets."""

    def __init__(self) -> None:
        self.steady, self.wall = 500.0, 1_700_000_000.0
        self.ages = ReportAges(lambda: self.steady, lambda: self.wall)

    def passes(self, seconds: float) -> None:
        self.steady += seconds
        self.wall += seconds

    def silent(self, live: JobProgress) -> float:
        """Return the lag that is shown of a run which has said that it is level, in seconds."""
        return (at_this_moment(LEVEL, live, Stage.RUNNING, None, self.ages.now("one", live)).lag_ms or 0) / 1000


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


@pytest.mark.parametrize("step", [-3600.0, 0.0, 3600.0])
def test_who_looks_rarely_sees_how_old_the_last_report_is(step: float) -> None:
    """It came and was the last since the look before: it is not new because it is seen for the first time."""
    clocks = _Clocks()
    assert clocks.silent(LEVEL.with_(reported_at=clocks.wall)) == 0
    clocks.passes(10)
    last = LEVEL.with_(reported_at=clocks.wall)
    clocks.passes(50)
    clocks.wall += step
    seen = 0 if step < 0 else 60 if step > 0 else 50  # of a clock that was set no more is known than the last look
    assert clocks.silent(last) == pytest.approx(seen, abs=0.01)


def test_a_report_that_was_seen_late_is_as_old_for_an_outage() -> None:
    clocks = _Clocks()
    clocks.ages.now("one", LEVEL.with_(reported_at=clocks.wall))
    clocks.passes(1)
    last = LEVEL.with_(reported_at=clocks.wall, current_until=clocks.wall)
    outage = Outage(side=Side.SOURCE, why="gone", since=clocks.wall, next_try=clocks.wall)
    clocks.passes(10)
    shown = at_this_moment(JobProgress(), last, Stage.RUNNING, outage, clocks.ages.now("one", last))
    assert shown.lag_ms == pytest.approx(10_000, abs=10)


BUSY = JobProgress(
    lag_ms=40,
    level=False,
    tx_per_s=35.0,
    rows_per_s=70.0,
    bytes_per_s=900.0,
    rows=7,
    reported_at=UNTIL,
    current_until=UNTIL - 0.04,
)


def test_a_job_at_work_that_says_nothing_any_more_moves_nothing_and_falls_behind() -> None:
    fresh = at_this_moment(BUSY, BUSY, Stage.RUNNING, None, UNTIL + RESTLESS_SECONDS - 1)
    assert (fresh.tx_per_s, fresh.lag_ms) == (35.0, 40)
    for live, outage, seconds in ((BUSY, None, RESTLESS_SECONDS + 1), (BUSY, OUTAGE, 5), (None, OUTAGE, 5)):
        assert changes_by_itself(live, Stage.RUNNING, outage, UNTIL + seconds)
        shown = at_this_moment(BUSY, live, Stage.RUNNING, outage, UNTIL + seconds)
        assert (shown.tx_per_s, shown.rows_per_s, shown.bytes_per_s, shown.rows) == (0, 0, 0, 7)
        assert shown.lag_ms == pytest.approx(seconds * 1000 + 40, abs=1)


def test_a_level_job_that_still_applies_says_so_soon_again() -> None:
    level = BUSY.with_(lag_ms=0, level=True, current_until=UNTIL)
    assert at_this_moment(level, level, Stage.RUNNING, None, UNTIL + RESTLESS_SECONDS + 1).lag_ms == 7000
    at_rest = level.without_rates()
    assert at_this_moment(at_rest, at_rest, Stage.RUNNING, None, UNTIL + RESTLESS_SECONDS + 1).lag_ms == 0


@pytest.mark.parametrize("stage", [Stage.PAUSED, Stage.FAILED, Stage.COMPLETED])
def test_a_job_that_does_not_run_moves_nothing(stage: Stage) -> None:
    assert at_this_moment(BUSY, BUSY, stage, None, UNTIL + 1).tx_per_s == 0


def test_a_copy_that_says_nothing_any_more_has_no_rate_and_no_time_to_go() -> None:
    table = {"rows": 5, "total": 10, "rows_per_s": 8.0, "eta_s": 3}
    live = JobProgress(
        copy_rows_per_s=8.0,
        eta_s=3,
        copied_rows=5,
        tables={"s.t": table},
        reported_at=UNTIL,  # type: ignore[dict-item]
    )
    shown = at_this_moment(JobProgress(), live, Stage.COPYING, None, UNTIL + 1)
    assert shown == live and not changes_by_itself(live, Stage.COPYING, None, UNTIL + 1)
    for outage, seconds in ((OUTAGE, 1), (None, RESTLESS_SECONDS + 1)):
        assert changes_by_itself(live, Stage.COPYING, outage, UNTIL + seconds)
        shown = at_this_moment(JobProgress(), live, Stage.COPYING, outage, UNTIL + seconds)
        assert (shown.copy_rows_per_s, shown.eta_s, shown.copied_rows) == (0, None, 5)
        assert shown.tables == {"s.t": {"rows": 5, "total": 10, "rows_per_s": 0, "eta_s": None}}


def test_a_job_that_is_carried_on_knows_nothing_of_its_lag_until_its_run_says_so() -> None:
    kept, live = BUSY.begun_again(), BUSY.begun_again()
    for stage in (Stage.PENDING, Stage.CATCHING_UP, Stage.RUNNING):
        for told in (live, None):
            shown = at_this_moment(kept, told, stage, None, UNTIL + 500)
            assert (shown.lag_ms, shown.level, shown.tx_per_s, shown.rows) == (None, False, 0, 7)
    new = live.with_(lag_ms=12, level=False, reported_at=UNTIL + 501, current_until=UNTIL + 500.988)
    assert at_this_moment(kept, new, Stage.RUNNING, None, UNTIL + 501).lag_ms == 12
    assert JobProgress().begun_again() == JobProgress(), "one that has told nothing still has not"
