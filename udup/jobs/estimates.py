"""About how long a copy, a comparison or a reload of a job's tables takes: by their sizes and by what it did before.

All pure. A guess, for people who decide whether to begin; it says by what it was made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from udup.base.errors import Fault, Refused
from udup.jobs.record import JobRecord
from udup.pipeline.ports.inspect import TableSize
from udup.pipeline.verify.state import CompareState

#: Bytes a second of a copy and rows a second of a comparison between slow machines, where nothing is known better.
COPIED_PER_S, COMPARED_PER_S = 10 << 20, 100_000

#: Seconds that any of them takes to begin and to end.
LEAST_S = 1.0


class EstimatedAct(StrEnum):
    COPY = "copy"
    COMPARE = "compare"
    RELOAD = "reload"


@dataclass(frozen=True)
class Estimate:
    """`seconds`, `rows` and `bytes` are None where the source does not tell its sizes; `why` says what it goes by."""

    seconds: float | None
    rows: int | None
    bytes: int | None
    why: str


def estimated_act(text: str) -> EstimatedAct:
    if text not in set(EstimatedAct):
        known = ", ".join(EstimatedAct)
        raise Refused([Fault("act", f"there is no estimate of {text[:40]!r}", f"write act= and one of {known}")])
    return EstimatedAct(text)


def estimate(
    act: EstimatedAct, sizes: Iterable[TableSize], record: JobRecord, tables: Collection[str] = ()
) -> Estimate:
    """Return what is to be expected of an act on these tables (`schema.table`), () for all of the job's."""
    found = [each for each in sizes if not tables or f"{each.schema}.{each.table}" in tables]
    rows, size = _sum(each.rows for each in found), _sum(each.bytes for each in found)
    if rows is None or size is None:
        return Estimate(None, rows, size, "the source does not tell the sizes of these tables")
    if act is EstimatedAct.COMPARE:
        per_s, why = _compared_per_s(record)
        return Estimate(round(LEAST_S + rows / per_s, 1), rows, size, why)
    copied = record.progress.copy_rows_per_s
    if copied:
        return Estimate(round(LEAST_S + rows / copied, 1), rows, size, f"{copied:,.0f} rows/s, as the copy goes now")
    why = f"{COPIED_PER_S >> 20} MiB/s, as between slow machines"
    return Estimate(round(LEAST_S + size / COPIED_PER_S, 1), rows, size, why)


def _compared_per_s(record: JobRecord) -> tuple[float, str]:
    last = record.comparison
    if last is not None and last.state is CompareState.DONE and not last.options.repair and last.round == 1:
        took = (last.ended_ns - last.since_ns) / 1e9
        if took > LEAST_S and last.rows:
            return last.rows / took, f"{last.rows / took:,.0f} rows/s, as the last comparison went"
    return COMPARED_PER_S, f"{COMPARED_PER_S:,} rows/s, as between slow machines"


def _sum(numbers: Iterable[int | None]) -> int | None:
    found = list(numbers)
    known = [each for each in found if each is not None]
    return sum(known) if len(known) == len(found) and found else None
