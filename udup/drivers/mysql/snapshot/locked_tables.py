"""Tables without transactions belong to no snapshot: their rows are read under a read lock on these tables alone.

The lock is taken before the snapshot is opened, so that nothing of them changes between its GTID set and their
reading: whoever holds the lock has waited for every statement that changes them, GTID included. Small tables are read
into memory at once and let go; the others stay locked until they are read on their way to the target.

The connection that holds a lock is the one that reads: another one would wait behind a FLUSH TABLES of somebody, which
itself waits for the lock. A MERGE table has no rows of its own: they come with the tables that it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Contended, Fault, Refused
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, describe, error_code, query
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.client.raw import shut_down
from udup.drivers.mysql.client.sessions import LOCK_SECONDS, LOCKED_ROWS
from udup.drivers.mysql.dictionary.catalog import Table
from udup.drivers.mysql.dictionary.digests import Sums, added, column_sums, index_sums
from udup.drivers.mysql.dictionary.engines import MERGE, is_non_transactional
from udup.drivers.mysql.snapshot.chunks import Chunk, plan_chunks
from udup.drivers.mysql.snapshot.places import Places
from udup.drivers.mysql.snapshot.reader import Cutter, ReadBlocks, TableTotal, blocks, reading_error
from udup.drivers.mysql.snapshot.rows import for_target, has_odd_dates
from udup.pipeline.ports import Piece

#: Bytes of rows that are kept in memory so that their tables need not stay locked; and what of it is planned, by the
#: dictionary's lengths, as text is longer than most rows.
SPOOL_BYTES, PLANNED_BYTES = 32 << 20, 8 << 20

#: Tries to lock, and the seconds in which writers go on: every write waits behind a lock that waits.
LOCK_TRIES, LOCK_PAUSE = 15, 2.0

_LOCK_WAIT_TIMEOUT = 1205
_ACCESS_DENIED = frozenset({1044, 1045, 1142, 1227})

#: A table and its number in the catalog.
Numbered = tuple[int, Table]


class SpoolIsFullError(Exception):
    """The rows of the small tables are more than was thought: those left are large now, and all is locked again."""


class LockedTables:
    """`take` and `release` as often as a snapshot needs; `spool` and `read` once, after the last `take`."""

    def __init__(
        self,
        endpoint: Endpoint,
        tables: Sequence[Table],
        chunk_rows: int | None = None,
        large: set[str] | None = None,
        read: ReadBlocks = blocks,
        places: Places | None = None,
    ) -> None:
        """`large`: tables (in quotes, with their schemas) that were found not to fit into memory; more may come.

        `read` is what reads a chunk's rows, in which form ever. `places` name the sessions.
        """
        self._read = read
        self._endpoint = endpoint
        self._found_large = set() if large is None else large
        self._chunk_rows = chunk_rows
        apart = [(index, table) for index, table in enumerate(tables) if is_non_transactional(table.engine)]
        self.numbers = frozenset(index for index, _ in apart)
        self._merges = [index for index, table in apart if table.engine.lower() == MERGE]
        held = [each for each in apart if each[0] not in self._merges]
        fits, rest = _by_size(held, self._found_large)
        places = places or Places()
        self._small, self._large = _Held(endpoint, fits, places), _Held(endpoint, rest, places)
        self._spooled: list[Piece] = []
        self._totals: list[TableTotal] = [TableTotal(index, 0, 0) for index in self._merges]

    @property
    def tables(self) -> int:
        """Return how many are to be locked."""
        return len(self._small.tables) + len(self._large.tables)

    def take(self) -> None:
        """Lock them. `Refused` where the account may not, `Contended` where it takes too long."""
        for _ in range(LOCK_TRIES):
            if self.try_to_take():
                return
            runtime.sleep(LOCK_PAUSE)
        names = ", ".join(qualified(each.schema, each.name) for _, each in (*self._small.tables, *self._large.tables))
        raise Contended(
            f"a read lock on {names} on {self._endpoint} was not granted within {LOCK_SECONDS} s in {LOCK_TRIES} "
            "tries: a long statement holds one of these tables; wait for it or end it"
        )

    def try_to_take(self) -> bool:
        """Lock all of them or none, and return which: nobody must wait for one of them while another is waited for."""
        try:
            if self._small.try_to_take() and self._large.try_to_take():
                return True
        except BaseException:
            self.release()
            raise
        self.release()
        return False

    def release(self) -> None:
        self._small.release()
        self._large.release()

    def close(self) -> None:
        """End the connections, from any thread."""
        self._small.close()
        self._large.close()

    def spool(self) -> None:
        """Read the small tables into memory and let them go. MySQL's own errors pass.

        `SpoolIsFullError` where they do not fit: `large` has those left then, and the connections are spent.
        """
        size = 0

        def keep(piece: Piece) -> None:
            nonlocal size
            size += len(piece.data)
            if size > SPOOL_BYTES:
                raise SpoolIsFullError
            self._spooled.append(piece)

        for number, numbered in enumerate(self._small.tables):
            try:
                total = self._read_table(self._small.connection, numbered, keep, runtime.Event())
            except SpoolIsFullError:
                left = self._small.tables[number:]
                self._found_large.update(qualified(each.schema, each.name) for _, each in left)
                raise
            self._totals.append(total)
        self._small.tables = []
        self._small.release()

    def read(
        self,
        emit: Callable[[Piece], None],
        on_table: Callable[[TableTotal], None],
        stopped: runtime.Event,
        *,
        offsets: bool,
        texts: bool = False,
    ) -> None:
        """Emit what is in memory, then what is still locked; each lock goes when its tables are read.

        `offsets` and `texts` as in `CopyReader`.
        """
        for piece in self._spooled:
            emit(piece)
        self._spooled = []
        for total in self._totals:
            on_table(total)
        for held in (self._small, self._large):
            for index, table in held.tables:
                numbered = (index, for_target(table, offsets=offsets, texts=texts))
                try:
                    on_table(self._read_table(held.connection, numbered, emit, stopped))
                except MySQLError as error:
                    raise reading_error(numbered[1], error) from error
            held.release()

    def _read_table(
        self, connection: Connection, numbered: Numbered, emit: Callable[[Piece], None], stopped: runtime.Event
    ) -> TableTotal:
        index, table = numbered
        chunks = rows = 0
        sums: Sums = {}
        for chunk in self._chunks(connection, index, table):
            odd_dates = table.computes and has_odd_dates(connection, table, chunk.where)
            cutter, read = Cutter(chunk, emit, stopped, odd_dates=odd_dates), 0
            with closing(self._read(connection, table, chunk, _keep_locks)) as found:
                for block in found:
                    read += block.rows
                    cutter.add(block)
            cutter.end(read)
            chunks, rows = chunk.number + 1, rows + read
            sums = added(sums, column_sums(connection, table, chunk.where))
        return TableTotal(index, chunks, rows, {**sums, **index_sums(connection, table)})

    def _chunks(self, connection: Connection, index: int, table: Table) -> Iterator[Chunk]:
        return plan_chunks(connection, index, table, self._chunk_rows)


def _keep_locks(_connection: Connection) -> None:
    """Keep the tables locked until all of them are read."""


class _Held:
    """Some tables and the connection that locks and reads them; none is opened for no table."""

    def __init__(self, endpoint: Endpoint, tables: list[Numbered], places: Places) -> None:
        self._endpoint, self._places = endpoint, places
        self.tables = tables
        self._opened: Connection | None = None

    @property
    def connection(self) -> Connection:
        assert self._opened is not None
        return self._opened

    def try_to_take(self) -> bool:
        if not self.tables:
            return True
        if self._opened is None:
            self._opened = connect(self._endpoint, LOCKED_ROWS)
            self._places.take(self._opened)
        names = ", ".join(f"{qualified(table.schema, table.name)} READ" for _, table in self.tables)
        try:
            query(self._opened, f"LOCK TABLES {names}")
        except MySQLError as error:
            if error_code(error) in _ACCESS_DENIED:
                raise Refused([self._denied(error)]) from error
            if error_code(error) != _LOCK_WAIT_TIMEOUT:
                raise
            return False
        return True

    def release(self) -> None:
        if self._opened is not None and self._opened.open:
            query(self._opened, "UNLOCK TABLES")

    def close(self) -> None:
        if self._opened is not None:
            shut_down(self._opened)
            with suppress(MySQLError, OSError):
                self._opened.close()

    def _denied(self, error: MySQLError) -> Fault:
        schemas = sorted({table.schema for _, table in self.tables})
        return Fault(
            f"Src {self._endpoint}",
            f"tables without transactions are copied under a read lock, which is denied ({describe(error)})",
            "; ".join(f"GRANT LOCK TABLES ON `{schema}`.* TO the account {self._endpoint.user}" for schema in schemas),
        )


def data_bytes(table: Table) -> int:
    """Return the bytes of its rows, as the dictionary says."""
    return table.rows_estimate * table.row_bytes


def _by_size(tables: list[Numbered], known: set[str]) -> tuple[list[Numbered], list[Numbered]]:
    """Return those that fit into memory together, the smallest first, and the others.

    One that computes something is none of them: what its text must say is known when the target has been looked at.
    """
    small: list[Numbered] = []
    size = 0

    def is_large(table: Table) -> bool:
        return table.computes or qualified(table.schema, table.name) in known

    in_order = sorted(tables, key=lambda each: (is_large(each[1]), data_bytes(each[1])))
    for at, each in enumerate(in_order):
        size += data_bytes(each[1])
        if size > PLANNED_BYTES or is_large(each[1]):
            return small, in_order[at:]
        small.append(each)
    return small, []
