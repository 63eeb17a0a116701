"""Which sessions hold the tables that a snapshot's locks wait for, asked of the source as far as it tells this account.

A read lock on a table waits for transactions that have written to it, for statements that write, for LOCK TABLES …
WRITE and for DDL; a SELECT is never in its way.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from udup.drivers.mysql.client.connection import Connection, MySQLError, query
from udup.drivers.mysql.client.processes import read_processes
from udup.pipeline.selection.renames import Name
from udup.pipeline.waits import Blocker, shortened

#: Sessions named in a message, and rows of an answer that are looked at.
_NAMED, _MOST = 3, 5000

#: Granted locks that a read lock waits for.
_HELD = (
    "SELECT held.OBJECT_SCHEMA, held.OBJECT_NAME, holder.PROCESSLIST_ID, holder.PROCESSLIST_USER,"
    " holder.PROCESSLIST_HOST, holder.PROCESSLIST_COMMAND, holder.PROCESSLIST_TIME,"
    " (SELECT LEFT(SQL_TEXT, 1000) FROM performance_schema.events_statements_current said"
    " WHERE said.THREAD_ID = holder.THREAD_ID ORDER BY said.EVENT_ID LIMIT 1)"
    " FROM performance_schema.metadata_locks held"
    " JOIN performance_schema.threads holder ON holder.THREAD_ID = held.OWNER_THREAD_ID"
    " WHERE held.OBJECT_TYPE = 'TABLE' AND held.LOCK_STATUS = 'GRANTED' AND held.LOCK_TYPE IN"
    " ('SHARED_WRITE', 'SHARED_WRITE_LOW_PRIO', 'SHARED_NO_WRITE', 'SHARED_NO_READ_WRITE', 'EXCLUSIVE')"
    " AND holder.PROCESSLIST_ID <> CONNECTION_ID()"
    f" ORDER BY holder.PROCESSLIST_TIME DESC LIMIT {_MOST}"
)

#: Transactions that have locked rows, whoever's tables these are in; PROCESS is enough to see them.
_OPEN = (
    "SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX"
    f" WHERE trx_rows_locked > 0 OR trx_rows_modified > 0 ORDER BY trx_started LIMIT {_MOST}"
)


@dataclass(frozen=True)
class Holders:
    """Sessions that are in the way, the longest first; `hint` says what would tell more."""

    sessions: tuple[Blocker, ...]
    hint: str

    def __str__(self) -> str:
        if not self.sessions:
            return (
                f"a session that has written to one of them, and not ended its transaction, is in the way; {self.hint}"
            )
        named = "; ".join(_named(each) for each in self.sessions[:_NAMED])
        return f"in the way is {named}. Wait for it, or end it: KILL {self.sessions[0].session}"


def read_holders(connection: Connection, tables: Collection[Name]) -> Holders:
    """Return who holds one of these tables now; those who had it until a moment ago are gone by now."""
    wanted = set(tables)
    rows = _read(connection, _HELD)
    if rows is not None:
        found = [_blocker(*holder) for schema, name, *holder in rows if (str(schema), str(name)) in wanted]
        return Holders(tuple({each.session: each for each in found}.values()), "it has ended by now")
    hint = "GRANT SELECT ON performance_schema.* TO this account, where that is on, tells which one"
    return Holders(tuple(_of_transactions(connection)), hint)


def _of_transactions(connection: Connection) -> list[Blocker]:
    """Return the open transactions that hold rows, where locks are not shown."""
    numbers = [int(number) for (number,) in _read(connection, _OPEN) or ()]
    seen = {each.number: each for each in read_processes(connection)}
    return [
        _blocker(number, each.user, each.host, each.command, each.seconds, each.statement)
        for number in numbers
        if (each := seen.get(number)) is not None
    ]


def _read(connection: Connection, sql: str) -> list[Any] | None:
    """Return the rows, None if this account or this server does not tell."""
    try:
        return query(connection, sql)
    except MySQLError:
        if not connection.open:
            raise
        return None


def _blocker(
    number: object, user: object, host: object, command: object, seconds: object, statement: object
) -> Blocker:
    account = f"{user or ''}@{host or ''}"
    return Blocker(
        int(str(number)), account, shortened(str(statement or "")), int(str(seconds or 0)), command == "Sleep"
    )


def _named(holder: Blocker) -> str:
    state = f"idle in its transaction for {holder.seconds} s" if holder.idle else f"for {holder.seconds} s"
    said = f": {holder.statement}" if holder.statement else ""
    return f"connection {holder.session} of {holder.user}, {state}{said}"
