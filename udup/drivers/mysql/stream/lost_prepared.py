"""XA transactions that the source has lost: prepared in its log, rolled back by a crash, and never ended in the log.

A server that crashes may forget prepared transactions whose XA PREPARE its log has (seen with 9.7, `sync_binlog` 1). No
XA COMMIT or XA ROLLBACK can come any more, and whoever waits for one waits for ever. So when nothing else comes from
the log, the source is asked what is prepared (XA RECOVER). What is missing there twice, some seconds apart, and is not
ended in all that the log has behind that, is lost: as if it were rolled back. So is what was prepared under an xid
that is prepared once more.

Where a target keeps what is prepared, it is told (`XaEnd` of no transaction), and it says with which it begins: those
of earlier runs, most of them lost by a crash that has ended the run. A destination of messages takes them as skipped.
"""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass

from udup.base import logs, runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, query
from udup.drivers.mysql.snapshot.moment import executed, prepared_now
from udup.pipeline.records import NO_TRANSACTION, Part, Record, Skipped, Transaction, TransactionId, XaEnd

#: Seconds for which one is prepared before the source is asked, and between two questions while any is.
FIRST_SECONDS, AGAIN_SECONDS = 3.0, 30.0

#: Seconds between the two looks that find one missing.
BETWEEN_SECONDS = 3.0

#: A log file and an offset in it, in the order of the log.
_At = tuple[int, str, int]


@dataclass(frozen=True)
class KeptOnTarget:
    """Prepared transactions that a target keeps, by their xids, when the log is read after this position."""

    xids: tuple[str, ...]
    after: GtidSet


@dataclass(frozen=True)
class _Prepared:
    """One without an end; `id` is None if it was prepared before the log is read."""

    xid: str
    id: TransactionId | None


class LostPrepared:
    """`note` every record, on one thread; `lost` when the log brings nothing, with its place then."""

    def __init__(self, endpoint: Endpoint, server_uuid: str, kept: KeptOnTarget | None = None) -> None:
        """`kept` is None for a destination of messages."""
        self._endpoint, self._server_uuid = endpoint, server_uuid
        self._kept = kept
        self._open = {xid.lower(): _Prepared(xid, None) for xid in kept.xids} if kept is not None else {}
        self._missing: set[_Prepared] = set()  # at the first look
        self._gone: set[_Prepared] = set()  # at both
        self._end: _At = (0, "", 0)  # of the log at the second look
        self._due = runtime.now() + FIRST_SECONDS
        self._able = True

    def note(self, record: Record | None) -> list[Record]:
        """Note what is prepared and what ends it. Return what is to be told in front of the record."""
        match record:
            case XaEnd():
                self._open.pop(record.xid.lower(), None)
            case Part() if record.xid and record.last and record.one_phase:
                self._open.pop(record.xid.lower(), None)
            case Transaction() | Part() if record.xid:
                if not self._open:
                    self._due = runtime.now() + FIRST_SECONDS
                before = self._open.get(record.xid.lower())
                self._open[record.xid.lower()] = _Prepared(record.xid, record.id)
                if before is not None and before.id != record.id and self._kept is not None:
                    return [self._told(before)]
        return []

    def lost(self, file: str, offset: int) -> list[Record]:
        """Return what tells of the transactions that are lost by now. May ask the source, and wait for its answer."""
        if not self._open or not self._able:
            return []
        if self._gone and _at(file, offset) >= self._end:
            return self._given_up()
        if runtime.now() >= self._due:
            with suppress(UdupError, MySQLError, OSError):  # the log itself says when the source is away
                self._look()
        return []

    def _given_up(self) -> list[Record]:
        found: list[Record] = []
        for xid, each in list(self._open.items()):
            if each in self._gone:
                del self._open[xid]
                found.append(self._told(each))
        self._gone.clear()
        return found

    def _told(self, of: _Prepared) -> Record:
        gtid = of.id.gtid if of.id is not None else ""
        logs.logger("mysql").warning("prepared_transaction_lost", gtid=gtid, xid=of.xid)
        if self._kept is None and of.id is not None:
            return Skipped(gtid, of.id.order.committed_us)
        return XaEnd(NO_TRANSACTION, of.xid, commit=False)

    def _look(self) -> None:
        self._due = runtime.now() + AGAIN_SECONDS
        with closing(connect(self._endpoint)) as connection:
            if connection.server_uuid != self._server_uuid:
                return
            # Before what is prepared: what is not executed may be about to be.
            there = GtidSet.parse(executed(connection))
            known = prepared_now(connection)
            if known is None:
                self._able = False  # the account may not ask
                return
            known_xids = {each.lower() for each in known}
            missing = {
                each for xid, each in self._open.items() if xid not in known_xids and self._is_there(each, there)
            }
            self._gone = missing & self._missing
            self._missing = missing - self._gone
            if self._missing:
                self._due = runtime.now() + BETWEEN_SECONDS
            if self._gone:
                self._end = _end_of_log(connection)

    def _is_there(self, of: _Prepared, executed: GtidSet) -> bool:
        """Return whether the source has executed its XA PREPARE, behind which only a lost one is not prepared."""
        if of.id is not None:
            return executed.contains(of.id.source, of.id.number)
        return self._kept is not None and self._kept.after <= executed


def _end_of_log(connection: Connection) -> _At:
    for statement in ("SHOW BINARY LOG STATUS", "SHOW MASTER STATUS"):
        with suppress(MySQLError):  # an older server does not know the first
            [(file, offset, *_)] = query(connection, statement)
            return _at(str(file), int(offset))
    return _at("~" * 600, 0)  # nobody reads as far


def _at(file: str, offset: int) -> _At:
    return len(file), file, offset
