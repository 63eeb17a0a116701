"""What is shown of a run: its lag in every state of the source, its rates, its copy, what it waits for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from udup.base import runtime
from udup.pipeline.apply import copy_progress
from udup.pipeline.apply.copy_progress import CopyMeter, TableCopy
from udup.pipeline.apply.lag import Lag, Rate
from udup.pipeline.apply.progress import ApplyProgress, CopyProgress, TableProgress
from udup.pipeline.records import CopyTable, CopyTotals


@dataclass
class Clock:
    """Seconds that pass only when told to; the source's clock is ahead by `ahead_s`."""

    now: float = 1000.0
    ahead_s: float = 0.0

    def wall_us(self) -> int:
        return int(self.now * 1e6)

    def source_us(self, ago_s: float = 0.0) -> int:
        return int((self.now + self.ahead_s - ago_s) * 1e6)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(ahead_s=7200.0)
    monkeypatch.setattr(runtime, "now", lambda: clock.now)
    monkeypatch.setattr(runtime, "wall_us", clock.wall_us)
    monkeypatch.setattr(runtime, "wall", lambda: clock.now + 100.0)
    return clock


@pytest.mark.parametrize("step", [-3600, 3600])
def test_a_clock_that_is_set_moves_no_lag(clock: Clock, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    lag = Lag()
    lag.beat(clock.source_us())
    monkeypatch.setattr(runtime, "wall_us", lambda: clock.wall_us() + step * 1_000_000)
    assert lag.milliseconds(clock.source_us(ago_s=2.5), level=False) == 2500


def test_the_lag_is_the_age_of_what_waits_by_the_clock_of_the_source(clock: Clock) -> None:
    lag = Lag()
    lag.beat(clock.source_us())
    assert lag.milliseconds(clock.source_us(ago_s=2.5), level=False) == 2500
    assert lag.milliseconds(clock.source_us(ago_s=-1), level=False) == 0, "never below nothing"


def test_a_silent_source_makes_the_lag_grow_even_though_everything_known_is_applied(clock: Clock) -> None:
    lag = Lag()
    lag.beat(clock.source_us())
    assert (lag.milliseconds(None, level=True), lag.silent_ms) == (0, 0)
    clock.now += 2.0
    assert (lag.milliseconds(None, level=True), lag.silent_ms) == (0, 0), (
        "heartbeats come every second; one may be late"
    )
    clock.now += 8.0
    assert (lag.milliseconds(None, level=True), lag.silent_ms) == (10_000, 10_000)
    lag.heard()
    assert lag.milliseconds(None, level=True) == 0


def test_what_the_source_has_and_does_not_send_counts_from_when_that_began(clock: Clock) -> None:
    lag = Lag()
    assert lag.milliseconds(None, level=False) is None, "nothing is known of a run that has just begun"
    lag.beat(clock.source_us())
    lag.passed(clock.source_us())
    assert lag.milliseconds(None, level=True) == 0
    clock.now += 3600.0
    lag.heard()
    assert lag.milliseconds(None, level=False) == 0, "an hour of quiet is no lag"
    clock.now += 4.0
    lag.heard()
    assert lag.milliseconds(None, level=False) == 4000
    lag.passed(clock.source_us(ago_s=0.5))
    assert lag.milliseconds(None, level=False) == 500, "a source at work is never level, and the target just behind"


def test_a_source_whose_clock_is_set_back_hides_no_lag(clock: Clock) -> None:
    lag = Lag()
    lag.beat(clock.source_us())
    lag.passed(clock.source_us())
    waits = clock.source_us()
    lag.beat(clock.source_us(ago_s=3600))
    assert not lag.is_recent(1000), "by its clock now that is in an hour"
    assert lag.milliseconds(None, level=False) == 0
    clock.now += 4.0
    lag.beat(clock.source_us(ago_s=3600))
    assert lag.milliseconds(None, level=False) == 4000, "it has more, for so long"
    assert lag.milliseconds(waits, level=False) == 0
    clock.now += 5.0
    lag.beat(clock.source_us(ago_s=3600))
    assert lag.milliseconds(waits, level=False) == 5000, "it has waited for so long, whatever its stamp says"
    lag.passed(clock.source_us(ago_s=3600.5))
    assert lag.milliseconds(None, level=False) == 0 and lag.is_recent(1000)
    clock.now += 0.25
    assert lag.milliseconds(None, level=False) == 250


def test_a_rate_is_taken_over_the_last_seconds(clock: Clock) -> None:
    rate = Rate(seconds=5.0)
    assert rate.sample() == 0.0
    for _ in range(20):
        clock.now += 1.0
        rate.total += 300
        rate.sample()
    assert rate.sample() == pytest.approx(300.0)
    for _ in range(10):
        clock.now += 1.0
        rate.sample()
    assert rate.sample() == 0.0


def _table(name: str, estimate: int) -> CopyTable:
    return CopyTable("s", name, "", estimate)


def test_a_copy_shows_each_table_and_what_is_still_to_come(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    states = [TableCopy(_table("a", 1000)), TableCopy(_table("b", 10))]
    meter = CopyMeter(states)

    def shown(phase: str, *, finished: bool) -> dict[str, Any]:
        return meter.progress(phase, finished=finished).as_dict()

    assert shown("rows", finished=False)["eta_s"] is None, "nobody can say yet"
    clock.now += 1.0
    states[0].loaded(100)
    first = shown("rows", finished=False)
    assert (first["copied_rows"], first["copy_total_rows"], first["copy_rows_per_s"]) == (100, 1010, 100.0)
    assert first["eta_s"] == pytest.approx(9.1)
    states[1].loaded(30)
    states[1].totals = CopyTotals(1, 1, 30)
    second = shown("rows", finished=False)
    assert second["tables"]["s.b"] == {
        "rows": 30,
        "total": 30,
        "chunks": 1,
        "complete": True,
        "rows_per_s": 0.0,
        "eta_s": 0,
    }
    assert second["copy_tables_complete"] == 1
    monkeypatch.setattr(copy_progress, "TABLES_SHOWN", 1)
    assert list(shown("rows", finished=False)["tables"]) == ["s.a"], "what is under way comes first"
    states[0].loaded(900)
    states[0].totals = CopyTotals(0, 2, 1000)
    last = shown("done", finished=True)
    assert (last["copied_rows"], last["eta_s"], last["copy_phase"]) == (1030, 0, "done")


PROGRESS = ApplyProgress(
    stage="running",
    lag_ms=3,
    level=False,
    applied_gtid="u:1-2",
    source_gtid="u:1-3",
    transactions=2,
    tx_per_s=0.4,
    rows=7,
    rows_per_s=1.4,
    inserts=4,
    updates=2,
    deletes=1,
    definitions=5,
    received_messages=6,
    received_bytes=8,
    bytes_per_s=9.5,
    waiting=10,
    groups=11,
    serial=True,
    followed_tables=12,
    changed_tables=1,
    busiest_tables={"s.t": {"inserted": 4, "updated": 2, "deleted": 1, "changed_us": 5}},
    told=("a table went into a file of its own",),
)


def test_progress_has_the_keys_of_the_api() -> None:
    assert PROGRESS.as_dict() == {
        "stage": "running",
        "lag_ms": 3,
        "level": False,
        "applied_gtid": "u:1-2",
        "source_gtid": "u:1-3",
        "transactions": 2,
        "tx_per_s": 0.4,
        "rows": 7,
        "rows_per_s": 1.4,
        "inserts": 4,
        "updates": 2,
        "deletes": 1,
        "definitions": 5,
        "received_messages": 6,
        "received_bytes": 8,
        "bytes_per_s": 9.5,
        "followed_tables": 12,
        "changed_tables": 1,
        "busiest_tables": {"s.t": {"inserted": 4, "updated": 2, "deleted": 1, "changed_us": 5}},
        "waiting": 10,
        "groups": 11,
        "careful": True,
        "stale_views": [],
        "told": ["a table went into a file of its own"],
        "waiting_for": None,
    }


def test_a_copy_is_shown_beside_the_rest_with_its_warnings_if_there_are_any() -> None:
    table = TableProgress(1, 2, 1, False, 0.5, None)
    copy = CopyProgress({"s.t": table}, 1, 2, 1, 0, 0.5, "rows", None)
    added = set(replace(PROGRESS, copy=copy).as_dict()) - set(PROGRESS.as_dict())
    assert added == {
        "tables",
        "copied_rows",
        "copy_total_rows",
        "copy_tables",
        "copy_tables_complete",
        "copy_rows_per_s",
        "copy_phase",
        "eta_s",
    }
    assert copy.as_dict()["tables"] == {
        "s.t": {"rows": 1, "total": 2, "chunks": 1, "complete": False, "rows_per_s": 0.5, "eta_s": None}
    }
    assert replace(copy, copy_warnings=("w",)).as_dict()["copy_warnings"] == ["w"]
