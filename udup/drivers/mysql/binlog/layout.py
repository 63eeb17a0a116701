"""Whether a log's events are laid out as Udup reads them, so that the target's server reads the same in them.

Udup decides by a TABLE_MAP's names what is the job's, and hands the bytes on. A source that means harm could send
events in which Udup finds the names of one table and MySQL those of another: a FORMAT_DESCRIPTION may say that
post-headers are shorter, as they were in old versions. All since 5.1 lay them out alike; anything else is refused.
"""

from __future__ import annotations

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import CRC_SIZE, HEADER_SIZE, ROWS_EVENTS, EventType
from udup.drivers.mysql.binlog.remedies import UNKNOWN

#: After the header: binlog version 2, server version 50, time 4, length of headers 1; then one byte for each type.
_LENGTHS_OFFSET = HEADER_SIZE + 57

_V1 = frozenset({EventType.WRITE_ROWS_V1, EventType.UPDATE_ROWS_V1, EventType.DELETE_ROWS_V1})

#: Bytes of table id and flags, and in newer rows events of the length of extra data. 0: not written by that version.
_LENGTHS = {EventType.TABLE_MAP: (8,)} | {kind: (8, 0) if kind in _V1 else (10, 0) for kind in ROWS_EVENTS}


def check_layout(format_description: bytes) -> None:
    """Raise `Unsupported` unless headers, TABLE_MAPs and rows events are of the lengths that are read here."""
    if format_description[_LENGTHS_OFFSET - 1] != HEADER_SIZE:
        raise Unsupported(f"the binary log's events have headers of another length than {HEADER_SIZE} bytes; {UNKNOWN}")
    lengths = format_description[_LENGTHS_OFFSET : -CRC_SIZE - 1]
    for kind, allowed in _LENGTHS.items():
        found = lengths[kind - 1] if kind <= len(lengths) else 0
        if found not in allowed:
            raise Unsupported(
                f"the binary log's {kind.name} events begin with {found} bytes where {allowed[0]} are known: it is of "
                f"a server that Udup does not know; {UNKNOWN}"
            )
