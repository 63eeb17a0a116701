"""Whether rows that ALTER TABLE numbers on the target get the source's numbers.

The source's part is looked at where the log is read (`drivers/mysql/stream/row_order.py`): it read an InnoDB table in
the order of its clustered index. Here the same must hold, with an index that is the source's: a primary key, or the
unique key without NULLs that InnoDB takes for it. Without one, rows lie in the order of hidden numbers that each server
gave them.
"""

from __future__ import annotations

from udup.base.errors import Unsupported
from udup.drivers.mysql.client.connection import Connection, query, scalar
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.ddl.sqlreader import ObjectName

_ENGINE = (
    "SELECT ENGINE, CREATE_OPTIONS LIKE '%%partitioned%%' FROM information_schema.TABLES"
    " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
)
_CLUSTERED = (
    "SELECT INDEX_NAME FROM information_schema.STATISTICS"
    " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND NON_UNIQUE = 0"
    " GROUP BY INDEX_NAME HAVING SUM(NULLABLE = 'YES') = 0 AND SUM(COLUMN_NAME IS NULL OR SUB_PART IS NOT NULL) = 0"
)


def check_row_order(connection: Connection, table: ObjectName, gtid_next: str | None) -> None:
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
        if why:
            raise Unsupported(
                f"ALTER TABLE of {name} adds an AUTO_INCREMENT column to the rows that are there, and {why}: each"
                " server would number them in the order in which it keeps them, and the orders may differ; give the"
                " job another ID after it, so that it is copied again"
            )
