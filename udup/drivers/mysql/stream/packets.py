"""Packets of the client protocol out of a socket, many to a read: what carries a dump of the binary log."""

from __future__ import annotations

import mmap
import select
import ssl
from collections.abc import Callable, Container, Iterator
from typing import Any

from udup.base import runtime
from udup.base.errors import Transient, Unavailable
from udup.drivers.mysql.binlog.event import ARTIFICIAL, HEADER_SIZE

#: Seconds without a byte after which the source or the way to it is taken for dead.
SILENCE_SECONDS = 20.0

#: Looks in that time whether it lasts, after each of which that is told: two heartbeats may be late by then.
QUIETS = 6
QUIET_SECONDS = SILENCE_SECONDS / QUIETS

#: Bytes asked of the socket at a time; larger than what a busy server sends in one go.
READ_BYTES = 512 << 10

#: Seconds for a packet to be complete that has begun to come: 28 kB a second for the largest.
PACKET_SECONDS = 600.0

_PACKET_MAX = 0xFFFFFF

#: Bytes of the smallest packet that holds an event: its own head, a byte in front of the event, the event's header,
#: which is all of a STOP event in a log without checksums.
_SMALLEST = 4 + 1 + HEADER_SIZE


class PacketBuffer:
    """Client-protocol packets (length 3, number 1, payload) out of a socket, many to a read.

    The socket's time limit may pass `quiets` times in a row, and `quiet` is called each time with how often it has.
    """

    def __init__(self, sock: Any, quiets: int = 1, quiet: Callable[[int], None] = lambda _: None) -> None:
        self._socket = sock
        self._quiets, self._quiet = quiets, quiet
        self._buffer = bytearray()
        self._offset = 0
        self._number = 1  # that the next packet must have
        # Takes memory only as far as something is read into it: at a quiet source that is one page.
        self._room = mmap.mmap(-1, READ_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)

    def has_packet(self) -> bool:
        available = len(self._buffer) - self._offset
        return available >= 4 and available >= 4 + self._length()

    def waits(self, seconds: float) -> bool:
        """Return whether not a byte comes within this time. False also where the connection is gone."""
        sock = self._socket
        try:
            if sock is None or (isinstance(sock, ssl.SSLSocket) and sock.pending()):
                return False
            poll = select.poll()
            poll.register(sock, select.POLLIN)
            return not poll.poll(seconds * 1000)
        except (OSError, ValueError):
            return False

    def _length(self) -> int:
        at, data = self._offset, self._buffer
        return data[at] | data[at + 1] << 8 | data[at + 2] << 16

    def read(self) -> tuple[bytes, bool]:
        """Return one packet's payload, and whether the next packet continues it."""
        if not self.has_packet():
            deadline = runtime.now() + PACKET_SECONDS
            while not self.has_packet():
                self._fill(deadline)
        length = self._length()
        start = self._offset + 4
        if self._buffer[start - 1] != self._number:
            found = self._buffer[start - 1]
            raise Transient(f"the source sent a packet of the number {found} where {self._number} is due")
        self._number = (self._number + 1) & 0xFF
        self._offset = start + length
        return bytes(memoryview(self._buffer)[start : start + length]), length == _PACKET_MAX

    def arrived(self) -> list[bytes]:
        """Return the events that have arrived whole, up to a packet that is not an event alone, which `read` gives."""
        data, at, number = self._buffer, self._offset, self._number
        size = len(data)
        events = []
        while size - at >= _SMALLEST:
            length = data[at] | data[at + 1] << 8 | data[at + 2] << 16
            end = at + 4 + length
            if end > size or length < _SMALLEST - 4 or length == _PACKET_MAX or data[at + 3] != number or data[at + 4]:
                break
            events.append(bytes(data[at + 5 : end]))
            number = (number + 1) & 0xFF
            at = end
        self._offset, self._number = at, number
        return events

    def pass_over(self, told: Container[int]) -> int:
        """Pass over events that have arrived whole, up to the first of these kinds; return how many bytes they have.

        What is no ordinary event is not passed over either: `read` gives it.
        """
        data, at, number, passed = self._buffer, self._offset, self._number, 0
        size = len(data)
        while size - at >= _SMALLEST:
            length = data[at] | data[at + 1] << 8 | data[at + 2] << 16
            end = at + 4 + length
            if end > size or length < _SMALLEST - 4 or length == _PACKET_MAX or data[at + 3] != number:
                break
            if data[at + 4] or data[at + 9] in told or data[at + 22] & ARTIFICIAL:
                break
            passed += length - 1
            number = (number + 1) & 0xFF
            at = end
        self._offset, self._number = at, number
        return passed

    def read_rest(self) -> Iterator[bytes]:
        """Yield the packets that continue a large one."""
        goes_on = True
        while goes_on:
            payload, goes_on = self.read()
            yield payload

    def _fill(self, deadline: float) -> None:
        if runtime.now() > deadline:
            raise Unavailable(f"a packet of the source was not complete within {PACKET_SECONDS:g} s")
        if self._offset:
            del self._buffer[: self._offset]
            self._offset = 0
        try:
            count = self._received()
        except TimeoutError as error:
            raise Unavailable(f"the source sent nothing, not even a heartbeat, for {SILENCE_SECONDS:.0f} s") from error
        except (OSError, AttributeError) as error:
            raise Unavailable(f"the connection to the source was lost: {error}") from error
        if not count:
            raise Unavailable("the source closed the connection")
        self._buffer += memoryview(self._room)[:count]

    def _received(self) -> int:
        passed = 0
        while True:
            try:
                return int(self._socket.recv_into(self._room))
            except TimeoutError:
                passed += 1
                if passed >= self._quiets:
                    raise
            self._quiet(passed)
