"""Jobs as they are shown: how each is in a word, and the same object where nothing is new."""

from __future__ import annotations

from udup.jobs import JobProgress, JobRecord, Stage
from udup.jobs.shown import Shown, Watch
from udup.jobs.staleness import ReportAges
from udup.node.shown_jobs import ShownJobs


class _Clocks:
    steady = 1000.0
    wall = 1_700_000_000.0


def test_a_job_of_which_nothing_is_heard_is_shown_so_though_its_record_is_the_same() -> None:
    clocks, shown = _Clocks(), ShownJobs(Watch())
    ages = ReportAges(lambda: clocks.steady, lambda: clocks.wall)
    live = JobProgress(lag_ms=0, level=True, reported_at=clocks.wall)
    record = JobRecord(id="one", document={}, stage=Stage.RUNNING, progress=live)
    first = shown.of([record], {"one": live}, ages)["one"]
    assert first.shown is not None and first.shown.word is Shown.RUNNING
    clocks.steady += 10
    assert shown.of([record], {"one": live}, ages)["one"] is first
    clocks.steady += 15
    late = shown.of([record], {"one": live}, ages)["one"]
    assert late.shown is not None and late.shown.word is Shown.NOT_HEARD
    assert shown.of([], {}, ages) == {}


def test_a_clock_that_is_set_leaves_a_job_heard() -> None:
    clocks, shown = _Clocks(), ShownJobs(Watch())
    ages = ReportAges(lambda: clocks.steady, lambda: clocks.wall)
    live = JobProgress(lag_ms=0, level=True, reported_at=clocks.wall)
    record = JobRecord(id="one", document={}, stage=Stage.RUNNING, progress=live)
    shown.of([record], {"one": live}, ages)
    clocks.wall += 86_400
    clocks.steady += 1
    found = shown.of([record], {"one": live}, ages)["one"].shown
    assert found is not None and found.word is Shown.RUNNING
