"""Cuts a table into ranges of its key that hold about equally many rows.

The planner walks the key: from the end of one chunk, the n-th next key is the end of the one after. That reads
only the index, works for sparse and for skewed keys, and needs no estimate to be right. A row (a, b) lies after
(x, y) if a > x or (a = x and b > y), written out, since MySQL does not use an index for row comparisons; the
redundant a >= x gives it the range at once.

A boundary is written as a literal that compares exactly like the stored value: strings as hexadecimal bytes in the
column's own character set and collation, numbers and times as the server printed them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.client.patience import patiently
from udup.drivers.mysql.dictionary.catalog import Column, Table
from udup.drivers.mysql.snapshot.rows import BARE_KINDS, from_clause

#: Text of one chunk, by the average length of a row. Throughput is flat from 1 to 4 MB.
CHUNK_BYTES = 2 << 20

#: Fewest and most rows of a chunk; the most bounds what a wrong estimate can do.
MIN_ROWS = 10
MAX_ROWS = 20_000

#: A row's length while the server has no statistics of the table.
UNKNOWN_ROW_BYTES = 100


@dataclass(frozen=True)
class Chunk:
    """A part of a table: `where` is its SQL condition, empty for the whole table.

    `table` and `number` count from 0; `final` marks a table's last chunk, and every table has one. `streamed` says
    that it is read row by row, as it may be of any size. `rest` is the condition of all that comes behind it, `end` the
    literals of the key at which it ends, () for the last. `span` says to the target which rows it has.
    """

    table: int
    number: int
    where: str
    final: bool
    streamed: bool = False
    rest: str = ""
    end: tuple[str, ...] = ()
    span: str = ""


def chunk_rows(table: Table, wanted: int | None = None) -> int:
    """Return the rows of one chunk: as the job says, or by bytes."""
    if wanted:
        return wanted
    return max(MIN_ROWS, min(MAX_ROWS, CHUNK_BYTES // (table.row_bytes or UNKNOWN_ROW_BYTES)))


def plan_chunks(
    connection: Connection,
    index: int,
    table: Table,
    wanted_rows: int | None = None,
    number: int = 0,
    after: str = "",
    within: str = "",
) -> Iterator[Chunk]:
    """Yield the chunks of `table`, number `index` of its catalog, found while they are asked for.

    `number` and `after` go on behind a chunk: one more than its number, and its `rest`. `within` is a condition of all
    that is to be read.
    """
    if not table.key:
        yield Chunk(index, 0, "", final=True, streamed=True)
        return
    columns = _key_columns(table)
    rows = chunk_rows(table, wanted_rows)
    while True:
        left = all_of(after, within)
        end = _key_at(connection, table, columns, left, rows)
        if end is None:
            yield Chunk(index, number, left, final=True)
            return
        where = all_of(after, _compare(table.key, end, "<", "<="))
        after = _compare(table.key, end, ">", ">")
        yield Chunk(index, number, where, final=False, rest=after, end=tuple(end))
        number += 1


def behind(table: Table, key: Sequence[str]) -> str:
    """Return the condition that a row lies behind a key, of which these are the literals."""
    return _compare(table.key, key, ">", ">")


def up_to(table: Table, key: Sequence[str]) -> str:
    """Return the condition that a row lies before a key or has it."""
    return _compare(table.key, key, "<", "<=")


def between(key: Sequence[str], begin: Sequence[int] | None, end: Sequence[int] | None) -> tuple[str, str]:
    """Return two conditions of the integers that a key begins with: behind the first ones, and up to the others."""
    behind = "" if begin is None else _compare(key, [str(each) for each in begin], ">", ">")
    return behind, "" if end is None else _compare(key, [str(each) for each in end], "<", "<=")


def all_of(*conditions: str) -> str:
    return " AND ".join(filter(None, conditions))


def _key_columns(table: Table) -> list[Column]:
    by_name = {column.name: column for column in table.columns}
    return [by_name[name] for name in table.key]


def _key_at(connection: Connection, table: Table, columns: list[Column], after: str, rows: int) -> list[str] | None:
    """Return literals of the key that is `rows` rows further, None if there are not as many."""
    values = ", ".join(boundary_values(columns))
    order = ", ".join(quote(column.name) for column in columns)
    # By all rows, in the job or not: so only the index is read, however few of them are.
    sql = (
        f"SELECT {values} {from_clause(replace(table, condition=''), after)} ORDER BY {order} LIMIT 1 OFFSET {rows - 1}"
    )
    found = patiently(lambda: query(connection, sql))
    if not found:
        return None
    return list(boundary_literals(columns, found[0]))


def _compare(columns: Sequence[str], literals: Sequence[str], strict: str, last: str) -> str:
    """Return the condition that the key lies on one side of a boundary; `last` is the operator of the last column."""
    names = [quote(column) for column in columns]
    if len(names) == 1:
        return f"({names[0]} {last} {literals[0]})"
    branches = []
    for position, (name, literal) in enumerate(zip(names, literals, strict=True)):
        equal = [f"{names[i]} = {literals[i]}" for i in range(position)]
        operator = last if position == len(names) - 1 else strict
        branches.append(" AND ".join([*equal, f"{name} {operator} {literal}"]))
    either = " OR ".join(f"({branch})" for branch in branches)
    return f"({names[0]} {strict}= {literals[0]} AND ({either}))"


def boundary_values(columns: Sequence[Column]) -> list[str]:
    """Return the SQL of a key's columns, from whose values `boundary_literals` are made."""
    return [_boundary_value(column) for column in columns]


def boundary_literals(columns: Sequence[Column], values: Sequence[Any]) -> tuple[str, ...]:
    """Return SQL that compares exactly like a key that was read."""
    return tuple(_literal(column, value) for column, value in zip(columns, values, strict=True))


def _boundary_value(column: Column) -> str:
    name = quote(column.name)
    return name if column.kind in BARE_KINDS or column.kind == "year" else f"HEX(CAST({name} AS BINARY))"


def _literal(column: Column, value: Any) -> str:
    if column.kind in BARE_KINDS or column.kind == "year":
        return str(value)
    digits = value.decode() if isinstance(value, bytes) else str(value)
    if column.kind in {"binary", "varbinary"}:
        return f"_binary x'{digits}'"
    if column.charset:
        return f"_{column.charset} x'{digits}' COLLATE {column.collation}"
    return f"'{bytes.fromhex(digits).decode('ascii')}'"  # a date or time
