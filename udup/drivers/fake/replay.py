"""What a source's rows were once some of its transactions had been committed: what a target must have then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from udup.drivers.fake.changes import Row, Table
from udup.drivers.fake.position import FakePosition
from udup.drivers.fake.reading import Translator
from udup.drivers.fake.source_log import Logged, define, write
from udup.pipeline.ownership import TableName
from udup.pipeline.selection.selection import Selection


def rows_at(
    entries: Iterable[Logged],
    position: FakePosition,
    selection: Selection = Selection(),  # noqa: B008 - frozen
) -> Mapping[TableName, Mapping[str, Row]]:
    """Carry out these transactions of a log, in its order, on no tables; return all rows by the target's names."""
    tables: dict[TableName, Table] = {}
    prepared: dict[str, Logged] = {}
    names = Translator(selection)
    for entry in entries:
        if entry.xid and entry.commit is None and not entry.one_phase:
            prepared[entry.xid] = entry  # its end may be in a position that it is not in itself: then that is wrong
        if not position.contains(entry.id.source, entry.id.number):
            continue
        statement = names.wanted_statement(entry.statement)
        if statement is not None:
            define(tables, statement)
        done = prepared[entry.xid] if entry.commit else entry
        if entry.commit or not entry.xid or entry.one_phase:
            for change in names.wanted(done.changes):
                write(tables[change.table], change, done.context["time_zone"])
    return {name: dict(table.rows) for name, table in sorted(tables.items())}
