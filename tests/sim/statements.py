"""What the simulated server answers to the statements that Udup's MySQL driver sends to a target."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pymysql

from tests.sim import checkpoints, copied_parts, tables
from tests.sim.checkpoints import OWN
from tests.sim.raw_statements import change_note
from tests.sim.world import MS, S
from udup.drivers.mysql.binlog.gtid import GtidSet

if TYPE_CHECKING:
    from tests.sim.mysql import Connection

OperationalError = pymysql.err.OperationalError
_COLUMNS = [("checkpoint", name, None) for name in ("stamps", "source_uuid", "owner", "began", "begun")] + [
    (table, "table_name" if table == "copied_table" else "job", "utf8mb4_bin") for table in OWN
]

Answer = Callable[["Connection", str, tuple[Any, ...]], Any]


# ---- Notes of copies, claims, unsure transactions ----


def _replace_copied(connection: Connection, sql: str, args: tuple[Any, ...]) -> int:
    table = OWN[sql.split("udup.")[1].split()[0]]
    for at in range(0, len(args), 4):
        row = args[at : at + 4]
        key = (table, *row[:3]) if table == "copied" else (table, *row)
        connection.lock(key)
        connection.put(key, 1)
    return 1


def _has_copied(connection: Connection, sql: str, args: tuple[Any, ...]) -> list[Any]:
    return [(1,)] if connection.keys(OWN[sql.split("udup.")[1].split()[0]], *args) else []


def _insert_claims(connection: Connection, _sql: str, args: tuple[Any, ...]) -> int:
    for at in range(0, len(args), 8):
        schema, table, job, uuid, from_schema, from_table, source, node = args[at : at + 8]
        key = ("claim", job, schema, table)
        connection.lock(key)
        if any(each[2:] == key[2:] for each in connection.keys("claim")):
            raise OperationalError(1062, "Duplicate entry")
        connection.put(key, (schema, table, job, uuid, from_schema, from_table, source, node))
    return 1


def _move_claims(connection: Connection, sql: str, args: tuple[Any, ...]) -> int:
    """`UPDATE udup.claim SET job = …`: those of a side job are its job's; nothing else of a claim is looked at."""
    if "SET job" not in sql:
        return 0
    found = connection.keys("claim", args[1])
    for key in found:
        moved = ("claim", args[0], *key[2:])
        row = connection.get(key)
        connection.lock(key)
        connection.lock(moved)
        connection.put(key, None)
        connection.put(moved, (*row[:2], args[0], *row[3:]))
    return len(found)


def _own_claims(connection: Connection, _sql: str, args: tuple[Any, ...]) -> list[Any]:
    rows = [connection.get(key) for key in connection.keys("claim", *args)]
    return [(row[0], row[1], row[4], row[5]) for row in rows]


def _prepare_note(connection: Connection, _sql: str, args: tuple[Any, ...]) -> int:
    key = ("unsure", args[0])
    connection.lock(key)
    if connection.get(key) is None:
        connection.put(key, {"mark": args[1], "number": 0, "gtids": "", "whole": 0, "applied": 0, "problem": ""})
    return 1


def _update_note(connection: Connection, sql: str, args: tuple[Any, ...]) -> int:
    if "SET number = number +" in sql:
        count, gtids, tables, whole, job = args
        number = (connection.get(("unsure", job)) or {"number": 0})["number"] + count
        at = {"noted_at": _clock(connection), "session": connection.number}
        return change_note(
            connection, job, number=number, gtids=gtids, tables=tables, whole=whole, applied=0, problem="", **at
        )
    if "SET problem = %s" in sql:
        return change_note(connection, args[2], problem=args[0], applied=args[1])
    return change_note(connection, args[0], gtids="", problem="")


def _read_note(connection: Connection, sql: str, args: tuple[Any, ...]) -> list[Any]:
    row = connection.get(("unsure", args[0]))
    if row is None:
        return []
    if sql.startswith("SELECT memory_tables"):
        return [(None,)]
    if sql.startswith("SELECT mark, number"):
        return [(row["mark"], row["number"])]
    if not row["gtids"]:
        return []
    names = ("gtids", "tables", "mark", "number", "whole", "applied", "noted_at", "session", "problem")
    return [tuple(row[name] for name in names)]


def _clock(connection: Connection) -> int:
    return 1_700_000_000 + connection.world.now // S


# ---- Named locks and connections ----


def _get_locks(connection: Connection, sql: str, args: tuple[Any, ...]) -> list[Any]:
    if found := re.match(r"SELECT GET_LOCK\('(.*)', (\d+)\)", sql):
        return [(_get_lock(connection, found[1], float(found[2])),)]
    if sql == "SELECT GET_LOCK(%s, %s)":
        return [(_get_lock(connection, args[0], float(args[1])),)]
    return [("".join(str(_get_lock(connection, name, 0)) for name in args),)]


def _get_lock(connection: Connection, name: str, seconds: float) -> int:
    server, world = connection.server, connection.world
    deadline = world.now + int(seconds * S)
    with connection.interruptible():
        while server.named.get(name) not in (None, connection):
            if world.now >= deadline:
                return 0
            connection.wait(deadline)
    server.named[name] = connection
    connection.named[name] += 1
    return 1


def _release_locks(connection: Connection, sql: str, args: tuple[Any, ...]) -> list[Any]:
    names = args or re.findall(r"RELEASE_LOCK\('(.*?)'\)", sql)
    for name in names:
        if connection.named[name] > 1:
            connection.named[name] -= 1
        elif connection.named.pop(name, 0):
            del connection.server.named[name]
    connection.server.wake()
    return [tuple(1 for _ in names)]


def _used_locks(connection: Connection, sql: str, args: tuple[Any, ...]) -> list[Any]:
    holders = [connection.server.named.get(name) for name in args or re.findall(r"IS_USED_LOCK\('(.*?)'\)", sql)]
    return [tuple(None if holder is None else holder.number for holder in holders)]


def _kill(connection: Connection, sql: str, _args: tuple[Any, ...]) -> int:
    victim = connection.server.connections.get(int(sql.split()[1]))
    if victim is None:
        raise OperationalError(1094, "Unknown thread id")
    connection.world.note(connection.process.name, f"KILL of a connection of {victim.process.name}")
    victim.kill()
    return 0


def _processes(connection: Connection, _sql: str, _args: tuple[Any, ...]) -> list[Any]:
    return [
        (
            number,
            "u",
            f"{each.process.name}:1",
            None,
            "Query" if each.busy else "Sleep",
            0 if each.busy else 5,
            "",
            None,
        )
        for number, each in connection.server.connections.items()
    ]


def _not_told(_connection: Connection, _sql: str, _args: tuple[Any, ...]) -> list[Any]:
    raise OperationalError(1142, "SELECT command denied")


def _sleep(connection: Connection, _sql: str, _args: tuple[Any, ...]) -> list[Any]:
    with connection.interruptible():
        deadline = connection.world.now + 50 * MS
        while connection.world.now < deadline:
            connection.wait(deadline)
    return [(0,)]


def _subtract(connection: Connection, _sql: str, args: tuple[Any, ...]) -> list[Any]:
    executed = GtidSet.parse(",".join(sorted(connection.server.gtids)))
    return [(str(GtidSet.parse(args[0]) - executed),)]


def _asked(what: str) -> Answer:
    return lambda connection, sql, args: connection.server.ask(what)


def _constant(rows: Any) -> Answer:
    return lambda connection, sql, args: rows


#: By how a statement begins, or what it holds; the first that fits.
_BEGINNINGS: tuple[tuple[str, Answer], ...] = (
    ("SELECT GET_LOCK", _get_locks),
    ("SELECT CONCAT('', COALESCE(GET_LOCK", _get_locks),
    ("SELECT RELEASE_LOCK", _release_locks),
    ("DO RELEASE_LOCK", _release_locks),
    ("SELECT IS_USED_LOCK", _used_locks),
    ("SELECT CONNECTION_ID()", lambda connection, sql, args: [(connection.number,)]),
    ("SELECT SLEEP", _sleep),
    ("KILL ", _kill),
    ("SHOW PROCESSLIST", _processes),
    ("SELECT slot, version, gtids", checkpoints.read_checkpoint),
    ("INSERT INTO udup.checkpoint", checkpoints.insert_checkpoint),
    ("UPDATE udup.checkpoint SET version = version + 1", checkpoints.advance),
    ("UPDATE udup.checkpoint SET selection", checkpoints.select),
    ("UPDATE udup.checkpoint SET begun", checkpoints.note_begun),
    ("SELECT GTID_SUBSET", lambda c, sql, args: [(int(args[0] in c.server.gtids),)]),
    ("INSERT INTO udup.ahead", checkpoints.insert_ahead),
    ("INSERT IGNORE INTO udup.changed_table", checkpoints.begin_changes),
    ("INSERT INTO udup.changed_table", checkpoints.add_changes),
    ("SELECT tables, gtids, rest", lambda c, sql, args: [c.get(key) for key in c.keys("ahead", *args)]),
    ("SELECT table_schema, table_name, name, of_columns", _constant([])),  # it knows no foreign keys
    ("UPDATE udup.later_key", _constant(0)),
    ("SELECT CONSTRAINT_SCHEMA, TABLE_NAME, UNIQUE_CONSTRAINT_SCHEMA", _constant([])),
    ("SELECT 1 FROM udup.checkpoint", checkpoints.has_version),
    ("SELECT 1 FROM udup.copied_", _has_copied),
    ("UPDATE udup.copied_part", copied_parts.update_parts),
    ("REPLACE INTO udup.copied_part", copied_parts.replace_parts),
    ("SELECT table_schema, table_name, definition", copied_parts.read_parts),
    ("INSERT INTO udup.copied_chunk", copied_parts.insert_chunk),
    ("SELECT table_schema, table_name, number", copied_parts.read_chunks),
    ("SELECT DISTINCT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLE_CONSTRAINTS", _constant([])),
    ("DELETE FROM `s`", tables.delete_between),
    ("SELECT COUNT(*) FROM `s`", tables.count),
    ("SELECT DISTINCT INDEX_NAME", tables.indexes),
    ("SELECT CONSTRAINT_SCHEMA, TABLE_NAME, UNIQUE_CONSTRAINT_SCHEMA", _constant([])),
    ("UPDATE udup.later_key", _constant(0)),
    ("SELECT xid, MAX(piece) FROM udup.prepared", _constant([])),
    ("SELECT xid FROM udup.prepared", lambda c, sql, args: [(k[2],) for k in c.keys("prepared", *args) if k[3] == 0]),
    ("SELECT slot, gtids, selection, stamps, source_uuid", checkpoints.read_side),
    ("SELECT table_schema, table_name, source_schema", _own_claims),
    ("SELECT 1 FROM udup.prepared", lambda c, sql, args: [(1,)] if c.keys("prepared", *args) else []),
    ("SELECT 1 FROM udup.unsure", lambda c, sql, args: [(1,)] if checkpoints.has_unsure(c, args[0]) else []),
    ("SELECT owner FROM udup.checkpoint", checkpoints.read_owner),
    ("DELETE FROM udup.", checkpoints.delete),
    ("SELECT events FROM udup.prepared", lambda connection, sql, args: _value(connection, "prepared", args)),
    ("REPLACE INTO udup.copied", _replace_copied),
    ("SELECT table_schema, table_name FROM udup.copied", lambda c, sql, args: [k[2:] for k in c.keys("copied", *args)]),
    ("SELECT kind, object_schema", lambda c, sql, args: [k[2:] for k in c.keys("object", *args)]),
    ("INSERT INTO udup.claim", _insert_claims),
    ("UPDATE udup.claim", _move_claims),
    ("SELECT DISTINCT job FROM udup.claim", _constant([])),
    ("SELECT table_schema, table_name, job", lambda c, sql, args: [c.get(key) for key in c.keys("claim")]),
    ("INSERT IGNORE INTO udup.unsure", _prepare_note),
    ("UPDATE udup.unsure", _update_note),
    ("SELECT UNIX_TIMESTAMP(), CONNECTION_ID()", lambda c, sql, args: [(_clock(c), c.number)]),
    ("SELECT UNIX_TIMESTAMP()", lambda c, sql, args: [(_clock(c),)]),
    ("SELECT GTID_SUBTRACT", _subtract),
    ("SHOW GLOBAL STATUS LIKE 'Uptime'", lambda c, sql, args: [("Uptime", 100_000 + c.world.now // S)]),
    ("SHOW SESSION STATUS", lambda c, sql, args: _counts(c)),
    ("SHOW WARNINGS", lambda c, sql, args: c.warnings),
    ("SELECT TABLE_NAME, COLUMN_NAME, COLLATION_NAME", _constant(_COLUMNS)),
    ("SELECT ENGINE FROM information_schema.TABLES", tables.engine),
    ("SELECT IF(TABLE_TYPE", tables.present),
    ("SELECT ROUTINE_TYPE", _constant([])),
    ("SELECT 'TRIGGER'", _constant([])),
    ("SELECT 'EVENT'", _constant([])),
    ("SELECT 1 FROM `s`", tables.any_row),
    ("DROP TABLE", tables.drop_table),
    ("CREATE TABLE `s`", tables.create_table),
    ("ALTER TABLE", tables.alter_table),
    ("SELECT CAST(UNIX_TIMESTAMP(NOW(6))", _asked("clock")),
    ("SELECT @@global.gtid_purged", _constant([("",)])),
    ("SELECT @@global.server_uuid", _asked("uuid")),
    ("SELECT @@global.super_read_only, @@global.read_only", _constant([(0, 0)])),
    ("SELECT @@lower_case_table_names", _constant([(0,)])),
    ("SELECT @@local_infile", _constant([(1,)])),
    ("SELECT @@global.local_infile", _constant([(1,)])),
    ("SELECT @@max_allowed_packet", _constant([(64 << 20,)])),
    ("SELECT @@global.max_allowed_packet", _constant([(64 << 20,)])),
    ("SET SESSION gtid_next", lambda c, sql, args: setattr(c, "gtid_next", "AUTOMATIC")),
    ("SET ", _constant(0)),
    ("SELECT 1", _constant([(1,)])),
)
_PARTS: tuple[tuple[str, Answer], ...] = (
    ("performance_schema.", _not_told),
    ("information_schema.INNODB_TRX", _not_told),
    ("FROM udup.unsure", _read_note),
    ("GENERATION_EXPRESSION", _constant([])),
    ("udup.later_key", lambda connection, sql, args: [] if sql.startswith("SELECT") else 0),  # there are no keys
    ("information_schema.REFERENTIAL_CONSTRAINTS", _constant([])),
    ("information_schema.VIEWS", _constant([])),
)


def answer(connection: Connection, sql: str, args: tuple[Any, ...]) -> Any:
    return _answer_to(sql)(connection, sql, args)


@lru_cache(1000)
def _answer_to(sql: str) -> Answer:
    for beginning, found in _BEGINNINGS:
        if sql.startswith(beginning):
            return found
    for part, found in _PARTS:
        if part in sql:
            return found
    raise AssertionError(f"the simulated server does not know: {sql}")


def _value(connection: Connection, table: str, key: tuple[Any, ...]) -> list[Any]:
    value = connection.get((table, *key))
    return [] if value is None else [(value,)]


def _counts(connection: Connection) -> list[Any]:
    return [
        ("Handler_write", connection.inserted),
        ("Handler_update", connection.updated),
        ("Handler_delete", 0),
    ]
