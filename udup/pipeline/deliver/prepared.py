"""XA transactions that are prepared: their records wait here until XA COMMIT or XA ROLLBACK comes.

Nothing of them is delivered before, and nothing of them is kept over the end of a run: the position leaves them out, so
the source sends them again. What is large waits in a file without a name.
"""

from __future__ import annotations

import io
import struct
import tempfile
from collections.abc import Iterator
from typing import IO

import msgspec

from udup.base.errors import Side, UdupError, Unavailable
from udup.pipeline.ports import Position
from udup.pipeline.records import Part, Transaction, TransactionId, encode

#: Bytes of one prepared transaction that are held in memory, and of all of them.
MEMORY_BYTES, ALL_MEMORY_BYTES = 1 << 20, 32 << 20

_SIZE = struct.Struct("<I")

_decode = msgspec.msgpack.Decoder(Transaction | Part).decode


class _Held:
    """The records of one, in their order, and the format that they are written by."""

    def __init__(self, of: TransactionId, written_by: bytes) -> None:
        self.id, self.format = of, written_by
        self._file: IO[bytes] = io.BytesIO()
        self.in_memory = 0  # bytes

    def add(self, record: Transaction | Part, memory_left: int) -> None:
        data = encode(record)
        size = _SIZE.size + len(data)
        if self._in_file or (self.in_memory + size <= MEMORY_BYTES and size <= memory_left):
            self.in_memory += 0 if self._in_file else size
        else:
            self._move()
        self._file.write(_SIZE.pack(len(data)))
        self._file.write(data)
        self._file.flush()  # a full disk is told now

    @property
    def _in_file(self) -> bool:
        return not isinstance(self._file, io.BytesIO)

    def _move(self) -> None:
        """Put into a file what is in memory."""
        file = tempfile.TemporaryFile()  # noqa: SIM115 - `close` does
        try:
            assert isinstance(self._file, io.BytesIO)
            file.write(self._file.getbuffer())
        except BaseException:
            file.close()
            raise
        self._file, self.in_memory = file, 0

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
        self._in_memory = 0  # bytes of all of them

    def __len__(self) -> int:
        return len(self._held)

    def add(self, record: Transaction | Part, written_by: bytes) -> TransactionId | None:
        """Hold a record of a transaction that is being prepared, written by this FORMAT_DESCRIPTION.

        Return the one that was prepared under the same XID before, whose end never comes: the source has lost it.
        """
        held, lost = self._held.get(record.xid), None
        if held is None or held.id != record.id:
            lost = self.drop(record.xid)
            held = self._held[record.xid] = _Held(record.id, written_by)
        before = held.in_memory
        try:
            held.add(record, ALL_MEMORY_BYTES - self._in_memory)
        except OSError as error:
            raise Unavailable(
                f"{record.id.gtid} prepares the XA transaction {record.xid}, whose rows wait in a file for its end, "
                f"and this machine has no room for it where temporary files are (TMPDIR): {error}",
                gtid=record.id.gtid,
            ).of(Side.NODE) from error
        self._in_memory += held.in_memory - before
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
        held = self._pop(xid)
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
        held = self._pop(xid)
        if held is None:
            return None
        held.close()
        return held.id

    def _pop(self, xid: str) -> _Held | None:
        held = self._held.pop(xid, None)
        self._in_memory -= 0 if held is None else held.in_memory
        return held

    def close(self) -> None:
        while self._held:
            self.drop(next(iter(self._held)))
