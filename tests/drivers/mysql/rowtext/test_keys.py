"""Keys of rows whose images lack columns, and of rows whose key changes."""

from __future__ import annotations

import pytest

from tests.drivers.mysql.rows.definitions import front
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.rows.codec import RowCodec
from udup.drivers.mysql.rows.events import RowsEvent
from udup.drivers.mysql.rows.table import KeyPart, Table
from udup.drivers.mysql.rows.values import ABSENT, Change
from udup.drivers.mysql.rowtext.options import parse_options
from udup.drivers.mysql.rowtext.program import program_of
from udup.drivers.mysql.rowtext.table_text import GeneratedTableText
from udup.pipeline.ports.delivery import RowText, Template

_COLUMNS = tuple(ColumnDefinition(ColumnType.LONG, b"", name != "a", unsigned=False, name=name) for name in "abc")
TABLE = Table("s", "t", _COLUMNS, (KeyPart(0),))
KEY_B = {"message.key.columns": "s.t:b"}


def told(
    kind: EventType, change: Change, options: dict[str, str] | None = None
) -> tuple[RowText, list[tuple[bytes | None, bytes]] | None]:
    event = RowCodec(TABLE).write(RowsEvent(front(kind), [change]), has_crc=True)
    text = GeneratedTableText(TABLE, program_of(TABLE, parse_options(options or {})), has_crc=True)
    (row,) = text.rows(event)
    return row, text.values(event, Template(b"<", b"|", b"#", b">"), 0)


def test_a_key_that_has_changed_is_told_before_and_after() -> None:
    row, values = told(EventType.UPDATE_ROWS, ((1, 2, 3), (9, 2, 3)))
    assert (row.key, row.old_key) == (b'{"a":9}', b'{"a":1}')
    assert values is None


def test_a_key_that_stays_is_told_once() -> None:
    row, values = told(EventType.UPDATE_ROWS, ((1, 2, 3), (1, 2, None)))
    assert (row.key, row.old_key) == (b'{"a":1}', None)
    assert values == [(b'{"a":1}', b'<{"a":1,"b":2,"c":3}|{"a":1,"b":2,"c":null}#0>')]


def test_an_update_of_few_columns_has_its_key_from_the_image_that_has_it() -> None:
    row, values = told(EventType.UPDATE_ROWS, ((1, ABSENT, ABSENT), (ABSENT, 5, ABSENT)))
    assert row == RowText(b'{"a":1}', None, b'{"a":1}', b'{"b":5}')
    assert values == [(b'{"a":1}', b'<{"a":1}|{"b":5}#0>')]
    row, values = told(EventType.UPDATE_ROWS, ((1, ABSENT, ABSENT), (2, ABSENT, ABSENT)))
    assert (row.key, row.old_key, values) == (b'{"a":2}', b'{"a":1}', None)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (EventType.DELETE_ROWS, ((1, ABSENT, ABSENT), None)),
        (EventType.UPDATE_ROWS, ((1, ABSENT, ABSENT), (ABSENT, 5, ABSENT))),
        (EventType.UPDATE_ROWS, ((1, ABSENT, ABSENT), (ABSENT, ABSENT, 5))),
    ],
)
def test_a_key_that_the_log_does_not_have_is_refused_with_what_to_do(kind: EventType, change: Change) -> None:
    with pytest.raises(Unsupported, match=r"rows of s\.t: .*SET PERSIST binlog_row_image=FULL"):
        told(kind, change, KEY_B)


def test_a_chosen_key_may_be_null() -> None:
    row, _ = told(EventType.WRITE_ROWS, (None, (1, None, 3)), KEY_B)
    assert row.key == b'{"b":null}'
