"""What is kept of prepared XA transactions, less the rows of tables that their job lets go of.

A transaction that is prepared while a job lets go of a table commits later. Its rows of that table are not the job's
any more: the table stands still on the target, or is copied again with these rows in it, or has become another job's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from udup.drivers.mysql.apply.xa import TABLE
from udup.drivers.mysql.binlog.event import ROWS_EVENTS, EventType
from udup.drivers.mysql.binlog.split import EventSplitter
from udup.drivers.mysql.binlog.table_map import table_id, table_name
from udup.drivers.mysql.client.connection import Connection, query
from udup.pipeline.selection.schemas import UDUP_SCHEMA

#: Schema and name on the target.
Name = tuple[str, str]


def leave_out(connection: Connection, job: str, gone: Collection[Name]) -> None:
    """Take rows of these tables out of what is kept, in the open transaction. Memory holds a piece and an event."""
    if not gone:
        return
    sql = f"SELECT xid, MAX(piece) FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s GROUP BY xid"
    for xid, last in query(connection, sql, job):
        less = Less(gone)
        for piece in range(1, int(last) + 1):
            where = f"{UDUP_SCHEMA}.{TABLE} WHERE job = %s AND xid = %s AND piece = %s"
            [[found]] = query(connection, f"SELECT events FROM {where} FOR UPDATE", job, xid, piece)
            events = bytes(found)
            left = b"".join(less.of(events))
            if left != events:
                table, _, where = where.partition(" WHERE ")
                query(connection, f"UPDATE {table} SET events = %s WHERE {where}", left, job, xid, piece)


class Less:
    """Leaves out TABLE_MAPs of some tables, and the rows events behind them, of a stream that is cut anywhere."""

    def __init__(self, gone: Collection[Name]) -> None:
        self._gone = gone
        self._ids: set[bytes] = set()  # that mean one of these tables
        self._splitter = EventSplitter("a prepared transaction")

    def of(self, piece: bytes) -> Iterable[bytes]:
        """Return the events that this piece completes, less those."""
        return filter(self._stays, self._splitter.feed(piece))

    def _stays(self, event: bytes) -> bool:
        if event[4] == EventType.TABLE_MAP:
            name = table_name(event)
            is_gone = (name.schema, name.table) in self._gone
            (self._ids.add if is_gone else self._ids.discard)(table_id(event))
            return not is_gone
        return event[4] not in ROWS_EVENTS or table_id(event) not in self._ids
