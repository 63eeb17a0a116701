"""What a server answers is read as it was sent, and as much at a time as there is."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from pymysql.cursors import DictCursor

from tests.fake_mysql import EOF, FakeServer, column, on, rows, serving, text
from udup.drivers.mysql.client import line
from udup.drivers.mysql.client.connection import MySQLError, connect, query

NULL = b"\xfb"


def _long(value: bytes, mark: int, width: int) -> bytes:
    return bytes([mark]) + len(value).to_bytes(width, "little") + value


def test_values_of_every_length_are_what_was_sent() -> None:
    middle, large, longest = b"m" * 0xFFFF, b"l" * 0x10000, b"x" * 300
    row = [text(b""), text(b"1"), text(b"s" * 250), NULL, _long(middle, 0xFC, 2), _long(large, 0xFD, 3)]
    row.append(_long(longest, 0xFE, 8))
    answer = [bytes([len(row)]), *[column() for _ in row], EOF, b"".join(row), EOF]
    with FakeServer(serving(on(b"ASKED", *answer))) as server, closing(connect(server.endpoint())) as connection:
        (got,) = query(connection, "ASKED")
    assert got == ("", "1", "s" * 250, None, middle.decode(), large.decode(), longest.decode())


@pytest.mark.parametrize(
    "row", [text(b"1"), text(b"1") + b"\x05abcd", text(b"1") + b"\xff", text(b"1") + b"\xfe\1"], ids=repr
)
def test_a_row_that_is_not_whole_is_no_answer(row: bytes) -> None:
    answer = [b"\2", column(), column("b"), EOF, row, EOF]
    with (
        FakeServer(serving(on(b"ASKED", *answer))) as server,
        closing(connect(server.endpoint())) as connection,
        pytest.raises(MySQLError, match="malformed packet"),
    ):
        query(connection, "ASKED")


def test_columns_have_their_names() -> None:
    answer = [b"\2", column(), column("b"), EOF, text(b"1") + text(b"2"), EOF]
    with (
        FakeServer(serving(on(b"ASKED", *answer))) as server,
        closing(connect(server.endpoint())) as connection,
        connection.cursor(DictCursor) as cursor,
    ):
        cursor.execute("ASKED")
        assert list(cursor.fetchall()) == [{"a": "1", "b": "2"}]
        assert [each[0] for each in cursor.description or ()] == ["a", "b"]


@pytest.mark.parametrize("seconds", [None, 20.0])
def test_what_has_come_is_read_at_once(seconds: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A packet's head and body each by themselves are two calls of the system for each of 34 packets."""
    answer = on(b"ASKED", *rows(*[[b"1", b"2"]] * 30))
    reads = 0
    plain = line._Reading.readinto

    def counted(self: Any, room: Any) -> int | None:
        nonlocal reads
        got = plain(self, room)
        reads += got is not None
        return got

    with (
        FakeServer(serving(answer)) as server,
        closing(connect(server.endpoint(), answer_seconds=seconds)) as connection,
    ):
        monkeypatch.setattr(line._Reading, "readinto", counted)
        assert len(query(connection, "ASKED")) == 30
        assert 0 < reads < 10
