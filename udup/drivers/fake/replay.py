"""What a source's rows were once some of its transactions had been committed: what a target must have then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from udup.drivers.fake.changes import Row, Table
from udup.drivers.fake.position import FakePosition
from udup.drivers.fake.reading import Translator, is_there
from udup.drivers.fake.source_log import Logged, define, write
from udup.pipeline.ownership import TableName
from udup.pipeline.positions import AheadNotes
from udup.pipeline.selection.selection import Selection

_NO_NOTES = AheadNotes()


def rows_at(
    entries: Iterable[Logged],
    position: FakePosition,
    selection: Selection = Selection(),  # noqa: B008 - frozen
    notes: AheadNotes = _NO_NOTES,
) -> Mapping[TableName, Mapping[str, Row]]:
    """Carry out these transactions of a log, in its order, on no tables; return all rows by the target's names."""
    found = tables_at(entries, position, selection, notes)
    return {name: dict(table.rows) for name, table in sorted(found.items())}


def tables_at(
    entries: Iterable[Logged], position: FakePosition, selection: Selection, notes: AheadNotes = _NO_NOTES
) -> dict[TableName, Table]:
    """Return the tables of a target at a position, some ahead of it by notes."""
    tables: dict[TableName, Table] = {}
    prepared: dict[str, Logged] = {}
    for entry in entries:
        if entry.xid and entry.commit is None and not entry.one_phase:
            prepared[entry.xid] = entry  # its end may be in a position that it is not in itself: then that is wrong
        of = entry.id.source, entry.id.number
        has, part = position.contains(*of), notes.of(*of)
        names = Translator(selection)
        if not has and part is None:
            continue
        if entry.statement is not None and (has or (part is not None and part.leaves_out(*entry.statement.table))):
            statement = names.wanted_statement(entry.statement)
            if statement is not None:
                define(tables, statement)
        done = prepared[entry.xid] if entry.commit else entry
        if entry.commit or not entry.xid or entry.one_phase:
            changes = (
                done.changes if has or part is None else tuple(each for each in done.changes if is_there(each, part))
            )
            for change in names.wanted(changes):
                write(tables[change.table], change, done.context["time_zone"])
    return tables
