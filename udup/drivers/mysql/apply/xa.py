"""Prepared XA transactions of the source, kept on the target as bytes until their end comes.

The target gets no XA of its own. At XA PREPARE the transaction's events are stored as rows of `udup.prepared`, in
pieces, in the same commit as the checkpoint; at XA COMMIT they are read there and applied as an ordinary transaction
that also deletes them; XA ROLLBACK only deletes them. So each half is done exactly once, whatever is killed, an end may
come in a later run, and memory holds a piece at a time.

The rows are written by row events of our own making, which pass through groups and parts like anybody's. Piece 0 is
the FORMAT_DESCRIPTION that the events were written by, and behind it the context of the session (`contexts.py`; not in
what an earlier version has kept); a transaction that holds nothing for the job has only that one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice

import msgspec

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.build import INT, LONGBLOB, rows_event, table_map, varchar
from udup.drivers.mysql.binlog.event import CRC_SIZE, HEADER_SIZE, EventType
from udup.drivers.mysql.binlog.split import headers
from udup.drivers.mysql.client.connection import Connection, query
from udup.pipeline.records import Part, Transaction
from udup.pipeline.selection.schemas import UDUP_SCHEMA

TABLE = "prepared"

CREATE = f"""CREATE TABLE IF NOT EXISTS {UDUP_SCHEMA}.{TABLE} (
        job VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        xid VARCHAR(300) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        piece INT NOT NULL,
        events LONGBLOB NOT NULL,
        PRIMARY KEY (job, xid, piece)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='XA transactions that each source has prepared. Do not change.'"""

_JOB_BYTES, _XID_BYTES = 1020, 300

#: Ties our own TABLE_MAP and rows event; the checkpoint's is one more.
_TABLE_ID = (0xFFFFFFFFFFFD).to_bytes(6, "little")

#: Transactions that are looked for on the source, since one may have been lost there.
_XIDS_MAX = 1000

_COLUMNS = (varchar(_JOB_BYTES), varchar(_XID_BYTES), INT, LONGBLOB)

_MAPS = {with_crc: table_map(_TABLE_ID, UDUP_SCHEMA, TABLE, _COLUMNS, with_crc=with_crc) for with_crc in (False, True)}


class PreparedRows:
    """Makes rows of prepared transactions, in the order of the log."""

    def __init__(self, job: str) -> None:
        self._job = job.encode()
        self._format = b""
        self._with_crc = True

    def set_format(self, format_description: bytes, *, with_crc: bool) -> None:
        """The transactions that come now are written by this FORMAT_DESCRIPTION."""
        self._format, self._with_crc = format_description, with_crc

    def whole(self, record: Transaction, context: bytes = b"") -> bytes:
        """The events that keep it, with its context."""
        kept = self._row(record.xid, 0, self._format + context)
        return kept + self._row(record.xid, 1, record.events) if record.events else kept

    def part(self, part: Part, context: bytes = b"") -> Part:
        """The part with the events that keep it, the first with its context."""
        first = self._row(part.xid, 0, self._format + context) if part.index == 0 else b""
        row = self._row(part.xid, part.index + 1, part.events) if part.events else b""
        return msgspec.structs.replace(part, events=first + row)

    def _row(self, xid: str, piece: int, data: bytes) -> bytes:
        """TABLE_MAP and WRITE_ROWS, a statement by itself."""
        key = struct.pack("<H", len(self._job)) + self._job + struct.pack("<H", len(xid)) + xid.encode()
        row = b"\0" + key + struct.pack("<iI", piece, len(data)) + data
        event = rows_event(EventType.WRITE_ROWS, _TABLE_ID, len(_COLUMNS), b"\x0f", row, with_crc=self._with_crc)
        return _MAPS[self._with_crc] + event


def insert_statement(event: bytes, *, has_crc: bool) -> str:
    """Return the statement that a rows event of `PreparedRows` stands for: it has one row."""
    at = HEADER_SIZE + 8 + 2 + 1 + 1 + 1  # table id and flags, no extra data, columns, the bitmaps of one image
    row = event[at : len(event) - CRC_SIZE if has_crc else len(event)]
    size = int.from_bytes(row[:2], "little")
    job, row = row[2 : 2 + size], row[2 + size :]
    size = int.from_bytes(row[:2], "little")
    xid, row = row[2 : 2 + size], row[2 + size :]
    piece, size = struct.unpack_from("<iI", row)
    return (
        f"INSERT INTO {UDUP_SCHEMA}.{TABLE} (job, xid, piece, events)"
        f" VALUES (_utf8mb4 x'{job.hex()}', _ascii x'{xid.hex()}', {piece}, x'{row[8 : 8 + size].hex()}')"
    )


def kept_head(connection: Connection, job: str, xid: str) -> tuple[bytes, bytes]:
    """FORMAT_DESCRIPTION and context of a kept transaction. Raises `Unsupported` if there is no such transaction."""
    found = _piece(connection, job, xid, 0)
    if found is None:
        raise Unsupported(
            f"XA COMMIT {xid} ends a transaction that was prepared before the job's beginning, so its rows are not "
            "known. Give the job another ID, for a full copy, when the source's XA RECOVER shows no transaction; a job "
            "that begins at a Gtid must begin at one where none was prepared"
        )
    [(_, _, end)] = islice(headers(found), 1)
    return found[:end], found[end:]


def kept_events(connection: Connection, job: str, xid: str) -> Iterator[bytes]:
    """Its events' bytes, cut anywhere."""
    number = 1
    while (data := _piece(connection, job, xid, number)) is not None:
        yield data
        number += 1


def xids(connection: Connection, job: str) -> tuple[str, ...]:
    """Return those of the job's transactions that are kept: some, if there are very many."""
    sql = f"SELECT xid FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND piece = 0 ORDER BY xid LIMIT {_XIDS_MAX}"
    return tuple(str(xid) for (xid,) in query(connection, sql, job))


def _piece(connection: Connection, job: str, xid: str, number: int) -> bytes | None:
    sql = f"SELECT events FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND xid = %s AND piece = %s"
    rows = query(connection, sql, job, xid, number)
    return bytes(rows[0][0]) if rows else None


def forget(connection: Connection, job: str, xid: str) -> None:
    query(connection, f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND xid = %s", job, xid)


def forget_all(connection: Connection, job: str) -> None:
    """What a job of the same ID has left that began elsewhere in the log."""
    query(connection, f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s", job)
