"""Texts of MariaDB's log as documents of MySQL's: what MySQL makes of each text, and rows that are rewritten."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

import pytest

from tests.drivers.mysql.mariadb.test_rewriting import _ID, _read
from udup.drivers.mysql.binlog.build import INT, build, table_map
from udup.drivers.mysql.binlog.event import STMT_END, EventType
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.client.connection import MySQLError, connect, query
from udup.drivers.mysql.columns.table_map import table_map_of
from udup.drivers.mysql.mariadb.documents import DocumentRewriting, document_of, on_mysql
from udup.drivers.mysql.rows.codec import RowCodecs
from udup.drivers.mysql.rows.errors import Unfit
from udup.drivers.mysql.rows.events import Front, RowsEvent
from udup.drivers.mysql.rows.values import ABSENT, Change, Json, Vector
from udup.sandbox.server import MysqlServer

_ID_COLUMN = ColumnDefinition(ColumnType.LONG, b"", nullable=False, unsigned=False, name="id")
_TEXT = ColumnDefinition(ColumnType.BLOB, b"\x04", nullable=True, collation=46, name="doc")
_NUMBER = ColumnDefinition(ColumnType.LONG, b"", nullable=True, unsigned=False, name="n")

#: Texts at the edges of what a document can hold.
_TEXTS = [
    *(
        "-0",
        "-0.0",
        "0",
        "1.10",
        "1e400",
        "-1e400",
        "1e-400",
        "1E5",
        "8.41e21",
        "1.",
        ".5",
        "01",
        "+1",
        "NaN",
        "Infinity",
    ),
    *("32767", "32768", "65535", "2147483648", "4294967295", "4294967296", "9223372036854775807"),
    *("9223372036854775808", "18446744073709551615", "18446744073709551616", "-32769", "-2147483649"),
    *("-9223372036854775808", "-9223372036854775809", "1" * 300, "1" * 400, "0.1234567890123456789"),
    *(
        "",
        " ",
        "null",
        "true",
        "tru",
        '"a',
        "'a'",
        " [1] ",
        "\t1\n",
        "\v1",
        "\ufeff1",
        "[1,]",
        "[1 2]",
        '{"a"}',
        "{1: 2}",
    ),
    *(
        '{"b": 1, "aa": 2, "a": 3}',
        '{"a": 1, "a": [2]}',
        '{"": 0}',
        "{}",
        "[]",
        '["ä", "😀", "\\u00e4", "\\ud83d\\ude00"]',
    ),
    *('"\\ud800"', '"\\u0000"', '"\\x"', '"a\tb"', '"\x7f"', '"\\/"', "[" * 100 + "]" * 100, "[" * 101 + "]" * 101),
    *("[" * 5000 + "]" * 5000, f'{{"{"k" * 65535}": 1}}', f'{{"{"k" * 65536}": 1}}', f'["{"x" * 70000}", 1]'),
]


def test_a_text_becomes_the_document_that_mysql_makes_of_it(source: MysqlServer) -> None:
    with closing(connect(source.endpoint)) as connection:
        for text in _TEXTS:
            try:
                ((shown, kind),) = query(
                    connection, "SELECT CAST(d AS CHAR), JSON_TYPE(d) FROM (SELECT CAST(%s AS JSON) d) t", text
                )
            except MySQLError:
                with pytest.raises(ValueError):
                    document_of(text.encode())
                continue
            made = document_of(text.encode())
            sql = "SELECT JSON_TYPE(CAST(%s AS JSON))"
            assert made.text() == shown, text
            assert query(connection, sql, made.text()) == [(kind,)], text


def _rewritten(kind: EventType, changes: Sequence[Change], *, key: bool = True) -> list[Change]:
    """Return what becomes of rows of a table whose second column is JSON on the target."""
    columns = (_ID_COLUMN, _TEXT, _NUMBER)
    there = table_map_of(
        table_map(_ID, "s", "t", (INT,), with_crc=False), columns, ((0, 0),) if key else (), has_crc=False
    )
    front = Front(kind, build(kind, b"", with_crc=False), _ID, STMT_END, b"", len(columns), None, None)
    rows = RowCodecs().of(there, has_crc=False).write(RowsEvent(front, list(changes)), has_crc=False)
    kinds, made = _read(DocumentRewriting(lambda name: {1: ColumnType.JSON}).rewritten(there + rows, has_crc=False))
    assert kinds == [ColumnType.LONG, ColumnType.JSON, ColumnType.LONG]
    return made


_ONE, _TWO = b'{"a": 1}', b'{"a": 2}'


def test_a_row_that_is_new_has_the_document_of_its_text() -> None:
    made = _rewritten(EventType.WRITE_ROWS, [(None, (1, _ONE, 5)), (None, (2, None, 5))])
    assert made == [(None, (1, Json.of({"a": 1}), 5)), (None, (2, None, 5))]


def test_a_row_with_a_key_is_found_without_its_document() -> None:
    """It may be more than its text: a DECIMAL in it, a date."""
    assert _rewritten(EventType.DELETE_ROWS, [((1, _ONE, 5), None)]) == [((1, ABSENT, 5), None)]
    made = _rewritten(EventType.UPDATE_ROWS, [((1, _ONE, 5), (1, _TWO, 5))])
    assert made == [((1, ABSENT, 5), (1, Json.of({"a": 2}), 5))]


def test_a_row_without_a_key_is_found_by_its_document() -> None:
    made = _rewritten(EventType.DELETE_ROWS, [((1, _ONE, 5), None)], key=False)
    assert made == [((1, Json.of({"a": 1}), 5), None)]


def test_an_update_that_leaves_a_text_as_it_was_leaves_its_document() -> None:
    made = _rewritten(EventType.UPDATE_ROWS, [((1, _ONE, 5), (1, _ONE, 6)), ((2, _TWO, 5), (2, _TWO, 6))])
    assert made == [((1, ABSENT, 5), (1, ABSENT, 6)), ((2, ABSENT, 5), (2, ABSENT, 6))]
    mixed = _rewritten(EventType.UPDATE_ROWS, [((1, _ONE, 5), (1, _ONE, 6)), ((2, _TWO, 5), (2, _ONE, 6))])
    assert [after for _, after in mixed] == [(1, Json.of({"a": 1}), 6), (2, Json.of({"a": 1}), 6)]


def test_images_that_lack_the_text_lack_the_document() -> None:
    made = _rewritten(EventType.UPDATE_ROWS, [((1, ABSENT, ABSENT), (ABSENT, _TWO, ABSENT))])
    assert made == [((1, ABSENT, ABSENT), (ABSENT, Json.of({"a": 2}), ABSENT))]
    made = _rewritten(EventType.UPDATE_ROWS, [((1, _ONE, ABSENT), (ABSENT, _ONE, ABSENT))])
    assert made == [((1, ABSENT, ABSENT), (ABSENT, Json.of({"a": 1}), ABSENT))]


def test_a_text_that_is_no_document_stops_with_its_column() -> None:
    with pytest.raises(Unfit, match=r"s\.t: column 2 \(doc\) is JSON .* 'no json' .* MODIFY `doc` LONGTEXT"):
        _rewritten(EventType.WRITE_ROWS, [(None, (1, b"no json", 5))])


def test_a_table_whose_texts_are_texts_on_the_target_goes_through_as_it_came() -> None:
    there = table_map_of(table_map(_ID, "s", "t", (INT,), with_crc=False), (_ID_COLUMN, _TEXT), (), has_crc=False)
    asked: list[str] = []

    def none(name: object) -> dict[int, ColumnType]:
        asked.append(str(name))
        return {}

    rewriting = DocumentRewriting(none)
    assert all(rewriting.rewritten(there, has_crc=False) is there for _ in range(2))
    assert asked == ["s.t"], "it is asked once"


def test_bytes_become_the_vector_of_their_numbers() -> None:
    bytes_of_two = ColumnDefinition(ColumnType.VARCHAR, b"\x08\0", nullable=True, collation=63)
    vector = on_mysql(bytes_of_two, ColumnType.VECTOR)
    assert vector is not None and (vector.kind, vector.dimensions) == (ColumnType.VECTOR, 2)
    assert on_mysql(replace(bytes_of_two, metadata=b"\x07\0"), ColumnType.VECTOR) is None
    there = table_map_of(
        table_map(_ID, "s", "t", (INT,), with_crc=False), (_ID_COLUMN, bytes_of_two), (), has_crc=False
    )
    front = Front(
        EventType.WRITE_ROWS, build(EventType.WRITE_ROWS, b"", with_crc=False), _ID, STMT_END, b"", 2, None, None
    )
    rows = RowCodecs().of(there, has_crc=False).write(RowsEvent(front, [(None, (1, b"12345678"))]), has_crc=False)
    rewriting = DocumentRewriting(lambda name: {1: ColumnType.VECTOR})
    assert _read(rewriting.rewritten(there + rows, has_crc=False))[1] == [(None, (1, Vector(b"12345678")))]
