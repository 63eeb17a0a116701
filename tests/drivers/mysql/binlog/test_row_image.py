"""The key of the row that is looked for is told as it is, however the source logs it, or not at all."""

from __future__ import annotations

import pytest

from tests.source_log import logged_by
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.row_image import LOOKING_EVENTS, first_key
from udup.drivers.mysql.client.connection import Connection, query
from udup.sandbox.server import MysqlServer

FULL = "SET GLOBAL binlog_row_metadata = 'FULL'"
MINIMAL_IMAGE = "SET SESSION binlog_row_image = 'MINIMAL'"


@pytest.mark.parametrize(
    ("settings", "columns", "row", "change", "key"),
    [
        ((), "a BIGINT PRIMARY KEY, b INT", "-5, 1", "b = 2", "column 1 = -5"),
        ((), "a BIGINT UNSIGNED PRIMARY KEY, b INT", f"{2**64 - 1}, 1", "b = 2", f"column 1 = {2**64 - 1}"),
        ((), "b INT, a BIGINT UNSIGNED PRIMARY KEY", "NULL, 7", "b = 2", "column 1 = NULL"),
        ((MINIMAL_IMAGE,), "b INT, a BIGINT UNSIGNED PRIMARY KEY", "7, 8", "b = 2", "column 2 = 8"),
        ((FULL,), "d DATETIME(3), a INT PRIMARY KEY", "'2020-01-01', 3", "d = NULL", ""),
        ((FULL, MINIMAL_IMAGE), "d DATETIME(3), a INT PRIMARY KEY", "'2020-01-01', 3", "d = NULL", "a = 3"),
        (
            (FULL,),
            "s VARCHAR(300), c CHAR(90) CHARACTER SET latin1, n MEDIUMINT UNSIGNED, v INT, PRIMARY KEY (n, s(10), c)",
            "'ö''s', 'x', 16777215, 1",
            "v = 2",
            "n = 16777215, s = \"ö's\", c = 'x'",
        ),
        ((MINIMAL_IMAGE,), "b VARBINARY(16) PRIMARY KEY, n INT", "0x00FF10, 1", "n = 2", "column 1 = 0x00ff10"),
        ((), "t VARCHAR(200) PRIMARY KEY, n INT", "REPEAT('t', 200), 1", "n = 2", f"column 1 = '{'t' * 63}…"),
    ],
)
def test_the_key_of_the_first_row(
    source: MysqlServer, schema: str, settings: tuple[str, ...], columns: str, row: str, change: str, key: str
) -> None:
    def work(connection: Connection) -> None:
        insert = f"INSERT INTO t VALUES ({row})"
        before = (f"CREATE DATABASE {schema}", f"USE {schema}", f"CREATE TABLE t ({columns})", insert)
        for sql in (*before, *settings, "DELETE FROM t", insert, f"UPDATE t SET {change}"):
            query(connection, sql)
        query(connection, "SET GLOBAL binlog_row_metadata = DEFAULT")

    logged = logged_by(source.endpoint, work)
    maps = [each.event for each in logged if each.kind == EventType.TABLE_MAP]
    delete, update = [each.event for each in logged if each.kind in LOOKING_EVENTS]
    assert first_key(maps[-1], update, has_crc=True) == key
    assert first_key(maps[-1], delete, has_crc=True) == key
