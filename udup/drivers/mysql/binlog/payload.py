"""TRANSACTION_PAYLOAD events (binlog_transaction_compression): many events compressed into one.

Body: fields of (type, length, value), each length-encoded, up to type 0; the data follow. Field 1 is the size of
the data, 2 the algorithm (0 zstd, 255 none), 3 the size uncompressed. The events inside have no CRC, and BINLOG
refuses the event as a whole, so that it must be taken apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, cast

import zstandard

from udup.base.errors import Transient, Unsupported
from udup.drivers.mysql.binlog.event import HEADER_SIZE, read_lenenc
from udup.drivers.mysql.binlog.remedies import UNKNOWN, damaged
from udup.drivers.mysql.binlog.split import EventSplitter

_ZSTD, _NONE = 0, 255
_END, _SIZE, _ALGORITHM = 0, 1, 2

#: Bytes that the fields before the data take at most.
FIELDS_MAX = 64

#: Bytes taken out of the decompressor at a time. What goes in says nothing: 40 kB may hold 400 MB of equal rows.
_STEP = 1 << 20


def data_offset(front: bytes) -> tuple[int, int, int]:
    """Return offset of the data, their size and algorithm, from the first bytes of the event, header included."""
    offset, size, algorithm = HEADER_SIZE, 0, _ZSTD
    while True:
        kind, offset = read_lenenc(front, offset)
        if kind == _END:
            return offset, size, algorithm
        length, offset = read_lenenc(front, offset)
        value, _ = read_lenenc(front, offset)
        offset += length
        if kind == _SIZE:
            size = value
        elif kind == _ALGORITHM:
            algorithm = value


def inner_events(chunks: Iterable[bytes], algorithm: int) -> Iterator[bytes]:
    """Yield the events in the data, which come in pieces; memory holds one piece and one event."""
    splitter = EventSplitter("a compressed transaction")
    for piece in _decompressed(chunks, algorithm):
        yield from splitter.feed(piece)
    if not splitter.is_empty:
        raise damaged("a compressed transaction ends in the middle of an event")


def _decompressed(chunks: Iterable[bytes], algorithm: int) -> Iterator[bytes]:
    if algorithm == _NONE:
        yield from chunks
        return
    if algorithm != _ZSTD:
        raise Unsupported(f"a transaction is compressed by an unknown algorithm ({algorithm}); {UNKNOWN}")
    compressed = _Compressed(chunks)
    try:
        with zstandard.ZstdDecompressor().stream_reader(cast(IO[bytes], compressed)) as reader:
            while piece := reader.read(_STEP):
                yield piece
    except zstandard.ZstdError as error:
        raise Transient(f"a compressed transaction arrived damaged: {error}") from error
    compressed.skip_rest()


class _Compressed:
    """The chunks as a file."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def read(self, size: int) -> bytes:
        if not self._rest:
            self._rest = next(self._chunks, b"")
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def skip_rest(self) -> None:
        """Take what comes behind the compressed data (the last packet may be empty): it is part of the event."""
        for _ in self._chunks:
            continue
