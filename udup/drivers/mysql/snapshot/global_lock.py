"""The snapshots opened under FLUSH TABLES WITH READ LOCK: for the few milliseconds that it takes nobody commits.

The lock waits for statements that are under way, and every write waits behind it. So it is asked for when no statement
runs for long, waits for a second, and is asked for again after a pause.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Contended
from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query, scalar
from udup.drivers.mysql.client.processes import Process, read_processes
from udup.drivers.mysql.client.sessions import LOCK_SECONDS
from udup.drivers.mysql.snapshot.moment import (
    ACCESS_DENIED,
    LOCK_WAIT_TIMEOUT,
    Moment,
    TableLocks,
    executed,
    prepared,
    start_all,
)
from udup.pipeline.waits import Blocker, WaitKind, Waits, shortened

#: Tries to get the global read lock, and the seconds in between in which the writers go on.
LOCK_TRIES = 15
LOCK_PAUSE = 2.0

#: Tries where the job's tables may be locked instead, which does not wait for long queries.
FEW_TRIES = 3

#: Seconds for which a statement must have run for the lock not to be asked for before it has ended.
LONG_STATEMENT = 1

#: Statements named in a message.
_SHOWN = 3

FLUSH = "FLUSH TABLES WITH READ LOCK"


class GlobalLockDeniedError(Exception):
    """The server does not let this account take the global read lock; `error` is its answer."""

    def __init__(self, error: MySQLError) -> None:
        self.error = error
        super().__init__(str(error))


def open_under_global_lock(
    endpoint: Endpoint, locker: Connection, readers: Sequence[Connection], locks: TableLocks, waits: Waits, tries: int
) -> Moment:
    """Open the snapshots, with `locks` taken; the global lock is asked for so often, and let go whatever happens.

    Raise `Contended` where it was not granted, `GlobalLockDeniedError` where the account may not.
    """
    with waits.on(WaitKind.GLOBAL_READ_LOCK, statement=FLUSH) as blocked:
        return _try(endpoint, locker, readers, locks, blocked, tries)


def _try(
    endpoint: Endpoint,
    locker: Connection,
    readers: Sequence[Connection],
    locks: TableLocks,
    blocked: Callable[[Blocker | None], None],
    tries: int,
) -> Moment:
    long: list[Process] = []
    for _ in range(tries):
        long = _long_statements(locker)
        blocked(_blocker(long[0]) if long else None)
        if long:
            runtime.sleep(LOCK_PAUSE)
            continue
        try:
            query(locker, FLUSH)
        except MySQLError as error:
            if error_code(error) in ACCESS_DENIED:
                raise GlobalLockDeniedError(error) from error
            # It has the global lock already where it waited for a table in vain, and keeps it in spite of the error.
            query(locker, "UNLOCK TABLES")
            if error_code(error) != LOCK_WAIT_TIMEOUT:
                raise
            runtime.sleep(LOCK_PAUSE)
            continue
        try:
            # Once: whoever holds one of these locks may itself wait for the global one.
            if locks.try_to_take():
                start_all(readers)
                return Moment(executed(locker), prepared(locker))
        finally:
            query(locker, "UNLOCK TABLES")
        runtime.sleep(LOCK_PAUSE)
    raise Contended(
        f"the global read lock on {endpoint} was not granted within {LOCK_SECONDS} s in {tries} tries:"
        " a long statement or a session with LOCK TABLES holds its tables; wait for it or end it"
        f"{': ' if long else ''}{'; '.join(map(_shown, long))}"
    )


def _blocker(process: Process) -> Blocker:
    account = f"{process.user}@{process.host}"
    return Blocker(process.number, account, shortened(process.statement), process.seconds)


def _shown(each: Process) -> str:
    return f"connection {each.number} of {each.user}, for {each.seconds} s: {each.statement}"


def _long_statements(connection: Connection) -> list[Process]:
    """Return statements that the lock would wait for; without PROCESS only the account's own are seen."""
    own = int(scalar(connection, "SELECT CONNECTION_ID()"))
    found = [
        each
        for each in read_processes(connection)
        if each.runs_a_statement and each.seconds >= LONG_STATEMENT and each.number != own
    ]
    found.sort(key=lambda each: -each.seconds)
    return found[:_SHOWN]
