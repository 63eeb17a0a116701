"""What the simulated server keeps of a copy that has not ended: `udup.copied_part` and `udup.copied_chunk`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pymysql

if TYPE_CHECKING:
    from tests.sim.mysql import Connection

OperationalError = pymysql.err.OperationalError

#: The state of a table that is not to stay: sums over all its rows would be compared.
_SUMMED = 3


def replace_parts(connection: Connection, _sql: str, args: tuple[Any, ...]) -> int:
    for at in range(0, len(args), 9):
        row = args[at : at + 9]
        key = ("part of copy", *row[:3])
        connection.lock(key)
        connection.put(key, row[3:])
    return len(args) // 9


def update_parts(connection: Connection, sql: str, args: tuple[Any, ...]) -> int:
    """Its version by that of before, or the state of a table: version, definition, segments, state, loaded, stamps."""
    by_version = "SET version" in sql
    found = connection.keys("part of copy", args[1]) if by_version else connection.keys("part of copy", *args)
    changed = 0
    for key in found:
        connection.lock(key)
        row = connection.get(key)
        if by_version and row[0] == args[2]:
            row = (args[0], *row[1:])
            changed += 1
        elif not by_version:
            state = re.search(r"state = (\d+)", sql)
            more = re.search(r"loaded = loaded ([+-]) (\d+)", sql)
            loaded = row[4] + int("".join(more.groups())) if more else row[4]
            row = (*row[:3], int(state[1]) if state else row[3], loaded, row[5])
            changed += 1
        connection.put(key, row)
    return changed


def read_parts(connection: Connection, _sql: str, args: tuple[Any, ...]) -> list[Any]:
    rows = [(key, connection.get(key)) for key in connection.keys("part of copy", args[0])]
    return [(*key[2:], *row[1:]) for key, row in rows if row[0] == args[1] and row[3] != _SUMMED]


def insert_chunk(connection: Connection, _sql: str, args: tuple[Any, ...]) -> int:
    key = ("chunk of copy", *args[:4])
    connection.lock(key)
    if connection.get(key) is not None:
        raise OperationalError(1062, "Duplicate entry")
    connection.put(key, args[4:])
    return 1


def read_chunks(connection: Connection, _sql: str, args: tuple[Any, ...]) -> list[Any]:
    return [(*key[2:], *connection.get(key)) for key in connection.keys("chunk of copy", *args)]
