"""The changes of one transaction, in their order, until its COMMIT: in memory, and beyond a bound in a file.

An undo takes away the last change of its row. Where that is in the file already, the undo itself is kept behind it;
when the transaction is read at its end, undos and what they undo are found by reading the file backwards once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import msgspec

from udup.base.errors import Side, Unavailable
from udup.drivers.oracle.logminer.rows import Code, LogRow
from udup.drivers.oracle.logminer.values import BadRedo

#: Bytes that a change takes in memory beside its SQL.
CHANGE_BYTES = 500

#: Bytes of a transaction that are in memory at once, about.
PART_BYTES = 16 << 20

OPPOSITE: dict[int, Code] = {Code.INSERT: Code.DELETE, Code.DELETE: Code.INSERT, Code.UPDATE: Code.UPDATE}

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[LogRow]).decode

_Row = tuple[int, str]


def size_of(row: LogRow) -> int:
    """Return the bytes that a change takes in memory, about."""
    return len(row.sql) + CHANGE_BYTES


@contextmanager
def room_on_disk() -> Iterator[None]:
    """Have a full disk be told as what it is."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            "a large transaction of the source waits in a file, and this machine has no room for it where temporary"
            f" files are (TMPDIR): {error}; the job goes on when there is room"
        ).of(Side.NODE) from error


class Kept:
    """Iterating yields the changes that are not undone. `size` are the bytes in memory, `stored` those in the file."""

    def __init__(self) -> None:
        self._tail: list[LogRow] = []
        self._parts: list[tuple[int, int]] = []  # where each begins in the file, and its bytes
        self._file: IO[bytes] | None = None
        self.size = self.stored = 0

    def __bool__(self) -> bool:
        return bool(self._tail or self._parts)

    @property
    def is_large(self) -> bool:
        """Return whether it is not to be in memory as a whole."""
        return bool(self._parts)

    def append(self, row: LogRow) -> None:
        self._tail.append(row)
        self.size += size_of(row)
        if self.size > PART_BYTES:
            self._store()

    def undo(self, row: LogRow) -> bool:
        """Take away the last change of this row that is not undone yet; return whether there is one, or may be."""
        for at in range(len(self._tail) - 1, -1, -1):
            change = self._tail[at]
            if _key(change) == _key(row) and change.code != Code.DDL and not change.rollback:
                if change.code != OPPOSITE[row.code]:
                    return False
                self.size -= size_of(change)
                del self._tail[at]
                return True
        if self._parts:
            self.append(row)
            return True
        return False

    def __iter__(self) -> Iterator[LogRow]:
        """Yield the changes; raise `BadRedo` for an undo that finds nothing to undo."""
        if not self._parts:
            yield from self._tail
            return
        undone = self._undone()
        for number in self._numbers():
            yield from (row for at, row in enumerate(self._part(number)) if at not in undone[number])

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _numbers(self) -> range:
        return range(len(self._parts) + 1)

    def _part(self, number: int) -> list[LogRow]:
        """Return a part; the last is in memory."""
        if number == len(self._parts):
            return self._tail
        assert self._file is not None, "parts are in the file"
        start, size = self._parts[number]
        self._file.seek(start)
        return _decode(self._file.read(size))

    def _store(self) -> None:
        data = _encode(self._tail)
        with room_on_disk():
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - `close` does
            self._file.seek(self.stored)
            self._file.write(data)
            self._file.flush()  # a full disk is told now
        self._parts.append((self.stored, len(data)))
        self.stored += len(data)
        self._tail, self.size = [], 0

    def _undone(self) -> list[set[int]]:
        """Return for each part the places of undos, and of what they undo."""
        waiting: dict[_Row, list[LogRow]] = {}
        found: list[set[int]] = [set() for _ in self._numbers()]
        for number in reversed(self._numbers()):
            rows = self._part(number)
            for at in range(len(rows) - 1, -1, -1):
                row, key = rows[at], _key(rows[at])
                if row.rollback:
                    waiting.setdefault(key, []).append(row)
                elif not waiting.get(key):
                    continue
                elif row.code != OPPOSITE[waiting[key].pop().code]:
                    raise _nothing(row)
                found[number].add(at)
        for undos in waiting.values():
            if undos:
                raise _nothing(undos[-1])
        return found


def _key(row: LogRow) -> _Row:
    return row.data_obj, row.row_id


def _nothing(row: LogRow) -> BadRedo:
    what = f"row {row.row_id} of {row.owner}.{row.table}"
    return BadRedo(f"at SCN {row.scn} it undoes a change of {what}, which has not come")
