"""Which sessions on a source are a job's own, so that a snapshot ends those that an earlier run has left behind.

A run that is frozen in the middle of a snapshot, or whose machine is gone, keeps on the source what it has locked: the
global read lock, tables without transactions, the table of a chunk whose rows nobody takes. Writers of the source wait
for that, and so would the locks of the next run's snapshot. So each session that may hold such a lock has a named lock
(GET_LOCK) of the job's, and whoever opens the job's next snapshot ends whoever has one (KILL of one's own account needs
no privilege).

It protects nothing but the source's peace: what is read is good by the snapshot, and who may write is decided on the
target. So a source that denies named locks goes without, and the times of `sessions.py` end what is left there.

A run of a cluster has a number besides, which one of its sessions tells by further locks, one for each digit. So one
that was superseded, and opens a snapshot when it thaws, sees that its successor's is there and is sent away. Where the
number cannot be read, and where nodes are alone, it ends the successor's, which begins its copy once more.
"""

from __future__ import annotations

import hashlib
from typing import Any

from udup.base import runtime
from udup.base.errors import Side, Superseded
from udup.drivers.mysql.client.connection import Connection, MySQLError, is_transient, query, scalar
from udup.drivers.mysql.client.processes import end_session

#: Places of one snapshot: its readers, its locks, and those of a few tries between two definitions.
_MOST = 128

#: Digits of a number, and what each may be.
_DIGITS, _DIGIT = 16, "0123456789abcdef"

#: Seconds to wait until the sessions that were ended are gone. What they lock later is told by who waits for it.
PATIENCE_SECONDS = 10.0


class Places:
    """The named locks of one snapshot, by the job's `holder` and the run's `number` (`Scope`).

    Without a holder nothing is named or ended.
    """

    def __init__(self, holder: str = "", number: int = 0) -> None:
        digest = hashlib.sha256(holder.encode()).hexdigest()[:40]
        self._names = [f"udup:{digest}:source{number}" for number in range(_MOST)] if holder else []
        self._front = f"udup:{digest}:"
        self._number = number if holder else 0
        self._next = 0
        self._teller: Connection | None = None  # the session that tells the number

    def take(self, connection: Connection) -> Connection:
        """Name the session as the job's own for as long as it lives; return the connection."""
        if self._names:
            names = [self._names[self._next % _MOST]]
            if self._number and not (self._teller is not None and self._teller.open):
                self._teller = connection
                names += [self._digit(place, digit) for place, digit in enumerate(f"{self._number:0{_DIGITS}x}")]
            self._next += 1
            sql = "SELECT " + ", ".join(["GET_LOCK(%s, 0)"] * len(names))
            _as_far_as_allowed(connection, sql, *names)
        return connection

    def _digit(self, place: int, digit: str) -> str:
        return f"{self._front}{place}={digit}"

    def clear(self, connection: Connection) -> None:
        """End the sessions that an earlier run has left, and wait until they are gone.

        `Superseded` if they are a later run's.
        """
        if not connection.has_servers_numbers:
            return
        end = runtime.now() + PATIENCE_SECONDS
        while (left := self._holders(connection)) and runtime.now() < end:
            self._refuse_late(connection)
            for number in left:
                end_session(connection, number)
            scalar(connection, "SELECT SLEEP(0.05)")

    def _refuse_late(self, connection: Connection) -> None:
        if (other := self._shown(connection) if self._number else 0) > self._number:
            text = f"a later run of the job (number {other}) has a snapshot on the source; this one is {self._number}"
            raise Superseded(text).of(Side.SOURCE)

    def _shown(self, connection: Connection) -> int:
        """Return the number of the run whose sessions are there, 0 if they do not tell it whole."""
        names = [self._digit(place, digit) for place in range(_DIGITS) for digit in _DIGIT]
        sql = "SELECT " + ", ".join(["IS_USED_LOCK(%s)"] * len(names))
        row = _as_far_as_allowed(connection, sql, *names)
        taken = [(number % len(_DIGIT), session) for number, session in enumerate(row) if session is not None]
        is_whole = len(taken) == _DIGITS and len({session for _, session in taken}) == 1
        return int("".join(_DIGIT[digit] for digit, _ in taken), 16) if is_whole else 0

    def _holders(self, connection: Connection) -> list[int]:
        if not self._names:
            return []
        sql = "SELECT " + ", ".join(["IS_USED_LOCK(%s)"] * len(self._names))
        row = _as_far_as_allowed(connection, sql, *self._names)
        return sorted({int(number) for number in row if number is not None} - {connection.session_number})


def _as_far_as_allowed(connection: Connection, sql: str, *args: str) -> tuple[Any, ...]:
    """Return a row, an empty one if the server denies what was asked."""
    try:
        return tuple(query(connection, sql, *args)[0])
    except MySQLError as error:
        if is_transient(error):
            raise
        return ()
