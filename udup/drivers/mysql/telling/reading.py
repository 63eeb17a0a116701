"""A snapshot's rows for a destination that is told of them (`ports.SnapshotReading`).

The tables are read in chunks by several readers, at one GTID set (`snapshot/`), and each chunk's rows become events as
the source would have logged them. Records leave one at a time, and those of a chunk in their order.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Side, Transient, UdupError, Unsupported
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client import patience
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, query, scalar
from udup.drivers.mysql.client.log_state import read_log_end
from udup.drivers.mysql.client.raw import shut_down
from udup.drivers.mysql.client.seam import behind_the_seam
from udup.drivers.mysql.dictionary.catalog import Table
from udup.drivers.mysql.dictionary.engines import MERGE
from udup.drivers.mysql.snapshot.baseline import Baseline, open_baseline
from udup.drivers.mysql.snapshot.chunks import Chunk
from udup.drivers.mysql.snapshot.reader import TableTotal, reading_error, release
from udup.drivers.mysql.snapshot.rows import Block, prepare_session
from udup.drivers.mysql.stream.anonymous import check_anonymous
from udup.drivers.mysql.telling.definition_messages import SnapshotDefinitions
from udup.drivers.mysql.telling.events import SnapshotTable, format_description, key_of
from udup.drivers.mysql.telling.log_instead import LogInstead, has_sent, is_changed, sign_of
from udup.drivers.mysql.telling.order import Place, ReadRows, SnapshotOrder
from udup.drivers.mysql.telling.planning import chunks_of
from udup.drivers.mysql.telling.ranges import END, START, Key
from udup.drivers.mysql.telling.recognising import recognised
from udup.drivers.mysql.telling.tables import SnapshotTables
from udup.pipeline.ports import Piece, ReadingPlan, Scope
from udup.pipeline.records import PIECE_BYTES, Format, Record, SnapshotDefinition
from udup.pipeline.selection.renames import Name
from udup.pipeline.selection.selection import Selection
from udup.pipeline.waits import Waits

#: In front of each block of a table that is read under a lock: its rows, and the bytes of its events.
_FRAME = struct.Struct("<IQ")

Emit = Callable[[Record], None]


class _StoppedError(Exception):
    """Ends a reader between two records."""


@behind_the_seam(Side.SOURCE)
class RowsReading:
    """Made by `open_reading`. `read` on one thread for each reader; `stop` from any."""

    def __init__(
        self,
        endpoint: Endpoint,
        baseline: Baseline,
        tables: SnapshotTables,
        order: SnapshotOrder,
        chunk_rows: int | None,
        making: Iterable[SnapshotDefinition] = (),
        chunks_max: int | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._chunks_left = chunks_max
        self._baseline, self._read_tables, self._order, self._chunk_rows = baseline, tables, order, chunk_rows
        self._planner, *self._connections = baseline.snapshot.connections
        self._tables = ordered(baseline.catalog.tables)
        places = {(table.schema, table.name): place for place, table in enumerate(self._tables)}
        numbered = ((number, baseline.catalog.tables[number]) for number in baseline.locked.numbers)
        found = ((number, places.get((table.schema, table.name))) for number, table in numbered)
        self._apart = {number: place for number, place in found if place is not None}  # by the catalog's numbers
        self._format: bytes | None = format_description(has_crc=tables.has_crc)
        self._making = making
        self._chunks = self._plan()
        self._lock, self._plan_lock = runtime.Lock(), runtime.Lock()
        wanted = (place for place in range(len(self._tables)) if order.wanted(place) is not None)
        self._names = [(self._tables[place].schema, self._tables[place].name) for place in wanted]
        self._stopped = runtime.Event()
        self._left = len(self._connections)
        for connection in self._connections:
            prepare_session(connection)
        for connection in baseline.snapshot.connections:
            query(connection, patience.SESSION)
            query(connection, "SAVEPOINT udup")

    @property
    def position(self) -> str:
        """Return the GTID set from which the log is followed: that of the first reading of this snapshot."""
        return self._order.position

    @property
    def stands_at(self) -> str:
        """Return the GTID set at which it reads."""
        return self._baseline.snapshot.gtid_set

    @property
    def is_whole(self) -> bool:
        """Return whether all of all tables was sent by now."""
        with self._lock:
            return all(self._order.wanted(place) is None for place in range(len(self._tables)))

    @property
    def state(self) -> str:
        """Return what was sent by now, as `SnapshotRows.state` has it."""
        with self._lock:
            return self._order.state()

    @property
    def tables(self) -> list[Name]:
        """Return the names on the source of the tables that are to be read, in the order in which they are."""
        return self._names

    @property
    def found(self) -> Sequence[Table]:
        """Return all tables that are there."""
        return self._baseline.catalog.tables

    @property
    def readers(self) -> int:
        return len(self._connections)

    def read(self, reader: int, emit: Emit) -> None:
        """Read on this thread until nothing is left. The last to return has sent that the snapshot is complete."""
        try:
            if reader == 0:
                self._read_apart(emit)
            while (chunk := self._next_chunk()) is not None:
                self._read_chunk(self._connections[reader], chunk, emit)
            with self._lock:
                self._left -= 1
                if not self._left:
                    self._send(self._order.end(), emit)
        except BaseException as error:
            if self._stopped.is_set() and isinstance(error, (UdupError, _StoppedError)):
                return
            self.stop()
            raise

    def stop(self) -> None:
        """Have all readers end, from any thread, and close the snapshot."""
        self._stopped.set()
        for connection in self._baseline.snapshot.connections:
            shut_down(connection)  # a statement may be under way on it, in another thread
        self.close()

    def close(self) -> None:
        """End the snapshot and the locks."""
        self._baseline.close()

    # ---- Chunks ----

    def _next_chunk(self) -> Chunk | None:
        with self._plan_lock:
            if self._stopped.is_set():
                raise _StoppedError
            return next(self._chunks, None)

    def _plan(self) -> Iterator[Chunk]:
        for index, table in enumerate(self._tables):
            wanted = None if index in self._apart.values() else self._order.wanted(index)
            if wanted is None:
                continue
            try:
                for chunk, lower, upper in chunks_of(self._planner, index, table, wanted, self._chunk_rows):
                    yield self._planned(chunk, lower, upper)
                    if wanted.gaps and self._chunks_left is not None:
                        self._chunks_left -= 1
                        if not self._chunks_left:
                            return
            except MySQLError as error:
                raise reading_error(table, error) from error

    def _planned(self, chunk: Chunk, lower: Key = START, upper: Key = END) -> Chunk:
        with self._lock:
            self._order.planned(chunk, lower, upper)
        return chunk

    def _read_chunk(self, connection: Connection, chunk: Chunk, emit: Emit) -> None:
        table = self._tables[chunk.table]
        try:
            with closing(self._read_tables.of(table).blocks(connection, table, chunk, release)) as blocks:
                self._send_chunk(chunk, blocks, emit)
        except MySQLError as error:
            raise reading_error(table, error) from error

    def _send_chunk(self, chunk: Chunk, blocks: Iterable[Block], emit: Emit) -> None:
        sending = _Sending(chunk, self._read_tables.of(self._tables[chunk.table]), lambda rows: self._add(rows, emit))
        for block in blocks:
            sending.add(block)
        self._end_chunk(sending, emit)

    def _end_chunk(self, sending: _Sending, emit: Emit) -> None:
        sending.end()
        with self._lock:
            self._send(self._order.done(sending.chunk, sending.rows), emit)

    def _add(self, rows: ReadRows, emit: Emit) -> None:
        with self._lock:
            self._send(self._order.add(rows), emit)

    def _send(self, records: Iterable[Record], emit: Emit) -> None:
        """Send records in this order, under the lock, so that the pieces of a long row follow each other."""
        if self._stopped.is_set():
            raise _StoppedError
        if self._format is not None:
            emit(Format(self._format))
            self._format = None
            for made in self._making:
                emit(made)
        for record in records:
            emit(record)

    # ---- Tables without transactions ----

    def _read_apart(self, emit: Emit) -> None:
        """Send the rows of tables that are in no snapshot; they were read, or are, under a lock."""
        done = {place for place in self._apart.values() if self._order.wanted(place) is None}
        for place in set(self._apart.values()) - done:
            self._order.restart(place)
        sending: _Sending | None = None
        framed = bytearray()

        def begun(place: int, number: int, *, final: bool) -> _Sending:
            chunk = self._planned(Chunk(place, number, "", final))
            return _Sending(chunk, self._read_tables.of(self._tables[place]), lambda rows: self._add(rows, emit))

        def take(piece: Piece) -> None:
            nonlocal sending
            place = self._apart[piece.table]
            if place in done:
                return
            sending = sending or begun(place, piece.chunk, final=False)
            framed.extend(piece.data)
            for block in _unframed(framed):
                sending.add(block)
            if piece.last:
                self._end_chunk(sending, emit)
                sending = None

        def end(total: TableTotal) -> None:
            """Close the table by a chunk without rows, behind those that it has."""
            place = self._apart.get(total.table)
            if place is not None and place not in done:
                self._end_chunk(begun(place, total.chunks, final=True), emit)

        self._baseline.locked.read(take, end, self._stopped, offsets=False)


class _Sending:
    """A chunk whose rows are sent; the last are kept back until it is known that they are."""

    def __init__(self, chunk: Chunk, table: SnapshotTable, add: Callable[[ReadRows], None]) -> None:
        self.chunk, self.rows = chunk, 0
        self._table_map, self._add = table.table_map, add
        self._held: ReadRows | None = None

    def add(self, block: Block) -> None:
        if self._held is not None:
            self._add(self._held)
        data = self._table_map + block.text
        pieces = [data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES)]
        now_ms, chunk = runtime.wall_us() // 1000, self.chunk
        self._held = ReadRows(chunk.table, chunk.number, self.rows, block.rows, pieces, now_ms, False, block.last)
        self.rows += block.rows

    def end(self) -> None:
        if self._held is not None:
            self._add(replace(self._held, ends=True))


def _unframed(data: bytearray) -> Iterator[Block]:
    """Take the blocks that have come whole off these bytes."""
    while len(data) >= _FRAME.size:
        rows, size = _FRAME.unpack_from(data)
        end = _FRAME.size + size
        if end > len(data):
            return
        yield Block(rows, bytes(data[_FRAME.size : end]))
        del data[:end]


def ordered(tables: Iterable[Table]) -> list[Table]:
    """Return the tables in the order in which they are read; a MERGE table's rows come with those that it shows."""
    return sorted(
        (table for table in tables if table.engine.lower() != MERGE), key=lambda each: (each.schema, each.name)
    )


def open_reading(
    endpoint: Endpoint,
    scope: Scope,
    plan: ReadingPlan,
    *,
    readers: int,
    waits: Waits | None = None,
) -> RowsReading | LogInstead:
    """Open a snapshot of all tables in the scope, or go on with the one whose state the plan has.

    Where definitions have changed since, the log brings the rest of it; of a job that does not follow the log all rows
    come again. Raise `Unsupported` if something in it cannot be read exactly, and what `open_baseline` raises.
    """
    reading = open_rows(endpoint, scope, plan, readers=readers, waits=waits)
    if not plan.state or not is_changed(plan.state, reading.found, folds=scope.selection.folds):
        return reading
    reading.close()
    if has_sent(plan.state) and not plan.alone:
        return LogInstead(plan.number, plan.state, readers)
    return open_rows(endpoint, scope, replace(plan, state=""), readers=readers, waits=waits)


def open_rows(
    endpoint: Endpoint,
    scope: Scope,
    plan: ReadingPlan,
    *,
    readers: int,
    waits: Waits | None = None,
    chunks_max: int | None = None,
) -> RowsReading:
    """Open a snapshot of all tables in the scope; of those with a key of whole numbers so many chunks are read."""
    if scope.selection.maps_columns:
        raise Unsupported(
            "a job whose destination gets messages has a ColumnMapFrom, which is for tables alone: leave it out, and"
            " name the columns to be left out in the destination's own options"
        )
    check_anonymous(endpoint, None)
    with closing(connect(endpoint)) as connection:
        has_crc = str(scalar(connection, "SELECT @@global.binlog_checksum")).upper() != "NONE"
    tables = SnapshotTables(endpoint, scope.selection, has_crc=has_crc)

    def framed(
        connection: Connection, table: Table, chunk: Chunk, release: Callable[[Connection], None]
    ) -> Generator[Block]:
        for block in tables.of(table).blocks(connection, table, chunk, release):
            yield Block(block.rows, _FRAME.pack(block.rows, len(block.text)) + block.text)

    whose = scope.holder, scope.number
    baseline = open_baseline(endpoint, readers, scope.selection, None, plan.chunk_rows, waits, framed, *whose)
    try:
        order = _order(endpoint, baseline, plan, scope.selection)
        making: Iterable[SnapshotDefinition] = ()
        if not plan.state and not plan.incremental:
            told = SnapshotDefinitions(endpoint, scope.selection, plan.number, order.place, order.state())
            making = told.of(ordered(baseline.catalog.tables))
        return RowsReading(endpoint, baseline, tables, order, plan.chunk_rows, making, chunks_max)
    except BaseException:
        baseline.close()
        raise


def _order(endpoint: Endpoint, baseline: Baseline, plan: ReadingPlan, selection: Selection) -> SnapshotOrder:
    """Return the order of the rows.

    `Transient` if an earlier try has read at a position that is not reached here, `Unsupported` if it never will be.
    """
    tables, apart = baseline.catalog.tables, baseline.locked.numbers
    keys = {(each.schema, each.name): key_of(each) for at, each in enumerate(tables) if at not in apart}
    names = [(table.schema, table.name) for table in ordered(tables)]
    place = place_of(endpoint, baseline.snapshot.gtid_set)
    if not plan.incremental:
        place = replace(place, stamps=recognised(endpoint, place.position, plan.state))
    order = SnapshotOrder(
        plan.number,
        names,
        place,
        incremental=plan.incremental,
        state=plan.state,
        keys=keys,
        selection=selection,
        sign="" if plan.incremental else sign_of(tables),
    )
    missing = GtidSet.parse(order.newest_before) - GtidSet.parse(place.position)
    if missing:
        raise Transient(
            f"{endpoint} does not have {missing} yet, which the snapshot's rows that were sent before have: the rest is"
            " read as soon as it has"
        )
    return order


def place_of(endpoint: Endpoint, position: str) -> Place:
    """Return file and offset of the log where a snapshot stands; without them if something was committed since."""
    with closing(connect(endpoint)) as connection:
        found = read_log_end(connection)
    return Place(position, found[0], found[1]) if found is not None and found[2] == position else Place(position)
