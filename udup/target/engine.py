"""What the engine of a target's table means for rows that go there.

Rows and checkpoint commit as one. In a MyISAM or MEMORY table the rows stay when the transaction is undone, so they
go by another way (`unsure.py`). An engine of which neither is known may receive none.
"""

from __future__ import annotations

from udup.errors import Unsupported
from udup.mysql.connection import Connection, query
from udup.mysql.engines import is_non_transactional, is_transactional
from udup.mysql.names import qualified


def takes_part_in_transactions(connection: Connection, schema: str, table: str) -> bool:
    """Also for a table that is not there, which is told elsewhere. Raises `Unsupported` for another kind of engine."""
    sql = "SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    for (engine,) in query(connection, sql, schema, table):
        if engine is None or is_transactional(engine):
            return True
        if is_non_transactional(engine):
            return False
        name = qualified(schema, table)
        raise Unsupported(
            f"{name} on the target is {engine}, of which it is not known how it keeps rows. Run there: "
            f"ALTER TABLE {name} ENGINE=InnoDB, and start the job again; the source's may stay"
        )
    return True
