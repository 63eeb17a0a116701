"""An hour of a job's figures: where each stands, what is a gap, how steps are put together."""

from __future__ import annotations

import sys

import pytest

from udup.jobs.series import POINTS, STEP_S, Sample, Series, SeriesBook, end_of, slot_at

#: A step that many others divide.
SLOT = 178_000_200


def _series(*samples: tuple[int, float]) -> Series:
    series = Series()
    for slot, lag in samples:
        series.take(slot, Sample(lag_ms=lag))
    return series


def test_what_was_not_told_is_a_gap_and_never_zero() -> None:
    lags = _series((SLOT, 5), (SLOT + 3, 0)).lags(SLOT + 4, POINTS)
    assert len(lags) == POINTS
    assert lags[-5:] == [5, None, None, 0, None]
    assert set(lags[:-5]) == {None}


def test_figures_older_than_an_hour_are_gone_also_after_a_long_silence() -> None:
    series = _series((SLOT, 5), (SLOT + POINTS, 7))
    assert series.lags(SLOT + POINTS, POINTS) == [None] * (POINTS - 1) + [7]
    series.take(SLOT + 10 * POINTS, Sample(lag_ms=1))
    assert series.lags(SLOT + 10 * POINTS, POINTS) == [None] * (POINTS - 1) + [1]
    assert series.lags(SLOT + 20 * POINTS, POINTS) == [None] * POINTS


def test_of_one_step_the_greatest_lag_and_the_last_rates_count() -> None:
    series = Series()
    for lag, rows in ((5, 1.0), (900, 2.0), (3, 3.5)):
        series.take(SLOT, Sample(lag, rows, None))
    assert series.at(SLOT) == Sample(900, 3.5, None)
    assert series.at(SLOT - POINTS) == series.at(SLOT + 1) == Sample()


def test_points_stand_still_while_the_last_one_fills() -> None:
    """Six steps to a point: the greatest lag, the mean of what was told of rates."""
    series = Series()
    for place in range(12):
        series.take(SLOT + place, Sample(float(place), float(place) if place % 2 else None, None))
    first, then = (series.lags(last, 60) for last in (SLOT + 6, SLOT + 11))
    assert first[-2:] == [5, 6 + 5]  # what came later is in the last point already
    assert then == first
    assert series.rows(SLOT + 11, 60)[-2:] == [3, 9]
    assert series.transactions(SLOT + 11, 60)[-1] is None
    assert end_of(SLOT + 6, 60) == end_of(SLOT + 11, 60) == (SLOT + 12) * STEP_S


def test_a_step_is_ten_seconds_of_the_clock() -> None:
    assert slot_at(SLOT * STEP_S) == slot_at(SLOT * STEP_S + 9.99) == SLOT
    assert end_of(SLOT, POINTS) == (SLOT + 1) * STEP_S


def test_the_series_of_500_jobs_have_little_over_two_megabytes_and_go_with_their_jobs() -> None:
    book = SeriesBook()
    for number in range(500):
        book.take(SLOT, f"job-{number}", Sample(1.5, 2, 3))
    arrays = (book.of(f"job-{number}") for number in range(500))
    size = sum(
        sys.getsizeof(part) for each in arrays for part in (each.lag_ms, each.rows_per_s, each.transactions_per_s)
    )
    assert size < 2.4e6
    book.keep(["job-7"])
    assert list(book.lags(SLOT, 60)) == ["job-7"]
    assert book.of("job-8").lags(SLOT, 1) == [None]


@pytest.mark.parametrize(("told", "shown"), [(0.0, 0), (0.125, 0.12), (1240.5, 1240.5), (4_000_000, 4_000_000)])
def test_figures_have_two_decimals_at_most(told: float, shown: float) -> None:
    assert _series((SLOT, told)).at(SLOT).lag_ms == shown
