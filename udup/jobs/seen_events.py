"""What happened between two looks at a job that its record does not keep: found by comparing its progress."""

from __future__ import annotations

from collections.abc import Iterator

from udup.jobs.record import JobRecord
from udup.jobs.record_events import Happened, Kind, shortened
from udup.jobs.words import Stage

#: Tables that are told one by one of those that have become complete between two looks.
_TOLD = 5

_FOLLOWS = (Stage.CATCHING_UP, Stage.RUNNING)


def changes(before: JobRecord, after: JobRecord, now_ns: int) -> list[Happened]:
    """Return what has happened between two looks, the last of them now."""
    found = [*_stages(before, after, now_ns), *_tables(before, after, now_ns), *_definitions(before, after, now_ns)]
    return [*found, *_waits(before, after, now_ns)]


def _stages(before: JobRecord, after: JobRecord, now_ns: int) -> Iterator[Happened]:
    if before.stage is Stage.COPYING and after.stage in _FOLLOWS:
        rows = after.progress.copied_rows
        text = "The full copy is complete" + (f": {rows} rows" if rows else "")
        yield Happened(now_ns, Kind.COPY_COMPLETE, text, {"rows": str(rows or 0)})
    if before.stage is not Stage.RUNNING and after.stage is Stage.RUNNING:
        yield Happened(now_ns, Kind.CAUGHT_UP, "The target has caught up with the source")


def _tables(before: JobRecord, after: JobRecord, now_ns: int) -> Iterator[Happened]:
    now, then = after.progress.tables, before.progress.tables
    if now is None or now is then:
        return
    known = then or {}
    complete = [name for name, each in now.items() if each.get("complete") and not known.get(name, {}).get("complete")]
    if len(complete) > _TOLD:
        text, params = f"{len(complete)} tables are copied", {"count": str(len(complete))}
        yield Happened(now_ns, Kind.TABLE_COMPLETE, text, params)
        return
    for name in complete:
        rows = int(now[name].get("rows") or 0)
        yield Happened(now_ns, Kind.TABLE_COMPLETE, f"{name} is copied: {rows} rows", {"rows": str(rows)}, table=name)


def _definitions(before: JobRecord, after: JobRecord, now_ns: int) -> Iterator[Happened]:
    count = (after.progress.definitions or 0) - (before.progress.definitions or 0)
    if count > 0 and before.progress.definitions is not None:
        text = "A DDL statement was carried out" if count == 1 else f"{count} DDL statements were carried out"
        yield Happened(now_ns, Kind.DEFINITION, text, {"count": str(count)})


def _waits(before: JobRecord, after: JobRecord, now_ns: int) -> Iterator[Happened]:
    then, now = before.progress.waiting_for, after.progress.waiting_for
    if now is None or now is then or now.is_consequence:
        return
    if then is not None and (then.what, then.side) == (now.what, now.side):
        return
    text = f"Waits for {now.what} on the {now.side or 'target'}" + (f": {now.statement}" if now.statement else "")
    params = {"what": now.what or "", "side": now.side or ""}
    yield Happened(now_ns, Kind.THROTTLED, shortened(text), params, now.gtid or "", now.table or "")
