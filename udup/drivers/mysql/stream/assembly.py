"""Transactions out of events: what of each is the job's, and its place in the order of the log.

A transaction in the log is GTID, Query BEGIN, then for each statement its TABLE_MAPs and rows events, then XID. Kept
are the TABLE_MAPs and rows of the job's tables, as bytes. Three rules of the target's BINLOG are kept here:

* a rows event is lost without a word when its TABLE_MAP is not sent with it, so a statement's first kept rows bring
  all of its TABLE_MAPs along, with the target's names in them;
* a statement must end with the end-of-statement flag: when the event that carried it is filtered out, the last one
  kept gets it;
* all events carry a CRC or none does, as the last FORMAT_DESCRIPTION says.

A transaction larger than `PIECE_BYTES` leaves in parts while it is still being read, so that memory never holds it.

Each leaves with the number of the context that its rows were written in (`contexts.py`), which its BEGIN says.

A prepared XA transaction leaves with its xid, even when it holds nothing for the job, so that its end, under another
GTID and perhaps in another run, is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from udup.base.errors import Transient, Unsupported
from udup.drivers.mysql.binlog.event import (
    CRC_SIZE,
    ROWS_EVENTS,
    EventType,
    ending_statement,
    ends_statement,
    has_checksums,
    is_same_format,
    server_began,
    without_cascades,
)
from udup.drivers.mysql.binlog.gtid import Gtid, GtidSet, parse_gtid_event
from udup.drivers.mysql.binlog.layout import check_layout
from udup.drivers.mysql.binlog.query import status_of, thread_of
from udup.drivers.mysql.binlog.table_map import definition_bytes, table_id, table_name, with_names
from udup.drivers.mysql.binlog.xa import XaStatement, XaVerb, is_one_phase, parse_xa
from udup.drivers.mysql.ddl.query_action import Action, Judge
from udup.drivers.mysql.stream.anonymous import NEW_COPY, WITHOUT_GTID
from udup.drivers.mysql.stream.contexts import Contexts
from udup.pipeline.records import Beat, Definition, Format, Mark, Part, Record, Skipped, Transaction, XaEnd
from udup.pipeline.selection.renames import Renaming
from udup.pipeline.selection.selection import Selection
from udup.pipeline.selection.sqlfilter import SqlFilter
from udup.pipeline.stamps import Stamp
from udup.pipeline.transport.link import PIECE_BYTES

#: Header flag of events that a reader may ignore when it does not know them.
_IGNORABLE = 0x80

#: Skipped transactions are told at least this often in log order, so that the checkpoint follows an idle job.
SKIPPED_MAX = 1000

#: The table id of the empty rows event that only ends a statement.
_NO_TABLE = b"\xff\xff\xff\xff\xff\xff"

#: Events that say nothing that is needed here.
_SILENT = frozenset(
    {
        EventType.STOP,
        EventType.PREVIOUS_GTIDS,
        EventType.ROWS_QUERY,
        EventType.IGNORABLE,
        # They go before a Query event of a statement-format change, which is judged by itself.
        EventType.INTVAR,
        EventType.RAND,
        EventType.USER_VAR,
    }
)


@dataclass(frozen=True, slots=True)
class _Known:
    """A TABLE_MAP seen: its bytes tell whether the same id still means the same."""

    definition: bytes
    wanted: bool
    names: tuple[bytes, bytes] | None = None  # the target's schema and table, where they are others


@dataclass(slots=True)
class _Open:
    """The transaction being read."""

    mark: Mark
    events: list[bytes] = field(default_factory=list)
    size: int = 0
    new_maps: list[bytes] = field(default_factory=list)
    create: bytes = b""
    creates: bool = False  # a table, so that its first rows come before anybody could look at it
    parts: int = 0
    kept_rows: bool = False
    begun: bool = False  # by BEGIN or XA START; a statement by itself is not
    xid: str = ""  # of an XA transaction
    status: bytes = b""  # status variables of its BEGIN
    thread_id: int = 0  # and its session
    context: int = 0  # its number, once it is told
    maps: list[tuple[bytes, bytes]] = field(default_factory=list)  # definition and TABLE_MAP, until rows are kept
    last_rows: int = -1  # index in `events` of the statement's last kept rows event

    def keep(self, event: bytes) -> None:
        self.events.append(event)
        self.size += len(event)


class Assembler:
    """Feed it events in log order; it yields records in log order."""

    def __init__(
        self,
        selection: Selection,
        judge: Judge,
        renaming: Renaming | None = None,
        sql_filter: SqlFilter | None = None,
        contexts: Contexts | None = None,
    ) -> None:
        self._contexts = contexts or Contexts()
        self._selection = selection
        self._judge = judge
        self._renaming = renaming or Renaming(selection)
        self._left_out = _row_kinds(sql_filter or SqlFilter())
        self._tables: dict[bytes, _Known] = {}
        self._announced: set[bytes] = set()
        self._open: _Open | None = None
        self._skipped = GtidSet()
        self._skipped_count = 0
        self._skipped_us = 0
        self._skipped_last: Stamp | None = None
        self._has_crc = True
        self._format = b""
        self._fence = True

    def feed(self, event: bytes) -> Iterator[Record]:
        """Records that this event completes."""
        kind = event[4]
        if kind in ROWS_EVENTS:
            yield from self._rows(event)
        elif kind == EventType.TABLE_MAP:
            self._table_map(event)
        elif kind in (EventType.GTID, EventType.GTID_TAGGED):
            self._begin(parse_gtid_event(event, has_crc=self._has_crc))
        elif kind == EventType.XID:
            yield from self._commit()
        elif kind == EventType.XA_PREPARE:
            yield from self._prepare(one_phase=is_one_phase(event))
        elif kind == EventType.QUERY:
            yield from self._query(event)
        elif kind in (EventType.HEARTBEAT, EventType.HEARTBEAT_V2):
            yield from self.flush_skipped()
            yield Beat(0)
        elif kind == EventType.FORMAT_DESCRIPTION:
            yield from self._format_description(event)
        elif kind == EventType.ROTATE:
            self._tables.clear()
        elif kind not in _SILENT:
            self._refuse(event)

    def _format_description(self, event: bytes) -> Iterator[Record]:
        """A new log file: table ids and the order's numbers begin anew."""
        check_layout(event)
        self._tables.clear()
        self._fence = True
        self._expect_no_open()
        if server_began(event):
            self._contexts.forget_sessions()
        self._has_crc = has_checksums(event)
        if is_same_format(event, self._format):
            return
        self._format = event
        yield from self.flush_skipped()
        yield Format(event)

    def _begin(self, gtid: Gtid) -> None:
        self._expect_no_open()
        order = gtid.last_committed, gtid.sequence
        mark = Mark(gtid.source, gtid.number, *order, gtid.committed_us, self._fence, gtid.original_us)
        self._open = _Open(mark)

    def _expect_no_open(self) -> None:
        if self._open is not None:
            raise Transient(f"{self._open.mark.gtid} has no end in the binary log, as it was read")

    def _current(self) -> _Open:
        if self._open is None:
            raise Unsupported(f"the binary log holds changes without a GTID, {WITHOUT_GTID}")
        return self._open

    def _table_map(self, event: bytes) -> None:
        current = self._current()
        key = table_id(event)
        definition = definition_bytes(event, has_crc=self._has_crc)
        known = self._tables.get(key)
        if known is None or known.definition != definition:
            try:
                known = self._know(event, definition)
            except Unsupported as error:
                raise Unsupported(f"{current.mark.gtid}: {error}") from error
            self._tables[key] = known
        if not known.wanted:
            return
        if known.names is not None:
            event = with_names(event, *known.names, has_crc=self._has_crc)
        current.maps.append((definition, event))

    def _know(self, event: bytes, definition: bytes) -> _Known:
        name = table_name(event)
        wanted = self._selection.wants(name.schema, name.table)
        if not wanted or not self._renaming.active:
            return _Known(definition, wanted)
        self._renaming.enter(name.schema, name.table)
        schema, table = self._renaming.table(name.schema, name.table)
        return _Known(definition, wanted, (schema.encode(), table.encode()))

    def _keep_maps(self, current: _Open) -> None:
        """The statement has rows for the job: its TABLE_MAPs go in front of them."""
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
            raise Unsupported(f"{current.mark.gtid}: a rows event without its TABLE_MAP; the binary log is damaged")
        if known is not None and known.wanted and event[4] not in self._left_out:
            self._keep_maps(current)
            current.kept_rows = True
            current.last_rows = len(current.events)
            current.keep(without_cascades(event))
        elif ends and current.last_rows >= 0:
            current.events[current.last_rows] = ending_statement(current.events[current.last_rows])
        if ends:
            current.maps.clear()
            current.last_rows = -1
            if current.size >= PIECE_BYTES:
                yield from self._parts(current, len(current.events))
        elif current.size >= PIECE_BYTES + len(event):
            # The last kept event stays: it may yet have to take the end-of-statement flag.
            yield from self._parts(current, max(current.last_rows, 0))

    def _parts(self, current: _Open, count: int) -> Iterator[Record]:
        """Send the first `count` events kept so far."""
        if not current.parts:
            yield from self.flush_skipped()
            yield from self._tell_context(current)
        data = b"".join(current.events[:count])
        del current.events[:count]
        current.size -= len(data)
        current.last_rows = current.last_rows - count if current.last_rows >= count else -1
        for start in range(0, len(data), PIECE_BYTES):
            yield self._part(current, data[start : start + PIECE_BYTES], last=False)

    def _part(self, current: _Open, data: bytes, *, last: bool, one_phase: bool = False) -> Part:
        part = Part(
            current.mark,
            current.parts,
            last,
            data,
            current.new_maps,
            current.create,
            current.xid,
            one_phase,
            current.context,
        )
        current.parts += 1
        current.new_maps, current.create = [], b""
        return part

    def _commit(self) -> Iterator[Record]:
        current = self._current()
        if not current.kept_rows and not current.create:
            self._open = None
            yield from self._skip(current.mark)
        else:
            yield from self._end(current)

    def _end(self, current: _Open, *, one_phase: bool = False) -> Iterator[Record]:
        self._open = None
        yield from self.flush_skipped()
        self._fence = False
        if current.creates:
            self._announced.clear()
        if current.parts or current.size > PIECE_BYTES:
            yield from self._parts(current, len(current.events))
            yield self._part(current, b"", last=True, one_phase=one_phase)
            return
        yield from self._tell_context(current)
        yield Transaction(
            current.mark, b"".join(current.events), current.new_maps, current.create, current.xid, current.context
        )

    def _note_session(self, current: _Open, event: bytes) -> None:
        current.thread_id, current.status = thread_of(event), status_of(event)
        self._contexts.note_session(current.status, current.thread_id)

    def _tell_context(self, current: _Open) -> Iterator[Record]:
        """Before its rows: what the number of their context means, if that was not told yet."""
        current.context, told = self._contexts.number_of(current.status, current.thread_id)
        if told is not None:
            yield told

    # ---- XA ----

    def _xa(self, statement: XaStatement, event: bytes) -> Iterator[Record]:
        current = self._current()
        if statement.verb is XaVerb.START:
            current.begun, current.xid = True, statement.xid
            self._note_session(current, event)
        elif not current.begun:
            self._open = None
            yield from self.flush_skipped()
            self._fence = False
            yield XaEnd(current.mark, statement.xid, statement.verb is XaVerb.COMMIT)

    def _prepare(self, *, one_phase: bool) -> Iterator[Record]:
        """The end of an XA transaction's first half, or of the whole."""
        current = self._current()
        if one_phase and not current.parts:
            current.xid = ""
            yield from self._commit()
        else:
            yield from self._end(current, one_phase=one_phase)

    def _query(self, event: bytes) -> Iterator[Record]:
        current = self._current()
        try:
            verdict = self._judge(event, self._has_crc)
        except Unsupported as error:
            raise Unsupported(f"{current.mark.gtid}: {error}") from error
        if verdict.action is Action.BEGIN:
            current.begun = True
            self._note_session(current, event)
        elif verdict.action is Action.COMMIT:
            yield from self._commit()
        elif verdict.action is Action.SKIP and not current.begun:
            self._open = None
            yield from self._skip(current.mark)
        elif verdict.action is Action.XA:
            yield from self._xa(parse_xa(verdict.summary.encode()), event)
        elif verdict.action is Action.CREATE:
            current.create = self._without_crc(verdict.query or event)
            current.creates = True
            self._announced.clear()
        elif verdict.action is Action.CARRY:
            self._open = None
            yield from self.flush_skipped()
            self._fence = False
            # Definitions may have changed: every table's is checked again when it comes next.
            self._announced.clear()
            self._note_session(current, event)
            yield from self._tell_context(current)
            definition = self._without_crc(verdict.query or event)
            yield Definition(current.mark, definition, verdict.summary, current.context)

    def _without_crc(self, event: bytes) -> bytes:
        return event[:-CRC_SIZE] if self._has_crc else event

    def _skip(self, mark: Mark) -> Iterator[Record]:
        self._skipped.add(mark.source, mark.number)
        self._skipped_count += 1
        self._skipped_us = mark.committed_us
        self._skipped_last = Stamp(mark.source, mark.number, mark.original_us)
        if self._skipped_count >= SKIPPED_MAX:
            yield from self.flush_skipped()

    def flush_skipped(self) -> Iterator[Record]:
        """Tell of the transactions that held nothing for the job."""
        if self._skipped_count:
            yield Skipped(str(self._skipped), self._skipped_us, str(self._skipped_last))
            self._skipped, self._skipped_count = GtidSet(), 0

    def _refuse(self, event: bytes) -> None:
        kind = event[4]
        if event[17] & _IGNORABLE:
            return
        where = f"{self._open.mark.gtid}: " if self._open else ""
        reasons = {
            EventType.INCIDENT: f"an incident event: the source has made changes that are not in its log; {NEW_COPY}",
            EventType.ANONYMOUS_GTID: f"changes without a GTID, {WITHOUT_GTID}",
            EventType.BEGIN_LOAD_QUERY: "LOAD DATA in statement format; set binlog_format=ROW on the source",
            EventType.EXECUTE_LOAD_QUERY: "LOAD DATA in statement format; set binlog_format=ROW on the source",
        }
        reason = reasons.get(EventType(kind)) if kind in EventType._value2member_map_ else None
        raise Unsupported(f"{where}the binary log holds {reason or f'an event of unknown type {kind}'}")


def _row_kinds(sql_filter: SqlFilter) -> frozenset[int]:
    """The types of the rows events that are left out."""
    kinds: set[int] = set()
    if sql_filter.inserts:
        kinds |= {EventType.WRITE_ROWS, EventType.WRITE_ROWS_V1}
    if sql_filter.updates:
        kinds |= {EventType.UPDATE_ROWS, EventType.UPDATE_ROWS_V1, EventType.PARTIAL_UPDATE_ROWS}
    if sql_filter.deletes:
        kinds |= {EventType.DELETE_ROWS, EventType.DELETE_ROWS_V1}
    return frozenset(kinds)
