"""Rows of a table as of an SCN, in records of rows events, as the log has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from udup.base import runtime
from udup.drivers.mysql.rows.errors import Unfit
from udup.drivers.mysql.rows.values import Change
from udup.drivers.oracle.events import ROWS_MAX as EVENT_ROWS
from udup.drivers.oracle.events import EventTable
from udup.drivers.oracle.literals import NoFit
from udup.drivers.oracle.logminer.redo import Verb
from udup.drivers.oracle.session import Session
from udup.drivers.oracle.snapshot import rows_of, unreadable
from udup.drivers.oracle.tables import MappedTable, RowProblem
from udup.pipeline.records import PIECE_BYTES
from udup.pipeline.selection.renames import Name

#: Rows of a record at most: a destination stores them together, with its position, and takes 1,000 messages at once.
ROWS_MAX = 999

#: Bytes of the rows of an event, about, so that several fit into a record.
EVENT_BYTES = 48 << 10


@dataclass(frozen=True)
class Block:
    """Rows of a table, of which `before` came in other blocks. `pieces`: their events, cut if they are one long row."""

    before: int
    rows: int
    pieces: tuple[bytes, ...]
    read_ms: int


def blocks(session: Session, table: MappedTable, renamed: Name, number: int, scn: int) -> Iterator[Block]:
    """Yield the rows of a table as of an SCN, under its name in the job; `number` is the table's in its events."""
    gathering = _Gathering(EventTable.of(table, renamed, number))
    names = list(table.mapped)
    try:
        for values in rows_of(session, table, scn):
            yield from gathering.add((None, table.row(dict(zip(names, values, strict=True)))))
        yield from gathering.rest()
    except (RowProblem, NoFit, Unfit) as error:
        raise unreadable(table, error) from error


class _Gathering:
    """Puts rows into events, and events into blocks: a row that is long is an event, and a block, of its own."""

    def __init__(self, table: EventTable) -> None:
        self._table = table
        self._changes: list[Change] = []
        self._bytes = 0  # of the rows, about
        self._events: list[bytes] = []
        self._size = 0
        self._rows = self._before = 0  # in events of this block; of the blocks before it

    def add(self, change: Change) -> Iterator[Block]:
        size = sum(len(each) if isinstance(each, bytes) else 8 for each in change[1] or ())
        if self._changes and (len(self._changes) >= EVENT_ROWS or self._bytes + size > EVENT_BYTES):
            yield from self._close_event()
        self._changes.append(change)
        self._bytes += size
        if self._rows + len(self._changes) >= ROWS_MAX:
            yield from self.rest()

    def rest(self) -> Iterator[Block]:
        yield from self._close_event()
        yield from self._close_block()

    def _close_event(self) -> Iterator[Block]:
        if not self._changes:
            return
        event = self._table.rows_event(Verb.INSERT, self._changes)
        if self._events and self._size + len(event) > PIECE_BYTES - len(self._table.table_map):
            yield from self._close_block()
        self._events.append(event)
        self._size += len(event)
        self._rows += len(self._changes)
        self._changes, self._bytes = [], 0

    def _close_block(self) -> Iterator[Block]:
        if not self._events:
            return
        data = b"".join([self._table.table_map, *self._events])
        pieces = tuple(data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES))
        yield Block(self._before, self._rows, pieces, runtime.wall_us() // 1000)
        self._before += self._rows
        self._events, self._size, self._rows = [], 0, 0
