"""Rows events as the job is to have them: the rows that pass the filter of their table.

A row that an update moves into the filter becomes an insert, one that it moves out of it a delete. So an update of
many rows may become several events; they follow each other in the order of the rows, since the rows of one statement
may give their keys to each other. An event of which all rows pass stays the bytes that it was.

The filter looks at whole rows. Of a column that an update does not change, an image that is not FULL may lack the new
value: it is the old one then. Where that is missing too the job stops.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from udup.base.endpoint import Endpoint
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import STMT_END, EventType
from udup.drivers.mysql.binlog.table_map import definition_bytes
from udup.drivers.mysql.filters.asking import FilterServer
from udup.drivers.mysql.filters.columns import Collations
from udup.drivers.mysql.filters.questions import PENDING, Answers, Question, Verdict
from udup.drivers.mysql.filters.table_filter import TableFilter, compiled, filter_of
from udup.drivers.mysql.rows.codec import CODECS_MAX, RowCodec, RowCodecs, completed
from udup.drivers.mysql.rows.events import UPDATES, WRITES, RowsEvent
from udup.drivers.mysql.rows.values import ABSENT, Change, Row
from udup.drivers.mysql.stream.damage import naming
from udup.pipeline.selection.selection import Selection

IMAGES_NEEDED = "SET PERSIST binlog_row_image = 'FULL' on the source, have its clients connect again"

_FIRST_VERSION = frozenset({EventType.WRITE_ROWS_V1, EventType.UPDATE_ROWS_V1, EventType.DELETE_ROWS_V1})

#: What a change becomes, by whether its row passed before and passes after.
_BECOMES = {(True, True): "update", (False, True): "insert", (True, False): "delete"}


class Answering(Protocol):
    """Who decides what cannot be decided here; `FilterServer` asks the source."""

    def collations(self) -> Collations: ...
    def answer(self, questions: Iterable[Question]) -> None: ...
    def computed(self, schema: str, table: str, when: int) -> frozenset[str]: ...
    def close(self) -> None: ...


class EventShaper:
    """Writes the events of those rows of an event that are the job's. `what` they are, for people.

    `server` knows which columns a source computes and does not log: each target computes them as well.
    """

    def __init__(self, codec: RowCodec, what: str, server: Answering | None = None) -> None:
        self._codec = codec
        self._what = what
        self._server = server

    def shaped(
        self, event: bytes, rows: RowsEvent, verdicts: Iterable[tuple[bool, bool]], *, has_crc: bool
    ) -> list[bytes]:
        """Return the events to be kept; `verdicts` say of each change whether its row is one before it, and after."""
        runs = _runs(rows.changes, verdicts)
        if not runs:
            return []
        if len(runs) == 1 and runs[0][0] == _own_kind(rows) and len(runs[0][1]) == len(rows.changes):
            return [event]
        return [
            self._codec.write(self._event(rows, kind, kept, last=number == len(runs) - 1), has_crc=has_crc)
            for number, (kind, kept) in enumerate(runs)
        ]

    def _event(self, rows: RowsEvent, kind: str, changes: list[Change], *, last: bool) -> RowsEvent:
        if kind == _own_kind(rows):
            made = completed(replace(rows, changes=changes))
        else:
            first = rows.kind in _FIRST_VERSION
            type_ = _TYPES[kind][first]
            if kind == "insert":
                when = int.from_bytes(rows.front.header[:4], "little")
                changes = [(None, self._whole(before, after, when)) for before, after in _completed(rows, changes)]
            else:
                changes = [(before, None) for before, _ in changes]
            # Extra data tell the partitions of an update; a hint that other kinds have in another form.
            made = replace(rows, front=replace(rows.front, extra=b"")).of_kind(type_, changes)
        flags = made.front.flags if last else made.front.flags & ~STMT_END
        return replace(made, front=replace(made.front, flags=flags))

    def _whole(self, before: Row | None, after: Row | None, when: int) -> Row:
        """Return the row that an update made; `Unsupported` if the log does not have all of it that is not computed."""
        row = filled(before, after)
        if ABSENT in row:
            table = self._codec.table
            absent = {table.column_name(place) for place, value in enumerate(row) if value is ABSENT}
            if self._server is not None and absent <= self._server.computed(table.schema, table.name, when):
                return row
            raise Unsupported(
                f"an update of {table} moves a row into {self._what}, and the row was logged "
                f"without {table.column_name(row.index(ABSENT))}; {IMAGES_NEEDED}, and give the job another ID"
            )
        return row


class RowShaper:
    """Shapes the rows events of a table with one definition."""

    def __init__(self, codec: RowCodec, table_filter: TableFilter, server: Answering) -> None:
        self._codec = codec
        self._filter = table_filter
        self._server = server
        self._events = EventShaper(codec, f"its filter ({table_filter.where})", server)

    def shaped(self, event: bytes, *, has_crc: bool) -> list[bytes]:
        """Return the events to be kept instead: the same one, others, or none.

        Those that are others end no statement but for the last of them, if the event does.
        """
        with naming(event):
            return self._shaped(event, has_crc=has_crc)

    def _shaped(self, event: bytes, *, has_crc: bool) -> list[bytes]:
        rows = self._codec.read(event, has_crc=has_crc)
        self._check_images(rows)
        verdicts = self._verdicts(completed(rows).changes)
        return self._events.shaped(event, rows, verdicts, has_crc=has_crc)

    def _check_images(self, rows: RowsEvent) -> None:
        """Raise `Unsupported` if the rows do not have what the filter looks at; all rows of an event are alike."""
        before, after = rows.changes[0]
        self._check_present(after if before is None else before)

    def _check_present(self, row: Row | None) -> None:
        for place in self._filter.places:
            if row is not None and row[place] is ABSENT:
                table = self._codec.table
                raise Unsupported(
                    f"rows of {table} were logged without {table.column_name(place)}, at which their filter looks "
                    f"({self._filter.where}); {IMAGES_NEEDED}, and give the job another ID"
                )

    def look_at(self, event: bytes, *, has_crc: bool) -> None:
        """Note what is to be asked about an event that will come to be shaped."""
        if not self._filter.questions:
            return
        with naming(event):
            rows = self._codec.read(event, has_crc=has_crc)
            self._check_images(rows)
            self._decided(completed(rows).changes)

    def _verdicts(self, changes: Sequence[Change]) -> list[tuple[bool, bool]]:
        """Return of each change whether its row passed before it, and passes after it."""
        pairs = self._decided(changes)
        if any(PENDING in pair for pair in pairs):
            self._server.answer(self._filter.questions)
            pairs = self._decided(changes)
            if any(PENDING in pair for pair in pairs):
                raise Unsupported(
                    f"the source has not said of all rows of {self._codec.table} whether they pass their filter "
                    f"({self._filter.where}), and none may be left out for that: resume the job; if it stops here "
                    "again, write the filter with other words"
                )
        return [(one is True, other is True) for one, other in pairs]

    def _decided(self, changes: Sequence[Change]) -> list[tuple[Verdict, Verdict]]:
        decide = self._filter.decide
        return [
            (None if before is None else decide(before), None if after is None else decide(filled(before, after)))
            for before, after in changes
        ]


def filled(before: Row | None, after: Row | None) -> Row:
    """Return the new row, with the old values of what was not logged again."""
    assert after is not None
    if before is None or ABSENT not in after:
        return after
    return tuple(old if new is ABSENT else new for old, new in zip(before, after, strict=True))


def _completed(rows: RowsEvent, changes: list[Change]) -> list[Change]:
    """Return the changes with whole documents where the log has parts of them."""
    return completed(replace(rows, changes=changes)).changes


def _own_kind(rows: RowsEvent) -> str:
    if rows.kind in UPDATES:
        return "update"
    return "insert" if rows.kind in WRITES else "delete"


_TYPES = {
    "insert": (EventType.WRITE_ROWS, EventType.WRITE_ROWS_V1),
    "delete": (EventType.DELETE_ROWS, EventType.DELETE_ROWS_V1),
}


def _runs(changes: Iterable[Change], verdicts: Iterable[tuple[bool, bool]]) -> list[tuple[str, list[Change]]]:
    """Return the changes that are kept, those of one kind together that follow each other."""
    runs: list[tuple[str, list[Change]]] = []
    for change, (passed, passes) in zip(changes, verdicts, strict=True):
        if change[0] is None or change[1] is None:
            kind = "" if not (passed or passes) else "insert" if change[0] is None else "delete"
        else:
            kind = _BECOMES.get((passed, passes), "")
        if not kind:
            continue
        if not runs or runs[-1][0] != kind:
            runs.append((kind, []))
        runs[-1][1].append(change)
    return runs


class Shapers:
    """Makes the shaper of each definition that the log has of a table with a filter.

    The same definition has the same shaper, with what was answered for it, whatever its number in the log is.
    """

    def __init__(self, selection: Selection, server: Answering) -> None:
        self._selection = selection
        self._server = server
        self._codecs = RowCodecs()
        self._answers = Answers()
        self._shapers: dict[tuple[str, bytes], RowShaper] = {}

    @classmethod
    def of(cls, selection: Selection, endpoint: Endpoint) -> Shapers | None:
        """Return them, None for a job without row filters."""
        return cls(selection, FilterServer(endpoint)) if selection.filters_rows else None

    def shaper(self, schema: str, table: str, table_map: bytes, *, has_crc: bool) -> RowShaper | None:
        """Return what shapes the rows of a table, None if all of them are the job's."""
        where = filter_of(self._selection, schema, table)
        if not where:
            return None
        key = where, definition_bytes(table_map, has_crc=has_crc)
        found = self._shapers.get(key)
        if found is None:
            codec = self._codecs.of(table_map, has_crc=has_crc)
            made = compiled(where, codec.table, self._server.collations(), self._answers)
            found = RowShaper(codec, made, self._server)
            if len(self._shapers) >= CODECS_MAX:
                del self._shapers[next(iter(self._shapers))]
            self._shapers[key] = found
        return found

    def answer(self) -> None:
        """Have everything answered that the shapers want to know."""
        self._server.answer(self._answers.waiting())

    def forget(self) -> None:
        """Drop the answers that take much memory; their rows have been decided."""
        self._answers.forget()

    def close(self) -> None:
        """End the connection to the source, from any thread."""
        self._server.close()
