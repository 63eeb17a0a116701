"""Reads a snapshot's tables with several connections at once and hands the text on in small pieces.

The first connection of the snapshot plans, the others read; each reader asks for the next chunk when it is free,
so that nothing is queued and one big table keeps all of them busy. After each chunk a reader goes back to a
savepoint, which releases the table's metadata lock but keeps the snapshot: a DDL on the source waits for a chunk
at most, not for the copy. If it changes a table that is not yet read to its end, the copy cannot go on (1412).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from udup.errors import Transient, UdupError
from udup.mysql.catalog import Table
from udup.mysql.connection import Connection, MySQLError, describe, error_code, is_transient, query
from udup.mysql.names import qualified
from udup.mysql.raw import shut_down
from udup.source.chunks import Chunk, plan_chunks
from udup.source.rows import Block, prepare_session, read_chunk, stream_rows
from udup.source.snapshot import Snapshot

#: Most bytes of one piece; it must fit a message of the data plane with room to spare.
PIECE_BYTES = 256 << 10

#: The table is not what it was when the snapshot was opened: definition changed, table gone, column gone.
CHANGED = frozenset({1412, 1146, 1054, 1176, 1049})


@dataclass(frozen=True)
class Piece:
    """A part of a chunk's text, cut anywhere. `part` counts from 0; `rows`, of the whole chunk, is on the last.

    `values`: the chunk's text holds SQL expressions.
    """

    table: int
    chunk: int
    part: int
    last: bool
    rows: int
    data: bytes
    values: bool = False


@dataclass(frozen=True)
class TableTotal:
    """What a table's chunks amount to, known when the last of them was emitted."""

    table: int
    chunks: int
    rows: int


class Locked(Protocol):
    """Tables that are in no snapshot (`locked_tables.py`)."""

    numbers: frozenset[int]

    def read(
        self, emit: Callable[[Piece], None], on_table: Callable[[TableTotal], None], stopped: threading.Event
    ) -> None: ...
    def close(self) -> None: ...


class CopyReader:
    """`run` is called once for each index below `readers`, each in a thread of its own, until all return.

    An error in one of them is raised there and makes the others return early; `failed` tells them apart from an
    orderly end. `stop` ends all of them within one piece.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        tables: Sequence[Table],
        on_table: Callable[[TableTotal], None],
        chunk_rows: int | None = None,
        locked: Locked | None = None,
    ) -> None:
        """`locked` are those of the tables that are read under a lock, all by the first reader and before others."""
        self._planner, *self._connections = snapshot.connections
        self._tables = tables
        self._on_table = on_table
        self._locked = locked
        self._progress = _Progress(on_table)
        self._chunks = self._plan(chunk_rows)
        self._plan_lock = threading.Lock()
        self._stopped = threading.Event()
        self.failed = False
        query(self._planner, "SET NAMES utf8mb4")
        for connection in self._connections:
            prepare_session(connection)
        for connection in snapshot.connections:
            query(connection, "SAVEPOINT udup")

    @property
    def readers(self) -> int:
        return len(self._connections)

    def run(self, reader: int, emit: Callable[[Piece], None]) -> None:
        """Read chunks until none is left. `emit` may block; the pieces of a chunk follow each other."""
        try:
            if self._locked is not None and reader == 0:
                self._locked.read(emit, self._on_table, self._stopped)
            while (chunk := self._next_chunk()) is not None:
                rows = self._read(self._connections[reader], chunk, emit)
                self._progress.chunk_done(chunk.table, rows)
        except BaseException as error:
            interrupted = self._stopped.is_set() and isinstance(error, (UdupError, _StoppedError))
            if not interrupted:
                self.failed = True
                self.stop()
                raise

    def stop(self) -> None:
        """End every `run`, also one that waits for the server. The snapshot's connections are spent."""
        self._stopped.set()
        for connection in (self._planner, *self._connections):
            shut_down(connection)
        if self._locked is not None:
            self._locked.close()

    def _next_chunk(self) -> Chunk | None:
        with self._plan_lock:
            if self._stopped.is_set():
                return None
            return next(self._chunks, None)

    def _plan(self, chunk_rows: int | None) -> Iterator[Chunk]:
        for index, table in enumerate(self._tables):
            if self._locked is not None and index in self._locked.numbers:
                continue
            try:
                for chunk in plan_chunks(self._planner, index, table, chunk_rows):
                    self._progress.chunk_planned(chunk)
                    yield chunk
                query(self._planner, "ROLLBACK TO SAVEPOINT udup")
            except MySQLError as error:
                raise reading_error(table, error) from error

    def _read(self, connection: Connection, chunk: Chunk, emit: Callable[[Piece], None]) -> int:
        table = self._tables[chunk.table]
        try:
            rows = 0
            pieces = Cutter(chunk, emit, self._stopped)
            for block in blocks(connection, table, chunk):
                rows += block.rows
                pieces.add(block)
            pieces.end(rows)
            query(connection, "ROLLBACK TO SAVEPOINT udup")
            return rows
        except MySQLError as error:
            raise reading_error(table, error) from error


class _StoppedError(Exception):
    """Ends a reader between two pieces."""


class Cutter:
    """Cuts text into pieces and keeps one back, since the last of a chunk is marked."""

    def __init__(self, chunk: Chunk, emit: Callable[[Piece], None], stopped: threading.Event) -> None:
        self._chunk = chunk
        self._emit = emit
        self._stopped = stopped
        self._part = 0
        self._held = b""
        self._values = False

    def add(self, block: Block) -> None:
        self._values = block.values
        view = memoryview(block.text)
        for start in range(0, len(view), PIECE_BYTES):
            if self._held:
                self._send(last=False, rows=0)
            self._held = bytes(view[start : start + PIECE_BYTES])

    def end(self, rows: int) -> None:
        self._send(last=True, rows=rows)

    def _send(self, last: bool, rows: int) -> None:
        if self._stopped.is_set():
            raise _StoppedError
        self._emit(Piece(self._chunk.table, self._chunk.number, self._part, last, rows, self._held, self._values))
        self._part += 1


class _Progress:
    """Counts planned and finished chunks and tells when a table is complete."""

    def __init__(self, on_table: Callable[[TableTotal], None]) -> None:
        self._on_table = on_table
        self._lock = threading.Lock()
        self._open: dict[int, int] = {}
        self._chunks: dict[int, int] = {}
        self._rows: dict[int, int] = {}
        self._final: set[int] = set()

    def chunk_planned(self, chunk: Chunk) -> None:
        with self._lock:
            self._open[chunk.table] = self._open.get(chunk.table, 0) + 1
            self._chunks[chunk.table] = chunk.number + 1
            if chunk.final:
                self._final.add(chunk.table)

    def chunk_done(self, table: int, rows: int) -> None:
        with self._lock:
            self._open[table] -= 1
            self._rows[table] = self._rows.get(table, 0) + rows
            complete = table in self._final and self._open[table] == 0
        if complete:
            self._on_table(TableTotal(table, self._chunks[table], self._rows[table]))


def blocks(connection: Connection, table: Table, chunk: Chunk) -> Iterator[Block]:
    if not chunk.streamed:
        whole = read_chunk(connection, table, chunk.where)
        if whole is not None:
            yield whole
            return
    yield from stream_rows(connection, table, chunk.where)


def reading_error(table: Table, error: MySQLError) -> UdupError:
    name = qualified(table.schema, table.name)
    if error_code(error) in CHANGED:
        return Transient(
            f"the definition of {name} changed while it was copied ({describe(error)}): the copy starts anew"
        )
    return (Transient if is_transient(error) else UdupError)(f"reading {name}: {describe(error)}")
