"""Packs records into messages: at once when nothing more is waiting, fuller under load.

`MsgBytesLimit` bounds what is packed together; a record that is larger goes alone (a piece of a large transaction is
`PIECE_BYTES` at most, but a single row's events may be larger and are cut as well).
"""

from __future__ import annotations

from collections.abc import Callable

from udup.pipeline.records import (
    Batch,
    Beat,
    Definition,
    Part,
    Record,
    SnapshotDefinition,
    SnapshotRows,
    Transaction,
    encode,
)

#: Bytes packed together at most, whatever the job says: NATS takes 1 MiB unless told otherwise.
MESSAGE_MAX = 512 << 10

#: What a record adds besides its events.
_OVERHEAD = 100


class Packer:
    """`messages`, `size` (bytes) and `full` count what was sent; heartbeats by themselves are not counted.

    `full` are those that went because they held what they may; the others went because nothing more was waiting.
    """

    def __init__(self, limit: int, send: Callable[[int, bytes, bool], None]) -> None:
        """`send` takes a message's number, the message, and whether it holds heartbeats alone."""
        self._limit = min(limit, MESSAGE_MAX)
        self._send = send
        self._records: list[Record] = []
        self._size = 0
        self._number = 0
        self.messages = self.size = self.full = 0

    def add(self, record: Record) -> None:
        size = _size_of(record)
        if self._records and self._size + size > self._limit:
            self._send_all(full=True)
        self._records.append(record)
        self._size += size
        if self._size >= self._limit:
            self._send_all(full=True)

    def flush(self) -> None:
        """Nothing more is waiting."""
        if self._records:
            self._send_all(full=False)

    def _send_all(self, *, full: bool) -> None:
        self._number += 1
        data = encode(Batch(self._number, self._records))
        is_beat = all(isinstance(record, Beat) for record in self._records)
        if not is_beat:
            self.messages += 1
            self.size += len(data)
            self.full += full
        self._send(self._number, data, is_beat)
        self._records, self._size = [], 0


def _size_of(record: Record) -> int:
    if isinstance(record, (Transaction, Part)):
        return _OVERHEAD + len(record.events) + len(record.create) + sum(map(len, record.new_maps)) + len(record.told)
    if isinstance(record, Definition):
        return _OVERHEAD + len(record.query) + len(record.told)
    if isinstance(record, SnapshotRows):
        return _OVERHEAD + len(record.events) + len(record.state)
    if isinstance(record, SnapshotDefinition):
        return _OVERHEAD + 4 * len(record.statement) + len(record.changes) + len(record.state)
    return _OVERHEAD
