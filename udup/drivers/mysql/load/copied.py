"""What a full copy that has not ended has made on the target: only that may be dropped when the copy begins again.

Tables are noted in `udup.copied_table`, everything else in `udup.copied_object`, each before it is made. The notes are
the job's, whichever node has written them; the copy's end forgets them.

A table that was there before and is filled is noted with a sign of what it was when the copy began: the job's own
registration, and what tells the table from another of its name (`standing.py`). If another job of the same ID finds the
note, or the table was made or emptied since, its rows are not known to be the copy's.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from udup.drivers.mysql.apply.own_tables import COPY_TABLE, OBJECT_TABLE
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.dictionary.present import Present
from udup.pipeline.selection.schemas import UDUP_SCHEMA

#: What a table is noted as that was there before the copy, and is filled by it; a sign follows.
FILLED = "FILLED"
_FILLED = f"{FILLED} "

#: Notes written by one statement.
_AT_A_TIME = 500


def sign_of(incarnation: str, made: str) -> str:
    """Return the sign of a table, by what tells it from another of its name, filled by this registration of a job."""
    return f"{zlib.crc32(f'{incarnation} {made}'.encode()):08x}"


@dataclass(frozen=True)
class CopyNotes:
    job: str

    def read(self, connection: Connection) -> set[Present]:
        """What the job's unfinished copy has made, or was about to."""
        sql = f"SELECT table_schema, table_name FROM {UDUP_SCHEMA}.{COPY_TABLE} WHERE job = %s"
        found = {Present("TABLE", str(schema), str(name)) for schema, name in query(connection, sql, self.job)}
        return found | {each for each in self._objects(connection) if not each.kind.startswith(FILLED)}

    def read_filled(self, connection: Connection) -> dict[Present, str]:
        """Tables that were on the target before, and that the job's unfinished copy fills: the sign of each."""
        filled = [each for each in self._objects(connection) if each.kind.startswith(FILLED)]
        return {Present("TABLE", each.schema, each.name): each.kind.removeprefix(_FILLED) for each in filled}

    def _objects(self, connection: Connection) -> set[Present]:
        sql = f"SELECT kind, object_schema, object_name FROM {UDUP_SCHEMA}.{OBJECT_TABLE} WHERE job = %s"
        return {Present(*map(str, row)) for row in query(connection, sql, self.job)}

    def write_filled(self, connection: Connection, tables: Mapping[Present, str]) -> None:
        """Before a row is loaded into these, which have been emptied: their signs. What was noted before is forgotten.

        All of it or nothing.
        """
        connection.begin()
        sql = f"DELETE FROM {UDUP_SCHEMA}.{OBJECT_TABLE} WHERE job = %s AND LEFT(kind, {len(FILLED)}) = %s"
        query(connection, sql, self.job, FILLED)
        self.write(connection, [Present(_FILLED + sign, each.schema, each.name) for each, sign in tables.items()])
        connection.commit()

    def forget_objects(self, connection: Connection) -> None:
        """What was made only to be tried is gone again."""
        sql = f"DELETE FROM {UDUP_SCHEMA}.{OBJECT_TABLE} WHERE job = %s AND LEFT(kind, {len(FILLED)}) <> %s"
        query(connection, sql, self.job, FILLED)

    def forget_tables(self, connection: Connection, tables: Iterable[Present]) -> None:
        """These are somebody else's by now."""
        sql = f"DELETE FROM {UDUP_SCHEMA}.{COPY_TABLE} WHERE job = %s AND table_schema = %s AND table_name = %s"
        for each in tables:
            query(connection, sql, self.job, each.schema, each.name)

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
