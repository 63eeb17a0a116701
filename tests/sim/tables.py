"""The user's tables on the simulated server: its dictionary, DDL of a copy, LOAD DATA."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import pymysql

if TYPE_CHECKING:
    from tests.sim.mysql import Connection

OperationalError = pymysql.err.OperationalError

_TABLE = re.compile(r"`s`\.`(\w+)`")

unpack = msgspec.msgpack.decode


def present(connection: Connection, _sql: str, args: tuple[Any, ...]) -> list[Any]:
    return [("TABLE", "s", table, "") for table in sorted(connection.server.tables) if "s" in args]


def engine(connection: Connection, _sql: str, args: tuple[Any, ...]) -> list[Any]:
    if args[1] not in connection.server.tables:
        return []
    return [("MyISAM" if args[1] == "loose" else "InnoDB",)]


def any_row(connection: Connection, sql: str, _args: tuple[Any, ...]) -> list[Any]:
    table = _named(connection, sql)
    return [(1,)] if connection.server.find("loose row" if table == "loose" else "row") else []


def _named(connection: Connection, sql: str) -> str:
    found = _TABLE.search(sql)
    assert found is not None, sql
    if found[1] not in connection.server.tables:
        raise OperationalError(1146, f"Table 's.{found[1]}' doesn't exist")
    return found[1]


def drop_table(connection: Connection, sql: str, _args: tuple[Any, ...]) -> int:
    connection.wait_alone()
    server = connection.server
    if (found := _TABLE.search(sql)) is not None and found[1] in server.tables:
        server.tables.discard(found[1])
        for key in server.find("loose row" if found[1] == "loose" else "row"):
            del server.rows[key]
        server.on_ddl(connection, sql.encode())
    return 0


def create_table(connection: Connection, sql: str, _args: tuple[Any, ...]) -> int:
    found = _TABLE.search(sql)
    assert found is not None, sql
    if found[1] in connection.server.tables:
        raise OperationalError(1050, f"Table '{found[1]}' already exists")
    connection.server.tables.add(found[1])
    connection.server.on_ddl(connection, sql.encode())
    return 0


def alter_table(connection: Connection, sql: str, _args: tuple[Any, ...]) -> int:
    connection.wait_alone()
    _named(connection, sql)
    return 0


def load(connection: Connection, statement: bytes, data: bytes) -> bytes:
    """LOAD DATA LOCAL: rows that are there already are warnings."""
    _named(connection, statement.decode())
    rows, skipped = unpack(data) if data else [], 0
    connection.warnings = []
    for key, history in rows:
        at = ("row", key)
        connection.lock(at)
        if connection.get(at) is not None:
            skipped += 1
            connection.warnings.append(("Warning", 1062, f"Duplicate entry '{key}'"))
        else:
            connection.put(at, tuple(history))
    return b"Records: %d  Deleted: 0  Skipped: %d  Warnings: %d" % (len(rows), skipped, skipped)
