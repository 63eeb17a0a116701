"""What the simulated server does with packets of raw statements: BINLOG with rows, and what goes with it."""

from __future__ import annotations

import re
import struct
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import msgspec
import pymysql

from udup.drivers.mysql.binlog.event import HEADER_SIZE, EventType
from udup.drivers.mysql.binlog.table_map import table_id, table_name

if TYPE_CHECKING:
    from tests.sim.mysql import Connection

OperationalError = pymysql.err.OperationalError
unpack = msgspec.msgpack.decode

#: The table ids by which Udup's own row events are known.
_CHECKPOINT_ID = (0xFFFFFFFFFFFE).to_bytes(6, "little")
_PREPARED_ID = (0xFFFFFFFFFFFD).to_bytes(6, "little")


def run(connection: Connection, sql: bytes) -> None:
    """One statement of a packet of raw ones."""
    if sql.startswith(b"BINLOG '"):
        for event in _events(b64decode(sql[8:-1])):
            _apply(connection, event)
    elif sql == b"COMMIT":
        connection.commit_now()
        if connection.gtid_next != "AUTOMATIC":
            connection.server.gtids.add(connection.gtid_next)
    elif found := re.match(rb"SET gtid_next = '(.*)'", sql):
        connection.gtid_next = found[1].decode()
    elif sql.startswith(b"UPDATE udup.unsure SET gtids = ''"):
        job = bytes.fromhex(sql.split(b"X'")[1].split(b"'")[0].decode()).decode()
        change_note(connection, job, gtids="")
    elif not sql.startswith(b"SET "):
        raise AssertionError(sql)


def _events(data: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at + 9 : at + 13], "little")
        found.append(data[at : at + size])
        at += size
    return found


def _apply(connection: Connection, event: bytes) -> None:
    kind, body, table = event[4], event[HEADER_SIZE:], table_id(event)
    if kind == EventType.TABLE_MAP:
        connection.maps[table] = table_name(event).table
    elif table == _CHECKPOINT_ID:
        _claim(connection, body)
    elif table == _PREPARED_ID:
        _keep(connection, body)
    elif kind == EventType.WRITE_ROWS:
        _write(connection, connection.maps[table], *unpack(body[10:-4]))


def _write(connection: Connection, table: str, number: int, parts: int, keys: list[str], _pad: bytes) -> None:
    """Transaction `number` appends itself to each row: what a row holds is its history."""
    server = connection.server
    if table not in server.tables:
        raise OperationalError(1146, f"Table 's.{table}' doesn't exist")
    if table == "loose":
        if connection.gtid_next in server.gtids:
            return
        for key in keys:
            at = ("loose row", key)
            connection.put_now(at, (*(server.rows.get(at) or ()), number))
        return
    for key in keys:
        at = ("row", key)
        connection.lock(at)
        connection.put(at, (*(connection.get(at) or ()), number))
        connection.inserted += 1
    connection.put(("part", number, table), (connection.get(("part", number, table)) or 0) + 1)
    connection.put(("parts", number, table), parts)


def _text(body: bytes, at: int, width: int) -> tuple[str, int]:
    size = int.from_bytes(body[at : at + width], "little")
    return body[at + width : at + width + size].decode(), at + width + size


def _claim(connection: Connection, body: bytes) -> None:
    """A slot's row of the checkpoint, by its version: the row that it was, then the row that it becomes."""

    def key_at(at: int) -> tuple[tuple[Any, ...], int]:
        job, at = _text(body, at, 2)
        slot, version = struct.unpack_from("<iq", body, at)
        return ("checkpoint", job, slot, version), at + 12

    before, at = key_at(14)
    after, at = key_at(at + 1)
    gtids, _ = _text(body, at, 4)
    connection.lock(before)
    row = connection.get(before)
    if row is None:
        raise OperationalError(1032, "Can't find record in 'checkpoint'")
    connection.lock(after)
    connection.put(before, None)
    connection.put(after, (gtids, *row[1:]))
    connection.updated += 1


def _keep(connection: Connection, body: bytes) -> None:
    job, at = _text(body, 13, 2)
    xid, at = _text(body, at, 2)
    piece, size = struct.unpack_from("<iI", body, at)
    key = ("prepared", job, xid, piece)
    connection.lock(key)
    connection.put(key, body[at + 8 : at + 8 + size])
    connection.inserted += 1


def change_note(connection: Connection, job: str, **changes: Any) -> int:
    key = ("unsure", job)
    connection.lock(key)
    row = connection.get(key)
    if row is None:
        return 0
    connection.put(key, {**row, **changes})
    return 1
