"""Transactions out of events: what of each is the job's, and its place in the order of the log.

A transaction in the log is GTID, Query BEGIN, then for each statement its TABLE_MAPs and rows events, then XID. Kept
are the TABLE_MAPs and rows of the job's tables, as bytes. Three rules of the target's BINLOG are kept here:

* a rows event is lost without a word when its TABLE_MAP is not sent with it, so a statement's first kept rows bring
  all of its TABLE_MAPs along, with the target's names in them;
* a statement must end with the end-of-statement flag: when the event that carried it is filtered out, the last one
  kept gets it;
* all events carry a CRC or none does, as the last FORMAT_DESCRIPTION says.

Rows that their tables have already (`ahead.py`) are left out as those of other tables.

Rows of a table with a filter or a column map are taken apart and written again (`filters/shaper.py`,
`columns/shaper.py`); all others stay bytes.

A transaction larger than `PIECE_BYTES` leaves in parts while it is still being read, so that memory never holds it.
Each leaves with the number of the context that its rows were written in (`contexts.py`), which its BEGIN says.

A prepared XA transaction leaves with its xid, even when it holds nothing for the job, so that its end, under another
GTID and perhaps in another run, is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from udup.base.errors import Transient, UdupError, Unsupported
from udup.drivers.mysql.binlog.event import (
    CRC_SIZE,
    ROWS_EVENTS,
    EventType,
    ends_statement,
    has_checksums,
    is_same_format,
    server_began,
    without_cascades,
)
from udup.drivers.mysql.binlog.gtid import Gtid, parse_gtid_event
from udup.drivers.mysql.binlog.layout import check_layout
from udup.drivers.mysql.binlog.query import is_begin
from udup.drivers.mysql.binlog.remedies import damaged
from udup.drivers.mysql.binlog.table_map import definition_bytes, table_id
from udup.drivers.mysql.binlog.xa import is_one_phase, parse_xa
from udup.drivers.mysql.columns.shaper import ColumnMaps
from udup.drivers.mysql.ddl.query_action import Action, Decide
from udup.drivers.mysql.filters.shaper import Shapers
from udup.drivers.mysql.mariadb.passed import PASSED, parse_passed
from udup.drivers.mysql.stream.ahead import AheadTables
from udup.drivers.mysql.stream.contexts import Contexts
from udup.drivers.mysql.stream.damage import DAMAGE, unreadable
from udup.drivers.mysql.stream.held_rows import HeldRows
from udup.drivers.mysql.stream.known_tables import Judges, KnownTable, KnownTables
from udup.drivers.mysql.stream.left_out import left_out_kinds
from udup.drivers.mysql.stream.other_events import SILENT, check_ignorable
from udup.drivers.mysql.stream.sending import Sending
from udup.drivers.mysql.stream.skipped import SkippedTransactions
from udup.drivers.mysql.stream.told import Telling
from udup.drivers.mysql.stream.transaction import OpenTransaction
from udup.pipeline.records import PIECE_BYTES, CommitOrder, Format, Record, TransactionId
from udup.pipeline.selection.renames import Renaming
from udup.pipeline.selection.selection import Selection
from udup.pipeline.selection.sqlfilter import SqlFilter

#: Events that complete no record: a Query only if it is BEGIN.
_QUIET = frozenset({EventType.GTID, EventType.GTID_TAGGED, EventType.QUERY, EventType.TABLE_MAP})

_OF_ROWS = ROWS_EVENTS | {EventType.TABLE_MAP}

#: The table id of the empty rows event that only ends a statement.
_NO_TABLE = b"\xff\xff\xff\xff\xff\xff"


class Assembler(Sending):
    """Feed it events in log order; it yields records in log order."""

    def __init__(
        self,
        selection: Selection,
        decide: Decide,
        renaming: Renaming | None = None,
        sql_filter: SqlFilter | None = None,
        contexts: Contexts | None = None,
        shapers: Shapers | None = None,
        column_maps: ColumnMaps | None = None,
        telling: Telling | None = None,
        judges: Judges | None = None,
        ahead: AheadTables | None = None,
    ) -> None:
        self._telling = telling
        self._ahead = ahead
        self._contexts = contexts or Contexts()
        self._held = HeldRows(shapers, self._table_to_ask) if shapers is not None else None
        self._decide = decide
        self._known_tables = KnownTables(
            selection, renaming or Renaming(selection), shapers, column_maps, judges or ahead
        )
        self._left_out = left_out_kinds(sql_filter or SqlFilter())
        self._tables: dict[bytes, KnownTable] = {}
        self._announced: set[bytes] = set()
        self._open: OpenTransaction | None = None
        self._skipped = SkippedTransactions()
        self._has_crc = True
        self._format = b""
        self._fence = True
        self._unordered = 0  # transactions of this log file that say nothing of their order

    @property
    def is_between(self) -> bool:
        """Return whether no transaction is open."""
        return self._open is None

    @property
    def unwanted(self) -> set[bytes]:
        """Return definitions of tables that hold nothing for the job; it grows."""
        return self._known_tables.unwanted

    @property
    def format(self) -> bytes:
        """Return the FORMAT_DESCRIPTION that was sent last."""
        return self._format

    def feed(self, event: bytes) -> Iterable[Record]:
        """Return the records that this event completes, to be taken before the next event comes.

        Raise `Unsupported` for what cannot be carried exactly, and for an event that is not what its lengths say.
        """
        kind = event[4]
        if self._held is not None or kind not in _QUIET:
            return self._records(event, kind)
        if kind == EventType.QUERY and not is_begin(event, has_crc=self._has_crc):
            return self._records(event, kind)
        try:
            if self._telling is not None:
                self._telling.look_at(event, has_crc=self._has_crc)
            if kind == EventType.TABLE_MAP:
                self._table_map(event)
            elif kind == EventType.QUERY:
                self._begin_statements(event)
            else:
                self._begin(parse_gtid_event(event, has_crc=self._has_crc))
        except DAMAGE as error:
            raise self._explained(event, error) from error
        except UdupError as error:
            self._explained(event, error)
            raise
        return ()

    def _explained(self, event: bytes, error: Exception) -> UdupError:
        told = error if isinstance(error, UdupError) else unreadable(event, error)
        return told.at(self._open.id.gtid if self._open else "")

    def _records(self, event: bytes, kind: int) -> Iterator[Record]:
        try:
            if self._held is not None:
                is_held = kind in _OF_ROWS
                if not is_held or self._held.add(event):
                    yield from self._decide_held(self._held)
                if is_held:
                    return
            if kind in ROWS_EVENTS:
                yield from self._rows(event)
                return
            if self._telling is not None:
                self._telling.look_at(event, has_crc=self._has_crc)
            if kind in (EventType.GTID, EventType.GTID_TAGGED):
                self._begin(parse_gtid_event(event, has_crc=self._has_crc))
            elif kind == EventType.XID:
                yield from self._commit()
            elif kind == EventType.XA_PREPARE:
                yield from self._prepare(one_phase=is_one_phase(event))
            elif kind == EventType.QUERY:
                yield from self._query(event)
            elif kind in (EventType.HEARTBEAT, EventType.HEARTBEAT_V2):
                yield from self._skipped.flush()
            elif kind == EventType.FORMAT_DESCRIPTION:
                yield from self._format_description(event)
            elif kind == EventType.ROTATE:
                self._tables.clear()
            elif kind == PASSED:
                seconds = int.from_bytes(event[:4], "little")
                self._skipped.add_range(*parse_passed(event), seconds * 1_000_000)
            elif kind not in SILENT:
                check_ignorable(event, self._open.id.gtid if self._open else "")
        except DAMAGE as error:
            raise self._explained(event, error) from error
        except UdupError as error:
            self._explained(event, error)
            raise

    def _format_description(self, event: bytes) -> Iterator[Record]:
        """Take note of a new log file: table ids and the order's numbers begin again."""
        check_layout(event)
        self._tables.clear()
        self._fence, self._unordered = True, 0
        self._expect_no_open()
        if server_began(event):
            self._contexts.forget_sessions()
        self._has_crc = has_checksums(event)
        if is_same_format(event, self._format):
            return
        self._format = event
        yield from self._skipped.flush()
        yield Format(event)

    def _begin(self, gtid: Gtid) -> None:
        self._expect_no_open()
        order = (gtid.last_committed, gtid.sequence) if gtid.sequence else self._next_in_file()
        of = TransactionId(
            gtid.source, gtid.number, CommitOrder(*order, gtid.committed_us, self._fence, gtid.original_us)
        )
        self._open = OpenTransaction(of)
        if self._ahead is not None:
            self._ahead.begin(of)

    def _next_in_file(self) -> tuple[int, int]:
        """Return the order of one that says none: behind the one before it, which has to be committed first."""
        self._unordered += 1
        return self._unordered - 1, self._unordered

    def _begin_statements(self, event: bytes) -> None:
        """Take note of BEGIN."""
        current = self._current()
        current.begun = True
        self._note_session(current, event)

    def _expect_no_open(self) -> None:
        if self._open is not None:
            raise Transient(f"{self._open.id.gtid} has no end in the binary log, as it was read")

    # ---- Rows ----

    def _table_map(self, event: bytes) -> None:
        current = self._current()
        try:
            known = self._known(event)
        except Unsupported as error:
            raise error.about(current.id.gtid) from error
        if not known.wanted or (self._ahead is not None and self._ahead.leaves_out(event)):
            return
        current.maps.append((known.definition, known.table_map(event, has_crc=self._has_crc)))

    def _known(self, event: bytes) -> KnownTable:
        """Return what is known of a TABLE_MAP, looked at where it is new or its id has come to mean another."""
        key = table_id(event)
        definition = definition_bytes(event, has_crc=self._has_crc)
        known = self._tables.get(key)
        if known is None or known.definition != definition:
            self._tables[key] = known = self._known_tables.know(event, definition, has_crc=self._has_crc)
        return known

    def _keep_maps(self, current: OpenTransaction) -> None:
        """Put the statement's TABLE_MAPs in front of its first rows for the job."""
        for definition, event in current.maps:
            if definition not in self._announced:
                self._announced.add(definition)
                current.new_maps.append(event)
            current.keep(event)
        current.maps.clear()

    def _rows(self, event: bytes) -> Iterator[Record]:
        current = self._current()
        known = self._tables.get(table_id(event))
        ends = ends_statement(event)
        if known is None and table_id(event) != _NO_TABLE:
            raise damaged(f"{current.id.gtid}: a rows event without its TABLE_MAP")
        kept: Sequence[bytes] = ()
        if known is not None and known.wanted and event[4] not in self._left_out:
            kept = self._shaped(current, known, event)
        if kept:
            self._keep_maps(current)
            for each in kept:
                current.keep_rows(without_cascades(each))
            if self._telling is not None:
                self._telling.look_at(event, has_crc=self._has_crc)
                current.size += self._telling.keep_rows(len(kept))
        elif ends:
            current.end_with_kept_rows()
        if ends:
            current.close_statement()
            if self._telling is not None:
                self._telling.close_statement()
            if current.size >= PIECE_BYTES:
                yield from self._parts(current, len(current.events))
        elif current.size >= PIECE_BYTES + len(event):
            yield from self._parts(current, max(current.last_rows, 0))  # the last may yet have to end the statement

    def _decide_held(self, held: HeldRows) -> Iterator[Record]:
        try:
            events = held.decide(has_crc=self._has_crc)
        except Unsupported as error:
            raise error.about(self._current().id.gtid) from error
        for event in events:
            if event[4] == EventType.TABLE_MAP:
                self._table_map(event)
            else:
                yield from self._rows(event)
        held.forget()

    def _table_to_ask(self, event: bytes) -> KnownTable | None:
        """Return the table of a rows event that may be the job's; enter that of a TABLE_MAP."""
        if event[4] == EventType.TABLE_MAP:
            self._known(event)
            return None
        return None if event[4] in self._left_out else self._tables.get(table_id(event))

    def _shaped(self, current: OpenTransaction, known: KnownTable, event: bytes) -> Sequence[bytes]:
        try:
            return known.shaped(event, current.id, has_crc=self._has_crc)
        except Unsupported as error:
            raise error.about(current.id.gtid) from error

    # ---- Statements ----

    def _query(self, event: bytes) -> Iterator[Record]:
        current = self._current()
        try:
            decision = self._decide(event, self._has_crc)
        except Unsupported as error:
            raise error.about(current.id.gtid) from error
        match decision.action:
            case Action.BEGIN:
                self._begin_statements(event)
            case Action.COMMIT:
                yield from self._commit()
            case Action.SKIP if not current.begun:
                self._open = None
                yield from self._skipped.add(current.id)
            case Action.XA:
                yield from self._xa(parse_xa(decision.summary.encode()), event)
            case Action.CREATE:
                current.create = self._without_crc(decision.query or event)
                current.creates = True
                self._announced.clear()
            case Action.CARRY:
                self._note_session(current, event)
                yield from self._carry(current, self._without_crc(decision.query or event), decision.summary)

    def _without_crc(self, event: bytes) -> bytes:
        return event[:-CRC_SIZE] if self._has_crc else event

    def flush_skipped(self) -> Iterator[Record]:
        """Tell of the transactions that held nothing for the job."""
        yield from self._skipped.flush()
