"""Who is in the way: what the sessions of a job wait for on the target, asked on a connection that is made for it.

The sessions are found by the named locks that each of them holds (`ownership.py`), so an account without any privilege
finds its own. Why one waits is read from where each kind of lock is shown:

* rows: `performance_schema.data_lock_waits`, since SHOW PROCESSLIST tells no row lock;
* tables, schemas, the global read lock, the backup lock: `performance_schema.metadata_locks`, or else the session's
  state in SHOW PROCESSLIST, which names the kind and not the holder.

What the account may not read is left out, with the GRANT that would tell more. Nothing here locks anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.apply.ownership import all_places, lock_name
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, error_code, query
from udup.drivers.mysql.client.processes import Process, passed, read_processes
from udup.drivers.mysql.client.sessions import asking_session
from udup.pipeline.waits import Blocker, SessionWait, WaitKind, shortened

#: Seconds for the connection and for each answer: whoever is asked may himself be in trouble.
_ASK_SECONDS = 3

#: A question that takes longer ends on the server too: else they would gather on one that is in trouble.
_SESSION = asking_session(int(_ASK_SECONDS * 1000) - 500)

#: The server has ended a question that took too long.
_TOOK_TOO_LONG = 3024

#: Seconds for which a session's statement must have run to count as waiting.
_LONG_SECONDS = 2

#: Rows of an answer that are looked at.
_MOST = 200

_HOLDER = (
    "holder.PROCESSLIST_ID, holder.PROCESSLIST_USER, holder.PROCESSLIST_HOST, holder.PROCESSLIST_COMMAND,"
    " holder.PROCESSLIST_TIME, (SELECT LEFT(SQL_TEXT, 1000) FROM performance_schema.events_statements_current said"
    " WHERE said.THREAD_ID = holder.THREAD_ID ORDER BY said.EVENT_ID LIMIT 1)"
)

_ROW_LOCKS = (
    f"SELECT waiter.PROCESSLIST_ID, wanted.OBJECT_SCHEMA, wanted.OBJECT_NAME, {_HOLDER}"
    " FROM performance_schema.data_lock_waits waits"
    " JOIN performance_schema.threads waiter ON waiter.THREAD_ID = waits.REQUESTING_THREAD_ID"
    " JOIN performance_schema.threads holder ON holder.THREAD_ID = waits.BLOCKING_THREAD_ID"
    " LEFT JOIN performance_schema.data_locks wanted ON wanted.ENGINE_LOCK_ID = waits.REQUESTING_ENGINE_LOCK_ID"
    f" WHERE waiter.PROCESSLIST_ID IN ({{}}) LIMIT {_MOST}"
)

_METADATA_LOCKS = (
    "SELECT waiter.PROCESSLIST_ID, wanted.OBJECT_TYPE, wanted.OBJECT_SCHEMA, wanted.OBJECT_NAME, wanted.LOCK_TYPE,"
    f" held.LOCK_TYPE, held.LOCK_STATUS, {_HOLDER}"
    " FROM performance_schema.metadata_locks wanted"
    " JOIN performance_schema.threads waiter ON waiter.THREAD_ID = wanted.OWNER_THREAD_ID"
    " JOIN performance_schema.metadata_locks held ON held.OBJECT_TYPE = wanted.OBJECT_TYPE"
    " AND held.OBJECT_SCHEMA <=> wanted.OBJECT_SCHEMA AND held.OBJECT_NAME <=> wanted.OBJECT_NAME"
    " AND held.OWNER_THREAD_ID <> wanted.OWNER_THREAD_ID"
    " JOIN performance_schema.threads holder ON holder.THREAD_ID = held.OWNER_THREAD_ID"
    f" WHERE wanted.LOCK_STATUS = 'PENDING' AND waiter.PROCESSLIST_ID IN ({{}}) LIMIT {_MOST}"
)

#: For an account that has PROCESS and may not read performance_schema: that it is a row lock.
_WAITING_TRANSACTIONS = (
    "SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"
    " AND trx_mysql_thread_id IN ({})"
)

#: Locks that get on with each other: none of them is in the way of another of them.
_WEAK = frozenset({"INTENTION_EXCLUSIVE", "SHARED_HIGH_PRIO", "SHARED_READ", "SHARED_WRITE", "SHARED_WRITE_LOW_PRIO"})

#: What LOCK TABLES holds.
_LOCK_TABLES = frozenset({"SHARED_READ_ONLY", "SHARED_NO_READ_WRITE"})

_KINDS = {
    "GLOBAL": WaitKind.GLOBAL_READ_LOCK,
    "COMMIT": WaitKind.GLOBAL_READ_LOCK,
    "BACKUP LOCK": WaitKind.BACKUP_LOCK,
}

#: By what a session's state holds; the first that fits.
_STATES = (
    ("global read lock", WaitKind.GLOBAL_READ_LOCK),
    ("commit lock", WaitKind.GLOBAL_READ_LOCK),
    ("backup lock", WaitKind.BACKUP_LOCK),
    ("metadata lock", WaitKind.METADATA_LOCK),
    ("table level lock", WaitKind.TABLE_LOCK),
    ("table flush", WaitKind.TABLE_LOCK),
    ("disk", WaitKind.FULL_DISK),
)


@dataclass(frozen=True)
class _Session:
    """One of the job's connections, and what it does."""

    worker: int
    process: Process


def look_at_waits(endpoint: Endpoint, job: str) -> tuple[SessionWait, ...]:
    """Return what the job's sessions wait for; nothing if the server cannot be asked now."""
    try:
        limits = {"connect_timeout": _ASK_SECONDS, "read_timeout": _ASK_SECONDS}
        with closing(connect(endpoint, _SESSION, **limits)) as connection:
            return tuple(_look(connection, job, endpoint.user))
    except (MySQLError, OSError, UdupError):
        return ()  # whoever waits will be told by its own connection


def _look(connection: Connection, job: str, user: str) -> list[SessionWait]:
    now = runtime.wall()
    sessions = {each.process.number: each for each in _sessions(connection, job)}
    if not sessions:
        return []
    waits = {number: _by_state(each, now) for number, each in sessions.items()}
    numbers = ", ".join(map(str, sessions))
    rows = _read(connection, _ROW_LOCKS.format(numbers))
    tables = _read(connection, _METADATA_LOCKS.format(numbers))
    for number, schema, table, *holder in rows or ():
        found = replace(waits[number], what=WaitKind.ROW_LOCK, table=_name(schema, table), blocked_by=_blocker(holder))
        waits[number] = _longer(waits[number], found)
    for number in sessions:
        _explain_by_metadata(waits, number, [row for row in tables or () if row[0] == number])
    if rows is None or tables is None:
        _explain_without(connection, waits, numbers, user)
    return list(waits.values())


def _sessions(connection: Connection, job: str) -> list[_Session]:
    """Return the job's sessions whose statement has been running for long."""
    places = all_places()
    names = [lock_name(job, place) for place in places]
    row = query(connection, "SELECT " + ", ".join(["IS_USED_LOCK(%s)"] * len(names)), *names)[0]
    place_of = {int(number): place for place, number in zip(places, row, strict=True) if number is not None}
    return [
        _Session(_worker(place_of[each.number]), each)
        for each in read_processes(connection)
        if each.number in place_of and each.command in ("Query", "Execute") and each.seconds >= _LONG_SECONDS
    ]


def _worker(place: str) -> int:
    number = place.removeprefix("session").removeprefix("loader")
    return int(number) if number.isdecimal() else 0


def _by_state(session: _Session, now: float) -> SessionWait:
    process = session.process
    state = process.state.lower()
    what = next((kind for part, kind in _STATES if part in state), WaitKind.STATEMENT)
    is_rows = process.statement.lstrip("/* ").upper().startswith("BINLOG")  # base64, which tells nobody anything
    statement = "" if is_rows else shortened(process.statement)
    return SessionWait(what, now - process.seconds, session.worker, statement)


def _explain_by_metadata(waits: dict[int, SessionWait], number: int, rows: Sequence[Any]) -> None:
    """Take the strongest lock that is held already; of locks that wait themselves, one that was asked for before."""
    in_the_way = [row for row in rows if row[4] not in _WEAK or row[5] not in _WEAK]
    if not in_the_way:
        return
    chosen = min(in_the_way, key=lambda row: (row[6] != "GRANTED", row[5] in _WEAK))
    _, object_type, schema, name, _, held, _, *holder = chosen
    what = WaitKind.TABLE_LOCK if held in _LOCK_TABLES else WaitKind.METADATA_LOCK
    waits[number] = replace(
        waits[number],
        what=_KINDS.get(str(object_type), what),
        table=_name(schema, name) if object_type == "TABLE" else "",
        blocked_by=_blocker(holder),
    )


def _explain_without(connection: Connection, waits: dict[int, SessionWait], numbers: str, user: str) -> None:
    """Tell what is known without performance_schema, and which GRANT would tell more."""
    for (number,) in _read(connection, _WAITING_TRANSACTIONS.format(numbers)) or ():
        if int(number) in waits:
            waits[int(number)] = replace(waits[int(number)], what=WaitKind.ROW_LOCK)
    hint = f"GRANT SELECT ON performance_schema.* TO the account {user} on the target tells which session is in the way"
    for number, wait in waits.items():
        if wait.blocked_by is None:
            waits[number] = replace(wait, hint=hint)


def _read(connection: Connection, sql: str) -> Sequence[Any] | None:
    """Return the rows, None if this account or this server does not tell."""
    try:
        return query(connection, sql)
    except MySQLError as error:
        if not connection.open or error_code(error) == _TOOK_TOO_LONG:
            raise
        return None


def _blocker(holder: Sequence[Any]) -> Blocker:
    number, user, host, command, seconds, statement = holder
    account = f"{user or ''}@{host or ''}"
    return Blocker(int(number or 0), account, shortened(str(statement or "")), passed(seconds), command == "Sleep")


def _longer(one: SessionWait, other: SessionWait) -> SessionWait:
    """Return the later, unless the one before it has the session that has been in the way for longer."""
    before, after = one.blocked_by, other.blocked_by
    return one if before is not None and after is not None and before.seconds > after.seconds else other


def _name(schema: object, table: object) -> str:
    return f"{schema}.{table}" if schema and table else ""
