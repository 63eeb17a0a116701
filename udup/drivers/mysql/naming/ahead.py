"""The statements that the source has executed and the job has not read yet, found by a second look into the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from udup.base.endpoint import Endpoint
from udup.base.errors import Transient
from udup.base.transaction_names import transaction_name
from udup.drivers.mysql.binlog.event import EventType, has_checksums
from udup.drivers.mysql.binlog.gtid import Gtid, GtidSet, parse_gtid_event
from udup.drivers.mysql.binlog.query import parse_query
from udup.drivers.mysql.naming.table_names import Touched, touched_by
from udup.drivers.mysql.stream.replica import Replica
from udup.drivers.mysql.stream.stream import BinlogStream

_HEARTBEATS = frozenset({EventType.HEARTBEAT, EventType.HEARTBEAT_V2})

_GTIDS = frozenset({EventType.GTID, EventType.GTID_TAGGED})

_ENDS = frozenset({EventType.XID, EventType.XA_PREPARE})

#: Beginnings of statements that more of the transaction follows.
_OPENING = (b"BEGIN", b"XA START", b"XA BEGIN")


#: Heartbeats, one a second, after which what has not come will not.
_HEARTBEATS_MAX = 120


class Change(NamedTuple):
    """A statement that may have changed tables."""

    source: str
    number: int
    touched: Touched

    @property
    def gtid(self) -> str:
        return transaction_name(self.source, self.number)


class LogAhead:
    """Reads each transaction once. `close` from any thread."""

    def __init__(self, endpoint: Endpoint, job: str, *, fold_names: bool) -> None:
        self._endpoint, self._replica = endpoint, Replica.of(f"{job} ahead")
        self._fold_names = fold_names
        self._read = GtidSet()
        self._changes: list[Change] = []
        self._stream: BinlogStream | None = None
        self._closed = False

    def changes(self, passed: GtidSet, executed: GtidSet) -> list[Change]:
        """Return the changes among what the source has `executed` and the job has not `passed`, in their order."""
        missing = executed - passed - self._read
        if missing:
            self._changes += self._look(executed - missing, missing)
            self._read.update(executed - passed)
        self._changes = [each for each in self._changes if not passed.contains(each.source, each.number)]
        return self._changes

    def _look(self, known: GtidSet, missing: GtidSet) -> list[Change]:
        stream = BinlogStream(self._endpoint, self._replica.server_id, known, self._replica.uuid)
        self._stream = stream
        if self._closed:
            stream.close()
        try:
            return list(self._changes_in(stream, missing.copy()))
        finally:
            stream.close()

    def _changes_in(self, stream: BinlogStream, missing: GtidSet) -> Iterator[Change]:
        current: Gtid | None = None
        begun, has_crc, silent = False, True, 0
        for event in stream:
            kind = event[4]
            silent = silent + 1 if kind in _HEARTBEATS else 0
            if silent > _HEARTBEATS_MAX:
                raise Transient(f"{self._endpoint} has executed {missing}, and its binary log does not bring it")
            ended = kind in _ENDS or kind in _HEARTBEATS
            if kind == EventType.FORMAT_DESCRIPTION:
                has_crc = has_checksums(event)
            elif kind == EventType.QUERY and current is not None:
                sql = parse_query(event, has_crc=has_crc).sql
                opens = sql.startswith(_OPENING)
                ended = sql == b"COMMIT" or not (opens or begun)
                begun = begun or opens
                touched = touched_by(event, has_crc=has_crc, fold_names=self._fold_names)
                if touched and missing.contains(current.source, current.number):
                    yield Change(current.source, current.number, touched)
            if (ended or kind in _GTIDS) and current is not None:
                missing = missing - _one(current)
                current = None
            if not missing:
                return
            if kind in _GTIDS:
                current, begun = parse_gtid_event(event, has_crc=has_crc), False

    def close(self) -> None:
        """End a look that is under way."""
        self._closed = True
        if self._stream is not None:
            self._stream.close()


def _one(gtid: Gtid) -> GtidSet:
    made = GtidSet()
    made.add(gtid.source, gtid.number)
    return made
