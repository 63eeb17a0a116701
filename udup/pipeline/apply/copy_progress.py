"""How far a full copy is: rows, totals, rate and time to go, for each table and for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from udup.pipeline.apply.lag import Rate
from udup.pipeline.apply.progress import CopyProgress, TableProgress
from udup.pipeline.records import CopyTable, CopyTotals

#: Seconds over which the copy's rates are taken: chunks end in bursts.
_RATE_SECONDS = 10.0

#: Tables that are shown one by one at most. With more, those under way come first and then the largest, so that what
#: is reported twice a second stays small.
TABLES_SHOWN = 500


def _copy_rate() -> Rate:
    return Rate(_RATE_SECONDS)


@dataclass
class TableCopy:
    """How far one table is. `totals` is known when the source has read it to its end."""

    table: CopyTable
    rows: int = 0
    chunks: int = 0
    totals: CopyTotals | None = None
    rate: Rate = field(default_factory=_copy_rate)

    @property
    def name(self) -> str:
        """The table's name on the source."""
        return self.table.source or f"{self.table.schema}.{self.table.name}"

    @property
    def complete(self) -> bool:
        if self.table.whole:
            return True
        return self.totals is not None and self.chunks >= self.totals.chunks

    @property
    def there(self) -> int:
        """Rows in the target, with those of an earlier try."""
        return self.table.rows_there + self.rows

    @property
    def total(self) -> int:
        """The source's estimate until the table is read, then its count."""
        if self.table.whole:
            return self.table.rows_there
        if self.totals:
            return self.table.rows_there + self.totals.rows
        return max(self.table.rows_estimate, self.there)

    def loaded(self, rows: int) -> None:
        """Note that a chunk is in the target."""
        self.rows += rows
        self.chunks += 1
        self.rate.total = self.rows

    def progress(self) -> TableProgress:
        rate = self.rate.sample() if self.chunks and not self.complete else 0.0
        return TableProgress(
            rows=self.there,
            total=self.total,
            chunks=self.chunks,
            complete=self.complete,
            rows_per_s=round(rate, 1),
            eta_s=eta(self.total - self.there, rate, complete=self.complete),
        )


def eta(remaining: int, rate: float, *, complete: bool) -> float | None:
    """Return the seconds to go at this rate, None if nobody can say."""
    if complete:
        return 0
    return round(remaining / rate, 1) if rate and remaining > 0 else None


class CopyMeter:
    """Sums up the tables of a copy."""

    def __init__(self, tables: Sequence[TableCopy]) -> None:
        self._tables = tables
        self._rate = _copy_rate()
        self._last: CopyProgress | None = None

    def progress(self, phase: str, warnings: Sequence[str] = (), *, finished: bool) -> CopyProgress:
        """Return what is shown of it; the same object again once it is finished."""
        if self._last is not None:
            return self._last
        rows = sum(state.there for state in self._tables)
        total = sum(state.total for state in self._tables)
        self._rate.total = sum(state.rows for state in self._tables)
        rate = 0.0 if finished else self._rate.sample()
        progress = CopyProgress(
            tables={state.name: state.progress() for state in self._chosen()},
            copied_rows=rows,
            copy_total_rows=total,
            copy_tables=len(self._tables),
            copy_tables_complete=sum(state.complete for state in self._tables),
            copy_rows_per_s=round(rate, 1),
            copy_phase=phase,
            eta_s=eta(total - rows, rate, complete=finished),
            copy_warnings=tuple(warnings),
        )
        if finished:
            self._last = progress
        return progress

    def _chosen(self) -> Sequence[TableCopy]:
        if len(self._tables) <= TABLES_SHOWN:
            return self._tables
        under_way = [state for state in self._tables if state.chunks and not state.complete]
        others = [state for state in self._tables if not state.chunks or state.complete]
        others.sort(key=lambda state: state.total, reverse=True)
        return (under_way + others)[:TABLES_SHOWN]
