"""By what it is told that a table of the source was not altered since a statement; no server."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.ddl.sqlreader import ObjectName
from udup.drivers.mysql.stream import row_order


@pytest.mark.parametrize(
    ("is_mariadb", "created", "is_known"),
    [
        (False, 100, True),
        (False, 101, False),
        (True, 100, True),
        (True, 103, True),
        (True, 104, False),
        (True, 99, False),
    ],
)
def test_a_mariadb_dates_a_table_by_its_file(
    monkeypatch: pytest.MonkeyPatch, is_mariadb: bool, created: int, is_known: bool
) -> None:
    connection = SimpleNamespace(is_mariadb=is_mariadb, close=lambda: None)
    monkeypatch.setattr(row_order, "connect", lambda *_: connection)
    monkeypatch.setattr(row_order, "query", lambda *_: [("InnoDB", created)])
    why = row_order.row_order_of(Endpoint("127.0.0.1", 3306, "u", "p"))(ObjectName("s", "t"), 100, 2)
    assert (why == "") is is_known
