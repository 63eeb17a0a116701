"""The tables of a snapshot as they are read: the dictionary must say of them what the snapshot's catalog says."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Transient, Unsupported
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.dictionary.catalog import Column, Table
from udup.drivers.mysql.snapshot.json_before_8 import is_asked_by_number
from udup.drivers.mysql.telling.definitions import TableDefinition, read_definitions
from udup.drivers.mysql.telling.events import SnapshotTable, key_of
from udup.pipeline.selection.renames import Name
from udup.pipeline.selection.selection import Selection


class SnapshotTables:
    """The tables as they are read, made when they are met first; any thread may ask."""

    def __init__(self, endpoint: Endpoint, selection: Selection, *, has_crc: bool) -> None:
        self._endpoint, self._selection, self.has_crc = endpoint, selection, has_crc
        self._lock = runtime.Lock()
        self._made: dict[Name, tuple[tuple[Column, ...], SnapshotTable]] = {}
        self._definitions: dict[str, dict[str, TableDefinition]] = {}

    def of(self, table: Table) -> SnapshotTable:
        """Return it. `Transient` if the dictionary has another definition by now than the snapshot's."""
        name = table.schema, table.name
        with self._lock:
            columns, made = self._made.get(name, ((), None))
            if made is None or columns != table.columns:
                made = self._make(table, len(self._made) + 1)
                self._made[name] = table.columns, made
            return made

    def _make(self, table: Table, number: int) -> SnapshotTable:
        definition = self._definition(table)
        schema, new = self._selection.renamed_table(table.schema, table.name)
        named = replace(definition, schema=schema, name=new)
        return SnapshotTable(definition, named, number, has_crc=self.has_crc, key=key_of(table))

    def _definition(self, table: Table) -> TableDefinition:
        wanted = [(column.name, column.column_type, column.charset, column.nullable) for column in table.columns]
        for _ in range(3):  # what was read before may be that of a snapshot that had to be opened again
            found = self._definitions.get(table.schema, {}).get(table.name)
            if found is not None and _columns_of(found) == wanted:
                return found
            with closing(connect(self._endpoint)) as connection:
                if is_asked_by_number(connection) and any(column.kind == "json" for column in table.columns):
                    raise Unsupported(
                        f"{table.schema}.{table.name} has JSON, of which a source before MySQL 8.0.4 does not say every"
                        " value's type: leave the table out (ReplicateIgnoreDb), or upgrade the source",
                        table=f"{table.schema}.{table.name}",
                    )
                self._definitions[table.schema] = read_definitions(connection, table.schema)
        raise Transient(
            f"the definition of {table.schema}.{table.name} on {self._endpoint} changed while its snapshot was opened:"
            " it begins again",
            table=f"{table.schema}.{table.name}",
        )


def _columns_of(found: TableDefinition) -> list[tuple[str | None, str, str | None, bool]]:
    parts = zip(found.columns, found.types, found.charsets, strict=True)
    return [(column.name, type_, charset, column.nullable) for column, type_, charset in parts]
