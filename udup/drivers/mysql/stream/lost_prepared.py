"""XA transactions that the source has lost: prepared in its log, rolled back by a crash, and never ended in the log.

A server that crashes may forget prepared transactions whose XA PREPARE its log has (seen with 9.7, `sync_binlog` 1). No
XA COMMIT or XA ROLLBACK can come any more, and whoever waits for one waits for ever. So when nothing else comes from
the log, the source is asked what is prepared (XA RECOVER). What is missing there twice, some seconds apart, and is not
ended in all that the log has behind that, is lost: as if it were rolled back.
"""

from __future__ import annotations

from contextlib import closing, suppress

from udup.base import logs, runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, query
from udup.drivers.mysql.snapshot.moment import executed, prepared_now
from udup.pipeline.records import Part, Record, Skipped, Transaction, TransactionId, XaEnd

#: Seconds for which one is prepared before the source is asked, and between two questions while any is.
FIRST_SECONDS, AGAIN_SECONDS = 3.0, 30.0

#: Seconds between the two looks that find one missing.
BETWEEN_SECONDS = 3.0

#: A log file and an offset in it, in the order of the log.
_At = tuple[int, str, int]


class LostPrepared:
    """`note` every record, on one thread; `lost` when the log brings nothing, with its place then."""

    def __init__(self, endpoint: Endpoint, server_uuid: str) -> None:
        self._endpoint, self._server_uuid = endpoint, server_uuid
        self._open: dict[str, TransactionId] = {}
        self._missing: set[TransactionId] = set()  # at the first look
        self._gone: set[TransactionId] = set()  # at both
        self._end: _At = (0, "", 0)  # of the log at the second look
        self._due = 0.0
        self._able = True

    def note(self, record: Record | None) -> None:
        """Note what is prepared and what ends it."""
        match record:
            case XaEnd():
                self._open.pop(record.xid.lower(), None)
            case Part() if record.xid and record.last and record.one_phase:
                self._open.pop(record.xid.lower(), None)
            case Transaction() | Part() if record.xid:
                if not self._open:
                    self._due = runtime.now() + FIRST_SECONDS
                self._open[record.xid.lower()] = record.id

    def lost(self, file: str, offset: int) -> list[Skipped]:
        """Return the transactions that are lost by now. May ask the source, and wait for its answer."""
        if not self._open or not self._able:
            return []
        if self._gone and _at(file, offset) >= self._end:
            return self._given_up()
        if runtime.now() >= self._due:
            with suppress(UdupError, MySQLError, OSError):  # the log itself says when the source is away
                self._look()
        return []

    def _given_up(self) -> list[Skipped]:
        found = []
        for xid, of in list(self._open.items()):
            if of in self._gone:
                del self._open[xid]
                logs.logger("mysql").warning("prepared_transaction_lost", gtid=of.gtid, xid=xid)
                found.append(Skipped(of.gtid, of.order.committed_us))
        self._gone.clear()
        return found

    def _look(self) -> None:
        self._due = runtime.now() + AGAIN_SECONDS
        with closing(connect(self._endpoint)) as connection:
            if connection.server_uuid != self._server_uuid:
                return
            there = GtidSet.parse(
                executed(connection)
            )  # before what is prepared: what is not executed may be about to be
            known = prepared_now(connection)
            if known is None:
                self._able = False  # the account may not ask
                return
            known_xids = {each.lower() for each in known}
            missing = {
                of for xid, of in self._open.items() if xid not in known_xids and there.contains(of.source, of.number)
            }
            self._gone = missing & self._missing
            self._missing = missing - self._gone
            if self._missing:
                self._due = runtime.now() + BETWEEN_SECONDS
            if self._gone:
                self._end = _end_of_log(connection)


def _end_of_log(connection: Connection) -> _At:
    for statement in ("SHOW BINARY LOG STATUS", "SHOW MASTER STATUS"):
        with suppress(MySQLError):  # an older server does not know the first
            [(file, offset, *_)] = query(connection, statement)
            return _at(str(file), int(offset))
    return _at("~" * 600, 0)  # nobody reads as far


def _at(file: str, offset: int) -> _At:
    return len(file), file, offset
