"""The reading of a MariaDB log, whose dump may have to be asked for twice."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from udup.base.causes import Cause, reason
from udup.base.errors import Transient, Unsupported
from udup.base.remedies import NEW_COPY
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.client.errors import MySQLError, failure
from udup.drivers.mysql.mariadb.dump import (
    NO_SUCH_NUMBER,
    NOT_THERE,
    DumpStart,
    ask_for_log,
    start_behind,
    start_in_file,
)
from udup.drivers.mysql.mariadb.log import Translation
from udup.drivers.mysql.mariadb.places import connect_state
from udup.drivers.mysql.mariadb.row_forms import RowForms
from udup.drivers.mysql.stream.damage import DAMAGE, unreadable


class NotAfterPlaceError(Transient):
    """The server cannot begin behind a transaction that it was named, though its log may have what comes after it."""


class Reading:
    """Asks for the log, and translates what comes."""

    def __init__(self, start_after: GtidSet, heartbeat_seconds: float, forms: RowForms | None = None) -> None:
        self._heartbeat_seconds = heartbeat_seconds
        self.translation = Translation(start_after, forms)
        self._start = DumpStart((), {})

    def ask(self, connection: Connection, server_id: int) -> None:
        """Ask for what comes behind the places of what was passed."""
        try:
            self._begin(connection, start_behind(connection, self.translation.passed), server_id)
        except (MySQLError, OSError) as error:
            raise failure(error, "cannot open the binlog dump", Transient) from error

    def ask_for_file(self, connection: Connection, server_id: int) -> bool:
        """Ask for a file that has all of that; return whether there is one."""
        try:
            start = start_in_file(connection, self.translation.passed)
            if start is not None:
                self._begin(connection, start, server_id)
            return start is not None
        except (MySQLError, OSError) as error:
            raise failure(error, "cannot open the binlog dump", Transient) from error

    def _begin(self, connection: Connection, start: DumpStart, server_id: int) -> None:
        self._start = start
        self.translation.begin(start.last)
        ask_for_log(connection, server_id, start, self._heartbeat_seconds)

    def events_of(self, event: bytes) -> Sequence[bytes]:
        """Return what becomes of an event; raise `Unsupported` for one that is not what its lengths say."""
        try:
            return self.translation.events_of(event)
        except (*DAMAGE, zlib.error) as error:
            raise unreadable(event, error) from error

    def check(self, message: str) -> None:
        """Raise by what the server says of the places, which has refused the dump with error 1236."""
        if self._start.file:
            return
        if NO_SUCH_NUMBER in message or (NOT_THERE in message and self._has_guessed):
            raise NotAfterPlaceError(message)
        if NOT_THERE in message:
            asked = connect_state(self._start.places)
            raise Unsupported(
                f"{message}; the job goes on after {asked}: the source has lost its last transactions, was reset, or is"
                f" a replica that went on without them; {NEW_COPY}"
            ).because(reason(Cause.SOURCE_RESET, {"gtids": asked}))

    @property
    def _has_guessed(self) -> bool:
        passed = self.translation.passed
        return any(passed.writer(str(each.domain), each.number) != each.server for each in self._start.places)
