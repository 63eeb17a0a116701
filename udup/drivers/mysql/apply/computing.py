"""Tables of the target in which the server computes something from rows, so that their session matters.

Generated columns, indexes on expressions (multi-valued ones too), CHECK constraints, expressions as defaults (of
columns that the source does not have), and partitions by an expression. Rows of other tables are the same bytes in
every session, and cost nothing of what this is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from udup.drivers.mysql.binlog.table_map import TableMaps, TableName, table_name
from udup.drivers.mysql.client.connection import Connection, query

#: What a table computes, for people, and since which version a server can be asked. The `%%` is for the driver, which
#: fills in the two names.
_PARTS: tuple[tuple[tuple[int, ...], str], ...] = (
    (
        (8, 0, 0),
        "SELECT CONCAT('generated column ', COLUMN_NAME) what FROM information_schema.COLUMNS"
        " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND GENERATION_EXPRESSION <> ''",
    ),
    (
        (8, 0, 13),
        "SELECT CONCAT('the default of column ', COLUMN_NAME) FROM information_schema.COLUMNS"
        " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND EXTRA LIKE '%%DEFAULT_GENERATED%%'"
        " AND COLUMN_DEFAULT NOT LIKE 'CURRENT_TIMESTAMP%%'",
    ),
    (
        (8, 0, 13),
        "SELECT CONCAT('index ', INDEX_NAME) FROM information_schema.STATISTICS"
        " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND EXPRESSION IS NOT NULL",
    ),
    (
        (8, 0, 16),
        "SELECT CONCAT('constraint ', CONSTRAINT_NAME) FROM information_schema.TABLE_CONSTRAINTS"
        " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND CONSTRAINT_TYPE = 'CHECK' AND ENFORCED = 'YES'",
    ),
    (
        (8, 0, 0),
        "SELECT CONCAT('partition ', PARTITION_NAME) FROM information_schema.PARTITIONS"
        " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND"
        " (PARTITION_METHOD IN ('RANGE', 'LIST', 'HASH', 'LINEAR HASH') AND PARTITION_EXPRESSION NOT REGEXP '^`[^`]*`$'"
        " OR SUBPARTITION_METHOD IN ('HASH', 'LINEAR HASH') AND SUBPARTITION_EXPRESSION NOT REGEXP '^`[^`]*`$')",
    ),
)

#: The same of MariaDB, which has no index on an expression, and says `current_timestamp()` for what is no expression.
_PARTS_OF_MARIADB = (
    _PARTS[0][1],
    "SELECT CONCAT('the default of column ', COLUMN_NAME) FROM information_schema.COLUMNS"
    " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND COLUMN_DEFAULT LIKE '%%(%%' AND COLUMN_DEFAULT NOT LIKE '\\'%%'"
    " AND COLUMN_DEFAULT NOT LIKE 'current_timestamp%%'",
    "SELECT CONCAT('constraint ', CONSTRAINT_NAME) FROM information_schema.CHECK_CONSTRAINTS"
    " WHERE CONSTRAINT_SCHEMA = %s AND TABLE_NAME = %s AND CHECK_CLAUSE NOT LIKE 'json_valid(%%'",
    _PARTS[4][1],
)


class Computing:
    """Remembers what `look` has found; looked at again whenever a table's definition is."""

    def __init__(self) -> None:
        self._found: dict[TableName, str] = {}

    def __bool__(self) -> bool:
        """Whether any table that was looked at computes."""
        return bool(self._found)

    def look(self, connection: Connection, name: TableName) -> str:
        """Ask the target's dictionary what a table computes; empty if nothing."""
        parts = [sql for since, sql in _PARTS if connection.version >= since]
        if connection.is_mariadb:
            parts = list(_PARTS_OF_MARIADB)
        rows = query(connection, " UNION ALL ".join(parts) + " LIMIT 1", *(len(parts) * [name.schema, name.table]))
        what = str(rows[0][0]) if rows else ""
        if what:
            self._found[name] = what
        else:
            self._found.pop(name, None)
        return what

    def of(self, name: TableName) -> str:
        """What a table computes, as it was found; empty if nothing."""
        return self._found.get(name, "")

    def shown(self, names: Iterable[TableName]) -> str:
        """The first of these tables that computes, and what, for people; empty if none does."""
        return next((f"{name} computes {self._found[name]}" for name in names if name in self._found), "")

    def in_events(self, events: bytes) -> str:
        """The same for the tables of whole events."""
        return self.shown(map(table_name, TableMaps().feed(events))) if self._found else ""

    def looker(self, connection: Connection) -> Callable[[bytes], str]:
        """Takes a transaction's events bit by bit, cut anywhere, and asks about tables that were not looked at."""
        maps, asked = TableMaps(), set[TableName]()

        def look(data: bytes) -> str:
            names = [table_name(event) for event in maps.feed(data)]
            for name in names:
                if name not in asked:
                    asked.add(name)
                    self.look(connection, name)
            return self.shown(names)

        return look
