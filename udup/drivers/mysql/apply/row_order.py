"""Whether rows that ALTER TABLE numbers on the target get the source's numbers.

The source's part is looked at where the log is read (`drivers/mysql/stream/row_order.py`): it read an InnoDB table in
the order of its clustered index. Here the same must hold, with an index that is the source's: a primary key, or the
unique key without NULLs that InnoDB takes for it. Without one, rows lie in the order of hidden numbers that each server
gave them. Another family, and an older MariaDB, orders texts otherwise, but for the simplest collations; and a MariaDB
before 10.8 keeps a descending key in ascending order without a word.
"""

from __future__ import annotations

from udup.base.errors import Unsupported
from udup.drivers.mysql.client.connection import Connection, query, scalar
from udup.drivers.mysql.client.flavour import Version
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.ddl.sqlreader import ObjectName
from udup.drivers.mysql.mariadb.collations import Server, server_of
from udup.drivers.mysql.mariadb.definitions import needs_fitting

_ENGINE = (
    "SELECT ENGINE, CREATE_OPTIONS LIKE '%%partitioned%%' FROM information_schema.TABLES"
    " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
)
_CLUSTERED = (
    "SELECT INDEX_NAME FROM information_schema.STATISTICS"
    " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND NON_UNIQUE = 0"
    " GROUP BY INDEX_NAME HAVING SUM(NULLABLE = 'YES') = 0 AND SUM(COLUMN_NAME IS NULL OR SUB_PART IS NOT NULL) = 0"
)

#: Texts in unique keys whose order may be another one on another server.
_TEXTS = (
    "SELECT c.COLUMN_NAME FROM information_schema.STATISTICS s JOIN information_schema.COLUMNS c"
    " ON c.TABLE_SCHEMA = s.TABLE_SCHEMA AND c.TABLE_NAME = s.TABLE_NAME AND c.COLUMN_NAME = s.COLUMN_NAME"
    " WHERE s.TABLE_SCHEMA = %s AND s.TABLE_NAME = %s AND s.NON_UNIQUE = 0 AND c.COLLATION_NAME IS NOT NULL"
    " AND c.COLLATION_NAME NOT REGEXP '(_bin|_general_ci|latin1_swedish_ci)$' LIMIT 1"
)

#: The first of MySQL, and of MariaDB, with descending keys.
_DESCENDS: tuple[Version, Version] = ((8, 0, 0), (10, 8, 0))


def check_row_order(connection: Connection, table: ObjectName, gtid_next: str | None, source: Server) -> None:
    """`Unsupported` if rows would be numbered in another order; no word of a GTID that the server has executed."""
    if gtid_next is not None and scalar(connection, "SELECT GTID_SUBSET(%s, @@GLOBAL.gtid_executed)", gtid_next):
        return
    name = qualified(table.schema, table.name)
    for engine, partitioned in query(connection, _ENGINE, table.schema, table.name):
        if not query(connection, f"SELECT 1 FROM {name} LIMIT 1"):
            return
        why = ""
        if str(engine).lower() != "innodb":
            why = f"it is {engine} on the target"
        elif partitioned:
            why = "it is partitioned"
        elif not query(connection, _CLUSTERED, table.schema, table.name):
            why = "it has neither a primary key nor a unique key without NULLs"
        else:
            why = _otherwise(connection, table, source)
        if why:
            raise Unsupported(
                f"ALTER TABLE of {name} adds an AUTO_INCREMENT column to the rows that are there, and {why}: each"
                " server would number them in the order in which it keeps them, and the orders may differ; give the"
                " job another ID after it, so that it is copied again"
            )


def _otherwise(connection: Connection, table: ObjectName, source: Server) -> str:
    """Return why the target's index may have another order than the source's, "" if it has the same."""
    target = server_of(connection)
    if _descends(source) and not _descends(target):
        return "the source may have a descending key, which the target keeps in ascending order"
    if not needs_fitting(source, target):
        return ""
    return next(
        (
            f"the target may order the texts of its key otherwise (column {column})"
            for (column,) in query(connection, _TEXTS, table.schema, table.name)
        ),
        "",
    )


def _descends(server: Server) -> bool:
    return server.version >= _DESCENDS[server.is_mariadb]
