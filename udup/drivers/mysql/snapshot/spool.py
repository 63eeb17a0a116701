"""Rows on their way from the source's server to a receiver that may be slower: kept here, so that the server is not.

A result that is read row by row holds its table's metadata lock until its last row is read. While nobody takes the rows
(the target is slow, or away) an ALTER on the source would wait for it, and every query of the application behind the
ALTER. So the rows are read as fast as the server sends them, by a thread of their own, into memory and then into a
file without a name that is bounded; only when that is full the server waits.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

from udup.base import runtime
from udup.drivers.mysql.snapshot.rows import Block

#: Bytes that wait in memory, and then in the file, of one reader.
MEMORY_MAX, FILE_MAX = 2 << 20, 256 << 20


class _ClosedError(Exception):
    """Nobody takes the blocks any more."""


@dataclass(frozen=True)
class _Stored:
    """A block that waits: with its text, or with the place of it in the file."""

    block: Block
    size: int
    offset: int = -1


class Spool:
    """First in, first out, between two threads: one puts and ends, the other iterates and closes."""

    def __init__(self, memory: int = MEMORY_MAX, file: int = FILE_MAX) -> None:
        self._memory_max = memory
        self._file_max = file
        self._waiting: deque[_Stored] = deque()
        self._in_memory = 0
        self._file: IO[bytes] | None = None
        self._tail = 0  # where the file's last block ends
        self._changed = runtime.Condition()
        self._error: BaseException | None = None
        self.ended = self._closed = False

    def put(self, block: Block) -> None:
        """Wait for room and keep it."""
        size = len(block.text)
        with self._changed:
            while not self._closed and not self._keep(block, size):
                self._changed.wait()
            if self._closed:
                raise _ClosedError
            self._changed.notify_all()

    def _keep(self, block: Block, size: int) -> bool:
        if not self._waiting or self._in_memory + size <= self._memory_max:
            self._waiting.append(_Stored(block, size))
            self._in_memory += size
            return True
        offset = self._place(size)
        if offset is None or not self._write(block.text, offset):
            return False
        self._waiting.append(_Stored(block._replace(text=b""), size, offset))
        self._tail = offset + size
        return True

    def _place(self, size: int) -> int | None:
        """Return where in the file there is room: behind its last block, or again at its beginning."""
        head = next((each.offset for each in self._waiting if each.offset >= 0), None)
        if head is None:
            return 0 if size <= self._file_max else None
        if self._tail > head:
            if self._file_max - self._tail >= size:
                return self._tail
            return 0 if head > size else None
        return self._tail if head - self._tail > size else None

    def _write(self, text: bytes, offset: int) -> bool:
        """Return whether the file has taken it: a full disk makes the server wait, and nothing more."""
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - `discard` closes it
            view, at = memoryview(text), offset
            while view:
                count = os.pwrite(self._file.fileno(), view, at)
                view, at = view[count:], at + count
        except OSError:
            self._file_max = 0
            return False
        return True

    def end(self, error: BaseException | None = None) -> None:
        """Nothing follows; what the blocks' reading has failed with is raised behind the last of them."""
        with self._changed:
            self.ended, self._error = True, error
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Block]:
        while (stored := self._next()) is not None:
            yield stored.block

    def _next(self) -> _Stored | None:
        with self._changed:
            while not self._waiting and not self.ended:
                self._changed.wait()
            if not self._waiting:
                if self._error is not None:
                    raise self._error
                return None
            stored = self._waiting[0]
        text = stored.block.text
        if stored.offset >= 0:
            assert self._file is not None
            text = os.pread(self._file.fileno(), stored.size, stored.offset)
            assert len(text) == stored.size, "a file without a name was cut"
        with self._changed:
            self._waiting.popleft()
            self._in_memory -= stored.size if stored.offset < 0 else 0
            self._changed.notify_all()
        return _Stored(stored.block._replace(text=text), stored.size)

    def close(self) -> None:
        """Whoever puts is told; the file goes when nobody writes any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def discard(self) -> None:
        """When both threads have done with it."""
        if self._file is not None:
            self._file.close()


def spooled(blocks: Iterator[Block], give_up: Callable[[], None]) -> Iterator[Block]:
    """Yield the same blocks, read ahead by a thread. `give_up` ends a read under way, if not all of them are taken."""
    spool = Spool()
    thread = runtime.Thread(target=_fill, args=(spool, blocks), name="read-ahead", daemon=True)
    thread.start()
    try:
        yield from spool
    finally:
        if not spool.ended:
            spool.close()
            give_up()
        thread.join()
        spool.discard()


def _fill(spool: Spool, blocks: Iterator[Block]) -> None:
    try:
        for block in blocks:
            spool.put(block)
    except _ClosedError:
        spool.end()
    except BaseException as error:  # noqa: BLE001 - raised where the blocks are taken
        spool.end(error)
    else:
        spool.end()
