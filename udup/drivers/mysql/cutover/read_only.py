"""A server's read-only settings: closed, opened as they were found, opened for Udup alone.

SET GLOBAL super_read_only = ON waits for statements that write and for LOCK TABLES, and every write waits behind it: so
it waits for a few seconds only. Whoever waits there may be left behind by a client that died, and close the server
later than somebody else has opened it. So all of this is done under a named lock of the server, which the one left
behind holds until its statement has ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

from udup.base.endpoint import Endpoint
from udup.base.errors import Contended
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, error_code, query, scalar
from udup.drivers.mysql.client.errors import ER, failure
from udup.drivers.mysql.client.processes import passed, read_processes
from udup.drivers.mysql.client.sessions import closing_session

READ_ONLY, SUPER_READ_ONLY, EVENT_SCHEDULER = "read_only", "super_read_only", "event_scheduler"

_LOCK = "udup.cutover"

#: Seconds for the named lock: longer than anybody left behind waits with it.
_LOCK_SECONDS = 30

#: Seconds that opening waits for locks: it needs none of those that closing does.
_OPENING_SECONDS = 10

#: Sessions that are named as being in the way.
_NAMED = 3

_HOLDERS = (
    "SELECT t.PROCESSLIST_ID, t.PROCESSLIST_USER, t.PROCESSLIST_HOST, t.PROCESSLIST_TIME, t.PROCESSLIST_INFO"
    " FROM performance_schema.metadata_locks m JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID"
    " WHERE m.OBJECT_TYPE IN ('GLOBAL', 'COMMIT') AND m.LOCK_STATUS = 'GRANTED'"
    " AND t.PROCESSLIST_ID <> CONNECTION_ID() ORDER BY t.PROCESSLIST_TIME DESC"
)


def read(connection: Connection) -> dict[str, str]:
    """Return the settings as they are: `ON` or `OFF`, and the scheduler's own words."""
    sql = "SELECT @@global.read_only, @@global.super_read_only, @@global.event_scheduler"
    [(read_only, super_read_only, scheduler)] = query(connection, sql)
    return {
        READ_ONLY: _word(read_only),
        SUPER_READ_ONLY: _word(super_read_only),
        EVENT_SCHEDULER: str(scheduler),
    }


def _word(value: object) -> str:
    return "ON" if str(value).upper() in ("1", "ON") else "OFF"


def close(endpoint: Endpoint, seconds: float) -> None:
    """Make the server read-only for everybody; `Contended` names who is in the way."""
    with _alone(endpoint, max(1, int(seconds))) as connection:
        try:
            query(connection, "SET GLOBAL super_read_only = ON")
        except MySQLError as error:
            if error_code(error) != ER.LOCK_WAIT_TIMEOUT:
                raise
            text = f"{endpoint} could not be made read-only within {seconds:g} s: {_in_the_way(connection)}"
            raise Contended(text) from error


def restore(endpoint: Endpoint, found: Mapping[str, str]) -> None:
    """Bring the settings back to what was found."""
    if statements := restoring(found):
        with _alone(endpoint, _OPENING_SECONDS) as connection:
            for statement in statements:
                query(connection, statement)


def restoring(found: Mapping[str, str]) -> list[str]:
    """Return the statements that open a closed server again."""
    statements = []
    if found.get(SUPER_READ_ONLY) == "OFF":
        statements.append("SET GLOBAL super_read_only = OFF")
    if found.get(READ_ONLY) == "OFF":
        statements.append("SET GLOBAL read_only = OFF")
    return statements


def keeping_closed(*, for_udup: bool) -> tuple[str, str]:
    """Return the statement that outlives a restart, and what undoes it."""
    name = READ_ONLY if for_udup else SUPER_READ_ONLY
    return f"SET PERSIST {name} = ON", f"RESET PERSIST {name}"


@contextmanager
def opened_for_admins(endpoint: Endpoint, found: Mapping[str, str]) -> Iterator[None]:
    """Open the server for accounts with CONNECTION_ADMIN or SUPER, with no event running until the end of it."""
    with _alone(endpoint, _OPENING_SECONDS) as connection:
        if found.get(EVENT_SCHEDULER) == "ON":
            query(connection, "SET GLOBAL event_scheduler = OFF")
        if read(connection)[READ_ONLY] == "OFF":
            query(connection, "SET GLOBAL read_only = ON")
        query(connection, "SET GLOBAL super_read_only = OFF")
        yield
        if found.get(EVENT_SCHEDULER) == "ON":
            query(connection, "SET GLOBAL event_scheduler = ON")


@contextmanager
def _alone(endpoint: Endpoint, lock_wait_seconds: int) -> Iterator[Connection]:
    """A connection that holds the lock under which the settings are changed."""
    try:
        with closing(connect(endpoint, closing_session(lock_wait_seconds))) as connection:
            if scalar(connection, "SELECT GET_LOCK(%s, %s)", _LOCK, _LOCK_SECONDS) != 1:
                raise Contended(f"somebody else changes whether {endpoint} is read-only")
            yield connection
    except MySQLError as error:
        raise failure(error, f"changing whether {endpoint} is read-only") from error


def _in_the_way(connection: Connection) -> str:
    """Return the sessions that keep a server from being closed, as far as the account may see them."""
    try:
        rows = query(connection, _HOLDERS)
    except MySQLError:
        rows = []
    holders = [_session(*row) for row in rows]
    if not holders:
        running = [each for each in read_processes(connection) if each.runs_a_statement]
        own = int(scalar(connection, "SELECT CONNECTION_ID()"))
        holders = [
            _session(each.number, each.user, each.host, each.seconds, each.statement)
            for each in sorted(running, key=lambda each: -each.seconds)
            if each.number != own
        ]
    if not holders:
        return "a statement that writes, or LOCK TABLES, of a session that this account cannot see"
    return "; ".join(dict.fromkeys(holders[:_NAMED]))


def _session(number: object, user: object, host: object, seconds: object, statement: object) -> str:
    doing = f"runs {str(statement)[:100]!r}" if statement else "holds LOCK TABLES or another lock"
    return f"session {number} ({user}@{host}) {doing}, for {passed(seconds)} s: KILL {number} ends it"
