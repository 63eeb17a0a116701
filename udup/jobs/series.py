"""How far behind jobs were over the last hour, and how fast: kept in memory, bounded, gaps and all.

An hour of ten-second steps is 360 points of three figures, each a 32-bit float: 4.3 kB a job. Every job's points stand
on the same steps of the clock, so what is written where follows from the time alone, and a step in which nobody told a
figure stays a gap.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from math import isnan, nan

#: Seconds of a step, and steps that are kept.
STEP_S, POINTS = 10, 360

#: How many points an answer may have: those that the steps can be put together to.
COARSER = tuple(count for count in range(1, POINTS + 1) if POINTS % count == 0)

#: Decimals that are shown: a 32-bit float would show digits that nobody has measured.
_DECIMALS = 2

_GAPS = array("f", [nan]) * POINTS

Points = list[float | None]


@dataclass(frozen=True)
class Sample:
    """What is known of a job at a moment; None for what is not."""

    lag_ms: float | None = None
    rows_per_s: float | None = None
    transactions_per_s: float | None = None


class Series:
    """One job's points. `slot` counts steps since the epoch, and never goes back."""

    def __init__(self) -> None:
        self._last = -1
        self.lag_ms, self.rows_per_s, self.transactions_per_s = _GAPS[:], _GAPS[:], _GAPS[:]

    def take(self, slot: int, sample: Sample) -> None:
        """Note what is known now. Of a step that is looked at several times the greatest lag counts, so no peak hides.

        Of rates the last one does.
        """
        place = slot % POINTS
        if slot > self._last:
            self._clear(slot)
        if sample.lag_ms is not None:
            known = self.lag_ms[place]
            self.lag_ms[place] = sample.lag_ms if isnan(known) else max(known, sample.lag_ms)
        if sample.rows_per_s is not None:
            self.rows_per_s[place] = sample.rows_per_s
        if sample.transactions_per_s is not None:
            self.transactions_per_s[place] = sample.transactions_per_s

    def _clear(self, slot: int) -> None:
        """Make gaps of the steps that nobody has written since, up to this one."""
        for each in range(max(self._last + 1, slot - POINTS + 1), slot + 1):
            place = each % POINTS
            self.lag_ms[place] = self.rows_per_s[place] = self.transactions_per_s[place] = nan
        self._last = slot

    def lags(self, last: int, points: int) -> Points:
        """Return so many points up to a step; of several steps the greatest lag."""
        return self._shown(self.lag_ms, last, points, max)

    def rows(self, last: int, points: int) -> Points:
        """Return so many points up to a step; of several steps the mean."""
        return self._shown(self.rows_per_s, last, points, _mean)

    def transactions(self, last: int, points: int) -> Points:
        """Return so many points up to a step; of several steps the mean."""
        return self._shown(self.transactions_per_s, last, points, _mean)

    def at(self, slot: int) -> Sample:
        """Return what was noted in one step."""
        if not self._last - POINTS < slot <= self._last:
            return Sample()
        place = slot % POINTS
        return Sample(_told(self.lag_ms[place]), _told(self.rows_per_s[place]), _told(self.transactions_per_s[place]))

    def _shown(
        self, values: array[float], last: int, points: int, put_together: Callable[[Sequence[float]], float]
    ) -> Points:
        steps = POINTS // points
        first = _end(last, steps) - POINTS
        shown: Points = []
        for begin in range(first, first + POINTS, steps):
            known = [
                value
                for slot in range(begin, begin + steps)
                if self._last - POINTS < slot <= self._last and not isnan(value := values[slot % POINTS])
            ]
            shown.append(_told(put_together(known)) if known else None)
        return shown


class SeriesBook:
    """The series of all jobs."""

    def __init__(self) -> None:
        self._series: dict[str, Series] = {}

    def take(self, slot: int, job_id: str, sample: Sample) -> None:
        series = self._series.get(job_id)
        if series is None:
            series = self._series[job_id] = Series()
        series.take(slot, sample)

    def of(self, job_id: str) -> Series:
        """Return a job's series; one of gaps where nothing was noted yet."""
        return self._series.get(job_id) or Series()

    def keep(self, job_ids: Collection[str]) -> None:
        """Forget all other jobs."""
        for gone in self._series.keys() - set(job_ids):
            del self._series[gone]

    def lags(self, last: int, points: int) -> dict[str, Points]:
        return {job_id: series.lags(last, points) for job_id, series in list(self._series.items())}


def slot_at(seconds: float) -> int:
    """Return the step that a moment is in; `seconds` since the epoch."""
    return int(seconds // STEP_S)


def end_of(last: int, points: int) -> int:
    """Return where the last of so many points ends, in seconds since the epoch. Points stand still between requests."""
    return _end(last, POINTS // points) * STEP_S


def _end(last: int, steps: int) -> int:
    """Return the step behind the last point, where each has so many steps and begins at a multiple of them."""
    return (last // steps + 1) * steps


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _told(value: float) -> float | None:
    if isnan(value):
        return None
    rounded = round(value, _DECIMALS)
    return int(rounded) if rounded == int(rounded) else rounded
