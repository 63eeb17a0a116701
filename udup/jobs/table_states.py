"""Where each table of a job stands, as the API shows it: by the job's record and that of its side job. All pure.

While the log is followed a table is where the job is, and only what is copied, under way by itself, or known to differ
is told apart. What was changed of each, and which tables are ahead of the job, its target knows (`with_changes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from udup.base.errors import FailureKind
from udup.base.long_text import cut_set
from udup.jobs.growing_shown import percent_of, state_of
from udup.jobs.growth import Growth, parts_of
from udup.jobs.record import JobRecord
from udup.jobs.words import Stage
from udup.pipeline.ports.tables import TableChange, TablesOnTarget
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
    """`rows` and `total` of a copy, None where none is known; `position`: what the target has of it at least.

    `change` is what the job has changed of it since it counts that, None where that is not known. `apart`: it is under
    way by itself, and has a position of its own.
    """

    name: str
    state: TableState
    position: str
    reloads: bool = False
    percent: float | None = None
    rows: int | None = None
    total: int | None = None
    differences: int = 0
    problem: str = ""
    change: TableChange | None = None
    apart: bool = False


#: Characters of a position that are told of each table: of ten thousand tables those of a long one would be megabytes.
POSITION_MAX = 1024

_STAGES = {
    Stage.PENDING: TableState.WAITING,
    Stage.COPYING: TableState.WAITING,
    Stage.CATCHING_UP: TableState.CATCHING_UP,
    Stage.RUNNING: TableState.LIVE,
    Stage.FAILED: TableState.FAILED,
}


#: Schema, table and number of rows of a table that differs, by its names on the source.
Differing = Iterable[tuple[str, str, int]]


def shown_of(
    record: JobRecord,
    side: JobRecord | None,
    names: Iterable[tuple[str, str]],
    differing: Differing | None = None,
) -> list[TableShown]:
    """Return what is told of these tables, by their names on the source.

    `differing` are those of the target's ledger; without it the record has the first of the last comparison.
    """
    growth = record.growth
    new = _new(growth, record)
    differences = _differences(record, differing)
    stopped = _stopped_at(record)
    renamed = record.spec().selection().renamed_table if stopped else None
    found = []
    for schema, table in names:
        name = f"{schema}.{table}"
        if growth is not None and any(each.wants(schema, table) for each in new):
            shown = replace(_under_way(name, growth, side), apart=True)
        else:
            shown = _own(name, record)
        if renamed is not None and shown.state is TableState.FAILED and ".".join(renamed(schema, table)) in stopped:
            shown = replace(shown, state=TableState.DIVERGED)
        if count := differences.get(name):
            state = TableState.DIVERGED if shown.state is TableState.LIVE else shown.state
            shown = replace(shown, state=state, differences=count)
        found.append(shown)
    return found


def _differences(record: JobRecord, differing: Differing | None) -> dict[str, int]:
    if differing is not None:
        return {f"{schema}.{table}": count for schema, table, count in differing}
    return {} if record.comparison is None else {each.name: each.differences for each in record.comparison.unlike}


def _stopped_at(record: JobRecord) -> frozenset[str]:
    """Return the tables, by their names on the target, at a row of which the job has stopped."""
    stopped = record.stopped
    if record.stage is not Stage.FAILED or stopped is None or stopped.kind is not FailureKind.DIVERGENCE:
        return frozenset()
    tables = frozenset(each.strip() for each in stopped.table.split(",") if each.strip())
    named = frozenset(each for each in tables if f"'{each.partition('.')[2]}" in stopped.text)
    return named or tables  # the server says in which of its transaction's tables it has not found a row


def copies(record: JobRecord, shown: Sequence[TableShown]) -> dict[str, int]:
    """Return how many tables are in each state: of a copy of very many the record tells only some by name."""
    found = counts(shown)
    told, complete = record.progress.tables or {}, record.progress.copy_tables_complete
    if record.stage is not Stage.COPYING or complete is None or len(told) >= (record.progress.copy_tables or 0):
        return found
    more = min(complete - found.get(TableState.COPIED, 0), found.get(TableState.WAITING, 0))
    found[TableState.COPIED] = found.get(TableState.COPIED, 0) + more
    found[TableState.WAITING] = found.get(TableState.WAITING, 0) - more
    return {str(state): count for state, count in found.items() if count}


def states_of(record: JobRecord) -> dict[str, int]:
    """Return how many tables are in each state as far as the record tells: without names, and no server is asked.

    Tables that are under way by themselves are not among them.
    """
    progress, stage = record.progress, record.stage
    total = progress.followed_tables or progress.copy_tables or 0
    if stage is Stage.COPYING:
        total, complete = progress.copy_tables or 0, progress.copy_tables_complete or 0
        told = (progress.tables or {}).values()
        copying = sum(bool(each.get("rows")) and not each.get("complete") for each in told)
        found = {TableState.COPIED: complete, TableState.COPYING: copying}
        found[TableState.WAITING] = max(0, total - complete - copying)
    else:
        diverged = 0
        if stage is Stage.RUNNING:
            diverged = sum(bool(count) for count in _differences(record, None).values())
        diverged = min(total, diverged or len(_stopped_at(record)))
        found = {TableState.DIVERGED: diverged, _STAGES.get(stage, TableState.STOPPED): total - diverged}
    return {state.value: found.get(state, 0) for state in TableState}


def with_changes(page: Sequence[TableShown], known: TablesOnTarget) -> list[TableShown]:
    """Return tables with what the target knows of them; `known` is about these very tables, in their order."""
    changes = {f"{each.schema}.{each.table}": each for each in known.changes}
    ahead = {at: cut_set(each.position, POSITION_MAX) for each in known.ahead for at in each.tables}
    copied = {f"{each.schema}.{each.table}": each for each in known.copied}
    found = []
    for at, shown in enumerate(page):
        if (
            shown.state is TableState.WAITING
            and (part := copied.get(shown.name)) is not None
            and (part.rows or part.whole)
        ):
            state = TableState.COPIED if part.whole else TableState.COPYING
            shown = replace(shown, state=state, rows=part.rows, percent=100.0 if part.whole else None)
        schema, _, table = shown.name.partition(".")
        change = changes.get(shown.name, TableChange(schema, table)) if known.since_us else None
        position = shown.position if shown.apart else ahead.get(at, shown.position)
        found.append(replace(shown, change=change, position=position))
    return found


def _new(growth: Growth | None, record: JobRecord) -> list[Selection]:
    """Return the tables that are apart, as either kind of source has their names; none if there are none."""
    if growth is None or not growth.side or growth.given_up:
        return []
    new = parts_of(growth, record.spec().selection()).new
    return [] if new is None else [new, new.folding(True)]


def _own(name: str, record: JobRecord) -> TableShown:
    position = cut_set(record.progress.applied_gtid or "", POSITION_MAX)
    if record.stage is Stage.PENDING and record.has_followed:
        return TableShown(name, TableState.CATCHING_UP, position)
    state = _STAGES.get(record.stage, TableState.STOPPED)
    copied: Any = (record.progress.tables or {}).get(name)
    if record.stage is Stage.COPYING and copied:
        return _copied(name, copied, position)
    return TableShown(name, state, position)


def _under_way(name: str, growth: Growth, side: JobRecord | None) -> TableShown:
    position = "" if side is None else cut_set(side.progress.applied_gtid or "", POSITION_MAX)
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
