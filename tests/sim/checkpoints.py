"""Udup's checkpoint on the simulated server: its rows, their locks, and what stands beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pymysql

if TYPE_CHECKING:
    from tests.sim.mysql import Connection

OperationalError = pymysql.err.OperationalError

#: Names of Udup's tables, and how the rows' keys begin. The job follows.
OWN = {
    "checkpoint": "checkpoint",
    "copied_table": "copied",
    "copied_object": "object",
    "prepared": "prepared",
    "unsure": "unsure",
    "claim": "claim",
    "ahead": "ahead",
    "later_key": "later key",
    "changed_table": "changed",
    "copied_part": "part of copy",
    "copied_chunk": "chunk of copy",
}
#: A row of the checkpoint: gtids, mark, definitions, selection, stamps, source's UUID, owner, how the job began, begun.
Row = tuple[str, str, int, str, str, str, str, str, str]


def _scan(connection: Connection, job: str) -> list[tuple[Any, ...]]:
    """Lock every row of the job, those too that others are about to put in their place."""
    while True:
        others = {key for key in connection.server.locks if key[:2] == ("checkpoint", job)}
        wanted = sorted({*connection.keys("checkpoint", job), *others})
        if not sum(connection.lock(key) for key in wanted):
            return connection.keys("checkpoint", job)


def read_checkpoint(connection: Connection, _sql: str, args: tuple[Any, ...]) -> list[Any]:
    rows = [(key, connection.get(key)) for key in _scan(connection, args[0])]
    return [(key[2], key[3], *row[:6], *row[7:]) for key, row in rows]


def read_side(connection: Connection, _sql: str, args: tuple[Any, ...]) -> list[Any]:
    rows = [(key, connection.get(key)) for key in _scan(connection, args[0])]
    return [(key[2], row[0], row[3], row[4], row[5], row[1], row[8]) for key, row in rows]


def has_unsure(connection: Connection, job: str) -> bool:
    row = connection.get(("unsure", job))
    return row is not None and bool(row["gtids"])


def insert_checkpoint(connection: Connection, _sql: str, args: tuple[Any, ...]) -> int:
    for at in range(0, len(args), 12):
        job, version, slot, gtids, mark, definitions, selection, owner, stamps, uuid, *begun = args[at : at + 12]
        key = ("checkpoint", job, slot, version)
        connection.lock(key)
        if connection.get(key) is not None:
            raise OperationalError(1062, "Duplicate entry")
        connection.put(key, (gtids, mark, definitions, selection, stamps, uuid, owner, *begun))
    return len(args) // 12


def advance(connection: Connection, _sql: str, args: tuple[Any, ...]) -> int:
    gtids, definitions, stamps, uuid, job, version = args
    key, after = ("checkpoint", job, 0, version), ("checkpoint", job, 0, version + 1)
    connection.lock(key)
    row = connection.get(key)
    if row is None:
        return 0
    connection.lock(after)
    connection.put(key, None)
    connection.put(after, (gtids, row[1], definitions, row[3], stamps, uuid, *row[6:]))
    return 1


def select(connection: Connection, _sql: str, args: tuple[Any, ...]) -> int:
    """`UPDATE udup.checkpoint SET selection`, of the base row that this transaction has locked."""
    selection, job = args
    for key in connection.keys("checkpoint", job, 0):
        row = connection.get(key)
        connection.put(key, (*row[:3], selection, *row[4:]))
    return 1


def note_begun(connection: Connection, _sql: str, args: tuple[Any, ...]) -> int:
    begun, job, version = args
    key = ("checkpoint", job, 0, version)
    connection.lock(key)
    row = connection.get(key)
    if row is not None:
        connection.put(key, (*row[:8], begun))
    return int(row is not None)


def insert_ahead(connection: Connection, _sql: str, args: tuple[Any, ...]) -> int:
    key = ("ahead", *args[:2])
    connection.lock(key)
    connection.put(key, args[2:])
    return 1


def begin_changes(connection: Connection, _sql: str, args: tuple[Any, ...]) -> int:
    key = ("changed", args[0], "", "")
    connection.lock(key)
    if connection.get(key) is None:
        connection.put(key, (0, 0, 0, 0, args[1], ""))
    return 1


def add_changes(connection: Connection, sql: str, args: tuple[Any, ...]) -> int:
    if ") SELECT " in sql:  # what a side job has counted becomes its job's
        job, side = args
        found = [key for key in connection.keys("changed", side) if key[3]]
        args = tuple(value for key in found for value in (job, *key[2:], *connection.get(key)))
    for at in range(0, len(args), 9):
        key, row = ("changed", *args[at : at + 3]), args[at + 3 : at + 9]
        connection.lock(key)
        before = connection.get(key) or (0, 0, 0, 0, 0, "")
        counts = [one + other for one, other in zip(before[:4], row[:4], strict=True)]
        connection.put(key, (*counts, *max(before[4:], row[4:])))
    return len(args) // 9


def has_version(connection: Connection, sql: str, args: tuple[Any, ...]) -> list[Any]:
    """`SELECT 1 FROM udup.checkpoint`: a slot's version, or a copy's base row."""
    copying = "selection = 'copying'" in sql
    job, slot, version = (args[0], 0, args[1]) if len(args) == 2 else args
    key = ("checkpoint", job, slot, version)
    if "SHARE MODE" in sql:  # as a lock of its own here, which is stricter
        _lock_base(connection, job, slot)
    row = connection.get(key)
    return [(1,)] if row is not None and (not copying or row[3] == "copying") else []


def _lock_base(connection: Connection, job: str, slot: int) -> None:
    while sum(connection.lock(key) for key in connection.keys("checkpoint", job, slot)):
        """Whoever had it may have put another row in its place."""


def read_owner(connection: Connection, _sql: str, args: tuple[Any, ...]) -> list[Any]:
    return [(connection.get(key)[6],) for key in connection.keys("checkpoint", args[0], 0)]


def delete(connection: Connection, sql: str, args: tuple[Any, ...]) -> int:
    """`DELETE FROM udup.… WHERE job = …`, and what more of the key follows."""
    name = sql.split("udup.")[1].split()[0]
    table = OWN.get(name, name)  # a table that is not there is asked to be emptied too
    if table == "checkpoint":
        _scan(connection, args[0])
    found = connection.keys(table, *args)
    for key in found:
        connection.lock(key)
        connection.put(key, None)
    return len(found)
