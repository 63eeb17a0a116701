"""Who keeps a server from being made read-only: the sessions in the way, those that these wait for first.

A statement that writes is in the way for as long as it runs, and it may wait itself: for a row that a transaction holds
which nobody ends, or for a table. To end what waits helps nobody, so who is named is the session at the end of the row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from udup.drivers.mysql.client.connection import Connection, MySQLError, query, scalar
from udup.drivers.mysql.client.processes import passed, read_processes

#: Sessions that are named.
_NAMED = 3

#: Rows of an answer that are looked at.
_MOST = 1000

#: Waits behind waits that are followed.
_DEPTH = 5

_HOLDERS = (
    "SELECT DISTINCT t.PROCESSLIST_ID"
    " FROM performance_schema.metadata_locks m JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID"
    " WHERE m.OBJECT_TYPE IN ('GLOBAL', 'COMMIT') AND m.LOCK_STATUS = 'GRANTED'"
    " AND t.PROCESSLIST_ID <> CONNECTION_ID()"
)

#: Who waits for whom, and for what: rows, and tables.
_WAITS = (
    "SELECT waiter.PROCESSLIST_ID, holder.PROCESSLIST_ID, 'rows'"
    " FROM performance_schema.data_lock_waits waits"
    " JOIN performance_schema.threads waiter ON waiter.THREAD_ID = waits.REQUESTING_THREAD_ID"
    " JOIN performance_schema.threads holder ON holder.THREAD_ID = waits.BLOCKING_THREAD_ID"
    f" LIMIT {_MOST}",
    "SELECT waiter.PROCESSLIST_ID, holder.PROCESSLIST_ID, CONCAT(held.OBJECT_SCHEMA, '.', held.OBJECT_NAME)"
    " FROM performance_schema.metadata_locks wanted"
    " JOIN performance_schema.threads waiter ON waiter.THREAD_ID = wanted.OWNER_THREAD_ID"
    " JOIN performance_schema.metadata_locks held ON held.OBJECT_TYPE = wanted.OBJECT_TYPE"
    " AND held.OBJECT_SCHEMA = wanted.OBJECT_SCHEMA AND held.OBJECT_NAME = wanted.OBJECT_NAME"
    " AND held.OWNER_THREAD_ID <> wanted.OWNER_THREAD_ID AND held.LOCK_STATUS = 'GRANTED'"
    " JOIN performance_schema.threads holder ON holder.THREAD_ID = held.OWNER_THREAD_ID"
    f" WHERE wanted.LOCK_STATUS = 'PENDING' AND wanted.OBJECT_TYPE = 'TABLE' LIMIT {_MOST}",
)

_SESSIONS = (
    "SELECT t.PROCESSLIST_ID, t.PROCESSLIST_USER, t.PROCESSLIST_HOST, t.PROCESSLIST_TIME, t.PROCESSLIST_INFO"
    " FROM performance_schema.threads t WHERE t.PROCESSLIST_ID IN ({})"
)


@dataclass(frozen=True)
class _Session:
    """`holds` is what others wait for that it holds, "" where nothing is known of it."""

    number: int
    user: str
    host: str
    seconds: int
    statement: str
    holds: str = ""

    @property
    def told(self) -> str:
        if self.holds:
            doing = f"has locked {self.holds}" + ("" if self.statement else " in a transaction that is open")
        elif self.statement:
            doing = f"runs {self.statement[:100]!r}"
        else:
            doing = "holds LOCK TABLES or another lock"
        front = f"session {self.number} ({self.user}@{self.host})"
        return f"{front} {doing}, for {self.seconds} s: KILL {self.number} ends it"


class InTheWay:
    """What was seen after each try. Of sessions that come and go, those that were always there count first."""

    def __init__(self) -> None:
        self._times: Counter[int] = Counter()
        self._last: list[_Session] = []

    def look(self, connection: Connection) -> None:
        self._last = _seen(connection)
        self._times.update(each.number for each in self._last)

    @property
    def told(self) -> str:
        """Return who is in the way, as far as the account may see them."""
        if not self._last:
            return "a statement that writes, or LOCK TABLES, of a session that this account cannot see"
        order = sorted(self._last, key=lambda each: (-self._times[each.number], not each.holds, -each.seconds))
        return "; ".join(each.told for each in order[:_NAMED])


def _seen(connection: Connection) -> list[_Session]:
    try:
        holders = {int(number) for (number,) in query(connection, _HOLDERS) if number is not None}
        waits = [(int(a), int(b), str(what)) for sql in _WAITS for a, b, what in query(connection, sql) if a and b]
    except MySQLError:
        holders, waits = set(), []
    if not holders:
        return _running(connection)
    roots = _roots(holders, waits)
    numbers = ", ".join(map(str, roots))
    rows = query(connection, _SESSIONS.format(numbers)) if roots else []
    return [_session(roots[int(row[0])], *row) for row in rows]


def _session(holds: str, number: Any, user: object, host: object, seconds: object, statement: object) -> _Session:
    """Make a row of performance_schema.threads one."""
    return _Session(int(number), str(user or ""), str(host or ""), passed(seconds), str(statement or ""), holds)


def _roots(holders: Iterable[int], waits: Iterable[tuple[int, int, str]]) -> dict[int, str]:
    """Return for whom the holders wait in the end, and what those hold; a holder that waits for nobody itself."""
    behind: dict[int, dict[int, str]] = {}
    for waiter, holder, what in waits:
        behind.setdefault(waiter, {})[holder] = what
    roots: dict[int, str] = {}
    level = dict.fromkeys(holders, "")
    for _ in range(_DEPTH):
        roots |= {number: what for number, what in level.items() if number not in behind and not roots.get(number)}
        level = {holder: what for number in level for holder, what in behind.get(number, {}).items()}
    return roots or dict.fromkeys(holders, "")  # they wait for each other


def _running(connection: Connection) -> list[_Session]:
    """Return the statements that run, for an account that may not see who holds what."""
    own = int(scalar(connection, "SELECT CONNECTION_ID()"))
    return [
        _Session(each.number, each.user, each.host, each.seconds, each.statement)
        for each in read_processes(connection)
        if each.runs_a_statement and each.number != own
    ]
