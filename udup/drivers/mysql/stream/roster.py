"""Which jobs share a dump, as the source shows it: one session that holds the named lock of each of them.

A job's next run, on whichever node, ends the session that holds its lock (`end_earlier_dump`). For a shared dump that
is the roster's; the dump itself has a lock that is named after the roster's session, so it is found and ended too.
"""

from __future__ import annotations

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Transient
from udup.drivers.mysql.client.connection import connect, scalar
from udup.drivers.mysql.client.processes import end_session
from udup.drivers.mysql.stream.replica import Replica, holder_of

#: Seconds for each answer of the source.
_ANSWER_SECONDS = 10.0

#: Seconds for a job's own dump, which was ended, to give its lock back.
_PATIENCE_SECONDS = 5


class Roster:
    """Its methods may be called from any thread."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Connect. `Transient` where the source's sessions cannot be found and ended by their numbers."""
        self._endpoint = endpoint
        self._lock = runtime.Lock()
        self._connection = connect(endpoint, answer_seconds=_ANSWER_SECONDS)
        self.server_uuid, self._number = self._connection.server_uuid, self._connection.session_number
        if not (self._number and self.server_uuid and self._connection.has_servers_numbers):
            self.close()
            raise Transient(f"{endpoint} does not tell its own number of a session: a shared dump could not be ended")

    @property
    def replica(self) -> Replica:
        """Return what the shared dump is to the source."""
        return Replica.of_several(self.server_uuid, self._number)

    def check_dump(self, server_uuid: str, number: int) -> None:
        """Raise `Transient` unless the dump was opened on this server and holds the lock by which it is found."""
        with self._lock:
            holder = holder_of(self._connection, self.replica.lock)
        if server_uuid != self.server_uuid or not number or holder != number:
            raise Transient(f"the shared dump of {self._endpoint} could not be found by the next run of its jobs")

    def take(self, replica: Replica, number: int) -> bool:
        """End a job's own dump, the session of this number, and take its lock; False if another has that by then."""
        with self._lock:
            end_session(self._connection, number)
            return bool(scalar(self._connection, "SELECT GET_LOCK(%s, %s)", replica.lock, _PATIENCE_SECONDS) == 1)

    def give_back(self, replica: Replica) -> None:
        """Release a job's lock: it has its own dump again, or none."""
        with self._lock:
            scalar(self._connection, "SELECT RELEASE_LOCK(%s)", replica.lock)

    def check(self) -> None:
        """Raise unless the session is there."""
        with self._lock:
            scalar(self._connection, "SELECT 1")

    def close(self) -> None:
        with self._lock:
            self._connection.close()
