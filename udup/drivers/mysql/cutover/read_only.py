"""A server's read-only settings: closed, opened as they were found, opened for Udup alone.

SET GLOBAL super_read_only = ON waits for statements that write and for LOCK TABLES, and every write waits behind it:
also the one for which whoever is in the way waits, such as the next statement of a transaction that holds a row. So it
waits for a second only, lets everybody go on, and tries again.

Whoever waits there may be left behind by a client that died, and close the server later than somebody else has opened
it. So all of this is done under a named lock of the server, which the one left behind holds until it has ended. In a
cluster the connection has the place of the job's cut-over besides (`place.py`).

MariaDB has no super_read_only: `read_only` closes it for all but some accounts (`mariadb/writers.py`). Its scheduler
is turned off with that, since events of those accounts' would go on writing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Contended
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, error_code, query, scalar
from udup.drivers.mysql.client.errors import ER, failure
from udup.drivers.mysql.client.facts import read_global
from udup.drivers.mysql.client.sessions import closing_session
from udup.drivers.mysql.cutover.in_the_way import InTheWay
from udup.drivers.mysql.cutover.place import CutoverPlace
from udup.drivers.mysql.mariadb.writers import READ_ONLY_ADMIN

READ_ONLY, SUPER_READ_ONLY, EVENT_SCHEDULER = "read_only", "super_read_only", "event_scheduler"

#: Beside them in what was found: whose server it is, where that is not MySQL.
SERVER, MARIADB = "server", "MariaDB"

_LOCK = "udup.cutover"

#: Seconds for the named lock: longer than anybody left behind waits with it.
_LOCK_SECONDS = 30

#: Seconds that every write waits at most behind one try, and for which everybody goes on before the next.
_TRY_SECONDS, _PAUSE_SECONDS = 1, 1.0

#: Seconds for all tries, where a server is closed while it is opened for Udup.
_OPENING_SECONDS = 10.0


def read(connection: Connection) -> dict[str, str]:
    """Return the settings as they are: `ON` or `OFF`, and the scheduler's own words."""
    found = read_global(connection, READ_ONLY, SUPER_READ_ONLY, EVENT_SCHEDULER)
    own = {SERVER: MARIADB} if connection.is_mariadb else {SUPER_READ_ONLY: _word(found.get(SUPER_READ_ONLY))}
    return {READ_ONLY: _word(found.get(READ_ONLY)), EVENT_SCHEDULER: found.get(EVENT_SCHEDULER, ""), **own}


def is_closed(found: Mapping[str, str]) -> bool:
    """Return whether nobody can write, but for the accounts that nothing keeps from writing to a MariaDB."""
    if found.get(SERVER) == MARIADB:
        return found[READ_ONLY] == "ON" and found[EVENT_SCHEDULER] != "ON"
    return found[SUPER_READ_ONLY] == "ON"


def _word(value: object) -> str:
    return "ON" if str(value).upper() in ("1", "ON") else "OFF"


def close(endpoint: Endpoint, seconds: float, place: CutoverPlace | None = None) -> None:
    """Make the server read-only for everybody; `Contended` names who is in the way."""
    with _alone(endpoint, place) as connection:
        if connection.is_mariadb and read(connection)[EVENT_SCHEDULER] == "ON":
            query(connection, "SET GLOBAL event_scheduler = OFF")
        name = READ_ONLY if connection.is_mariadb else SUPER_READ_ONLY
        _close(connection, f"SET GLOBAL {name} = ON", endpoint, seconds)


def _close(connection: Connection, statement: str, endpoint: Endpoint, seconds: float) -> None:
    """Run a statement that waits for every write, in tries that hold back others for a moment only."""
    end, way = runtime.now() + seconds, InTheWay()
    while True:
        try:
            query(connection, statement)
        except MySQLError as error:
            if error_code(error) != ER.LOCK_WAIT_TIMEOUT:
                raise
            way.look(connection)
            if runtime.now() + _PAUSE_SECONDS + _TRY_SECONDS > end:
                raise Contended(f"{endpoint} could not be made read-only within {seconds:g} s: {way.told}") from error
            runtime.sleep(_PAUSE_SECONDS)
        else:
            return


def restore(endpoint: Endpoint, found: Mapping[str, str], place: CutoverPlace | None = None) -> None:
    """Bring the settings back to what was found."""
    if statements := restoring(found):
        with _alone(endpoint, place, unproven=True) as connection:
            for statement in statements:
                query(connection, statement)


def restoring(found: Mapping[str, str]) -> list[str]:
    """Return the statements that open a closed server again."""
    statements = []
    if found.get(SUPER_READ_ONLY) == "OFF":
        statements.append("SET GLOBAL super_read_only = OFF")
    if found.get(READ_ONLY) == "OFF":
        statements.append("SET GLOBAL read_only = OFF")
    if found.get(SERVER) == MARIADB and found.get(EVENT_SCHEDULER) == "ON":
        statements.append("SET GLOBAL event_scheduler = ON")
    return statements


def keeping_closed(found: Mapping[str, str], *, for_udup: bool) -> tuple[str, str]:
    """Return what outlives a restart, and what undoes it."""
    if found.get(SERVER) == MARIADB:
        return "you write read_only = ON into its option file", "take that out of it"
    name = READ_ONLY if for_udup else SUPER_READ_ONLY
    return f"you run SET PERSIST {name} = ON there", f"RESET PERSIST {name}"


def who_writes_on(found: Mapping[str, str]) -> str:
    """Return who can write to a server that is open for Udup alone, beside Udup."""
    return (
        f"accounts with {READ_ONLY_ADMIN}"
        if found.get(SERVER) == MARIADB
        else "accounts with CONNECTION_ADMIN or SUPER"
    )


@contextmanager
def opened_for_admins(
    endpoint: Endpoint, found: Mapping[str, str], place: CutoverPlace | None = None
) -> Iterator[None]:
    """Open the server for accounts that a read-only one lets write, with no event running until the end of it."""
    with _alone(endpoint, place) as connection:
        if found.get(EVENT_SCHEDULER) == "ON":
            query(connection, "SET GLOBAL event_scheduler = OFF")
        if read(connection)[READ_ONLY] == "OFF":
            _close(connection, "SET GLOBAL read_only = ON", endpoint, _OPENING_SECONDS)
        if not connection.is_mariadb:
            query(connection, "SET GLOBAL super_read_only = OFF")
        yield
        if found.get(EVENT_SCHEDULER) == "ON":
            query(connection, "SET GLOBAL event_scheduler = ON")


def end_others(endpoint: Endpoint, place: CutoverPlace) -> None:
    """End whoever may still change the settings for the job's cut-over."""
    with _connected(endpoint, place):
        return


@contextmanager
def _alone(endpoint: Endpoint, place: CutoverPlace | None, *, unproven: bool = False) -> Iterator[Connection]:
    """A connection that holds the lock under which the settings are changed."""
    with _connected(endpoint, place, unproven=unproven) as connection:
        if scalar(connection, "SELECT GET_LOCK(%s, %s)", _LOCK, _LOCK_SECONDS) != 1:
            raise Contended(f"somebody else changes whether {endpoint} is read-only")
        yield connection


@contextmanager
def _connected(endpoint: Endpoint, place: CutoverPlace | None, *, unproven: bool = False) -> Iterator[Connection]:
    try:
        with closing(connect(endpoint, closing_session(_TRY_SECONDS))) as connection:
            if place is not None:
                place.take(connection, unproven=unproven)
            yield connection
    except MySQLError as error:
        raise failure(error, f"changing whether {endpoint} is read-only") from error
