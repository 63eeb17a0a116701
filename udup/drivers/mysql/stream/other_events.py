"""Events that are no part of a transaction as a job carries it: those to pass over, and those to stop at."""

from __future__ import annotations

from udup.base.errors import Unsupported
from udup.base.remedies import NEW_COPY
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.remedies import UNKNOWN
from udup.drivers.mysql.stream.anonymous import WITHOUT_GTID

#: Header flag of events that a reader may ignore when it does not know them.
_IGNORABLE = 0x80

#: Events that say nothing that a job needs.
SILENT = frozenset(
    {
        EventType.STOP,
        EventType.PREVIOUS_GTIDS,
        EventType.ROWS_QUERY,
        EventType.IGNORABLE,
        # They go before a Query event of a statement-format change, which is decided on by itself.
        EventType.INTVAR,
        EventType.RAND,
        EventType.USER_VAR,
    }
)

_STATEMENT_FORMAT = "LOAD DATA in statement format; set binlog_format=ROW on the source"

_REASONS = {
    EventType.INCIDENT: f"an incident event: the source has made changes that are not in its log; {NEW_COPY}",
    EventType.ANONYMOUS_GTID: f"changes without a GTID, {WITHOUT_GTID}",
    EventType.BEGIN_LOAD_QUERY: _STATEMENT_FORMAT,
    EventType.EXECUTE_LOAD_QUERY: _STATEMENT_FORMAT,
}


def check_ignorable(event: bytes, gtid: str) -> None:
    """Raise `Unsupported` unless the event says itself that it may be ignored. `gtid`: the transaction that is open."""
    kind = event[4]
    if event[17] & _IGNORABLE:
        return
    reason = _REASONS.get(EventType(kind)) if kind in EventType._value2member_map_ else None
    where = f"{gtid}: " if gtid else ""
    raise Unsupported(f"{where}the binary log holds {reason or f'an event of unknown type {kind}; {UNKNOWN}'}")
