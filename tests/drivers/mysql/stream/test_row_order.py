"""By what it is told that a table of the source was not altered since a statement; no server."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.ddl.sqlreader import ObjectName
from udup.drivers.mysql.stream import row_order

_NEW, _OLD, _MARIADB = (False, (9, 7, 4)), (False, (5, 6, 24)), (True, (11, 8, 9))


@pytest.mark.parametrize(
    ("server", "created", "is_known"),
    [
        (_NEW, 100, True),
        (_NEW, 101, False),
        (_OLD, 102, True),
        (_MARIADB, 100, True),
        (_MARIADB, 103, True),
        (_MARIADB, 104, False),
        (_MARIADB, 99, False),
    ],
)
def test_servers_that_keep_definitions_in_files_date_a_table_by_its_file(
    monkeypatch: pytest.MonkeyPatch, server: tuple[bool, tuple[int, int, int]], created: int, is_known: bool
) -> None:
    connection = SimpleNamespace(is_mariadb=server[0], version=server[1], close=lambda: None)
    monkeypatch.setattr(row_order, "connect", lambda *_: connection)
    monkeypatch.setattr(row_order, "query", lambda *_: [("InnoDB", created)])
    why = row_order.row_order_of(Endpoint("127.0.0.1", 3306, "u", "p"))(ObjectName("s", "t"), 100, 2)
    assert (why == "") is is_known
