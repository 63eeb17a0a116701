"""One file of a source's binary log, event by event from its beginning: where each stands, and the GTIDs.

Offsets are counted by the events' sizes, since an event's own word for where it ends has 32 bits, and a transaction may
lie beyond 4 GiB. What the events hold is not looked at, but for the GTIDs.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
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
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.client.errors import MySQLError, failure
from udup.drivers.mysql.client.raw import dump_file, raw_socket
from udup.drivers.mysql.client.wire import ERROR_BYTES
from udup.drivers.mysql.mariadb.events import MariaEvent, gtid_list, parse_gtid
from udup.drivers.mysql.mariadb.gtids import server_of
from udup.drivers.mysql.stream.packets import SILENCE_SECONDS, PacketBuffer
from udup.drivers.mysql.stream.replica import Replica

#: Where a file's first event stands.
FIRST_EVENT = 4

#: Seconds for one file. A server begins another one at 1 GiB (max_binlog_size).
READ_SECONDS = 60.0

#: Events in front of a file's first transaction.
_HEADS = (EventType.FORMAT_DESCRIPTION, EventType.PREVIOUS_GTIDS, MariaEvent.GTID_LIST, MariaEvent.START_ENCRYPTION)

#: Events with which a file ends; one that is written to has none of them.
_ENDINGS = (EventType.ROTATE, EventType.STOP)

_GTIDS = (EventType.GTID, EventType.GTID_TAGGED, MariaEvent.GTID)

#: Events at which something begins or ends; others are of a transaction and are passed over as quickly as they come.
_BOUNDARIES = frozenset({*_HEADS, *_ENDINGS, *_GTIDS, EventType.ANONYMOUS_GTID})

#: Heartbeats stand in no file.
_BEATS = (EventType.HEARTBEAT, EventType.HEARTBEAT_V2)

_TOLD = _BOUNDARIES | frozenset(_BEATS)

#: The kind of what is told behind the last event: where the file, or the log, ends.
END = 0


@dataclass(frozen=True, slots=True)
class LogEvent:
    """An event at which something begins or ends, and where it stands: from `start` up to `end`.

    The last of a file is an `END`, which is none and has no length. `gtid` is told of those with which transactions
    begin, `before` of the one that names all that earlier files have held.
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
        """Whether no transaction follows in this file."""
        return self.kind in _ENDINGS or self.kind == END

    @property
    def is_anonymous(self) -> bool:
        """Whether a transaction begins here that has no GTID."""
        return self.kind == EventType.ANONYMOUS_GTID


def first_events(connection: Connection, file: str) -> list[tuple[str, str]]:
    """Return the kinds and the texts of a file's first events; the last may be a user's statement."""
    with connection.showing_statements():
        events = query(connection, "SHOW BINLOG EVENTS IN %s LIMIT 4", file)
    return [(str(event[2]), str(event[5])) for event in events]


def set_before(events: list[tuple[str, str]]) -> GtidSet:
    """Return what all files before this one have held, by its first events."""
    texts = (text for kind, text in events if kind in ("Previous_gtids", "Gtid_list"))
    return GtidSet.parse(next(texts, "").strip("[]"))


def passed_in_log(before: GtidSet, source: str, number: int) -> None:
    """Add a transaction that a log has behind `before`; of a MariaDB domain with all numbers in front of it."""
    if server_of(source) if source.count("-") == 1 else 0:
        before.add_range(source, 1, number + 1)
    else:
        before.add(source, number)


def read_file(endpoint: Endpoint, file: str) -> Generator[LogEvent]:
    """Yield where transactions begin in a file, and what else is no part of one, up to where the file ends now.

    The dump has a name of its own each time: the source ends one when the same replica comes again.
    """
    replica = Replica.of(runtime.new_id())
    with closing(connect(endpoint, sessions.DUMP, read_timeout=SILENCE_SECONDS, init_command=_CHECKSUMS)) as connection:
        dump_file(connection, replica.server_id, file)
        socket = raw_socket(connection)
        socket.settimeout(SILENCE_SECONDS)
        yield from _Reading(endpoint, file, PacketBuffer(socket)).events()


#: As for every dump (`stream.py`): a file's checksums come as they were written.
_CHECKSUMS = "SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32', @mariadb_slave_capability = 4"


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
            if event[17] & ARTIFICIAL or event[4] in _BEATS:
                if event[4] == EventType.ROTATE and self._at > FIRST_EVENT:
                    break  # the next file begins
                continue
            if runtime.now() > end:
                raise Unavailable(f"{self._endpoint} has not sent its file {self._file} within {READ_SECONDS:.0f} s")
            try:
                found = self._placed(event)
            except (IndexError, KeyError, ValueError, struct.error) as error:
                raise self._damaged() from error
            yield found
            if found.kind in _ENDINGS:
                break
        yield LogEvent(END, self._at, self._at)

    def _next(self) -> bytes | None:
        """Return the next boundary, or event that stands in no file; None at the end of the log."""
        while True:
            self._at += self._packets.pass_over(_TOLD)
            payload, goes_on = self._packets.read()
            if payload[:1] != b"\0" or len(payload) < 1 + HEADER_SIZE:
                self._check_ended(payload)
                return None
            kind = payload[5]
            if kind in _TOLD or payload[18] & ARTIFICIAL:
                return b"".join([payload[1:], *self._packets.read_rest()]) if goes_on else payload[1:]
            self._at += int.from_bytes(payload[10:14], "little")
            if goes_on:
                for _ in self._packets.read_rest():
                    pass

    def _check_ended(self, payload: bytes) -> None:
        """Raise unless the source says with this that the log ends."""
        marker = payload[0] if payload else None
        if marker == 0xFF:
            code, text = int.from_bytes(payload[1:3], "little"), payload[9:ERROR_BYTES].decode("utf-8", "replace")
            doing = f"{self._endpoint} does not give its file {self._file}"
            raise failure(MySQLError(code, text), doing, Transient)
        if marker != 0xFE or len(payload) >= 9:
            raise self._damaged()

    def _placed(self, event: bytes) -> LogEvent:
        _, kind, _, size, says_end, _ = HEADER.unpack_from(event)
        start, self._at = self._at, self._at + size
        if says_end != self._at & 0xFFFFFFFF:
            raise self._damaged()
        if kind == EventType.FORMAT_DESCRIPTION:
            self._has_crc = has_checksums(event)
        # A FORMAT_DESCRIPTION has one whatever it says of the events behind it.
        if (self._has_crc or kind == EventType.FORMAT_DESCRIPTION) and not checksum_is_right(event):
            raise self._damaged()
        gtid = before = None
        if kind in _GTIDS:
            gtid = _gtid(event, has_crc=self._has_crc)
        elif kind == MariaEvent.GTID_LIST:
            listed = gtid_list(event[HEADER_SIZE : -CRC_SIZE if self._has_crc else None])
            before = GtidSet.parse(",".join(f"{domain}-{server}-{last}" for domain, server, last in listed))
        elif kind == EventType.PREVIOUS_GTIDS:
            before = GtidSet.decode(event[HEADER_SIZE : -CRC_SIZE if self._has_crc else None])
        return LogEvent(kind, start, self._at, gtid, before)

    def _damaged(self) -> Transient:
        where = f"at {self._at} of its file {self._file}"
        return Transient(f"{self._endpoint} sent what is no event {where}: the network or the source's disk damaged it")


def _gtid(event: bytes, *, has_crc: bool) -> Gtid:
    if event[4] != MariaEvent.GTID:
        return parse_gtid_event(event, has_crc=has_crc)
    seconds, _, server, *_ = HEADER.unpack_from(event)
    found = parse_gtid(event[HEADER_SIZE : -CRC_SIZE if has_crc else None], server)
    return Gtid(found.source, found.number, 0, 0, seconds * 1_000_000, seconds * 1_000_000)
