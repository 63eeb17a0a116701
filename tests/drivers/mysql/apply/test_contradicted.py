"""Which tables stand against a transaction that the target refuses: those that its error names, else all of it."""

from __future__ import annotations

import pymysql
import pytest

from udup.drivers.mysql.apply.errors import _against
from udup.drivers.mysql.binlog.table_map import TableName

NAMES = [TableName("s", "a"), TableName("s", "b.c"), TableName("s", "it's")]
ALL = (("s", "a"), ("s", "b.c"), ("s", "it's"))


@pytest.mark.parametrize(
    ("code", "text", "found"),
    [
        (1032, "Can't find record in 'a'", (("s", "a"),)),
        (1032, "Can't find record in 'b.c'", (("s", "b.c"),)),
        (1032, "Can't find record in 'it's'", ALL),
        (1062, "Duplicate entry '7' for key 'a.PRIMARY'", (("s", "a"),)),
        (1062, "Duplicate entry 'b.c' for key 'b.c.by_name'", (("s", "b.c"),)),
        (1062, "Duplicate entry '7' for key 'a'", ALL),  # MariaDB's: the key's own name
        (1452, "Cannot add or update a child row", ALL),
    ],
)
def test_tables_are_named_as_the_error_names_them(code: int, text: str, found: tuple[tuple[str, str], ...]) -> None:
    assert _against(NAMES, pymysql.err.OperationalError(code, text)) == found
