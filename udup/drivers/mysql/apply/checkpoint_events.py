"""A worker's row of the checkpoint as row events, which go in front of a group's own (`checkpoint.py`)."""

from __future__ import annotations

import struct

from udup.drivers.mysql.binlog.build import BIGINT, INT, LONGBLOB, rows_event, table_map, varchar
from udup.drivers.mysql.binlog.event import EventType
from udup.pipeline.selection.schemas import UDUP_SCHEMA

TABLE = "checkpoint"

#: The table id that ties our own TABLE_MAP and rows event; those of the source start at about 100 and go up.
_TABLE_ID = (0xFFFFFFFFFFFE).to_bytes(6, "little")

#: Bytes of the job's ID in the table, at most (255 characters of up to four bytes).
_JOB_BYTES = 1020

#: The first four columns: job, slot, version, gtids.
_COLUMNS = (varchar(_JOB_BYTES), INT, BIGINT, LONGBLOB)

_MAPS = {with_crc: table_map(_TABLE_ID, UDUP_SCHEMA, TABLE, _COLUMNS, with_crc=with_crc) for with_crc in (False, True)}


def checkpoint_events(job: bytes, slot: int, version: int, after: int, gtids: str, *, with_crc: bool) -> bytes:
    """TABLE_MAP and UPDATE_ROWS: row (job, slot, version) becomes (job, slot, after, gtids) or it fails."""
    key = struct.pack("<H", len(job)) + job + struct.pack("<i", slot)
    text = gtids.encode()
    before = b"\0" + key + struct.pack("<q", version)
    changed = b"\0" + key + struct.pack("<q", after) + struct.pack("<I", len(text)) + text
    # Columns present: job, slot, version in the before-image; all four in the after-image.
    rows, present = before + changed, b"\x07\x0f"
    event = rows_event(EventType.UPDATE_ROWS, _TABLE_ID, len(_COLUMNS), present, rows, with_crc=with_crc)
    return _MAPS[with_crc] + event
