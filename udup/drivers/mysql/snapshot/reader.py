"""Reads a snapshot's tables with several connections at once and hands the text on in small pieces.

The first connection of the snapshot plans, the others read; each reader asks for the next chunk when it is free,
so that nothing is queued and one big table keeps all of them busy. After each statement a connection goes back to a
savepoint, which releases the table's metadata lock but keeps the snapshot: a DDL on the source, and whoever waits
behind it, waits until a chunk is read, not until it is sent, and not for the copy. If it changes a table that is not
yet read to its end, the copy cannot go on (1412).

A table without a key is one chunk: its lock is held for as long as the source takes to send it (`spool.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Protocol, TypeAlias

from udup.base import runtime
from udup.base.errors import Transient, UdupError
from udup.drivers.mysql.client import patience
from udup.drivers.mysql.client.connection import Connection, MySQLError, describe, error_code, query
from udup.drivers.mysql.client.errors import failure
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.client.patience import patiently
from udup.drivers.mysql.client.raw import shut_down
from udup.drivers.mysql.dictionary.catalog import Table
from udup.drivers.mysql.dictionary.copied_before import Resumable, encode_span
from udup.drivers.mysql.dictionary.digests import Sums, added, column_sums, index_sums
from udup.drivers.mysql.snapshot.chunks import Chunk, between, plan_chunks
from udup.drivers.mysql.snapshot.rows import (
    Block,
    for_target,
    has_odd_dates,
    prepare_session,
    read_chunk,
    stream_rows,
)
from udup.drivers.mysql.snapshot.snapshot import Snapshot
from udup.drivers.mysql.snapshot.spool import spooled
from udup.pipeline.ports import Piece
from udup.pipeline.records import PIECE_BYTES

#: What reads a chunk's rows. It is told how to give up the locks of a statement that is read.
ReadBlocks: TypeAlias = Callable[[Connection, Table, Chunk, Callable[[Connection], None]], Generator[Block]]

#: The table is not what it was when the snapshot was opened: definition changed, table gone, column gone.
CHANGED = frozenset({1412, 1146, 1054, 1176, 1049})


@dataclass(frozen=True)
class TableTotal:
    """What a table's chunks amount to, known when the last of them was emitted; and what the source has computed."""

    table: int
    chunks: int
    rows: int
    sums: Sums = field(default_factory=dict)


class Locked(Protocol):
    """Tables that are in no snapshot (`locked_tables.py`)."""

    numbers: frozenset[int]

    def read(
        self,
        emit: Callable[[Piece], None],
        on_table: Callable[[TableTotal], None],
        stopped: runtime.Event,
        *,
        offsets: bool,
        texts: bool = False,
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
        *,
        offsets: bool = False,
        texts: bool = False,
        history: str = "",
        first: Collection[str] = (),
        resumables: Sequence[Resumable] = (),
    ) -> None:
        """`locked` are those of the tables that are read under a lock, all by the first reader and before others.

        `first` are names (`schema.table`) of tables that are read before others, as they do not stay for long.
        `offsets`: the target reads +00:00 behind a TIMESTAMP, which tables that compute something need.
        `texts`: the target keeps JSON as text. `history`: it takes what rows were, as `StartRows` says. `resumables`
        say what of each table is there already.
        """
        self._resumables = resumables
        self._locked, self._first = locked, frozenset(first)
        self._offsets, self._texts = offsets, texts
        self._planner, *self._connections = snapshot.connections
        self._tables = [for_target(table, offsets=offsets, texts=texts, history=history) for table in tables]
        self._on_table = on_table
        self._progress = _Progress()
        self._chunks = self._plan(chunk_rows)
        self._plan_lock = runtime.Lock()
        self._stopped = runtime.Event()
        self.failed = False
        for connection in self._connections:
            prepare_session(connection)
        for connection in snapshot.connections:
            query(connection, patience.SESSION)
            query(connection, "SAVEPOINT udup")

    @property
    def readers(self) -> int:
        return len(self._connections)

    def run(self, reader: int, emit: Callable[[Piece], None]) -> None:
        """Read chunks until none is left. `emit` may block; the pieces of a chunk follow each other."""
        try:
            if self._locked is not None and reader == 0:
                self._locked.read(emit, self._on_table, self._stopped, offsets=self._offsets, texts=self._texts)
            while (chunk := self._next_chunk()) is not None:
                connection = self._connections[reader]
                rows, sums = self._read(connection, chunk, emit)
                if (total := self._progress.chunk_done(chunk.table, rows, sums)) is not None:
                    self._on_table(self._with_indexes(connection, total))
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
        # An old snapshot cannot read a table that was truncated since: what was, in a try before, is read at once.
        hurried = sorted(enumerate(self._tables), key=lambda each: _name(each[1]) not in self._first)
        for index, table in hurried:
            if self._locked is not None and index in self._locked.numbers:
                continue
            one = self._resumables[index] if self._resumables else Resumable()
            if one.kept is not None and one.kept.whole:
                continue
            try:
                for chunk in chunks_left(self._planner, index, table, chunk_rows, one):
                    release(self._planner)
                    self._progress.chunk_planned(chunk)
                    yield chunk
            except MySQLError as error:
                raise reading_error(table, error) from error
            if not one.gaps:  # an earlier try has died when all rows were there
                self._on_table(TableTotal(index, 0, 0))

    def _read(self, connection: Connection, chunk: Chunk, emit: Callable[[Piece], None]) -> tuple[int, Sums]:
        table = self._tables[chunk.table]
        try:
            rows = 0
            odd_dates = table.computes and patiently(lambda: has_odd_dates(connection, table, chunk.where))
            pieces = Cutter(chunk, emit, self._stopped, odd_dates=odd_dates)
            with closing(blocks(connection, table, chunk)) as read:
                for block in read:
                    rows += block.rows
                    pieces.add(block)
            pieces.end(rows)
            sums = patiently(lambda: column_sums(connection, table, chunk.where))
            release(connection)
            return rows, sums
        except MySQLError as error:
            raise reading_error(table, error) from error

    def _with_indexes(self, connection: Connection, total: TableTotal) -> TableTotal:
        """Add the sums of its indexes on virtual columns to those of the rows."""
        table = self._tables[total.table]
        if not table.virtual_keys:
            return total
        try:
            sums = patiently(lambda: index_sums(connection, table))
            release(connection)
        except MySQLError as error:
            raise reading_error(table, error) from error
        return replace(total, sums={**total.sums, **sums})


class _StoppedError(Exception):
    """Ends a reader between two pieces."""


class Cutter:
    """Cuts text into pieces and keeps one back, since the last of a chunk is marked."""

    def __init__(
        self,
        chunk: Chunk,
        emit: Callable[[Piece], None],
        stopped: runtime.Event,
        *,
        odd_dates: bool,
    ) -> None:
        self._odd_dates = odd_dates
        self._chunk = chunk
        self._emit = emit
        self._stopped = stopped
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
        table, number = self._chunk.table, self._chunk.number
        span = self._chunk.span if last else ""
        self._emit(Piece(table, number, last, rows, self._held, self._values, self._odd_dates, span))


class _Progress:
    """Counts planned and finished chunks and knows when a table is complete."""

    def __init__(self) -> None:
        self._lock = runtime.Lock()
        self._open: dict[int, int] = {}
        self._chunks: dict[int, int] = {}
        self._rows: dict[int, int] = {}
        self._sums: dict[int, Sums] = {}
        self._final: set[int] = set()

    def chunk_planned(self, chunk: Chunk) -> None:
        with self._lock:
            self._open[chunk.table] = self._open.get(chunk.table, 0) + 1
            self._chunks[chunk.table] = chunk.number + 1
            if chunk.final:
                self._final.add(chunk.table)

    def chunk_done(self, table: int, rows: int, sums: Sums) -> TableTotal | None:
        """Count a chunk; return the table's total when it was the last."""
        with self._lock:
            self._open[table] -= 1
            self._rows[table] = self._rows.get(table, 0) + rows
            self._sums[table] = added(self._sums.get(table, {}), sums)
            if table not in self._final or self._open[table]:
                return None
            return TableTotal(table, self._chunks[table], self._rows[table], self._sums[table])


def chunks_left(planner: Connection, index: int, table: Table, rows: int | None, one: Resumable) -> Iterator[Chunk]:
    """Yield the chunks of what is still to be read of a table, found while they are asked for."""
    number, left = 0, one.gaps
    for place, (begin, end) in enumerate(left, start=1):
        behind, within = between(one.key, begin, end)
        for chunk in plan_chunks(planner, index, table, rows, number, behind, within):
            span = ""
            if one.key:
                last = end if chunk.final else tuple(map(int, chunk.end[: len(one.key)]))
                span = encode_span((begin, last), exact=chunk.final or not one.has_more)
                begin = last
            yield replace(chunk, final=chunk.final and place == len(left), span=span)
            number = chunk.number + 1


def release(connection: Connection) -> None:
    """Give up the table's metadata lock, and keep the snapshot."""
    query(connection, "ROLLBACK TO SAVEPOINT udup")


def blocks(
    connection: Connection, table: Table, chunk: Chunk, release: Callable[[Connection], None] = release
) -> Generator[Block]:
    """Yield a chunk's rows. No lock is held while they are taken, but for what is too much to be kept meanwhile.

    `release` gives up the locks of a statement that is read.
    """
    if not chunk.streamed:
        whole = patiently(lambda: read_chunk(connection, table, chunk.where))
        release(connection)
        if whole is not None:
            yield whole
            return
    yield from spooled(_streamed(connection, table, chunk, release), lambda: shut_down(connection))


def _streamed(
    connection: Connection, table: Table, chunk: Chunk, release: Callable[[Connection], None]
) -> Iterator[Block]:
    stream = patiently(lambda: _begun(stream_rows(connection, table, chunk.where)))
    yield from stream
    release(connection)


def _begun(blocks: Iterator[Block]) -> Iterator[Block]:
    """Return the same, with its first block read: from then on its statement has the lock."""
    first = next(blocks, None)
    return blocks if first is None else chain([first], blocks)


def _name(table: Table) -> str:
    return f"{table.schema}.{table.name}"


def reading_error(table: Table, error: MySQLError) -> UdupError:
    name = qualified(table.schema, table.name)
    if error_code(error) in CHANGED:
        entry = f'{{"TableSchema": "{table.schema}", "Tables": [{{"TableName": "{table.name}"}}]}}'
        return Transient(
            f"the definition of {name} changed while it was copied (ALTER, TRUNCATE or DROP; {describe(error)}): the "
            f"copy begins again. If that table is never left alone, leave it out: ReplicateIgnoreDb with {entry}",
            table=_name(table),
        )
    return failure(error, f"reading {name}")
