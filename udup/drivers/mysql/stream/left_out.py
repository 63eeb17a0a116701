"""Which rows events a job leaves out on purpose, as its SqlFilter says."""

from __future__ import annotations

from udup.drivers.mysql.binlog.event import EventType
from udup.pipeline.selection.sqlfilter import SqlFilter


def left_out_kinds(sql_filter: SqlFilter) -> frozenset[int]:
    """Return the types of the rows events that are left out."""
    kinds: set[int] = set()
    if sql_filter.inserts:
        kinds |= {EventType.WRITE_ROWS, EventType.WRITE_ROWS_V1}
    if sql_filter.updates:
        kinds |= {EventType.UPDATE_ROWS, EventType.UPDATE_ROWS_V1, EventType.PARTIAL_UPDATE_ROWS}
    if sql_filter.deletes:
        kinds |= {EventType.DELETE_ROWS, EventType.DELETE_ROWS_V1}
    return frozenset(kinds)
