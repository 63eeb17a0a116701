"""How many rows a copy has brought, by the target's own binary log: each that was committed, in whichever run."""

from __future__ import annotations

import uuid
from collections import Counter
from contextlib import closing

from tests.source_log import executed
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.gtid import GtidSet, parse_gtid_event
from udup.drivers.mysql.binlog.table_map import table_id, table_name
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.drivers.mysql.rows.codec import RowCodecs
from udup.drivers.mysql.stream.stream import BinlogStream


def copied_rows(target: Endpoint, schema: str) -> Counter[str]:
    """Return the rows of each table that were loaded, of all runs.

    What comes with the source's log is committed with the checkpoint's row: those transactions are not counted.
    """
    with closing(connect(target)) as connection:
        until = executed(connection)
        gone = GtidSet.parse(str(scalar(connection, "SELECT @@GLOBAL.gtid_purged")))
    return _of_log(target, schema, gone, until - gone)


def _of_log(target: Endpoint, schema: str, gone: GtidSet, missing: GtidSet) -> Counter[str]:
    stream = BinlogStream(target, 900_001, gone, str(uuid.uuid4()))
    codecs, maps = RowCodecs(), dict[bytes, bytes]()
    found: Counter[str] = Counter()
    one: Counter[str] = Counter()
    applied = False
    try:
        for event in stream:
            kind = event[4]
            if kind in (EventType.GTID, EventType.GTID_TAGGED):
                found += one if not applied else Counter()
                one, applied = Counter(), False
                if not missing:
                    break
                missing -= GtidSet.parse(str(parse_gtid_event(event, has_crc=True)))
            elif kind == EventType.TABLE_MAP:
                maps[table_id(event)] = event
                applied |= str(table_name(event)) == "udup.checkpoint"
            elif kind == EventType.WRITE_ROWS:
                table_map = maps[table_id(event)]
                name = table_name(table_map)
                if name.schema == schema and not applied:
                    one[name.table] += len(codecs.of(table_map, has_crc=True).read(event, has_crc=True).changes)
            elif kind in (EventType.HEARTBEAT, EventType.HEARTBEAT_V2) and not missing:
                break
    finally:
        stream.close()
    return found + (one if not applied else Counter())


def inserted_rows(target: Endpoint) -> int:
    """Return the rows that the target has inserted, also those that were rolled back when a loader died."""
    with closing(connect(target)) as connection:
        return int(query(connection, "SHOW GLOBAL STATUS LIKE 'Innodb_rows_inserted'")[0][1])


def noted_rows(target: Endpoint, job: str) -> int:
    """Return the rows that are there by the notes of the copy, whole tables and chunks."""
    sql = (
        "SELECT (SELECT COALESCE(SUM(loaded), 0) FROM udup.copied_part WHERE job = %s)"
        " + (SELECT COALESCE(SUM(c.loaded), 0) FROM udup.copied_chunk c JOIN udup.copied_part"
        " USING (job, table_schema, table_name) WHERE job = %s)"
    )
    with closing(connect(target)) as connection:
        return int(query(connection, sql, job, job)[0][0])
