"""Columns of a MariaDB target's dictionary, so that they can be compared with those of a TABLE_MAP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from udup.drivers.mysql.binlog.table_definition import ColumnDefinition
from udup.drivers.mysql.mariadb.collations import Server
from udup.drivers.mysql.mariadb.numbers import collation_name

if TYPE_CHECKING:
    from udup.drivers.mysql.apply.column_check import TargetColumn

#: Types of MariaDB's own as the log has them: a type of bytes, and how many.
_BYTES = {"uuid": ("binary", 16), "inet6": ("binary", 16), "inet4": ("binary", 4)}

_DATA_TYPE, _OCTETS = 1, 3

#: Numbers of collations in both families: what the one does not know, the other may.
_FAMILIES = (Server(is_mariadb=True, version=(11, 8, 0)), Server(is_mariadb=False, version=(9, 7, 0)))

#: Above all numbers that a server has.
_BY_NAME = 1 << 20


def as_bytes(row: Sequence[Any]) -> tuple[Any, ...]:
    """Return a row of information_schema with a type of MariaDB's own as the bytes that it is in a row."""
    values = list(row)
    data_type = str(values[_DATA_TYPE])
    if data_type in _BYTES:
        values[_DATA_TYPE], values[_OCTETS] = _BYTES[data_type]
    elif data_type == "vector":
        values[_DATA_TYPE] = "varbinary"
    return tuple(values)


def compared_by_name(
    ours: Sequence[ColumnDefinition], theirs: Sequence[TargetColumn]
) -> tuple[dict[int, str], list[TargetColumn]]:
    """Return character sets by the numbers of collations, and the target's columns with such numbers.

    MariaDB's dictionary has no numbers of its newest collations, and old ones do not know MySQL's.
    """
    charsets = {number: name for each in ours if (number := each.collation) and (name := _charset(number))}
    numbered: list[TargetColumn] = []
    for place, each in enumerate(theirs):
        if each.charset is None:
            numbered.append(each)
            if each.definition.collation is not None:
                charsets[each.definition.collation] = "binary"
        else:
            number = _BY_NAME + place
            charsets[number] = _of_today(each.charset)
            numbered.append(replace(each, definition=replace(each.definition, collation=number)))
    return charsets, numbered


def _charset(number: int) -> str:
    """Return the character set of a collation by its number, "" if it is not known."""
    found = next((name for family in _FAMILIES if (name := collation_name(number, family))), "")
    return _of_today(found.split("_")[0])


def _of_today(charset: str) -> str:
    return "utf8mb3" if charset.lower() == "utf8" else charset.lower()
