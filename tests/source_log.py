"""What a test's own statements left in the source's binary log."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.gtid import GtidSet, parse_gtid_event
from udup.drivers.mysql.binlog.query import QueryEvent, parse_query
from udup.drivers.mysql.client.connection import Connection, connect, scalar
from udup.drivers.mysql.stream.stream import BinlogStream


@dataclass(frozen=True)
class Logged:
    """One event, CRC included, and the GTID of its transaction."""

    gtid: str
    event: bytes

    @property
    def kind(self) -> int:
        return self.event[4]

    def query(self) -> QueryEvent:
        return parse_query(self.event, has_crc=True)


def executed(connection: Connection) -> GtidSet:
    return GtidSet.parse(str(scalar(connection, "SELECT @@GLOBAL.gtid_executed")))


def logged_by(endpoint: Endpoint, work: Callable[[Connection], None]) -> list[Logged]:
    """Run `work` on a connection of the source; the events that it wrote."""
    with closing(connect(endpoint)) as connection:
        before = executed(connection)
        work(connection)
        after = executed(connection)
    return read_log(endpoint, before, after)


def read_log(endpoint: Endpoint, start_after: GtidSet, until: GtidSet) -> list[Logged]:
    """The events of the transactions in `until` and not in `start_after`."""
    missing = until - start_after
    events: list[Logged] = []
    gtid = ""
    stream = BinlogStream(endpoint, 900_000, start_after, str(uuid.uuid4()))
    try:
        for event in stream:
            if event[4] in (EventType.GTID, EventType.GTID_TAGGED):
                if not missing:
                    break
                one = parse_gtid_event(event, has_crc=True)
                gtid = str(one)
                missing -= GtidSet.parse(gtid)
            elif gtid and event[4] not in (EventType.HEARTBEAT, EventType.HEARTBEAT_V2):
                events.append(Logged(gtid, event))
                if not missing and _ends(event):
                    break
    finally:
        stream.close()
    return events


def _ends(event: bytes) -> bool:
    if event[4] == EventType.QUERY:
        sql = parse_query(event, has_crc=True).sql
        return not sql.startswith((b"BEGIN", b"XA", b"SAVEPOINT")) and not sql.endswith(b"START TRANSACTION")
    return event[4] in (EventType.XID, EventType.XA_PREPARE)
