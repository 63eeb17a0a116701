"""A snapshot's rows for a destination that is told of them (`ports.SnapshotReading`): one table after the other.

One reader reads, whatever number of them there is: each row is turned in Python anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from udup.base import runtime
from udup.base.errors import Transient, UdupError, Unsupported
from udup.drivers.oracle.dictionary import read_facts, read_tables
from udup.drivers.oracle.events import format_description
from udup.drivers.oracle.mining import check_not_behind
from udup.drivers.oracle.position import position_at
from udup.drivers.oracle.session import OpenClient, Place, Session, connect
from udup.drivers.oracle.snapshot import mapped_or_refused, written_moment
from udup.drivers.oracle.tables import MappedTable
from udup.drivers.oracle.telling.rows import Block, blocks
from udup.drivers.oracle.telling.state import TellingState, sign_of
from udup.pipeline.ports import ReadingPlan, Scope
from udup.pipeline.records import Format, Record, SnapshotEnd, SnapshotRows
from udup.pipeline.selection.kept import kept_selection
from udup.pipeline.selection.renames import Name
from udup.pipeline.selection.selection import Selection

Emit = Callable[[Record], None]

#: Debezium's words for the rows of a snapshot; "true" where nothing else is to be said.
FIRST, FIRST_OF_TABLE = "first", "first_in_data_collection"
LAST, LAST_OF_TABLE = "last", "last_in_data_collection"
OTHER = "true"

#: The `file` of a place that is an SCN.
SCN_FILE = "SCN"


@dataclass
class _Held:
    """Rows that are sent when it is known whether they are the last."""

    block: Block
    first: str
    table: Name
    until: Name | None = None  # they are the last of their table, and no table up to this one has any


class OracleReading:
    """Made by `open_reading`. `read` on one thread for each reader; `stop` from any."""

    def __init__(
        self,
        session: Session,
        tables: list[MappedTable],
        scn: int,
        state: TellingState,
        number: int,
        selection: Selection,
    ) -> None:
        self._session, self._tables, self._scn = session, tables, scn
        self._state, self._number, self._selection = state, number, selection
        self._stopped = runtime.Event()
        self._held: _Held | None = None
        self._sent = bool(state.done or state.open)

    @property
    def position(self) -> str:
        """Return the position of the snapshot's first try."""
        return self._state.position

    @property
    def state(self) -> str:
        return self._state.text()

    @property
    def tables(self) -> list[Name]:
        return [(each.table.owner, each.table.name) for each in self._tables]

    def read(self, reader: int, emit: Emit) -> None:
        """Read everything, on the thread of the first reader; there is nothing for the others."""
        if reader:
            return
        try:
            emit(Format(format_description()))
            for number, table in enumerate(self._tables, 1):
                self._read_table(number, table, emit)
            self._send(LAST, emit)
            emit(SnapshotEnd(self._number, self.position, self._state.text()))
        except UdupError:
            if not self._stopped.is_set():
                raise
        finally:
            self.close()

    def _read_table(self, number: int, table: MappedTable, emit: Emit) -> None:
        name = table.table.owner, table.table.name
        first = FIRST_OF_TABLE if self._sent else FIRST
        for block in blocks(self._session, table, self._selection.renamed_table(*name), number, self._scn):
            if self._stopped.is_set():
                raise Transient("the run has ended")
            self._send(OTHER, emit)
            self._held, first = _Held(block, first, name), OTHER
            self._sent = True
        if self._held is not None:
            self._held.until = name
        else:
            self._state.end(name, self._scn)

    def _send(self, last: str, emit: Emit) -> None:
        """Send what is held back, with the word for the last row of it."""
        held, self._held = self._held, None
        if held is None:
            return
        self._state.begin(held.table, self._scn)
        if held.until is not None:
            self._state.end(held.table, self._scn)
            if held.until != held.table:
                self._state.end(held.until, self._scn)
            last = last if last == LAST else LAST_OF_TABLE
        for record in records_of(held.block, self._number, self._scn, self._state.text(), held.first, last):
            emit(record)

    def stop(self) -> None:
        """Have the reader end, from any thread."""
        self._stopped.set()
        self._session.abandon()

    def close(self) -> None:
        self._session.close()


def records_of(
    block: Block, number: int, scn: int, state: str, first: str = OTHER, last: str = OTHER, *, incremental: bool = False
) -> Iterator[SnapshotRows]:
    """Yield a block as records, several for one long row, of which the last says that there are rows."""
    for at, piece in enumerate(block.pieces, 1):
        rows = block.rows if at == len(block.pieces) else 0
        place = SCN_FILE, scn, block.read_ms
        yield SnapshotRows(piece, number, 0, block.before, rows, first, last, *place, state, incremental)


def open_reading(open_client: OpenClient, place: Place, scope: Scope, plan: ReadingPlan) -> OracleReading:
    """Return a snapshot of the rows in the scope as of an SCN, or the rest of one that was cut."""
    state = TellingState.parse(plan.state)
    session = connect(open_client, place, container=True)
    try:
        resume, scn = written_moment(session, open_client)
        before = state.chosen(scope.selection)
        there = read_tables(session, before)
        _take_up(state, session, place, resume, scn, sign_of(there))
        state.selection = kept_selection(before)
        wanted = scope.selection.wants
        found = [each for each in there if wanted(each.owner, each.name) and not state.is_done((each.owner, each.name))]
        return OracleReading(session, mapped_or_refused(found, place), scn, state, plan.number, scope.selection)
    except BaseException:
        session.close()
        raise


def _take_up(state: TellingState, session: Session, place: Place, resume: int, scn: int, sign: str) -> None:
    """Begin a snapshot, or check that the one that was cut can go on here."""
    if not state.position:
        state.position, state.sign = position_at(read_facts(session).uuid, scn, resume), sign
        return
    check_not_behind(session, state.newest)
    if sign != state.sign:
        raise Unsupported(
            f"tables of {place} were altered, made or dropped since a snapshot of them was begun: the rest of it would"
            " stand in front of what altered them. Begin again: delete the job with its position (udup job delete"
            " --purge), and post it again"
        )
