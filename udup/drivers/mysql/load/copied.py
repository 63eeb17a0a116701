"""What a full copy that has not ended has made on the target: only that may be dropped when the copy begins again.

Tables are noted in `udup.copied_table`, everything else in `udup.copied_object`, each before it is made. The notes are
the job's, whichever node has written them; the copy's end forgets them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from udup.drivers.mysql.apply.checkpoint import COPY_TABLE, OBJECT_TABLE
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.dictionary.present import Present
from udup.pipeline.selection.schemas import UDUP_SCHEMA

#: What a table is noted as that was there before the copy, and is filled by it.
FILLED = "FILLED"

#: Notes written by one statement.
_AT_A_TIME = 500


@dataclass(frozen=True)
class CopyNotes:
    job: str

    def read(self, connection: Connection) -> set[Present]:
        """What the job's unfinished copy has made, or was about to."""
        sql = f"SELECT table_schema, table_name FROM {UDUP_SCHEMA}.{COPY_TABLE} WHERE job = %s"
        found = {Present("TABLE", str(schema), str(name)) for schema, name in query(connection, sql, self.job)}
        return found | {each for each in self._objects(connection) if each.kind != FILLED}

    def read_filled(self, connection: Connection) -> set[Present]:
        """Tables that were on the target before, and that the job's unfinished copy fills."""
        return {Present("TABLE", each.schema, each.name) for each in self._objects(connection) if each.kind == FILLED}

    def _objects(self, connection: Connection) -> set[Present]:
        sql = f"SELECT kind, object_schema, object_name FROM {UDUP_SCHEMA}.{OBJECT_TABLE} WHERE job = %s"
        return {Present(*map(str, row)) for row in query(connection, sql, self.job)}

    def write_filled(self, connection: Connection, tables: Iterable[Present]) -> None:
        """Before a row is loaded into these."""
        self.write(connection, [Present(FILLED, each.schema, each.name) for each in tables])

    def forget_objects(self, connection: Connection) -> None:
        """What was made only to be tried is gone again."""
        sql = f"DELETE FROM {UDUP_SCHEMA}.{OBJECT_TABLE} WHERE job = %s AND kind <> %s"
        query(connection, sql, self.job, FILLED)

    def write(self, connection: Connection, made: Iterable[Present]) -> None:
        """Before these are made."""
        made = list(made)
        tables = [(self.job, each.schema, each.name, "") for each in made if each.kind == "TABLE"]
        others = [(self.job, each.kind, each.schema, each.name) for each in made if each.kind != "TABLE"]
        for table, rows in ((COPY_TABLE, tables), (OBJECT_TABLE, others)):
            for at in range(0, len(rows), _AT_A_TIME):
                some = rows[at : at + _AT_A_TIME]
                values = ", ".join(["(%s, %s, %s, %s)"] * len(some))
                args = [value for row in some for value in row]
                query(connection, f"REPLACE INTO {UDUP_SCHEMA}.{table} VALUES {values}", *args)
