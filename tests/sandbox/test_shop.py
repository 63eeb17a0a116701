"""The shop is the same on every server, and has what is hard to replicate."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.sandbox import shop
from udup.sandbox.server import MysqlServer
from udup.verify.compare import compare

ROWS = 3_000


@pytest.fixture(autouse=True)
def no_shop_left(source: MysqlServer, target: MysqlServer) -> Iterator[None]:
    yield
    for server in (source, target):
        with connect(server.endpoint) as connection:
            query(connection, "DROP DATABASE IF EXISTS shop")


def test_the_same_seed_gives_the_same_rows_on_any_server(source: MysqlServer, target: MysqlServer) -> None:
    counts = [shop.fill(server.endpoint, ROWS, seed=7) for server in (source, target)]
    comparison = compare(source.endpoint, target.endpoint, ["shop"])
    assert counts[0] == counts[1] == comparison.rows
    assert not comparison.different
    assert comparison.definitions == ("EVENT shop.expire_sessions: enabled on the target",)


def test_another_seed_gives_other_rows(source: MysqlServer, target: MysqlServer) -> None:
    shop.fill(source.endpoint, ROWS, seed=1)
    shop.fill(target.endpoint, ROWS, seed=2)
    different = {verdict.table[1] for verdict in compare(source.endpoint, target.endpoint, ["shop"]).different}
    assert {"customers", "order_lines", "sessions", "documents"} <= different


def test_about_as_many_rows_as_asked_for_and_all_references_hold(source: MysqlServer) -> None:
    assert abs(shop.fill(source.endpoint, ROWS) - ROWS) < ROWS / 10
    orphans = (
        "SELECT (SELECT COUNT(*) FROM order_lines l LEFT JOIN orders o ON o.id = l.order_id WHERE o.id IS NULL)"
        " + (SELECT COUNT(*) FROM orders o LEFT JOIN customers c ON c.id = o.customer_id WHERE c.id IS NULL)"
        " + (SELECT COUNT(*) FROM payments p LEFT JOIN orders o ON o.id = p.order_id WHERE o.id IS NULL)"
        " + (SELECT COUNT(*) FROM stock s LEFT JOIN products p ON p.id = s.product_id WHERE p.id IS NULL)"
        " + (SELECT COUNT(*) FROM order_lines l LEFT JOIN products p ON p.id = l.product_id WHERE p.id IS NULL)"
        " + (SELECT COUNT(*) FROM addresses a LEFT JOIN customers c ON c.id = a.customer_id WHERE c.id IS NULL)"
    )
    with connect(source.endpoint, database="shop") as connection:
        assert scalar(connection, orphans) == 0


def test_it_has_tables_without_primary_key_and_stored_objects(source: MysqlServer) -> None:
    shop.create(source.endpoint)
    with connect(source.endpoint) as connection:
        keyless = query(
            connection,
            "SELECT TABLE_NAME FROM information_schema.TABLES t"
            " WHERE TABLE_SCHEMA = 'shop' AND TABLE_TYPE = 'BASE TABLE'"
            " AND NOT EXISTS (SELECT 1 FROM information_schema.STATISTICS s WHERE s.TABLE_SCHEMA = 'shop'"
            " AND s.TABLE_NAME = t.TABLE_NAME AND INDEX_NAME = 'PRIMARY')",
        )
        routines = scalar(connection, "SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'shop'")
        query(connection, "CALL shop.restock(1, 5)")
        assert scalar(connection, "SELECT COUNT(*) FROM shop.audit_log") == 1
    assert {name for (name,) in keyless} == {"audit_log", "ledger"}
    assert routines == 2
