"""Whether rows of a table refer to rows that are not there, asked for a moment."""

from __future__ import annotations

import re

from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.dictionary.later_keys import NAME, LaterKey

#: Milliseconds for which rows are looked at: the job's log waits meanwhile.
MOST_MS = 2000

#: The look took too long: MySQL's number, MariaDB's.
_TOO_LONG = frozenset({3024, 1969})


def has_orphans(connection: Connection, key: LaterKey) -> bool:
    """Return whether a row refers to none, as far as that is seen in a moment."""
    mine, others = (re.findall(NAME, each) for each in (key.columns, key.others))
    pairs = " AND ".join(f"c.{one} = p.{other}" for one, other in zip(mine, others, strict=True))
    given = " AND ".join(f"c.{one} IS NOT NULL" for one in mine)
    hint = "" if connection.is_mariadb else f"/*+ MAX_EXECUTION_TIME({MOST_MS}) */ "
    limit = f"SET STATEMENT max_statement_time={MOST_MS / 1000:g} FOR " if connection.is_mariadb else ""
    sql = (
        f"{limit}SELECT {hint}1 FROM {qualified(*key.child)} c WHERE {given}"
        f" AND NOT EXISTS (SELECT 1 FROM {qualified(*key.of)} p WHERE {pairs}) LIMIT 1"
    )
    try:
        return bool(query(connection, sql))
    except MySQLError as error:
        if error_code(error) in _TOO_LONG:
            return False
        raise
