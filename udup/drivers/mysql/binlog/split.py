"""Bytes cut into events, by the sizes in their headers: the only place that does it."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from udup.base.errors import Transient
from udup.drivers.mysql.binlog.event import HEADER_SIZE

#: Bytes of an event: a row has 1 GiB at most, the largest max_allowed_packet.
EVENT_MAX = (1 << 30) + (1 << 20)

#: In a header: type, server id, size.
_TYPE_AND_SIZE = struct.Struct("<4xB4xI")


def headers(data: bytes | bytearray, start: int = 0) -> Iterator[tuple[int, int, int]]:
    """Yield each event's type, and where it begins and ends; the last may end behind the data.

    Ends where no whole header follows, and at a size that is smaller than a header.
    """
    end = len(data)
    while end - start >= HEADER_SIZE:
        kind, size = _TYPE_AND_SIZE.unpack_from(data, start)
        if size < HEADER_SIZE:
            return
        yield kind, start, start + size
        start += size


def split(data: bytes) -> Iterator[bytes]:
    """Yield event by event, as far as whole events are there."""
    for _, start, end in headers(data):
        if end <= len(data):
            yield data[start:end]


class EventSplitter:
    """Cuts a stream that comes in pieces; memory holds one piece and one event. `what` names the stream in errors."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._held = bytearray()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield the events that this piece completes. `Transient` for one that says an impossible size."""
        held = self._held
        held += piece
        at = 0
        view = memoryview(held)
        try:
            while len(held) - at >= HEADER_SIZE:
                _, size = _TYPE_AND_SIZE.unpack_from(held, at)
                if not HEADER_SIZE <= size <= EVENT_MAX:
                    raise Transient(f"{self._what} holds an event that says it has {size} bytes: it is damaged")
                if len(held) - at < size:
                    break
                yield bytes(view[at : at + size])
                at += size
        finally:
            view.release()
            del held[:at]

    @property
    def is_empty(self) -> bool:
        """Return whether the stream has ended with an event's end so far."""
        return not self._held
