"""Rows of a MariaDB source for JSON and VECTOR columns of MySQL's: a database that has moved to MariaDB has a way back.

MariaDB's JSON is LONGTEXT, in the log as well, and its VECTOR bytes of one length, so which columns are others there
only the target knows; it is asked once for each definition. One that has changed since is an error of the server's
(1105), and a new run asks again.

A text becomes the document that MySQL makes of it: keys in the server's order, of equal ones the last, numbers above
2^32 - 1 unsigned, those with a point or an exponent DOUBLE. That is less than a document of MySQL's may have been (a
DECIMAL, a date). So an update that leaves a text as it was leaves the document as it is, too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType, table_parts
from udup.drivers.mysql.binlog.table_map import TableName, table_name
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.mariadb.rewriting import Codecs, RowRewriting
from udup.drivers.mysql.rows.errors import Unfit
from udup.drivers.mysql.rows.events import UPDATES, RowsEvent
from udup.drivers.mysql.rows.json_values import Unsigned
from udup.drivers.mysql.rows.table import Table
from udup.drivers.mysql.rows.values import ABSENT, VECTOR_ITEM_BYTES, Json, Row, Value, Vector

#: Types of MariaDB's columns that may be others on MySQL.
_MAY_BE = frozenset({ColumnType.BLOB, ColumnType.VARCHAR})

#: Bytes of the length of a LONGTEXT's value, of a document's and of a VECTOR's.
_LONG = b"\x04"

#: Makes a column's value of what came, for its table and place.
Make: TypeAlias = Callable[[bytes, Table, int], Value]

#: A text is read as INTEGER up to this number, above it as UNSIGNED INTEGER, and as DOUBLE from the other two on (run
#: on 9.7).
_LARGEST_SIGNED, _LEAST, _MOST = (1 << 32) - 1, -(1 << 63), (1 << 64) - 1

#: Digits of an integer that are looked at: one with more is a DOUBLE, or nothing.
_DIGITS = 21

#: Characters of a text that are shown.
_SHOWN = 60


def on_mysql(column: ColumnDefinition, there: ColumnType) -> ColumnDefinition | None:
    """Return a column of MariaDB's as MySQL's of that type, which takes its values; None if it does not."""
    if there is ColumnType.JSON and column.kind is ColumnType.BLOB and column.metadata == _LONG:
        return replace(column, kind=there, collation=None)
    size = int.from_bytes(column.metadata, "little")
    if there is ColumnType.VECTOR and column.kind is ColumnType.VARCHAR and size % VECTOR_ITEM_BYTES == 0:
        return replace(column, kind=there, metadata=_LONG, collation=None, dimensions=size // VECTOR_ITEM_BYTES)
    return None


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
    """Rows of MariaDB's as a MySQL target keeps them. `documents` tells the types of its table's JSON and VECTOR
    columns, by their places.
    """

    def __init__(self, documents: Callable[[TableName], Mapping[int, ColumnType]]) -> None:
        super().__init__()
        self._documents = documents

    def columns_of(self, table_map: bytes, *, has_crc: bool) -> Sequence[ColumnDefinition] | None:
        if _MAY_BE.isdisjoint(table_parts(table_map, has_crc=has_crc)[0]):
            return None
        there = self._documents(table_name(table_map))
        came = self.codec_of(table_map, has_crc=has_crc).table.columns if there else ()
        goes = [on_mysql(column, there[place]) if place in there else None for place, column in enumerate(came)]
        if not any(goes):
            return None
        return [other or column for other, column in zip(goes, came, strict=True)]

    def changed(self, rows: RowsEvent, codecs: Codecs) -> RowsEvent:
        table, there = codecs.reader.table, codecs.writer.table.columns
        others = {
            place: _MADE[column.kind]
            for place, column in enumerate(there)
            if column.kind is not table.columns[place].kind
        }
        sought = frozenset(others) if table.key else frozenset()  # a row is found by its key
        kept = _unchanged(rows, others)
        changes = [
            (_image(before, table, others, sought), _image(after, table, others, kept))
            for before, after in rows.changes
        ]
        return rows.of_kind(rows.kind, changes)


def document_columns(connection: Connection, name: TableName) -> dict[int, ColumnType]:
    """Return the types of the JSON and VECTOR columns of the server's table of that name, by their places.

    It is asked in whatever session is in force: there is nothing in the statement that a sql_mode could read otherwise.
    """
    schema, table = (f"_utf8mb4 x'{each.encode().hex()}'" for each in (name.schema, name.table))
    sql = (
        "SELECT ORDINAL_POSITION, DATA_TYPE FROM information_schema.COLUMNS"
        f" WHERE TABLE_SCHEMA = {schema} AND TABLE_NAME = {table} AND DATA_TYPE IN ('json', 'vector')"
    )
    return {int(place) - 1: ColumnType[str(kind).upper()] for place, kind in query(connection, sql)}


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


def _image(row: Row | None, table: Table, others: Mapping[int, Make], left_out: Collection[int]) -> Row | None:
    """Return an image with the values that the target has for these columns, or without them."""
    if row is None:
        return None
    return tuple(
        ABSENT
        if place in left_out
        else others[place](value, table, place)
        if place in others and isinstance(value, bytes)
        else value
        for place, value in enumerate(row)
    )


def _document(text: bytes, table: Table, place: int) -> Json:
    try:
        return document_of(text)
    except ValueError as error:
        name = table.columns[place].name
        column = f"column {place + 1} ({name})" if name else f"column {place + 1}"
        shown = text[:_SHOWN].decode("utf-8", "replace")
        where = qualified(table.schema, table.name)
        raise Unfit(
            f"{column} is JSON on the target, and the text {shown!r} is no document to it ({error}); to take such"
            f" texts, run there ALTER TABLE {where} MODIFY {quote(name or '…')} LONGTEXT, then resume the job"
        ) from error


def _vector(data: bytes, table: Table, place: int) -> Vector:
    return Vector(data)


#: What makes a value of each type.
_MADE: Mapping[ColumnType, Make] = {ColumnType.JSON: _document, ColumnType.VECTOR: _vector}
