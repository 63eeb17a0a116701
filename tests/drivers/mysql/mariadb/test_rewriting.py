"""Rows of JSON and VECTOR columns as MariaDB keeps them; no server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.build import INT, build, table_map
from udup.drivers.mysql.binlog.event import STMT_END, EventType
from udup.drivers.mysql.binlog.split import split
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType, parse_columns
from udup.drivers.mysql.columns.table_map import table_map_of
from udup.drivers.mysql.mariadb.rewriting import RowRewriting, as_on_mariadb
from udup.drivers.mysql.rows.codec import RowCodecs
from udup.drivers.mysql.rows.events import Front, RowsEvent
from udup.drivers.mysql.rows.values import ABSENT, Json, Row, Vector

_ID = b"\x07\0\0\0\0\0"
_NUMBER = ColumnDefinition(ColumnType.LONG, b"", nullable=False, unsigned=False)
_DOCUMENT = ColumnDefinition(ColumnType.JSON, b"\x04", nullable=True)
_NUMBERS = ColumnDefinition(ColumnType.VECTOR, b"\x04", nullable=True, dimensions=2)


def _map(*columns: ColumnDefinition) -> bytes:
    """Return a TABLE_MAP of `s`.`t` with these columns."""
    return table_map_of(table_map(_ID, "s", "t", (INT,), with_crc=False), columns, (), has_crc=False)


def _update(there: bytes, before: Row, after: Row) -> bytes:
    """Return the update of one row."""
    header = build(EventType.UPDATE_ROWS, b"", with_crc=False)
    front = Front(EventType.UPDATE_ROWS, header, _ID, STMT_END, b"", len(before), None, None)
    return RowCodecs().of(there, has_crc=False).write(RowsEvent(front, [(before, after)]), has_crc=False)


def _read(data: bytes) -> tuple[list[ColumnType], list[tuple[Row | None, Row | None]]]:
    """Return the types and changes of a TABLE_MAP with rows behind it."""
    head, rows = split(data)
    kinds = [each.kind for each in parse_columns(head, has_crc=False)]
    return kinds, RowCodecs().of(head, has_crc=False).read(rows, has_crc=False).changes


def test_a_document_becomes_the_text_that_mysql_prints() -> None:
    there = _map(_NUMBER, _DOCUMENT)
    rows = _update(there, (1, Json.of({"b": [1, 2.5], "a": None})), (1, None))
    made = RowRewriting().rewritten(there + rows, has_crc=False)
    assert _read(made) == ([ColumnType.LONG, ColumnType.BLOB], [((1, b'{"a": null, "b": [1, 2.5]}'), (1, None))])


def test_what_an_image_lacks_it_lacks_afterwards() -> None:
    there = _map(_NUMBER, _DOCUMENT)
    rows = _update(there, (1, ABSENT), (ABSENT, Json.of([])))
    assert _read(RowRewriting().rewritten(there + rows, has_crc=False))[1] == [((1, ABSENT), (ABSENT, b"[]"))]


def test_a_vector_becomes_bytes_of_one_length() -> None:
    there = _map(_NUMBER, _NUMBERS)
    rows = _update(there, (1, Vector(b"12345678")), (2, Vector(b"87654321")))
    kinds, changes = _read(RowRewriting().rewritten(there + rows, has_crc=False))
    assert kinds == [ColumnType.LONG, ColumnType.VARCHAR]
    assert changes == [((1, b"12345678"), (2, b"87654321"))]
    assert as_on_mariadb(_NUMBERS).metadata == (8).to_bytes(2, "little")


def test_a_vector_whose_size_the_log_does_not_say_is_refused() -> None:
    with pytest.raises(Unsupported, match="binlog_row_metadata"):
        as_on_mariadb(replace(_NUMBERS, dimensions=None))


def test_other_tables_go_through_as_they_came() -> None:
    there = _map(_NUMBER)
    data = there + _update(there, (1,), (2,))
    assert RowRewriting().rewritten(data, has_crc=False) is data


def test_a_table_between_others_is_rewritten_alone() -> None:
    plain, there = _map(_NUMBER), _map(_NUMBER, _DOCUMENT).replace(_ID, b"\x08" + _ID[1:], 1)
    before, behind = plain + _update(plain, (1,), (2,)), plain + _update(plain, (3,), (4,))
    rows = _update(there, (1, Json.of(1)), (1, Json.of(2))).replace(_ID, b"\x08" + _ID[1:], 1)
    made = RowRewriting().rewritten(before + there + rows + behind, has_crc=False)
    assert made.startswith(before)
    assert made.endswith(behind)
    assert _read(made[len(before) : -len(behind)])[1] == [((1, b"1"), (1, b"2"))]
