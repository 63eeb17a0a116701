"""The user's tables on the simulated server: its dictionary, DDL of a copy, LOAD DATA."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import pymysql

from tests.sim.life import Tab, row_key, run_statement

if TYPE_CHECKING:
    from tests.sim.mysql import Connection, Server

OperationalError = pymysql.err.OperationalError

_TABLE = re.compile(r"`s`\.`(\w+)`")

unpack = msgspec.msgpack.decode


def table_of(key: str) -> str:
    """Return the table of a row, which its key begins with."""
    return {"k": "t", "n": "t", "m": "loose"}.get(key[0], key[0])


def run_logged(server: Server, sql: str) -> None:
    """A statement of the source's log on several tables (`life.py`). Other sessions' open rows are no matter here."""
    tabs = {name: Tab(version) for name, version in server.tables.items()}
    for key in server.find("row"):
        name, row = row_key(key[1])
        tabs[name].rows[row] = server.rows.pop(key)
    try:
        run_statement(tabs, sql)
    except KeyError as error:
        raise OperationalError(1146, f"{error}: {sql}") from error
    finally:
        server.tables = {name: tab.version for name, tab in tabs.items()}
        server.rows |= {("row", f"{name}{row}"): had for name, tab in tabs.items() for row, had in tab.rows.items()}


def present(connection: Connection, _sql: str, args: tuple[Any, ...]) -> list[Any]:
    return [("TABLE", "s", table, "") for table in sorted(connection.server.tables) if "s" in args]


def engine(connection: Connection, _sql: str, args: tuple[Any, ...]) -> list[Any]:
    if args[1] not in connection.server.tables:
        return []
    return [("MyISAM" if args[1] == "loose" else "InnoDB",)]


def any_row(connection: Connection, sql: str, _args: tuple[Any, ...]) -> list[Any]:
    table = _named(connection, sql)
    found = connection.server.find("loose row" if table == "loose" else "row")
    return [(1,)] if any(table_of(key[1]) == table for key in found) else []


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
        del server.tables[found[1]]
        server.indexed.discard(found[1])
        for key in server.find("loose row" if found[1] == "loose" else "row"):
            if table_of(key[1]) == found[1]:
                del server.rows[key]
        server.on_ddl(connection, sql.encode())
    return 0


def create_table(connection: Connection, sql: str, _args: tuple[Any, ...]) -> int:
    found = _TABLE.search(sql)
    assert found is not None, sql
    if found[1] in connection.server.tables:
        raise OperationalError(1050, f"Table '{found[1]}' already exists")
    said = re.search(r"COMMENT='(\d+)'", sql)
    connection.server.tables[found[1]] = int(said[1]) if said else 0
    connection.server.on_ddl(connection, sql.encode())
    return 0


def alter_table(connection: Connection, sql: str, _args: tuple[Any, ...]) -> int:
    connection.wait_alone()
    connection.server.indexed.add(_named(connection, sql))
    return 0


def indexes(connection: Connection, _sql: str, args: tuple[Any, ...]) -> list[Any]:
    """The one that a copy adds behind the rows, if it has come so far."""
    return [("PRIMARY",), ("v",)] if args[1] in connection.server.indexed else [("PRIMARY",)]


def count(connection: Connection, sql: str, _args: tuple[Any, ...]) -> list[Any]:
    """`SELECT COUNT(*) FROM s.t`"""
    table = _named(connection, sql)
    return [(sum(table_of(key[1]) == table for key in connection.keys("row")),)]


def delete_between(connection: Connection, sql: str, _args: tuple[Any, ...]) -> int:
    """`DELETE FROM s.t WHERE k > n AND k <= m`: rows of a copy that are read again."""
    table = _named(connection, sql)
    bounds = {sign: int(number) for sign, number in re.findall(r"(>|<=) ?\(?(\d+)", sql)}
    behind, up_to = bounds.get(">", -1), bounds.get("<=", 1 << 30)
    of_it = [key for key in connection.keys("row") if table_of(key[1]) == table]
    gone = [key for key in of_it if behind < int(key[1][1:]) <= up_to]
    for key in gone:
        connection.lock(key)
        connection.put(key, None)
    return len(gone)


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
