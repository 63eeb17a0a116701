"""What a server has computed from a table's rows, as sums that do not depend on the order of the rows.

For a table with generated columns: a sum over each stored one, one over all columns that hold values of their own, and
for a virtual one what an index of it holds, since only that is stored. Each row adds 120 bits of the SHA-256 of the
value together with the row's key (with all of its own values, where there is no key), so that values which changed
places are seen too. The sums of a table's parts add up to those of the table.

Both servers are asked in sessions that print alike (a time zone of +00:00, no mode that pads or refuses).
"""

from __future__ import annotations

from collections.abc import Mapping

from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.dictionary.catalog import Column, Table

#: Name to the two sums.
Sums = dict[str, tuple[int, int]]

#: The name of the sum over the columns that hold values of their own. No column has an empty name.
OWN_VALUES = ""

#: Hexadecimal digits of each of the two parts: as many as a sum of unsigned numbers takes without loss.
_DIGITS = 15

_AS_PRINTED = frozenset(
    {"tinyint", "smallint", "mediumint", "int", "bigint", "decimal"} | {"date", "time", "datetime", "timestamp", "year"}
)

#: Kinds whose text is short and has no comma in it.
_SHORT = _AS_PRINTED | {"enum", "set", "float", "double"}


def has_sums(table: Table) -> bool:
    """Return whether there is anything to sum: only tables with generated columns have."""
    return any(column.generated for column in table.columns)


def column_sums(connection: Connection, table: Table, where: str = "") -> Sums:
    """Return the sums over stored columns, of the rows that a condition chooses."""
    if not has_sums(table):
        return {}
    own = _joined(table.stored_columns)
    columns = [column for column in table.columns if column.materialized]
    digests = [own, *(f"CONCAT({_key(table)}, ',', {_hash(column)})" for column in columns)]
    names = [OWN_VALUES, *(column.name for column in columns)]
    index = f" FORCE INDEX ({quote(table.key_index)})" if table.key_index else ""
    return _sums(connection, names, digests, f"{qualified(table.schema, table.name)}{index}{table.chosen(where)}")


def index_sums(connection: Connection, table: Table) -> Sums:
    """Return the sums over virtual columns as an index holds each; named column@index."""
    found: Sums = {}
    by_name = {column.name: column for column in table.columns}
    for name, index in table.virtual_keys:
        value = _hash(by_name[name])
        # Nothing else is asked for than the index has, so that the server reads it and does not compute.
        digest = f"CONCAT({_key(table)}, ',', {value})" if table.key_index == "PRIMARY" else value
        place = f"{qualified(table.schema, table.name)} FORCE INDEX ({quote(index)})"
        found |= _sums(connection, [f"{name}@{index}"], [digest], place)
    return found


def added(one: Sums, other: Mapping[str, tuple[int, int]]) -> Sums:
    """Return the sums of two parts of a table."""
    names = {*one, *other}
    return {
        name: (
            one.get(name, (0, 0))[0] + other.get(name, (0, 0))[0],
            one.get(name, (0, 0))[1] + other.get(name, (0, 0))[1],
        )
        for name in names
    }


def _sums(connection: Connection, names: list[str], digests: list[str], place: str) -> Sums:
    parts = []
    for digest in digests:
        for start in (1, 1 + _DIGITS):
            part = f"CONV(SUBSTR(SHA2({digest}, 256), {start}, {_DIGITS}), 16, 10)"
            parts.append(f"COALESCE(SUM(CAST({part} AS UNSIGNED)), 0)")
    (row,) = query(connection, f"SELECT {', '.join(parts)} FROM {place}")
    values = [int(value) for value in row]
    return {name: (values[2 * place], values[2 * place + 1]) for place, name in enumerate(names)}


def _key(table: Table) -> str:
    by_name = {column.name: column for column in table.columns}
    return _joined([by_name[name] for name in table.key] if table.key else table.stored_columns)


def _joined(columns: list[Column] | tuple[Column, ...]) -> str:
    """Return one short text for the values of these columns, however long they are; never NULL."""
    return f"CONCAT_WS(',', {', '.join(map(_hash, columns))})" if columns else "''"


def _hash(column: Column) -> str:
    """A short text for the value, without a comma. What is short by itself is not hashed: that is most of the time."""
    text = _text(column)
    return f"IFNULL({text if column.kind in _SHORT else f'SHA2({text}, 256)'}, 'NULL')"


def _text(column: Column) -> str:
    """Return the value's text, which loses nothing."""
    name = quote(column.name)
    if column.kind in _AS_PRINTED:
        return name
    if column.kind in {"enum", "set"}:
        return f"CAST({name} AS UNSIGNED)"
    if column.kind in {"float", "double"}:  # whatever digits the definition shows
        return f"({name} * 1e0)"
    return f"CAST({name} AS BINARY)"
