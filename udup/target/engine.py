"""Only tables whose engine takes part in transactions may receive rows.

Rows and checkpoint commit as one. In a MyISAM or MEMORY table the rows would stay when the transaction is undone, and a
run that begins again would write them twice. What such a table of the source logs are rows like any other, so the
target's table may be InnoDB.
"""

from __future__ import annotations

from udup.errors import Unsupported
from udup.mysql.connection import Connection, query
from udup.mysql.names import qualified

#: BLACKHOLE keeps nothing, so there is nothing to undo.
_EXACT_ENGINES = frozenset({"innodb", "rocksdb", "blackhole"})


def check_engine(connection: Connection, schema: str, table: str) -> None:
    """Raises `Unsupported` for a table of another engine; one that is not there is told elsewhere."""
    sql = "SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    for (engine,) in query(connection, sql, schema, table):
        if engine is not None and engine.lower() not in _EXACT_ENGINES:
            name = qualified(schema, table)
            raise Unsupported(
                f"{name} on the target is {engine}, which is not transactional: a row could be applied twice after a "
                f"failure. Run there: ALTER TABLE {name} ENGINE=InnoDB, and start the job again; the source's may stay"
            )
