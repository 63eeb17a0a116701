"""Sequences in a log: a sequence is a table of one row, which is written again whenever numbers are taken from it.

A log tells one from a table of the same columns by their names alone.
"""

from __future__ import annotations

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.table_map import table_name, with_names

#: BIGINT for all columns but the seventh, a TINYINT; none may be NULL.
_TYPES = b"\x08" + b"\x08" * 6 + b"\x01\x08"

_COLUMNS = (
    *("next_not_cached_value", "minimum_value", "maximum_value", "start_value", "increment", "cache_size"),
    *("cycle_option", "cycle_count"),
)
_NAMES = b"".join(bytes([len(name)]) + name.encode() for name in _COLUMNS)

#: The kind and the length of a TABLE_MAP's optional metadata that name columns.
_NAMED = bytes([4, len(_NAMES)])

#: A schema that no job has.
_NOWHERE = b"mysql"


def without_sequence(table_map: bytes, *, has_crc: bool) -> bytes:
    """Return the TABLE_MAP; that of a sequence as one of a schema that no job has: its rows are nobody's.

    Raise `Unsupported` for one of which it cannot be told.
    """
    named = table_name(table_map)
    at = table_map.find(_TYPES)
    if at < 0 or _NAMED + _NAMES in table_map:
        return table_map if at < 0 else with_names(table_map, _NOWHERE, named.table.encode(), has_crc=has_crc)
    if _names_columns(table_map, at + len(_TYPES)):
        return table_map
    raise Unsupported(
        f"{named.schema}.{named.table} has the columns of a sequence, and the log does not name them: SET GLOBAL"
        " binlog_row_metadata = 'FULL' on the source, and begin behind what is logged now"
    )


def _names_columns(table_map: bytes, offset: int) -> bool:
    """Return whether names of columns are in what follows the types, none of which has metadata."""
    offset += 1 + table_map[offset] + 1  # the metadata's length, none; the bits of what may be NULL
    while offset + 1 < len(table_map):
        kind, size = table_map[offset], table_map[offset + 1]
        if kind == 4:
            return True
        if size > 250:
            return True  # longer than that are names alone
        offset += 2 + size
    return False
