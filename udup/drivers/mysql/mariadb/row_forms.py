"""Rows of MariaDB's log as a target takes them: without what stands there for the server alone.

* A unique key over whole texts has a hidden column with their hash. It is computed anew by whoever has such a key.
* COMPRESSED columns are whole for a target that is no MariaDB; a MariaDB takes its own form alone.
* Of tables WITH SYSTEM VERSIONING a MariaDB gets all history, and rows of today end where they end there. Others get
  the rows of today, and nothing of the two columns.

Only events of such tables are taken apart; all others go through as they came.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import (
    CRC_SIZE,
    HEADER_SIZE,
    STMT_END,
    EventType,
    ends_statement,
    resized,
)
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType, parse_columns, primary_key_parts
from udup.drivers.mysql.binlog.table_map import definition_bytes, table_id, table_name
from udup.drivers.mysql.client.flavour import Version
from udup.drivers.mysql.columns.table_map import table_map_of
from udup.drivers.mysql.mariadb.collations import Server
from udup.drivers.mysql.mariadb.compression import COMPRESSED, plain_column
from udup.drivers.mysql.mariadb.history import ROW_END, ending_at, forever, of_today, period_of
from udup.drivers.mysql.rows.codec import CODECS_MAX, RowCodec, RowCodecs, make_room
from udup.drivers.mysql.rows.events import RowsEvent
from udup.drivers.mysql.rows.values import ABSENT, Change, Row

#: How the server calls the column that it keeps for a unique key over whole texts.
_HASH = re.compile(r"DB_ROW_HASH_\d+")
_HASH_MARK, _END_MARK = b"DB_ROW_HASH_", ROW_END.encode()

#: The table id of an event that only ends a statement.
_NO_TABLE = b"\xff" * 6


@dataclass(frozen=True)
class _Form:
    """What becomes of a definition's rows: the first `kept` columns stay; `end` is where `row_end` is."""

    reader: RowCodec
    writer: RowCodec
    columns: Sequence[ColumnDefinition]
    key: Sequence[tuple[int, int]]
    kept: int
    end: int | None = None


class RowForms:
    """What is known of a stream's TABLE_MAPs; `wants` says whether a table is whose events are to be taken apart."""

    def __init__(self, target: Server, wants: Callable[[str, str], bool] = lambda _schema, _table: True) -> None:
        self.target = target
        self._wants = wants
        self._source: Version = (11, 8, 0)
        self._codecs = RowCodecs()
        self._made: dict[bytes, _Form | None] = {}  # by definition; None: as it is
        self._open: dict[bytes, _Form] = {}  # by table id

    def write_by(self, source: Version) -> None:
        """Take note of the server that has written what comes, which is in a FORMAT_DESCRIPTION."""
        if source != self._source:
            self._made.clear()
        self._source = source
        self._open.clear()

    def table_map(self, event: bytes, *, has_crc: bool) -> bytes:
        """Return a TABLE_MAP as the target is to have it."""
        self._open.pop(table_id(event), None)
        key = definition_bytes(event, has_crc=has_crc)
        if key not in self._made:
            make_room(self._made, CODECS_MAX)
            self._made[key] = self._form(event, has_crc=has_crc)
        form = self._made[key]
        if form is None:
            return event
        self._open[table_id(event)] = form
        return table_map_of(event, form.columns, form.key, has_crc=has_crc)

    def rows(self, event: bytes, *, has_crc: bool) -> Sequence[bytes]:
        """Return what becomes of a rows event."""
        form = self._open.get(table_id(event))
        if form is None:
            return (event,)
        rows = form.reader.read(event, has_crc=has_crc)
        made = [form.writer.write(each, has_crc=has_crc) for each in self._changed(rows, form)]
        if not made and ends_statement(event):
            return (_end_of_statement(event, has_crc=has_crc),)
        return made

    # ---- What becomes of a table ----

    def _form(self, event: bytes, *, has_crc: bool) -> _Form | None:
        if not self._may_change(event):
            return None
        columns = parse_columns(event, has_crc=has_crc)
        key = primary_key_parts(event, has_crc=has_crc)
        visible = _without_hashes(columns)
        period = period_of(visible)
        end = None if period is None else period + 1
        if period is not None and not self.target.is_mariadb:
            if end not in [place for place, _ in key]:
                raise _without_key(event)
            visible, key = visible[:period], tuple(part for part in key if part[0] < period)
        elif forever(self.target.version) == forever(self._source):
            end = None
        made = visible if self.target.is_mariadb else [_plain(each) for each in visible]
        if list(made) == list(columns) and end is None:
            return None
        made_map = table_map_of(event, made, key, has_crc=has_crc)
        reader, writer = (self._codecs.of(each, has_crc=has_crc) for each in (event, made_map))
        return _Form(reader, writer, made, key, len(made), end)

    def _may_change(self, event: bytes) -> bool:
        """Return whether a table may have any of that, at a glance."""
        may = _HASH_MARK in event or _END_MARK in event.lower()
        may = may or (not self.target.is_mariadb and any(bytes([kind]) in event for kind in COMPRESSED))
        name = table_name(event)
        return may and self._wants(name.schema, name.table)

    # ---- Rows ----

    def _changed(self, rows: RowsEvent, form: _Form) -> Iterator[RowsEvent]:
        """Yield the event as one of the target's form, or as several where rows of history are among its rows."""
        changes: Iterable[tuple[EventType, Change]] = ((rows.kind, change) for change in rows.changes)
        cut = _cutter(form.kept)
        if form.end is not None and not self.target.is_mariadb:
            changes = of_today(rows.kind, rows.changes, form.end)
        elif form.end is not None:
            there, end = forever(self.target.version), form.end
            changes = ((rows.kind, _both(change, lambda row: ending_at(row, end, there))) for change in rows.changes)
        changes = (each for each in changes if not _says_nothing(each[1], form.kept))
        parts = [
            rows.of_kind(kind, [_both(change, cut) for _, change in group])
            for kind, group in groupby(changes, lambda each: each[0])
        ]
        for at, part in enumerate(parts):
            flags = rows.front.flags if at == len(parts) - 1 else rows.front.flags & ~STMT_END
            yield replace(part, front=replace(part.front, flags=flags))


def _says_nothing(change: Change, kept: int) -> bool:
    """Return whether an update has changed columns that are left out, and no others."""
    before, after = change
    return before is not None and after is not None and all(each is ABSENT for each in after[:kept])


def _without_hashes(columns: Sequence[ColumnDefinition]) -> Sequence[ColumnDefinition]:
    """Return the columns without the hidden ones, which stand behind all others: BIGINT UNSIGNED that may be NULL."""
    count = len(columns)
    while count > 1:
        last = columns[count - 1]
        if last.kind is not ColumnType.LONGLONG or not last.nullable or not _HASH.fullmatch(last.name or ""):
            break
        count -= 1
    return columns[:count]


def _plain(column: ColumnDefinition) -> ColumnDefinition:
    if column.kind not in COMPRESSED:
        return column
    kind, metadata = plain_column(column)
    return replace(column, kind=kind, metadata=metadata)


def _cutter(kept: int) -> Callable[[Row], Row]:
    return lambda row: row[:kept]


def _both(change: Change, made: Callable[[Row], Row | None]) -> Change:
    before, after = change
    return None if before is None else made(before), None if after is None else made(after)


def _without_key(event: bytes) -> Unsupported:
    name = table_name(event)
    return Unsupported(
        f"{name}: the log does not tell for certain that row_start and row_end are those of SYSTEM VERSIONING, since"
        " the table has no primary key; give it one on the source, or leave the table out (ReplicateIgnoreDb) in a job"
        " with another ID"
    )


def _end_of_statement(event: bytes, *, has_crc: bool) -> bytes:
    """Return an event without rows in the place of one of which nothing is left, and which has ended its statement."""
    body = _NO_TABLE + STMT_END.to_bytes(2, "little") + b"\x02\x00\x01\x00"
    return resized(event[:HEADER_SIZE] + body + bytes(CRC_SIZE if has_crc else 0), has_crc=has_crc)
