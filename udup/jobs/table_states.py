"""Where each table of a job stands, as the API shows it: by the job's record and that of its side job. All pure.

No table has a figure of its own while the log is followed: it is where the job is, and only what is copied, under way
by itself, or known to differ is told apart. So this costs those who ask, and nothing where rows pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from udup.jobs.growing_shown import percent_of, state_of
from udup.jobs.growth import Growth, parts_of
from udup.jobs.record import JobRecord
from udup.jobs.words import Stage
from udup.pipeline.selection.selection import Selection


class TableState(StrEnum):
    WAITING = "waiting"  # for its copy
    COPYING = "copying"
    COPIED = "copied"  # others are still copied, or its indexes made
    CATCHING_UP = "catching up"
    JOINING = "joining"  # with the job that it comes to
    LIVE = "live"
    RELOADING = "reloading"  # it is let go of, to be copied again
    DIVERGED = "diverged"  # rows of it differed when it was compared last
    FAILED = "failed"  # it cannot be copied or followed: the job's description says why
    STOPPED = "stopped"  # its job is paused or complete


@dataclass(frozen=True)
class TableShown:
    """`rows` and `total` of a copy, None where none is known; `position`: what the target has of it at least."""

    name: str
    state: TableState
    position: str
    reloads: bool = False
    percent: float | None = None
    rows: int | None = None
    total: int | None = None
    differences: int = 0
    problem: str = ""


_STAGES = {
    Stage.PENDING: TableState.WAITING,
    Stage.COPYING: TableState.WAITING,
    Stage.CATCHING_UP: TableState.CATCHING_UP,
    Stage.RUNNING: TableState.LIVE,
    Stage.FAILED: TableState.FAILED,
}


def shown_of(record: JobRecord, side: JobRecord | None, names: Iterable[tuple[str, str]]) -> list[TableShown]:
    """Return what is told of these tables, by their names on the source."""
    growth = record.growth
    new = _new(growth, record)
    unlike = {} if record.comparison is None else {each.name: each for each in record.comparison.unlike}
    found = []
    for schema, table in names:
        name = f"{schema}.{table}"
        if growth is not None and any(each.wants(schema, table) for each in new):
            shown = _under_way(name, growth, side)
        else:
            shown = _own(name, record)
        other = unlike.get(name)
        if other is not None and other.differences and shown.state is TableState.LIVE:
            shown = TableShown(name, TableState.DIVERGED, shown.position, differences=other.differences)
        found.append(shown)
    return found


def _new(growth: Growth | None, record: JobRecord) -> list[Selection]:
    """Return the tables that are apart, as either kind of source has their names; none if there are none."""
    if growth is None or not growth.side or growth.given_up:
        return []
    new = parts_of(growth, record.spec().selection()).new
    return [] if new is None else [new, new.folding(True)]


def _own(name: str, record: JobRecord) -> TableShown:
    position = record.progress.applied_gtid or ""
    if record.stage is Stage.PENDING and record.has_followed:
        return TableShown(name, TableState.CATCHING_UP, position)
    state = _STAGES.get(record.stage, TableState.STOPPED)
    copied: Any = (record.progress.tables or {}).get(name)
    if record.stage is Stage.COPYING and copied:
        return _copied(name, copied, position)
    return TableShown(name, state, position)


def _under_way(name: str, growth: Growth, side: JobRecord | None) -> TableShown:
    position = "" if side is None else side.progress.applied_gtid or ""
    reloads = bool(growth.reloads)
    state = state_of(growth, side)
    if state == "failed" and side is not None:
        return TableShown(name, TableState.FAILED, position, reloads, problem=side.status_description)
    if state == "leaving" or (state == "waiting" and reloads):
        return TableShown(name, TableState.RELOADING if reloads else TableState.WAITING, position, reloads)
    copied: Any = (side.progress.tables or {}).get(name) if side is not None else None
    if state == "copying" and copied:
        return _copied(name, copied, position, reloads=reloads)
    told = TableState.WAITING if state == "copying" else TableState(state)
    return TableShown(name, told, position, reloads, problem=growth.problem)


def _copied(name: str, copied: Mapping[str, Any], position: str, *, reloads: bool = False) -> TableShown:
    rows, total = int(copied.get("rows") or 0), int(copied.get("total") or 0)
    state = TableState.COPIED if copied.get("complete") else TableState.COPYING if rows else TableState.WAITING
    return TableShown(name, state, position, reloads, percent_of(rows, total), rows, total)


def counts(shown: Sequence[TableShown]) -> dict[str, int]:
    """Return how many tables are in each state, those that have none left out."""
    found: dict[str, int] = {}
    for each in shown:
        found[each.state.value] = found.get(each.state.value, 0) + 1
    return found
