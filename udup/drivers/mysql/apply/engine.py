"""What the engine of a target's table means for rows that go there.

Rows and checkpoint commit as one. In a MyISAM or MEMORY table the rows stay when the transaction is undone, so they
go by another way (`unsure.py`). An engine of which neither is known may receive none.
"""

from __future__ import annotations

from udup.base.errors import Unsupported
from udup.drivers.mysql.client.connection import Connection, scalar
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.dictionary.engines import is_non_transactional, is_transactional


def engine_of(connection: Connection, schema: str, table: str) -> str:
    """In lower case, empty for a table that is not there, which is told elsewhere.

    Raises `Unsupported` for one of which neither is known.
    """
    sql = "SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    engine = str(scalar(connection, sql, schema, table) or "").lower()
    if not engine or is_transactional(engine) or is_non_transactional(engine):
        return engine
    name = qualified(schema, table)
    raise Unsupported(
        f"{name} on the target is {engine}, of which it is not known how it keeps rows. Run there: "
        f"ALTER TABLE {name} ENGINE=InnoDB, and start the job again; the source's may stay"
    )
