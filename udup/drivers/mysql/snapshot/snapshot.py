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
again, and after `QUIET_TRIES` a FLUSH TABLES WITH READ LOCK stands for the few milliseconds that opening takes
(`global_lock.py`): it waits for the COMMIT locks and keeps new ones away. A server that commits all the time always
ends there. Where that lock is denied, or not to be had, LOCK TABLES … READ of the job's tables stands in for it
(`job_locks.py`).

A prepared XA transaction is in the GTID set and not in the snapshot: its rows would be in neither the copy nor the log
that follows. So a moment is waited for in which there is none. XA PREPARE and XA COMMIT hold a COMMIT lock too, so
XA RECOVER is asked between two looks at the locks.

MariaDB tells of each snapshot its place in the log (`mariadb/snapshot.py`): it is opened until all have the same.

Tables without transactions are in no snapshot. They are locked before it is opened (`locked_tables.py`), or right
behind the global read lock, which would wait for theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Contended, Fault, Refused, Side
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, describe, is_transient, query, scalar
from udup.drivers.mysql.client.errors import failure
from udup.drivers.mysql.client.facts import may_lock_globally, read_privileges
from udup.drivers.mysql.client.sessions import LOCKER, OBSERVER, SNAPSHOT
from udup.drivers.mysql.mariadb.snapshot import open_together
from udup.drivers.mysql.snapshot import global_lock
from udup.drivers.mysql.snapshot.job_locks import Opening, open_under_table_locks
from udup.drivers.mysql.snapshot.moment import Moment, TableLocks, executed, prepared, start_all
from udup.drivers.mysql.snapshot.places import Places
from udup.pipeline.selection.renames import Name
from udup.pipeline.waits import WaitKind, Waits

#: Tries without a lock. One takes about a millisecond; a busy server with pauses between commits needs a few.
QUIET_TRIES = 40

#: Seconds between two tries without a lock.
QUIET_PAUSE = 0.01

#: Seconds that one XA transaction may stay prepared while a moment without any is looked for. A transaction manager
#: holds them for milliseconds; those that stay are left behind by one that died.
PREPARED_SECONDS = 5.0

#: Seconds to look for such a moment where others are prepared each time. Each look may take a lock.
BUSY_SECONDS = 60.0

#: Seconds between two looks: so many, and a part of the time that has passed.
PREPARED_PAUSE, _PAUSE_SHARE = 0.05, 0.02

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
        close_all(self.connections)


def open_snapshot(
    endpoint: Endpoint,
    connections: int,
    quiet_tries: int = QUIET_TRIES,
    tables: TableLocks | None = None,
    waits: Waits | None = None,
    job_tables: Sequence[Name] | None = None,
    places: Places | None = None,
) -> Snapshot:
    """Open `connections` transactions on one snapshot, with locks on `tables` that stay.

    `job_tables` are the tables, of those that take part in transactions, whose rows are read in it: they may be locked
    for a moment instead of the whole server, and then the snapshot is exact for them alone. None: not known.
    `places` name its sessions.
    Raise `Transient` if the server cannot be reached or the lock not be had in time, `Refused` if the server is
    too busy to do without a lock and the account may take none, or if XA transactions stay prepared.
    """
    observer = connect(endpoint, OBSERVER)
    readers: list[Connection] = []
    locks = tables or _NoLocks()
    waits, places = waits or Waits(Side.SOURCE), places or Places()
    try:
        for _ in range(connections):
            readers.append(places.take(_open_reader(endpoint)))
        begun = runtime.now()
        since: dict[str, float] = {}
        with ExitStack() as waiting:
            while True:
                locks.take()
                moment = open_quietly(observer, readers, quiet_tries)
                if moment is None:
                    locks.release()
                    moment = _open_under_lock(endpoint, observer, readers, locks, waits, job_tables, places)
                if not moment.prepared:
                    return Snapshot(moment.gtid_set, tuple(readers))
                now = runtime.now()
                if not since:
                    statement = f"XA PREPARE {', '.join(moment.prepared)}"
                    waiting.enter_context(waits.on(WaitKind.PREPARED, statement=statement))
                since = {xid: since.get(xid, now) for xid in moment.prepared}
                if stay := [xid for xid, first in since.items() if now - first > PREPARED_SECONDS]:
                    raise Refused([_prepared_stay(endpoint, stay)])
                if now - begun > BUSY_SECONDS:
                    raise Refused([_always_prepared(endpoint, moment.prepared)])
                locks.release()
                runtime.sleep(PREPARED_PAUSE + (now - begun) * _PAUSE_SHARE)
    except BaseException as error:
        close_all(readers)
        if isinstance(error, MySQLError):
            raise failure(error, f"cannot open a consistent snapshot on {endpoint}") from error
        raise
    finally:
        close_all([observer])


def _open_reader(endpoint: Endpoint) -> Connection:
    return connect(endpoint, SNAPSHOT)


def open_quietly(observer: Connection, readers: list[Connection], tries: int) -> Moment | None:
    """Return the moment of the snapshots if one without commits was met, else None."""
    if observer.is_mariadb:
        for _ in range(tries):
            if (moment := open_together(observer, readers)) is not None:
                return moment
            runtime.sleep(QUIET_PAUSE)
        return None
    if not sees_commits(observer):
        return None
    for _ in range(tries):
        before = executed(observer)
        start_all(readers)
        first, lost = _commits_in_flight(observer)
        found = prepared(observer)
        second, lost_now = _commits_in_flight(observer)
        if lost or lost_now:
            return None  # the server dropped locks from the table: an empty one proves nothing
        if not (first or second) and executed(observer) == before:
            return Moment(before, found)
        runtime.sleep(QUIET_PAUSE)
    return None


def _commits_in_flight(observer: Connection) -> tuple[int, int]:
    """Return how many commits are in flight, and how many locks the server has failed to show since its start."""
    count, lost = query(observer, _COMMIT_LOCKS)[0]
    return int(count), int(lost)


def _open_under_lock(
    endpoint: Endpoint,
    observer: Connection,
    readers: list[Connection],
    locks: TableLocks,
    waits: Waits,
    job_tables: Sequence[Name] | None,
    places: Places,
) -> Moment:
    """Open them under the global read lock, or under one on the job's tables."""
    with closing(connect(endpoint, LOCKER)) as locker:
        places.take(locker)
        privileges = read_privileges(locker)
        opening = Opening(endpoint, locker, observer, readers, job_tables or ())
        schemas = {schema for schema, _ in opening.tables}
        may_lock_tables = job_tables is not None and all(privileges.has("LOCK TABLES", each) for each in schemas)
        if job_tables is not None and not may_lock_globally(privileges):
            return open_under_table_locks(opening, locks, waits, "the account has neither RELOAD nor FLUSH_TABLES")
        tries = global_lock.FEW_TRIES if may_lock_tables else global_lock.LOCK_TRIES
        try:
            return global_lock.open_under_global_lock(endpoint, locker, readers, locks, waits, tries)
        except global_lock.GlobalLockDeniedError as denied:
            if job_tables is None:
                raise Refused([_lock_denied(endpoint, denied.error)]) from denied.error
            return open_under_table_locks(opening, locks, waits, describe(denied.error))
        except Contended as contended:
            if not may_lock_tables:
                raise
            return open_under_table_locks(opening, locks, waits, str(contended))


def _prepared_stay(endpoint: Endpoint, xids: list[str]) -> Fault:
    return Fault(
        where=f"Src {endpoint}",
        problem=f"XA transactions stay prepared, so that a copy would miss their rows: {', '.join(xids)}",
        remedy=f"end each, by XA COMMIT {xids[0]} or XA ROLLBACK of it, and start the job again",
    )


def _always_prepared(endpoint: Endpoint, xids: list[str]) -> Fault:
    return Fault(
        where=f"Src {endpoint}",
        problem=f"in {BUSY_SECONDS:.0f} s there was no moment at which no XA transaction was prepared, so that a copy "
        f"would miss rows; now these are: {', '.join(xids)}",
        remedy="start the job again when there are fewer of them",
    )


def _lock_denied(endpoint: Endpoint, error: MySQLError) -> Fault:
    return Fault(
        where=f"Src {endpoint}",
        problem="commits leave no gap for a consistent snapshot, and FLUSH TABLES WITH READ LOCK is denied"
        f" ({describe(error)})",
        remedy=f"GRANT RELOAD ON *.* TO the account {endpoint.user}, and SELECT ON performance_schema.* so that"
        " the lock is not needed in quiet moments",
    )


def sees_commits(observer: Connection) -> bool:
    """Return whether this account on this server sees the COMMIT locks of other sessions, or needs not to."""
    if observer.is_mariadb:
        return True
    try:
        _, lost = _commits_in_flight(observer)
        return bool(scalar(observer, _LOCKS_VISIBLE)) and lost == 0
    except MySQLError as error:
        if is_transient(error):
            raise
        return False  # no performance_schema or no right to read it: the lock decides


def close_all(connections: tuple[Connection, ...] | list[Connection]) -> None:
    """End connections, some of which may have ended."""
    for connection in connections:
        with suppress(MySQLError, OSError):  # closed already, perhaps in this moment by the thread that reads it
            connection.close()
