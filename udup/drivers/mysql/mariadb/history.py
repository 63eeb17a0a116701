"""Tables that keep what their rows were (WITH SYSTEM VERSIONING), as a MariaDB log has them.

Two columns say from when and until when a row was so, `row_start` and `row_end`, TIMESTAMP(6) behind all others unless
the table names them itself; `row_end` is the last part of every key. A row of today has the largest TIMESTAMP there,
which is another one since 11.5. A log has all of it: an update as UPDATE, with the old row behind it as WRITE; a delete
as an UPDATE of `row_end`; DELETE HISTORY as DELETE of old rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.flavour import Version
from udup.drivers.mysql.dictionary.catalog import Column, Table
from udup.drivers.mysql.rows.temporal import Timestamp
from udup.drivers.mysql.rows.values import ABSENT, Change, Row

#: Columns that a table gets unless it names them.
ROW_START, ROW_END = "row_start", "row_end"

#: From here on a TIMESTAMP reaches to 2106, before to 2038.
_LONG: Version = (11, 5, 0)

#: From here on rows may be inserted as ones of the past (`system_versioning_insert_history`).
INSERTS_HISTORY: Version = (10, 11, 0)

_MICROSECONDS = b"\x06"

#: Microseconds since 1970 of a row of today.
UNTIL_2038 = Timestamp(0x7FFFFFFF * 1_000_000 + 999_999)
UNTIL_2106 = Timestamp(0xFFFFFFFF * 1_000_000 + 999_999)
#: The same as a session in UTC is shown them.
ENDS_OF_TODAY = ("2038-01-19 03:14:07.999999", "2106-02-07 06:28:15.999999")
_OF_TODAY = frozenset({UNTIL_2038, UNTIL_2106})

_WRITES = EventType.WRITE_ROWS
_UPDATES = EventType.UPDATE_ROWS
_DELETES = EventType.DELETE_ROWS


def forever(version: Version) -> Timestamp:
    """Return what a MariaDB of this version has for the end of a row of today."""
    return UNTIL_2106 if version >= _LONG else UNTIL_2038


def period_of(columns: Sequence[ColumnDefinition]) -> int | None:
    """Return where `row_start` stands among a TABLE_MAP's columns, None if the table does not end in such a period."""
    if len(columns) < 3:
        return None
    start, end = columns[-2:]
    if (start.name or "").lower() != ROW_START or (end.name or "").lower() != ROW_END:
        return None
    of_period = all(
        each.kind is ColumnType.TIMESTAMP and each.metadata == _MICROSECONDS and not each.nullable
        for each in (start, end)
    )
    return len(columns) - 2 if of_period else None


def of_today(kind: EventType, changes: Sequence[Change], end: int) -> Iterator[tuple[EventType, Change]]:
    """Yield what happens to rows of today, and as what; `end` is the place of `row_end`."""
    for before, after in changes:
        was, now = _is_of_today(before, after, end), _is_of_today(after, before, end)
        if before is None or after is None:
            if was or now:
                yield kind, (before, after)
        elif was and now:
            yield _UPDATES, (before, after)
        elif was:
            yield _DELETES, (before, None)
        elif now:
            if ABSENT in after:
                raise Unsupported(
                    "a row of history becomes one of today, and the log does not say all of it; set"
                    " binlog_row_image=FULL on the source, and copy the table again"
                )
            yield _WRITES, (None, after)


def _is_of_today(row: Row | None, other: Row | None, end: int) -> bool:
    """Return whether a row is one of today; an image that does not say it has what the other one says."""
    if row is None:
        return False
    value = row[end]
    if value is ABSENT and other is not None:
        value = other[end]
    if value is ABSENT:
        raise Unsupported(
            "the log does not say until when a row of a table WITH SYSTEM VERSIONING was so; SET GLOBAL"
            " binlog_row_image = 'FULL' on the source, and begin behind what is logged now"
        )
    return value in _OF_TODAY


def ending_at(row: Row | None, end: int, forever_there: Timestamp) -> Row | None:
    """Return a row of today with the end that such rows have on the target; all others as they are."""
    if row is None or row[end] not in _OF_TODAY:
        return row
    return (*row[:end], forever_there, *row[end + 1 :])


# ---- In a copy ----

_PERIODS = (
    "SELECT t.TABLE_NAME, MAX(IF(c.GENERATION_EXPRESSION = 'ROW START', c.COLUMN_NAME, NULL)),"
    " MAX(IF(c.GENERATION_EXPRESSION = 'ROW END', c.COLUMN_NAME, NULL))"
    " FROM information_schema.TABLES t JOIN information_schema.COLUMNS c USING (TABLE_SCHEMA, TABLE_NAME)"
    " WHERE t.TABLE_SCHEMA = %s AND t.TABLE_TYPE = 'SYSTEM VERSIONED' GROUP BY t.TABLE_NAME"
)


def read_periods(connection: Connection, schema: str) -> dict[str, tuple[str, str]]:
    """Return the columns of the period of each table WITH SYSTEM VERSIONING."""
    if not connection.is_mariadb:
        return {}
    rows = query(connection, _PERIODS, schema)
    return {str(table): (str(start or ROW_START), str(end or ROW_END)) for table, start, end in rows}


def with_history(table: Table, end_of_today: str = "") -> Table:
    """Return a table that keeps its history as one that is copied with it: whole, since its keys are not unique then.

    `end_of_today`: what rows of today are to have for their end.
    """
    if not table.period:
        return table
    start, end = (Column(name, "timestamp", "timestamp(6)", None, None, False, False) for name in table.period)
    columns = (*table.columns, start, replace(end, ends=end_of_today))
    return replace(table, columns=columns, key=(), key_index="", with_history=True)


def end_of_today(version: Version) -> str:
    """Return that of a MariaDB of this version, as a session in UTC is shown it."""
    return ENDS_OF_TODAY[version >= _LONG]
