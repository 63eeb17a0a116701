"""Packs records into messages: at once when nothing more is waiting, fuller under load.

`MsgBytesLimit` bounds what is packed together; a record that is larger goes alone (a piece of a large transaction is
`PIECE_BYTES` at most, but a single row's events may be larger and are cut as well).
"""

from __future__ import annotations

from collections.abc import Callable

from udup.plane.envelope import Batch, Definition, Part, Record, Transaction, encode

#: Bytes packed together at most, whatever the job says: NATS takes 1 MiB unless told otherwise.
MESSAGE_MAX = 512 << 10

#: What a record adds besides its events.
_OVERHEAD = 100


class Packer:
    def __init__(self, limit: int, send: Callable[[int, bytes], None]) -> None:
        self._limit = min(limit, MESSAGE_MAX)
        self._send = send
        self._records: list[Record] = []
        self._size = 0
        self._number = 0

    def add(self, record: Record) -> None:
        size = _size_of(record)
        if self._records and self._size + size > self._limit:
            self.flush()
        self._records.append(record)
        self._size += size
        if self._size >= self._limit:
            self.flush()

    def flush(self) -> None:
        if not self._records:
            return
        self._number += 1
        self._send(self._number, encode(Batch(self._number, self._records)))
        self._records, self._size = [], 0


def _size_of(record: Record) -> int:
    if isinstance(record, (Transaction, Part)):
        return _OVERHEAD + len(record.events) + len(record.create) + sum(map(len, record.new_maps))
    if isinstance(record, Definition):
        return _OVERHEAD + len(record.query)
    return _OVERHEAD
