"""Where the target may number rows in another order than the source; no server."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, cast

import pytest

from udup.base.errors import Unsupported
from udup.drivers.mysql.apply import row_order
from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.ddl.sqlreader import ObjectName
from udup.drivers.mysql.mariadb.collations import Server

MYSQL, OLD = Server.of("9.7.4"), Server.of("5.6.24")
M118, M105 = Server.of("11.8.9-MariaDB"), Server.of("10.5.23-MariaDB")


@pytest.mark.parametrize(
    ("source", "target", "texts", "why"),
    [
        (MYSQL, MYSQL, True, ""),
        (MYSQL, M118, True, "order the texts of its key otherwise (column k)"),
        (MYSQL, M118, False, ""),
        (M118, MYSQL, True, "order the texts"),
        (M118, M105, False, "a descending key"),
        (MYSQL, M105, False, "a descending key"),
        (OLD, M105, False, ""),
        (M105, M118, True, ""),
    ],
)
def test_rows_are_numbered_where_the_order_is_the_same(
    monkeypatch: pytest.MonkeyPatch, source: Server, target: Server, texts: bool, why: str
) -> None:
    def answer(_: object, sql: str, *names: str) -> list[tuple[Any, ...]]:
        if sql == row_order._ENGINE:
            return [("InnoDB", 0)]
        return [("k",)] if sql != row_order._TEXTS or texts else []

    monkeypatch.setattr(row_order, "query", answer)
    monkeypatch.setattr(row_order, "server_of", lambda _: target)
    with pytest.raises(Unsupported, match=why.replace("(", r"\(").replace(")", r"\)")) if why else nullcontext():
        row_order.check_row_order(cast("Connection", None), ObjectName("s", "t"), None, source)
