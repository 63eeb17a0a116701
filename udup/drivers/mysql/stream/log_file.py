"""One file of a source's binary log, event by event from its beginning: where each stands, and the GTIDs.

Offsets are counted by the events' sizes, since an event's own word for where it ends has 32 bits, and a transaction may
lie beyond 4 GiB. What the events hold is not looked at, but for the GTIDs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Transient, Unavailable
from udup.drivers.mysql.binlog.event import (
    ARTIFICIAL,
    CRC_SIZE,
    HEADER,
    HEADER_SIZE,
    EventType,
    checksum_is_right,
    has_checksums,
)
from udup.drivers.mysql.binlog.gtid import Gtid, GtidSet, parse_gtid_event
from udup.drivers.mysql.client import sessions
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.client.errors import MySQLError, failure
from udup.drivers.mysql.client.raw import dump_file, raw_socket
from udup.drivers.mysql.client.wire import ERROR_BYTES
from udup.drivers.mysql.stream.packets import SILENCE_SECONDS, PacketBuffer
from udup.drivers.mysql.stream.replica import Replica

#: Where a file's first event stands.
FIRST_EVENT = 4

#: Seconds for one file; 1 GiB, which is the most that a server writes into one by itself, needs some ten.
READ_SECONDS = 300.0

#: Events in front of a file's first transaction.
_HEADS = (EventType.FORMAT_DESCRIPTION, EventType.PREVIOUS_GTIDS)

#: Events with which a file ends; one that is written to has none of them.
_ENDINGS = (EventType.ROTATE, EventType.STOP)

_GTIDS = (EventType.GTID, EventType.GTID_TAGGED)


@dataclass(frozen=True, slots=True)
class LogEvent:
    """An event and where it stands: from `start` up to `end`.

    `gtid` is told of the events with which transactions begin, `before` of the one that names all that earlier files
    have held.
    """

    kind: int
    start: int
    end: int
    gtid: Gtid | None = None
    before: GtidSet | None = None

    @property
    def is_head(self) -> bool:
        return self.kind in _HEADS

    @property
    def is_ending(self) -> bool:
        return self.kind in _ENDINGS

    @property
    def is_anonymous(self) -> bool:
        """Whether a transaction begins here that has no GTID."""
        return self.kind == EventType.ANONYMOUS_GTID


def read_file(endpoint: Endpoint, file: str) -> Iterator[LogEvent]:
    """Yield the events of a file up to its end, or up to where it is written now.

    The dump has a name of its own each time: the source ends one when the same replica comes again.
    """
    replica = Replica.of(runtime.new_id())
    with closing(connect(endpoint, sessions.DUMP, read_timeout=SILENCE_SECONDS, init_command=_CHECKSUMS)) as connection:
        dump_file(connection, replica.server_id, file)
        socket = raw_socket(connection)
        socket.settimeout(SILENCE_SECONDS)
        yield from _Reading(endpoint, file, PacketBuffer(socket)).events()


#: As for every dump (`stream.py`): a file's checksums come as they were written.
_CHECKSUMS = "SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32'"


class _Reading:
    """A file while it is read."""

    def __init__(self, endpoint: Endpoint, file: str, packets: PacketBuffer) -> None:
        self._endpoint = endpoint
        self._file = file
        self._packets = packets
        self._has_crc = True
        self._at = FIRST_EVENT

    def events(self) -> Iterator[LogEvent]:
        end = runtime.now() + READ_SECONDS
        while (event := self._next()) is not None:
            if event[17] & ARTIFICIAL or event[4] in (EventType.HEARTBEAT, EventType.HEARTBEAT_V2):
                if event[4] == EventType.ROTATE and self._at > FIRST_EVENT:
                    return  # the next file begins
                continue
            if runtime.now() > end:
                raise Unavailable(f"{self._endpoint} has not sent its file {self._file} within {READ_SECONDS:.0f} s")
            found = self._placed(event)
            yield found
            if found.is_ending:
                return

    def _next(self) -> bytes | None:
        """Return the next event, of a large one only the beginning; None at the end of the log."""
        payload, goes_on = self._packets.read()
        marker = payload[0] if payload else None
        if marker == 0xFF:
            code, text = int.from_bytes(payload[1:3], "little"), payload[9:ERROR_BYTES].decode("utf-8", "replace")
            doing = f"{self._endpoint} does not give its file {self._file}"
            raise failure(MySQLError(code, text), doing, Transient)
        if marker == 0xFE and len(payload) < 9:
            return None
        if marker != 0 or len(payload) < 1 + HEADER_SIZE:
            raise self._damaged()
        rest = self._packets.read_rest() if goes_on else iter(())
        if payload[5] == EventType.PREVIOUS_GTIDS:
            return b"".join([payload[1:], *rest])
        for _ in rest:
            pass
        return payload[1:]

    def _placed(self, event: bytes) -> LogEvent:
        _, kind, _, size, says_end, _ = HEADER.unpack_from(event)
        start, self._at = self._at, self._at + size
        if says_end != self._at & 0xFFFFFFFF:
            raise self._damaged()
        if kind == EventType.FORMAT_DESCRIPTION:
            self._has_crc = has_checksums(event)
        gtid = before = None
        if kind in _GTIDS or kind == EventType.PREVIOUS_GTIDS:
            if self._has_crc and not checksum_is_right(event):
                raise self._damaged()
            if kind in _GTIDS:
                gtid = parse_gtid_event(event, has_crc=self._has_crc)
            else:
                before = GtidSet.decode(event[HEADER_SIZE : -CRC_SIZE if self._has_crc else None])
        return LogEvent(kind, start, self._at, gtid, before)

    def _damaged(self) -> Transient:
        where = f"at {self._at} of its file {self._file}"
        return Transient(f"{self._endpoint} sent what is no event {where}: the network or the source's disk damaged it")
