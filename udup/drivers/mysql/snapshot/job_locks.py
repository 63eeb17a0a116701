"""The snapshots opened under LOCK TABLES … READ of the job's tables: for a source that denies the global read lock.

Managed servers (Amazon RDS and Aurora, others like them) let no account of their customers FLUSH TABLES WITH READ LOCK.
A transaction that has written to a table holds that table's metadata lock until its GTID is in the executed set. So
whoever has a read lock on all tables of the job has waited for all transactions that wrote to them, and none commits
meanwhile: the snapshots that are opened under it hold exactly the rows of the set that is read under it. What others
commit to other tables may move the set, which is of no account for this job's rows.

* Views are not locked: LOCK TABLES of a view would lock what it reads from, in other schemas too.
* The definitions are no part of the lock. The catalog is read before and after the opening (`baseline.py`), so that a
  table that was made or dropped in between has all of it done again. A view or routine whose statement is within its
  commit all the while would be made twice, and the job stops at that: a commit takes microseconds, the reading
  milliseconds.
* The set is read last, on the connection that holds the locks: its answer shows that they were held all the time. A
  server ends a session that is idle for long (`LOCKER`), so that a machine that vanishes keeps no writer out.
* While the lock waits for one table, it holds those before it: so it waits for a second, in all for little more
  (`lock_bound`), and is asked for again after a pause. Whoever holds a table is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Contended, Fault, Refused
from udup.drivers.mysql.client.connection import Connection, MySQLError, describe, error_code, query, scalar
from udup.drivers.mysql.client.errors import ER
from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.client.processes import end_session
from udup.drivers.mysql.client.sessions import LOCK_SECONDS
from udup.drivers.mysql.snapshot.in_the_way import Holders, read_holders
from udup.drivers.mysql.snapshot.moment import (
    ACCESS_DENIED,
    LOCK_WAIT_TIMEOUT,
    Moment,
    TableLocks,
    executed,
    prepared,
    start_all,
)
from udup.pipeline.selection.renames import Name
from udup.pipeline.waits import WaitKind, Waits

#: Tries to lock, and the seconds in between in which the writers go on.
LOCK_TRIES = 15
LOCK_PAUSE = 2.0

#: Seconds for one LOCK TABLES: for waiting, which each table may do for LOCK_SECONDS, and for opening each of them.
_WAITING_SECONDS = 2.0
_OPENING_SECONDS = 0.005

_SHOWN = "LOCK TABLES … READ"


@dataclass(frozen=True)
class Opening:
    """What a try needs. `asking` may be used on another thread while `locker` waits."""

    endpoint: Endpoint
    locker: Connection
    asking: Connection
    readers: Sequence[Connection]
    tables: Sequence[Name]


def open_under_table_locks(opening: Opening, locks: TableLocks, waits: Waits, denied: str) -> Moment:
    """Open the snapshots, with `locks` taken; the tables are let go whatever happens.

    `denied` says why the global read lock was not taken. Raise `Contended` where the locks were not granted, `Refused`
    where the account may not. MySQL's other errors pass: a table may be gone by now.
    """
    with waits.on(WaitKind.TABLE_LOCK, statement=_SHOWN) as blocked:
        holders = Holders((), "")
        for number in range(LOCK_TRIES):
            if number:
                runtime.sleep(LOCK_PAUSE)
            try:
                moment = _try(opening, locks)
            except MySQLError as error:
                if error_code(error) not in ACCESS_DENIED:
                    raise
                raise Refused([_denied(opening, error, denied)]) from error
            if moment is not None:
                return moment
            holders = read_holders(opening.locker, opening.tables)
            blocked(holders.sessions[0] if holders.sessions else None)
            if found := prepared(opening.asking):  # whoever left it behind may hold its tables for ever
                return Moment("", found)
    raise Contended(
        f"a read lock on the job's tables on {opening.endpoint} was not granted within {LOCK_SECONDS} s in"
        f" {LOCK_TRIES} tries, and a snapshot cannot be opened without: {holders}"
    )


def lock_bound(tables: int) -> float:
    """Return the seconds that one try to lock so many tables may take."""
    return _WAITING_SECONDS + _OPENING_SECONDS * tables


def lock_statement(tables: Sequence[Name]) -> str:
    return f"LOCK TABLES {', '.join(f'{qualified(*table)} READ' for table in tables)}"


def lock_briefly(opening: Opening, seconds: float) -> Moment | None:
    """Open the snapshots under the lock, which is waited for so long, and for the opening of the tables.

    Return the moment; None if the lock was not granted.
    """
    with _locked(opening, seconds + _OPENING_SECONDS * len(opening.tables)) as is_locked:
        if not is_locked:
            return None
        start_all(opening.readers)
        return Moment(executed(opening.locker), prepared(opening.locker))


def _try(opening: Opening, locks: TableLocks) -> Moment | None:
    """Return the moment; None if a lock was not granted, and then none is held."""
    if not locks.try_to_take():
        return None
    moment = None
    try:
        with _locked(opening, lock_bound(len(opening.tables))) as is_locked:
            if is_locked:
                start_all(opening.readers)
                moment = Moment(executed(opening.locker), prepared(opening.locker))
    finally:
        if moment is None:
            locks.release()
    return moment


@contextmanager
def _locked(opening: Opening, bound: float) -> Iterator[bool]:
    """Hold the tables; False where they were not granted in so many seconds."""
    if not opening.tables:
        yield True  # no rows, which every moment has
        return
    try:
        yield _lock(opening, bound)
    finally:
        with suppress(MySQLError, OSError):  # a connection that is lost holds nothing
            query(opening.locker, "UNLOCK TABLES")


def _lock(opening: Opening, bound: float) -> bool:
    """Ask for all of them at once. The server bounds the wait for each, and is told to give up after all."""
    number = int(scalar(opening.locker, "SELECT CONNECTION_ID()"))
    gave_up = runtime.Event()

    def give_up() -> None:
        gave_up.set()
        with suppress(MySQLError, OSError):
            end_session(opening.asking, number, statement_alone=True)

    timer = runtime.Timer(bound, give_up)
    timer.daemon = True
    timer.start()
    try:
        query(opening.locker, lock_statement(opening.tables))
    except MySQLError as error:
        if error_code(error) == LOCK_WAIT_TIMEOUT or (gave_up.is_set() and error_code(error) == ER.QUERY_INTERRUPTED):
            return False
        raise
    finally:
        timer.cancel()
        timer.join()
    return not gave_up.is_set()  # else it may be the next statement that is ended


def _denied(opening: Opening, error: MySQLError, denied: str) -> Fault:
    account = _account(opening.asking)
    schemas = sorted({schema for schema, _ in opening.tables})
    grants = "; ".join(f"GRANT SELECT, LOCK TABLES ON {quote(schema)}.* TO {account}" for schema in schemas)
    return Fault(
        f"Src {opening.endpoint}",
        f"commits leave no gap for a consistent snapshot; the global read lock cannot be had ({denied}), and"
        f" LOCK TABLES … READ of the job's tables is denied ({describe(error)})",
        f"{grants}; or GRANT RELOAD ON *.* TO {account}, where the server lets it FLUSH TABLES WITH READ LOCK",
    )


def _account(connection: Connection) -> str:
    user, _, host = str(scalar(connection, "SELECT CURRENT_USER()")).rpartition("@")
    return f"'{user}'@'{host}'"
