"""XA transactions that are prepared: their records wait here until XA COMMIT or XA ROLLBACK comes.

Nothing of them is delivered before, and nothing of them is kept over the end of a run: the position leaves them out, so
the source sends them again. What is large waits in a file without a name.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from typing import IO

import msgspec

from udup.base.errors import UdupError
from udup.pipeline.ports import Position
from udup.pipeline.records import Part, Transaction, TransactionId, encode

#: Bytes of one prepared transaction that are held in memory.
MEMORY_BYTES = 1 << 20

_SIZE = struct.Struct("<I")

_decode = msgspec.msgpack.Decoder(Transaction | Part).decode


class _Held:
    """The records of one, in their order, and the format that they are written by."""

    def __init__(self, of: TransactionId, written_by: bytes) -> None:
        self.id, self.format = of, written_by
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115 - closed by whoever takes it

    def add(self, record: Transaction | Part) -> None:
        data = encode(record)
        self._file.write(_SIZE.pack(len(data)) + data)

    def records(self) -> Iterator[Transaction | Part]:
        self._file.seek(0)
        while head := self._file.read(_SIZE.size):
            yield _decode(self._file.read(_SIZE.unpack(head)[0]))

    def close(self) -> None:
        self._file.close()


class PreparedTransactions:
    """By their XIDs, each of which is prepared once at a time."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}

    def __len__(self) -> int:
        return len(self._held)

    def add(self, record: Transaction | Part, written_by: bytes) -> TransactionId | None:
        """Hold a record of a transaction that is being prepared, written by this FORMAT_DESCRIPTION.

        Return the one that was prepared under the same XID before, whose end never comes: the source has lost it.
        """
        held, lost = self._held.get(record.xid), None
        if held is None or held.id != record.id:
            if held is not None:
                held.close()
                lost = held.id
            held = self._held[record.xid] = _Held(record.id, written_by)
        held.add(record)
        return lost

    def forget(self, executed: Position) -> None:
        """Forget those that are executed without an end: the source has lost them."""
        for xid, held in list(self._held.items()):
            if executed.contains(held.id.source, held.id.number):
                self.drop(xid)

    def take(self, xid: str, gtid: str) -> tuple[TransactionId, bytes, Iterator[Transaction | Part]]:
        """Return what was prepared under an XID and by which format; it is no longer held once it was iterated.

        `gtid` is that of its end. `UdupError` if nothing was.
        """
        held = self._held.pop(xid, None)
        if held is None:
            raise UdupError(
                f"{gtid} ends the XA transaction {xid}, which was prepared before the place where the job begins: its "
                "rows are not in the log from there on. Give the job another ID, so that it begins with a snapshot"
            )

        def records() -> Iterator[Transaction | Part]:
            try:
                yield from held.records()
            finally:
                held.close()

        return held.id, held.format, records()

    def drop(self, xid: str) -> TransactionId | None:
        """Forget one that was rolled back; None if it was prepared before the job began."""
        held = self._held.pop(xid, None)
        if held is None:
            return None
        held.close()
        return held.id

    def close(self) -> None:
        for held in self._held.values():
            held.close()
        self._held.clear()
