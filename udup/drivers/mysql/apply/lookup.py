"""By which index the target's server looks for the rows that an event changes.

It takes a primary key, else a unique key whose columns may not be NULL, else the first index that can be read in
order. It believes that of a SPATIAL index too, and finds no row by it: error 1032, on a MySQL replica just so (seen on
9.7), and on a MariaDB (seen on 11.8). An index that is INVISIBLE is not taken; on MariaDB one that is IGNORED is.
"""

from __future__ import annotations

from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified, quote

_EXACT_KEY = """SELECT 1 FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND NON_UNIQUE = 0
GROUP BY INDEX_NAME HAVING MAX(NULLABLE = 'YES') = 0 LIMIT 1"""

_SPATIAL = """SELECT INDEX_NAME FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND INDEX_TYPE = 'SPATIAL'"""
_VISIBLE = " AND IS_VISIBLE = 'YES'"


def spatial_remedy(connection: Connection, schema: str, table: str) -> str:
    """What to do about a row that is not found, to be added to a sentence; empty if no SPATIAL index is in the way."""
    in_the_way = _SPATIAL if connection.is_mariadb else _SPATIAL + _VISIBLE
    indexes = [] if query(connection, _EXACT_KEY, schema, table) else query(connection, in_the_way, schema, table)
    if not indexes:
        return ""
    change = "DROP INDEX {}" if connection.is_mariadb else "ALTER INDEX {} INVISIBLE"
    changes = ", ".join(change.format(quote(index)) for (index,) in indexes)
    return (
        "; the server finds no row by a SPATIAL index, and this table has no key without NULLs that it would take"
        f" instead. Run on the target: ALTER TABLE {qualified(schema, table)} {changes}"
    )
