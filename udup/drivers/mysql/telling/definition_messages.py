"""The statements that would make a snapshot's tables, told ahead of its rows: SET, then DROP and CREATE of each table.

They are told, and run by nobody here: what the dictionary cannot say of a table is left out, and no snapshot fails by
it. Names are the job's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

from udup.base import logs, runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError, Unsupported
from udup.drivers.mysql.client.connection import MySQLError, connect, query
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.ddl.rewriting import rewritten_text
from udup.drivers.mysql.dictionary.catalog import Table
from udup.drivers.mysql.telling.made_tables import ANSWER_SECONDS
from udup.drivers.mysql.telling.order import Place
from udup.drivers.mysql.telling.table_changes import changes_of, read_tables
from udup.pipeline.records import SnapshotDefinition
from udup.pipeline.selection.renames import Name, Renaming
from udup.pipeline.selection.selection import Selection

#: Tables whose definitions are in memory at the same time.
_TOGETHER = 100

_Statement = tuple[str, list[Name], bytes]


class SnapshotDefinitions:
    """`number` is that of the snapshot, `state` what is kept with the position once they are delivered."""

    def __init__(self, endpoint: Endpoint, selection: Selection, number: int, place: Place, state: str) -> None:
        self._endpoint, self._selection = endpoint, selection
        self._number, self._place, self._state = number, place, state

    def of(self, tables: Sequence[Table]) -> Iterator[SnapshotDefinition]:
        """Yield the statements of these tables, in their order."""
        statements = self._statements(tables)
        before = next(statements)
        count = 0
        for count, statement in enumerate(statements, 1):
            yield self._record(count - 1, before, last=False)
            before = statement
        yield self._record(count, before, last=True)

    def _record(self, number: int, statement: _Statement, *, last: bool) -> SnapshotDefinition:
        text, tables, changes = statement
        return SnapshotDefinition(
            self._number,
            number,
            last,
            text,
            tables[0][0] if tables else "",
            tables,
            changes,
            self._place.file,
            self._place.offset,
            runtime.wall_us() // 1000,
            self._state,
        )

    def _statements(self, tables: Sequence[Table]) -> Iterator[_Statement]:
        yield self._setting(), [], b"[]"
        for at in range(0, len(tables), _TOGETHER):
            some = tables[at : at + _TOGETHER]
            found = self._asked([(table.schema, table.name) for table in some])
            for table in some:
                new = self._selection.renamed_table(table.schema, table.name)
                yield (
                    f"DROP TABLE IF EXISTS {qualified(*new)}",
                    [new],
                    changes_of([("DROP", [new], None)]),
                )
                made = changes_of([("CREATE", [new], found.get((table.schema, table.name)))])
                yield self._create(table), [new], made

    def _create(self, table: Table) -> str:
        if not self._selection.renames:
            return table.create_sql
        try:
            return rewritten_text(table.create_sql, table.schema, Renaming(self._selection))
        except Unsupported:
            return table.create_sql

    def _setting(self) -> str:
        charset, collation = "utf8mb4", "utf8mb4_0900_ai_ci"
        try:
            with closing(connect(self._endpoint, answer_seconds=ANSWER_SECONDS)) as connection:
                [(charset, collation)] = query(
                    connection, "SELECT @@global.character_set_server, @@global.collation_server"
                )
        except (UdupError, MySQLError, OSError) as error:
            self._warn(error)
        return f"SET character_set_server={charset}, collation_server={collation}"

    def _asked(self, names: Sequence[Name]) -> Mapping[Name, bytes]:
        try:
            with closing(connect(self._endpoint, answer_seconds=ANSWER_SECONDS)) as connection:
                return read_tables(connection, names)
        except (UdupError, MySQLError, OSError) as error:
            self._warn(error)
            return {}

    @staticmethod
    def _warn(error: Exception) -> None:
        logs.logger("mysql").warning("dictionary_not_asked", what="the tables of a snapshot", why=str(error))
