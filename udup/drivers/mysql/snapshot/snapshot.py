"""Several connections that see one snapshot, at a GTID set known exactly, without a lasting lock.

The obvious method (read `gtid_executed`, open the snapshots, read it again, equal means exact) is wrong: MySQL
commits a group of transactions in InnoDB first and adds their GTIDs after that, so a snapshot opened in between
holds rows whose GTIDs appear a moment later. With six writers it was wrong in about 3 of 1,000 tries, and each
time the copy would have met those rows twice.

What is exact: a committing transaction holds a COMMIT metadata lock from before its InnoDB commit until after its
GTID is in the set. So, in this order:

1. read `gtid_executed`;
2. START TRANSACTION WITH CONSISTENT SNAPSHOT on every connection, sent to all before any answer is awaited;
3. look for COMMIT locks in `performance_schema.metadata_locks`;
4. read `gtid_executed` again.

No lock and an equal set mean that nothing was committed or half committed between 1 and 4. Otherwise it is tried
again, and after `QUIET_TRIES` a FLUSH TABLES WITH READ LOCK stands for the few milliseconds that opening takes: it
waits for the COMMIT locks and keeps new ones away. A server that commits all the time always ends there.

A prepared XA transaction is in the GTID set and not in the snapshot: its rows would be in neither the copy nor the log
that follows. So a moment is waited for in which there is none. XA PREPARE and XA COMMIT hold a COMMIT lock too, so
XA RECOVER is asked between two looks at the locks.

Tables without transactions are in no snapshot. They are locked before it is opened (`locked_tables.py`), or right
behind the global read lock, which would wait for theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Protocol

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Contended, Fault, Refused, Side
from udup.drivers.mysql.client.connection import (
    Connection,
    MySQLError,
    connect,
    describe,
    error_code,
    is_transient,
    query,
    scalar,
)
from udup.drivers.mysql.client.errors import failure
from udup.drivers.mysql.client.processes import Process, read_processes
from udup.drivers.mysql.client.sessions import LOCK_SECONDS, OBSERVER, SNAPSHOT
from udup.pipeline.waits import Blocker, WaitKind, Waits, shortened

#: Tries without a lock. One takes about a millisecond; a busy server with pauses between commits needs a few.
QUIET_TRIES = 40

#: Seconds between two tries without a lock.
QUIET_PAUSE = 0.01

#: Tries to get the global read lock, and the seconds in between in which the writers go on.
LOCK_TRIES = 15
LOCK_PAUSE = 2.0

#: Seconds for which a statement must have run for the lock not to be asked for before it has ended.
LONG_STATEMENT = 1

#: Statements named in a message.
_SHOWN = 3

#: Seconds to wait for a moment without prepared XA transactions, and between two looks. A transaction manager holds
#: them for milliseconds; those that stay are left behind by one that died.
PREPARED_SECONDS = 5.0
PREPARED_PAUSE = 0.05

_COM_QUERY = 3
_START = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
_COMMIT_LOCKS = (
    "SELECT COUNT(*), (SELECT VARIABLE_VALUE FROM performance_schema.global_status"
    " WHERE VARIABLE_NAME = 'Performance_schema_metadata_lock_lost')"
    " FROM performance_schema.metadata_locks WHERE OBJECT_TYPE = 'COMMIT'"
)
_LOCKS_VISIBLE = (
    "SELECT @@global.performance_schema"
    " AND (SELECT ENABLED = 'YES' FROM performance_schema.setup_instruments"
    " WHERE NAME = 'wait/lock/metadata/sql/mdl')"
    " AND (SELECT ENABLED = 'YES' FROM performance_schema.setup_consumers"
    " WHERE NAME = 'global_instrumentation')"
)
_ACCESS_DENIED = frozenset({1044, 1045, 1142, 1227})
_LOCK_WAIT_TIMEOUT = 1205
_XA_RECOVER_DENIED = 1401


class TableLocks(Protocol):
    """Locks that are held from before the snapshot on."""

    def take(self) -> None: ...
    def try_to_take(self) -> bool: ...
    def release(self) -> None: ...


class _NoLocks:
    """Every table is seen as of the snapshot."""

    def take(self) -> None:
        """Nothing."""

    def try_to_take(self) -> bool:
        return True

    def release(self) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Snapshot:
    """Open transactions that all see exactly the transactions of `gtid_set`, and no other."""

    gtid_set: str
    connections: tuple[Connection, ...]

    def close(self) -> None:
        """End the transactions and the connections; safe to call twice."""
        _close(self.connections)


@dataclass(frozen=True)
class _Moment:
    """What all connections see, and the xids that were prepared then."""

    gtid_set: str
    prepared: list[str]


def open_snapshot(
    endpoint: Endpoint,
    connections: int,
    quiet_tries: int = QUIET_TRIES,
    tables: TableLocks | None = None,
    waits: Waits | None = None,
) -> Snapshot:
    """Open `connections` transactions on one snapshot, with locks on `tables` that stay.

    Raise `Transient` if the server cannot be reached or the lock not be had in time, `Refused` if the server is
    too busy to do without the lock and the account may not take it, or if XA transactions stay prepared.
    """
    observer = connect(endpoint, OBSERVER)
    readers: list[Connection] = []
    locks = tables or _NoLocks()
    waits = waits or Waits(Side.SOURCE)
    try:
        for _ in range(connections):
            readers.append(_open_reader(endpoint))
        deadline = runtime.now() + PREPARED_SECONDS
        with ExitStack() as waiting:
            told: list[str] = []
            while True:
                locks.take()
                moment = _open_quietly(observer, readers, quiet_tries)
                if moment is None:
                    locks.release()
                    moment = _open_under_lock(endpoint, observer, readers, locks, waits)
                if not moment.prepared:
                    return Snapshot(moment.gtid_set, tuple(readers))
                if runtime.now() > deadline:
                    raise Refused([_prepared_stay(endpoint, moment.prepared)])
                if not told:
                    told = moment.prepared
                    waiting.enter_context(waits.on(WaitKind.PREPARED, statement=f"XA PREPARE {', '.join(told)}"))
                locks.release()
                runtime.sleep(PREPARED_PAUSE)
    except BaseException as error:
        _close(readers)
        if isinstance(error, MySQLError):
            raise failure(error, f"cannot open a consistent snapshot on {endpoint}") from error
        raise
    finally:
        _close([observer])


def _open_reader(endpoint: Endpoint) -> Connection:
    return connect(endpoint, SNAPSHOT)


def _open_quietly(observer: Connection, readers: list[Connection], tries: int) -> _Moment | None:
    """Return the moment of the snapshots if one without commits was met, else None."""
    if not _commits_are_visible(observer):
        return None
    for _ in range(tries):
        before = _executed(observer)
        _start_all(readers)
        first, lost = _commits_in_flight(observer)
        prepared = _prepared(observer)
        second, lost_now = _commits_in_flight(observer)
        if lost or lost_now:
            return None  # the server dropped locks from the table: an empty one proves nothing
        if not (first or second) and _executed(observer) == before:
            return _Moment(before, prepared)
        runtime.sleep(QUIET_PAUSE)
    return None


def _commits_in_flight(observer: Connection) -> tuple[int, int]:
    """Return how many commits are in flight, and how many locks the server has failed to show since its start."""
    count, lost = query(observer, _COMMIT_LOCKS)[0]
    return int(count), int(lost)


def _prepared(observer: Connection) -> list[str]:
    """Return the xids that are prepared, as XA COMMIT takes them.

    None also without XA_RECOVER_ADMIN; then the job stops when such a transaction commits.
    """
    try:
        rows = query(observer, "XA RECOVER CONVERT XID")
    except MySQLError as error:
        if error_code(error) == _XA_RECOVER_DENIED:
            return []
        raise
    return [_xid(int(number), int(gtrid), str(data)[2:].lower()) for number, gtrid, _, data in rows]


def _xid(format_id: int, gtrid_bytes: int, digits: str) -> str:
    return f"X'{digits[: 2 * gtrid_bytes]}',X'{digits[2 * gtrid_bytes :]}',{format_id}"


def _open_under_lock(
    endpoint: Endpoint, locker: Connection, readers: list[Connection], locks: TableLocks, waits: Waits
) -> _Moment:
    with waits.on(WaitKind.GLOBAL_READ_LOCK, statement="FLUSH TABLES WITH READ LOCK") as blocked:
        return _try_under_lock(endpoint, locker, readers, locks, blocked)


def _try_under_lock(
    endpoint: Endpoint,
    locker: Connection,
    readers: list[Connection],
    locks: TableLocks,
    blocked: Callable[[Blocker | None], None],
) -> _Moment:
    long: list[Process] = []
    for _ in range(LOCK_TRIES):
        long = _long_statements(locker)
        blocked(_blocker(long[0]) if long else None)
        if long:
            runtime.sleep(LOCK_PAUSE)
            continue
        try:
            query(locker, "FLUSH TABLES WITH READ LOCK")
        except MySQLError as error:
            if error_code(error) in _ACCESS_DENIED:
                raise Refused([_lock_denied(endpoint, error)]) from error
            # It has the global lock already where it waited for a table in vain, and keeps it in spite of the error.
            query(locker, "UNLOCK TABLES")
            if error_code(error) != _LOCK_WAIT_TIMEOUT:
                raise
            runtime.sleep(LOCK_PAUSE)
            continue
        try:
            # Once: whoever holds one of these locks may itself wait for the global one.
            if locks.try_to_take():
                _start_all(readers)
                return _Moment(_executed(locker), _prepared(locker))
        finally:
            query(locker, "UNLOCK TABLES")
        runtime.sleep(LOCK_PAUSE)
    raise Contended(
        f"the global read lock on {endpoint} was not granted within {LOCK_SECONDS} s in {LOCK_TRIES} tries:"
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


def _prepared_stay(endpoint: Endpoint, xids: list[str]) -> Fault:
    return Fault(
        where=f"Src {endpoint}",
        problem=f"XA transactions stay prepared, so that a copy would miss their rows: {', '.join(xids)}",
        remedy=f"end each, by XA COMMIT {xids[0]} or XA ROLLBACK of it, and start the job again",
    )


def _lock_denied(endpoint: Endpoint, error: MySQLError) -> Fault:
    return Fault(
        where=f"Src {endpoint}",
        problem="commits leave no gap for a consistent snapshot, and FLUSH TABLES WITH READ LOCK is denied"
        f" ({describe(error)})",
        remedy=f"GRANT RELOAD ON *.* TO the account {endpoint.user}, and SELECT ON performance_schema.* so that"
        " the lock is not needed in quiet moments",
    )


def _commits_are_visible(observer: Connection) -> bool:
    """Return whether this account on this server sees the COMMIT locks of other sessions."""
    try:
        _, lost = _commits_in_flight(observer)
        return bool(scalar(observer, _LOCKS_VISIBLE)) and lost == 0
    except MySQLError as error:
        if is_transient(error):
            raise
        return False  # no performance_schema or no right to read it: the lock decides


def _start_all(readers: list[Connection]) -> None:
    """Begin, or begin again, on all connections: all requests are sent before the first answer is read."""
    for reader in readers:
        reader._execute_command(_COM_QUERY, _START)  # type: ignore[attr-defined]
    for reader in readers:
        reader._read_query_result()  # type: ignore[attr-defined]


def _executed(connection: Connection) -> str:
    return str(scalar(connection, "SELECT @@global.gtid_executed")).replace("\n", "")


def _close(connections: tuple[Connection, ...] | list[Connection]) -> None:
    for connection in connections:
        with suppress(MySQLError, OSError):  # closed already, perhaps in this moment by the thread that reads it
            connection.close()
