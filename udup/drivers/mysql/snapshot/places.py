"""Which sessions on a source are a job's own, so that a snapshot ends those that an earlier run has left behind.

A run that is frozen in the middle of a snapshot, or whose machine is gone, keeps on the source what it has locked: the
global read lock, tables without transactions, the table of a chunk whose rows nobody takes. Writers of the source wait
for that, and so would the locks of the next run's snapshot. So each session that may hold such a lock has a named lock
(GET_LOCK) of the job's, and whoever opens the job's next snapshot ends whoever has one (KILL of one's own account needs
no privilege).

It protects nothing but the source's peace: what is read is good by the snapshot, and who may write is decided on the
target. So a source that denies named locks goes without, and the times of `sessions.py` end what is left there. A run
that was superseded and opens a snapshot when it thaws ends its successor's: the successor begins its copy once more,
and the other is sent away by the target.
"""

from __future__ import annotations

import hashlib
from typing import Any

from udup.base import runtime
from udup.drivers.mysql.client.connection import Connection, MySQLError, is_transient, query, scalar
from udup.drivers.mysql.client.processes import end_session

#: Places of one snapshot: its readers, its locks, and those of a few tries between two definitions.
_MOST = 128

#: Seconds to wait until the sessions that were ended are gone. What they lock later is told by who waits for it.
PATIENCE_SECONDS = 10.0


class Places:
    """The named locks of one snapshot, by the job's `holder` (`Scope`); without one nothing is named or ended."""

    def __init__(self, holder: str = "") -> None:
        digest = hashlib.sha256(holder.encode()).hexdigest()[:40]
        self._names = [f"udup:{digest}:source{number}" for number in range(_MOST)] if holder else []
        self._next = 0

    def take(self, connection: Connection) -> Connection:
        """Name the session as the job's own for as long as it lives; return the connection."""
        if self._names:
            name = self._names[self._next % _MOST]
            self._next += 1
            _as_far_as_allowed(connection, "SELECT GET_LOCK(%s, 0)", name)
        return connection

    def clear(self, connection: Connection) -> None:
        """End the sessions that an earlier run has left, and wait until they are gone."""
        if not connection.has_servers_numbers:
            return
        end = runtime.now() + PATIENCE_SECONDS
        while (left := self._holders(connection)) and runtime.now() < end:
            for number in left:
                end_session(connection, number)
            scalar(connection, "SELECT SLEEP(0.05)")

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
