"""Texts of a MariaDB source as documents of MySQL's JSON columns: a database that has moved to MariaDB has a way back.

MariaDB's JSON is LONGTEXT, in the log as well, so which columns are JSON there only the target knows; it is asked once
for each definition. One that has changed since is an error of the server's (1677), and a new run asks again.

A text becomes the document that MySQL makes of it: keys in the server's order, of equal ones the last, numbers above
2^32 - 1 unsigned, those with a point or an exponent DOUBLE. That is less than a document of MySQL's may have been (a
DECIMAL, a date). So an update that leaves a text as it was leaves the document as it is, too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType, table_parts
from udup.drivers.mysql.binlog.table_map import TableName, table_name
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.mariadb.rewriting import Codecs, RowRewriting
from udup.drivers.mysql.rows.errors import Unfit
from udup.drivers.mysql.rows.events import UPDATES, RowsEvent
from udup.drivers.mysql.rows.json_values import Unsigned
from udup.drivers.mysql.rows.table import Table
from udup.drivers.mysql.rows.values import ABSENT, Json, Row, Value

#: Bytes of the length of a LONGTEXT's value, and of a document's.
_LONG = b"\x04"

#: A text is read as INTEGER up to this number, above it as UNSIGNED INTEGER, and as DOUBLE from the other two on (run
#: on 9.7).
_LARGEST_SIGNED, _LEAST, _MOST = (1 << 32) - 1, -(1 << 63), (1 << 64) - 1

#: Digits of an integer that are looked at: one with more is a DOUBLE, or nothing.
_DIGITS = 21

#: Characters of a text that are shown.
_SHOWN = 60


def as_document(column: ColumnDefinition) -> ColumnDefinition:
    """Return a LONGTEXT of MariaDB's as the JSON column of MySQL's that holds its documents."""
    return replace(column, kind=ColumnType.JSON, metadata=_LONG, collation=None)


def may_be_document(column: ColumnDefinition) -> bool:
    """Return whether a column is of the type that JSON has on MariaDB."""
    return column.kind is ColumnType.BLOB and column.metadata == _LONG


def document_of(text: bytes) -> Json:
    """Return the document of a text; `ValueError` for one that MySQL does not take."""
    try:
        tree = json.loads(text.decode(), parse_int=_integer, parse_float=_double, parse_constant=_refused)
        return Json.of(tree)
    except RecursionError as error:
        raise ValueError("it has too many levels") from error


def _integer(digits: str) -> float:
    number = int(digits) if len(digits) <= _DIGITS else _MOST + 1
    if not _LEAST <= number <= _MOST:
        return _double(digits)
    return number if number <= _LARGEST_SIGNED else Unsigned(number)


def _double(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"the number {digits[:_SHOWN]} is too large")
    return number


def _refused(word: str) -> Any:
    raise ValueError(f"{word} is no value")


class DocumentRewriting(RowRewriting):
    """Rows of MariaDB's as a MySQL target keeps them. `documents` tells its table's JSON columns, by their places."""

    def __init__(self, documents: Callable[[TableName], Collection[int]]) -> None:
        super().__init__()
        self._documents = documents

    def columns_of(self, table_map: bytes, *, has_crc: bool) -> Sequence[ColumnDefinition] | None:
        if ColumnType.BLOB not in table_parts(table_map, has_crc=has_crc)[0]:
            return None
        there = self._documents(table_name(table_map))
        columns = self.codec_of(table_map, has_crc=has_crc).table.columns if there else ()
        if not any(place in there and may_be_document(column) for place, column in enumerate(columns)):
            return None
        return [
            as_document(column) if place in there and may_be_document(column) else column
            for place, column in enumerate(columns)
        ]

    def changed(self, rows: RowsEvent, codecs: Codecs) -> RowsEvent:
        pairs = zip(codecs.reader.table.columns, codecs.writer.table.columns, strict=True)
        places = {place for place, (came, goes) in enumerate(pairs) if came.kind is not goes.kind}
        kept = _unchanged(rows, places)
        sought = places if codecs.reader.table.key else frozenset()  # a row is found by its key
        table = codecs.reader.table
        changes = [
            (_image(before, table, places, sought), _image(after, table, places, kept))
            for before, after in rows.changes
        ]
        return rows.of_kind(rows.kind, changes)


def json_columns(connection: Connection, name: TableName) -> frozenset[int]:
    """Return the JSON columns of the server's table of that name, by their places.

    It is asked in whatever session is in force: there is nothing in the statement that a sql_mode could read otherwise.
    """
    schema, table = (f"_utf8mb4 x'{each.encode().hex()}'" for each in (name.schema, name.table))
    sql = (
        "SELECT ORDINAL_POSITION FROM information_schema.COLUMNS"
        f" WHERE TABLE_SCHEMA = {schema} AND TABLE_NAME = {table} AND DATA_TYPE = 'json'"
    )
    return frozenset(int(place) - 1 for (place,) in query(connection, sql))


def _unchanged(rows: RowsEvent, places: Collection[int]) -> frozenset[int]:
    """Return the columns of these that an update leaves as they were, in every row."""
    if rows.kind not in UPDATES:
        return frozenset()
    images = [(before, after) for before, after in rows.changes if before is not None and after is not None]
    found = frozenset(
        place
        for place in places
        if all(before[place] is not ABSENT and before[place] == after[place] for before, after in images)
    )
    is_all = any(all(place in found or value is ABSENT for place, value in enumerate(after)) for _, after in images)
    return frozenset() if is_all else found  # an image of no columns says nothing


def _image(row: Row | None, table: Table, places: Collection[int], left_out: Collection[int]) -> Row | None:
    """Return an image with documents for texts, or without them."""
    if row is None:
        return None
    return tuple(
        ABSENT if place in left_out else _document(value, table, place) if place in places else value
        for place, value in enumerate(row)
    )


def _document(value: Value, table: Table, place: int) -> Value:
    if not isinstance(value, bytes):
        return value  # NULL, or not in the image
    try:
        return document_of(value)
    except ValueError as error:
        name = table.columns[place].name
        column = f"column {place + 1} ({name})" if name else f"column {place + 1}"
        shown = value[:_SHOWN].decode("utf-8", "replace")
        where = qualified(table.schema, table.name)
        raise Unfit(
            f"{column} is JSON on the target, and the text {shown!r} is no document to it ({error}); to take such"
            f" texts, run there ALTER TABLE {where} MODIFY {quote(name or '…')} LONGTEXT, then resume the job"
        ) from error
