"""The source's binary log as a stream of raw events.

mysql-replication opens the dump (registration, GTID set, heartbeats); from then on the packets are read here, straight
from the socket in large pieces and cut at their headers, since its own decoding manages 8,500 events a second where
this manages over 200,000. Every event's CRC is checked, because the target does not check it.

A compressed transaction (TRANSACTION_PAYLOAD) is taken apart, piece by piece where it is large.

MariaDB's dump is asked for in its own way (`mariadb/dump.py`), and its events come in MySQL's form (`mariadb/log.py`).
"""

from __future__ import annotations

import struct
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from udup.base.causes import Cause, reason
from udup.base.endpoint import Endpoint
from udup.base.errors import Transient, Unavailable, Unsupported
from udup.base.remedies import NEW_COPY
from udup.drivers.mysql.binlog.event import (
    ARTIFICIAL,
    CRC_SIZE,
    HEADER_SIZE,
    EventType,
    checksum_is_right,
    has_checksums,
    with_crc_room,
)
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.binlog.payload import FIELDS_MAX, data_offset, inner_events
from udup.drivers.mysql.binlog.split import EVENT_MAX
from udup.drivers.mysql.checks.retention import lost_log
from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.client.errors import MySQLError, failure
from udup.drivers.mysql.client.raw import raw_socket, shut_down
from udup.drivers.mysql.client.wire import ERROR_BYTES
from udup.drivers.mysql.mariadb.reading import NotAfterPlaceError, Reading
from udup.drivers.mysql.mariadb.row_forms import RowForms
from udup.drivers.mysql.stream.anonymous import WITHOUT_GTID
from udup.drivers.mysql.stream.opening import connect_for_dump, open_dump
from udup.drivers.mysql.stream.packets import QUIET_SECONDS, QUIETS, PacketBuffer

#: The server's lost-binlog error: what the dump needs was purged, or the source lacks GTIDs that the job has.
ER_SOURCE_FATAL_READING = 1236

#: In the texts of that error when a reconnection does not help: purged logs, or GTIDs that the source has not.
_PURGED, _AHEAD = "purged", "more GTIDs than"

#: In that error's text when the dump has come to a change without a GTID.
_ANONYMOUS = "anonymous transaction"

_U32 = struct.Struct("<I")


class BinlogStream:
    """Events of the source from after a GTID set on. Iterate; `close` from another thread ends it.

    `server_uuid` is the server that sends them: behind a balancer another connection may lead to another one.
    `silent` is called, on the thread that iterates, while not even heartbeats come, with for how many seconds. `forms`:
    what of a MariaDB's rows is for whom.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        server_id: int,
        start_after: GtidSet,
        replica_uuid: str,
        silent: Callable[[float], None] = lambda _: None,
        forms: RowForms | None = None,
    ) -> None:
        self._endpoint, self._silent, self._closed = endpoint, silent, False
        self._server_id, self._replica_uuid = server_id, replica_uuid
        connection, self._maria = open_dump(endpoint, server_id, start_after, replica_uuid, forms)
        self.server_uuid = connection.server_uuid  # nothing can be asked during the dump
        self._read_from(connection)

    @property
    def is_mariadb(self) -> bool:
        """Return whether the server is MariaDB: its dumps cannot be carried on by others."""
        return self._maria is not None

    def _read_from(self, connection: Connection) -> None:
        self._connection = connection
        sock = raw_socket(connection)
        self._packets = PacketBuffer(sock, QUIETS, lambda passed: self._silent(passed * QUIET_SECONDS))
        self._arrived: deque[bytes] = deque()
        self._has_crc = True

    def close(self) -> None:
        """End the stream; a read under way fails with `Transient`."""
        self._closed = True
        shut_down(self._connection)

    @property
    def session_number(self) -> int:
        """Return the source's number of the session that the dump is; 0 where it is not known."""
        return self._connection.session_number if self._connection.has_servers_numbers else 0

    @property
    def has_more(self) -> bool:
        """Return whether another event has arrived already."""
        return bool(self._arrived) or self._packets.has_packet()

    def waits(self, seconds: float) -> bool:
        """Return whether nothing comes within this time."""
        return not self.has_more and self._packets.waits(seconds)

    def __iter__(self) -> Iterator[bytes]:
        """Yield events with their CRC if the log has CRCs, those of compressed transactions one by one."""
        if self._maria is None:
            yield from self._events()
            return
        while True:
            try:
                for event in self._events():
                    yield from self._maria.events_of(event)
            except NotAfterPlaceError as error:
                self._begin_with_a_file(self._maria, error)

    def _begin_with_a_file(self, maria: Reading, error: NotAfterPlaceError) -> None:
        """Read on from the beginning of a file, where the server cannot begin behind a transaction."""
        shut_down(self._connection)
        connection = connect_for_dump(self._endpoint, self._replica_uuid)
        if connection.server_uuid != self.server_uuid or not maria.ask_for_file(connection, self._server_id):
            connection.close()
            raise error
        raw_socket(connection).settimeout(QUIET_SECONDS)
        self._read_from(connection)
        if self._closed:
            shut_down(connection)

    def _events(self) -> Iterator[bytes]:
        arrived = self._arrived
        while True:
            while arrived:
                event = arrived.popleft()
                kind = event[4]
                if kind == EventType.FORMAT_DESCRIPTION:
                    self._has_crc = has_checksums(event)
                self._check(event)
                if kind == EventType.TRANSACTION_PAYLOAD:
                    offset, size, algorithm = self._fields(event)
                    yield from self._unpacked([event[offset : offset + size]], algorithm)
                else:
                    yield event
            arrived.extend(self._packets.arrived())
            if not arrived:
                payload, goes_on = self._packets.read()
                self._look_at(payload)
                if goes_on:
                    yield from self._large_event(payload[1:])
                else:
                    arrived.append(payload[1:])

    def _look_at(self, payload: bytes) -> None:
        """Raise unless an event, or the first piece of one, is behind the packet's first byte."""
        marker = payload[0] if payload else None
        if marker == 0xFF:
            self._raise_server_error(payload)
        if marker == 0xFE and len(payload) < 9:
            raise Unavailable(f"the source {self._endpoint} ended the binlog dump")
        if marker != 0 or len(payload) < 1 + HEADER_SIZE:  # no more in a STOP event of a log without CRCs
            raise self._damaged(f"a packet that holds no event ({payload[:16]!r})")

    def _damaged(self, what: str) -> Transient:
        return Transient(f"{self._endpoint} sent {what}: the network damaged it, or what answers is no MySQL server")

    def _check(self, event: bytes) -> None:
        size = _U32.unpack_from(event, 9)[0]
        if size != len(event):
            raise self._damaged(f"an event of {len(event)} bytes that says it has {size}")
        if self._has_crc and not checksum_is_right(event):
            kind, position = event[4], _U32.unpack_from(event, 13)[0]
            if event[17] & ARTIFICIAL or kind in (EventType.HEARTBEAT, EventType.HEARTBEAT_V2):
                return  # made for this dump; without CRC in some versions
            raise Transient(
                f"an event of type {kind} before position {position} arrived from {self._endpoint} with a wrong "
                "checksum: the network or the source's disk damaged it"
            )

    def _fields(self, event: bytes) -> tuple[int, int, int]:
        try:
            return data_offset(event[: HEADER_SIZE + FIELDS_MAX])
        except (IndexError, KeyError) as error:
            raise self._damaged("a compressed transaction whose fields have no end") from error

    def _unpacked(self, chunks: Any, algorithm: int) -> Iterator[bytes]:
        for event in inner_events(chunks, algorithm):
            yield with_crc_room(event) if self._has_crc else event

    def _large_event(self, first: bytes) -> Iterator[bytes]:
        """Yield an event of 16 MiB or more: a compressed transaction is unpacked as it comes, a row is put together."""
        if first[4] != EventType.TRANSACTION_PAYLOAD:
            event = b"".join(self._bounded(first))
            self._check(event)
            yield event
            return
        offset, _, algorithm = self._fields(first)
        checksum = _RunningChecksum(self._has_crc)
        chunks = (chunk[offset:] if i == 0 else chunk for i, chunk in enumerate(checksum.watch(first, self._packets)))
        held = None
        for event in self._unpacked(chunks, algorithm):
            if held is not None:
                yield held
            held = event
        if not checksum.is_right():
            raise Transient(f"a compressed transaction arrived from {self._endpoint} with a wrong checksum")
        if held is not None:
            yield held  # the commit: only when all of it was right

    def _bounded(self, first: bytes) -> Iterator[bytes]:
        """Yield the pieces of one event, which must be held whole."""
        size = len(first)
        yield first
        for piece in self._packets.read_rest():
            size += len(piece)
            if size > EVENT_MAX:
                raise self._damaged(f"an event of more than {EVENT_MAX} bytes")
            yield piece

    def _raise_server_error(self, payload: bytes) -> None:
        code = int.from_bytes(payload[1:3], "little")
        text = payload[9:ERROR_BYTES].decode("utf-8", "replace")
        doing = f"the source {self._endpoint} refuses the binlog dump"
        message = f"{doing}: error {code}: {text}"
        if self._maria is not None and code == ER_SOURCE_FATAL_READING:
            self._maria.check(message)
        if code == ER_SOURCE_FATAL_READING and _ANONYMOUS in text:
            raise Unsupported(f"{message}: changes without a GTID, {WITHOUT_GTID}")
        if code == ER_SOURCE_FATAL_READING and _PURGED in text:
            raise lost_log(self._endpoint, f"error {code}: {text}")
        if code == ER_SOURCE_FATAL_READING and _AHEAD in text:
            raise Unsupported(f"{message}; {NEW_COPY}").because(reason(Cause.SOURCE_RESET, {"server": self._endpoint}))
        raise failure(MySQLError(code, text), doing, Transient)


class _RunningChecksum:
    """The CRC of an event that comes in pieces, whose last four bytes are the CRC itself."""

    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled
        self._crc = 0
        self._tail = b""

    def watch(self, first: bytes, packets: PacketBuffer) -> Iterator[bytes]:
        """Yield the pieces less the CRC at the end."""
        yield from self._feed(first)
        for piece in packets.read_rest():
            yield from self._feed(piece)

    def _feed(self, piece: bytes) -> Iterator[bytes]:
        if not self._enabled:
            yield piece
            return
        piece = self._tail + piece
        body, self._tail = piece[:-CRC_SIZE], piece[-CRC_SIZE:]
        self._crc = zlib.crc32(body, self._crc)
        yield body

    def is_right(self) -> bool:
        return not self._enabled or self._crc == int.from_bytes(self._tail, "little")
