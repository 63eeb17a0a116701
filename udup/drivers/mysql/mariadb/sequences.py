"""Sequences in a log: a sequence is a table of one row, which is written again whenever numbers are taken from it.

A log tells one from a table of the same columns by their names alone.
"""

from __future__ import annotations

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import CRC_SIZE, read_lenenc
from udup.drivers.mysql.binlog.table_map import behind_names, table_name, with_names

#: Types of numbers: since 11.5 a sequence may be of any of them, before of BIGINT.
_NUMBERS = frozenset({1, 2, 3, 8, 9})

#: The types of the last four of its columns; those before have its own. None may be NULL.
_LAST_TYPES, _OF_ITS_OWN = b"\x08\x08\x01\x08", 4

_COLUMNS = (
    *("next_not_cached_value", "minimum_value", "maximum_value", "start_value", "increment", "cache_size"),
    *("cycle_option", "cycle_count"),
)
_NAMES = b"".join(bytes([len(name)]) + name.encode() for name in _COLUMNS)

#: What is in every TABLE_MAP of one.
MARK = _COLUMNS[0].encode()

#: The kind of a TABLE_MAP's optional metadata that names columns.
_NAMED = 4

#: A schema that no job has.
_NOWHERE = b"mysql"


def without_sequence(table_map: bytes, *, has_crc: bool) -> bytes:
    """Return the TABLE_MAP; that of a sequence as one of a schema that no job has: its rows are nobody's.

    Raise `Unsupported` for one of which it cannot be told.
    """
    if not is_sequence(table_map, has_crc=has_crc):
        return table_map
    return with_names(table_map, _NOWHERE, table_name(table_map).table.encode(), has_crc=has_crc)


def is_sequence(table_map: bytes, *, has_crc: bool) -> bool:
    """Return whether a TABLE_MAP is that of a sequence. Raise `Unsupported` for one of which it cannot be told."""
    event = table_map[:-CRC_SIZE] if has_crc else table_map
    columns, at = read_lenenc(event, behind_names(event))
    types, at = event[at : at + columns], at + columns
    own, last = types[:_OF_ITS_OWN], types[_OF_ITS_OWN:]
    if columns != len(_COLUMNS) or last != _LAST_TYPES or not _NUMBERS.issuperset(own):
        return False
    _, at = read_lenenc(event, at)  # such types have no metadata
    if event[at]:
        return False  # a column may be NULL
    names = _names(event, at + 1)
    if names:
        return names == _NAMES
    raise Unsupported(
        f"{table_name(event)} has the columns of a sequence, and the log does not name them: SET GLOBAL"
        " binlog_row_metadata = 'FULL' on the source, and begin behind what is logged now"
    )


def _names(event: bytes, at: int) -> bytes:
    """Return the names of the columns in the optional metadata, which begin there; empty without any."""
    while at < len(event):
        kind = event[at]
        size, at = read_lenenc(event, at + 1)
        if kind == _NAMED:
            return event[at : at + size]
        at += size
    return b""
