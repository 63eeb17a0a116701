"""A shop to replicate: schema `shop` with most column types and kinds of keys, filled by the server itself.

Every value is computed by the server from the seed and the row's number (CRC32), so the same seed gives the same
shop on any server, and no row crosses the wire: 300,000 rows take 5 to 8 s on two cores.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.client.sessions import SHOP_FILL
from udup.sandbox.shop_rows import Sizes, inserts

#: The name of the shop's schema.
SCHEMA = "shop"

#: Rows that one INSERT … SELECT makes; one transaction in the binary log each.
BATCH_ROWS = 20_000

#: Connections that fill at once.
FILL_CONNECTIONS = 2


def create(endpoint: Endpoint) -> None:
    """The empty shop, with its view, trigger, routines and event; an older shop is dropped."""
    before, after = _statements()
    _run(endpoint, [f"DROP DATABASE IF EXISTS {quote(SCHEMA)}", _create_database()], schema=None)
    _run(endpoint, before + after, schema=SCHEMA)


def fill(endpoint: Endpoint, rows: int = 300_000, seed: int = 1) -> int:
    """The shop with about `rows` rows; answers how many there are. An older shop is dropped."""
    before, after = _statements()
    _run(endpoint, [f"DROP DATABASE IF EXISTS {quote(SCHEMA)}", _create_database()], schema=None)
    _run(endpoint, before, schema=SCHEMA)
    batches = [
        (statement, first, min(first + BATCH_ROWS, count + 1))
        for count, statement in inserts(Sizes.of(rows), seed)
        for first in range(1, count + 1, BATCH_ROWS)
    ]
    shares = [batches[number::FILL_CONNECTIONS] for number in range(FILL_CONNECTIONS)]
    with ThreadPoolExecutor(FILL_CONNECTIONS) as pool:
        for future in [pool.submit(_insert_batches, endpoint, share) for share in shares]:
            future.result()
    _run(endpoint, after, schema=SCHEMA)
    return count_rows(endpoint)


def count_rows(endpoint: Endpoint) -> int:
    """All rows of the shop's base tables, counted."""
    with connect(endpoint) as connection:
        tables = query(
            connection,
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_type = 'BASE TABLE'",
            SCHEMA,
        )
        counts = [scalar(connection, f"SELECT COUNT(*) FROM {quote(SCHEMA)}.{quote(t)}") for (t,) in tables]
    return sum(counts)


def _create_database() -> str:
    return f"CREATE DATABASE {quote(SCHEMA)} DEFAULT CHARACTER SET utf8mb4"


def _statements() -> tuple[list[str], list[str]]:
    """The schema's statements: tables, and what is made after the fill."""
    text = Path(__file__).with_name("shop.sql").read_text("utf-8")
    text = text[text.index("CREATE TABLE") :]
    before, after = text.split("-- after the fill\n")
    return _split(before), _split(after)


def _split(text: str) -> list[str]:
    return [part.strip().removesuffix(";") for part in text.split(";\n\n") if part.strip()]


def _run(endpoint: Endpoint, statements: list[str], schema: str | None) -> None:
    with connect(endpoint, database=schema) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _insert_batches(endpoint: Endpoint, batches: list[tuple[str, int, int]]) -> None:
    """Parents and children are filled at once, so the keys are checked by construction, not by the server."""
    with connect(endpoint, SHOP_FILL, database=SCHEMA) as connection, connection.cursor() as cursor:
        for statement, first, end in batches:
            numbers = (
                f"WITH RECURSIVE numbers (n) AS"
                f" (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {end})"
            )
            table, select = statement.split(" SELECT ", 1)
            cursor.execute(f"INSERT INTO {table} {numbers} SELECT {select} FROM numbers")
