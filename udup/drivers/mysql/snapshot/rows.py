"""The source server formats the rows; Python only moves the text.

A row is its fields separated by commas, a newline after each row; integers, decimals and the members of ENUM and
SET (as numbers) are bare, everything else is a string as QUOTE() writes it, byte for byte, and NULL is the bare
word. LOAD DATA reads this (FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\\'' ESCAPED BY '\\\\'), and INSERT …
VALUES takes it as it is.

One GROUP_CONCAT a chunk hands over thousands of rows in one packet: 500,000 rows cost 0.1 s of Python, one row a
packet 1.4 s, decoded values 10 s. A chunk that GROUP_CONCAT cannot hold whole says so by a warning (1260 cut, 1301
a string beyond max_allowed_packet), never silently, and is then streamed row by row; so are tables without a key.
CONCAT rather than CONCAT_WS, because that one skips NULL, which a function returns for a string that is too long.

JSON travels as text where text says everything. A chunk with a document that holds more (a DATE, a DECIMAL, …) is
streamed with SQL expressions in the place of documents; only INSERT takes that (`Block.values`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from udup.base.causes import Cause, reason
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import Connection, query, scalar
from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.client.raw import SSCursor
from udup.drivers.mysql.client.session_setup import enter
from udup.drivers.mysql.client.sessions import MAX_CHUNK_BYTES, ROWS
from udup.drivers.mysql.dictionary.catalog import Column, Table
from udup.drivers.mysql.mariadb.history import ENDS_OF_TODAY, with_history
from udup.drivers.mysql.snapshot.json_before_8 import check_text_is_whole, is_asked_by_number
from udup.drivers.mysql.snapshot.json_values import JsonText, expression, inexact, type_fields
from udup.drivers.mysql.snapshot.literals import quoted

#: Bytes of text that a stream gathers before it hands them on.
BLOCK_BYTES = 256 << 10

#: Rows that a stream fetches from the socket's buffer at once.
FETCH_ROWS = 500

BARE_KINDS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "decimal"})
MEMBER_KINDS = frozenset({"enum", "set"})
TEMPORAL_KINDS = frozenset({"date", "time", "datetime", "timestamp", "year"})

#: A member in `enum('a','b')`.
_MEMBER = re.compile(r"'(?:[^'\\]|''|\\.)*'", re.DOTALL)
_DAY_KINDS = frozenset({"date", "datetime", "timestamp"})

#: Kinds whose length the dictionary does not give; they can be as long as a packet.
_UNBOUNDED_KINDS = frozenset(
    {"json", "vector", "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring"}
    | {"multipolygon", "geomcollection", "geometrycollection"}
)

#: Most bytes of a field that is not a string: a DECIMAL(65,30) or a quoted DATETIME(6), and its comma.
_PLAIN_FIELD_BYTES = 72


class Block(NamedTuple):
    """Rows and their text. `values`: it holds SQL expressions, the same for all blocks of a chunk.

    `last` is the key of the last row, where that is told.
    """

    rows: int
    text: bytes
    values: bool = False
    last: tuple[int, ...] = ()


def prepare_session(connection: Connection) -> None:
    """Identifiers in utf8mb4, everything computed and returned as bytes, room for a chunk."""
    enter(connection, ROWS)


def read_chunk(connection: Connection, table: Table, where: str) -> Block | None:
    """Rows and text of one chunk, or None if one GROUP_CONCAT cannot hold it exactly."""
    condition = "" if _is_whole(connection, table, where) else _inexact(table)
    odd = f"SUM({condition})" if condition else "0"
    text = f"GROUP_CONCAT({row_expression(table)} SEPARATOR '\\n')"
    sql = f"SELECT COUNT(*), {text}, {odd} {from_clause(table, where)}"
    with connection.holding(2 * MAX_CHUNK_BYTES), connection.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
        if cursor.warning_count or row is None or row[2]:
            return None
    return Block(row[0], row[1] + b"\n") if row[0] else Block(0, b"")


def stream_rows(connection: Connection, table: Table, where: str) -> Iterator[Block]:
    """Yield the same rows, in blocks of about `BLOCK_BYTES`, read one by one while the server sends them."""
    condition = "" if _is_whole(connection, table, where) else _inexact(table)
    if condition and _any(connection, table, where, condition):
        yield from _gathered(_stream(connection, table, where, formatted=False, expressions=True), values=True)
        return
    packet = int(scalar(connection, "SELECT @@max_allowed_packet"))
    formatted = _largest_row(table) <= packet
    yield from _gathered(_stream(connection, table, where, formatted=formatted, expressions=False), values=False)


def _stream(connection: Connection, table: Table, where: str, *, formatted: bool, expressions: bool) -> Iterator[bytes]:
    """Row by row: formatted by the server, or here."""
    fields = (
        [row_expression(table)] if formatted else [each for c in table.stored_columns for each in _raw(c, expressions)]
    )
    cursor = connection.cursor(SSCursor)
    cursor.execute(f"SELECT {', '.join(fields)} {from_clause(table, where)}")
    try:
        while rows := cursor.fetchmany(FETCH_ROWS if formatted else 1):
            for row in rows:
                yield _whole(row[0], table) if formatted else _format(row, table, expressions)
    except BaseException:
        _abandon(cursor)
        raise
    cursor.close()


def _abandon(cursor: SSCursor) -> None:
    """Its other rows are not read and its connection is spent; the garbage collector must not read them either."""
    result = cursor._result  # type: ignore[attr-defined]
    if result is not None:
        result.unbuffered_active = False
    cursor.connection = None  # type: ignore[assignment]


def _gathered(lines: Iterator[bytes], *, values: bool) -> Iterator[Block]:
    size, gathered = 0, []
    for line in lines:
        gathered.append(line)
        size += len(line)
        if size >= BLOCK_BYTES:
            yield Block(len(gathered), b"\n".join(gathered) + b"\n", values)
            size, gathered = 0, []
    if gathered:
        yield Block(len(gathered), b"\n".join(gathered) + b"\n", values)


def _is_whole(connection: Connection, table: Table, where: str) -> bool:
    """Return whether it is known that text says all of the documents; `Unsupported` where an old server cannot tell."""
    has_documents = any(column.kind == "json" for column in table.stored_columns)
    if has_documents and is_asked_by_number(connection):
        check_text_is_whole(connection, table, from_clause(table, where))
        return True
    return not has_documents


def _inexact(table: Table) -> str:
    """SQL: whether a row has a document that is more than its text; empty for a table without JSON."""
    conditions = [inexact(quote(column.name)) for column in table.stored_columns if column.kind == "json"]
    return " OR ".join(conditions)


def for_target(table: Table, *, offsets: bool, texts: bool, history: str = "") -> Table:
    """Return the table as its rows are to be read for a target; `offsets`, `texts` and `history` as in `StartRows`."""
    if history:
        table = with_history(table, history)
    if texts and any(column.kind == "json" for column in table.columns):
        columns = (replace(each, kind="longtext" if each.kind == "json" else each.kind) for each in table.columns)
        table = replace(table, columns=tuple(columns))
    return with_offsets(table) if offsets else table


def with_offsets(table: Table) -> Table:
    """Have TIMESTAMPs say +00:00 if the table computes something: its rows are loaded in the source's time zone."""
    if not table.computes:
        return table
    columns = (replace(column, offset=column.kind == "timestamp") for column in table.columns)
    return replace(table, columns=tuple(columns))


def has_odd_dates(connection: Connection, table: Table, where: str) -> bool:
    """Return whether rows have dates that an sql_mode may refuse or change: with zeros, or such as February 30."""
    days = [quote(column.name) for column in table.stored_columns if column.kind in _DAY_KINDS]
    odd = " OR ".join(f"{day} IS NOT NULL AND NOT (FROM_DAYS(TO_DAYS({day})) <=> DATE({day}))" for day in days)
    return bool(odd) and _any(connection, table, where, odd)


def _any(connection: Connection, table: Table, where: str, condition: str) -> bool:
    both = f"({where}) AND ({condition})" if where else condition
    return bool(query(connection, f"SELECT 1 {from_clause(table, both)} LIMIT 1"))


def row_expression(table: Table) -> str:
    """SQL that makes one row's text; it is NULL if the row is too long for the server's max_allowed_packet.

    A table whose columns are all generated has rows without fields.
    """
    if not table.stored_columns:
        return "''"
    fields = ", ',', ".join(_field(column) for column in table.stored_columns)
    return f"CONCAT({fields})"


def from_clause(table: Table, where: str) -> str:
    """Return where the rows are read that are in the job."""
    index = f" FORCE INDEX ({quote(table.key_index)})" if table.key_index else ""
    name = qualified(table.schema, table.name) + (" FOR SYSTEM_TIME ALL" if table.with_history else "")
    return f"FROM {name}{index}{table.chosen(where)}"


def _field(column: Column) -> str:
    value = _exact(column)
    if column.kind not in BARE_KINDS | MEMBER_KINDS:
        return f"QUOTE({value})"
    if column.kind == "enum":
        value = _within_members(column, value)
    return f"IFNULL({value}, 'NULL')" if column.nullable else value


def _within_members(column: Column, number: str) -> str:
    """The number of a member. A row event may have brought a larger one, which the target would take for the error
    value, with the same warning: a word stands for it that neither LOAD DATA nor INSERT takes.
    """
    members = len(_MEMBER.findall(column.column_type))
    return f"IF({number} <= {members}, {number}, CONCAT('beyond_', {number}))"


def _exact(column: Column) -> str:
    """Return the value in a form whose text loses nothing."""
    name = quote(column.name)
    if column.ends:
        return f"IF({name} IN ({', '.join(map(repr, ENDS_OF_TODAY))}), '{column.ends}', {name})"
    if column.offset:
        return f"IF({name} = 0, {name}, CONCAT({name}, '+00:00'))"
    if column.kind in BARE_KINDS | TEMPORAL_KINDS or (column.kind == "double" and "(" not in column.column_type):
        return name
    if column.kind in MEMBER_KINDS:
        return f"CAST({name} AS UNSIGNED)"  # the number also tells the error value '' from a member ''
    if column.kind in ("float", "double"):
        return f"({name} * 1e0)"  # a FLOAT prints six digits only, a DOUBLE(M,D) only D behind the point
    return f"CAST({name} AS BINARY)"


def _raw(column: Column, expressions: bool) -> list[str]:
    """Return the fields of a column whose text is put together here."""
    value = _exact(column)
    if column.kind == "enum":
        value = _within_members(column, value)
    plain = value if value.startswith("CAST(") and "BINARY" in value else f"CAST({value} AS BINARY)"
    return [plain, *type_fields(quote(column.name))] if expressions and column.kind == "json" else [plain]


def _format(row: tuple[bytes | None, ...], table: Table, expressions: bool) -> bytes:
    values = iter(row)
    return b",".join(_formatted(column, values, expressions) for column in table.stored_columns)


def _formatted(column: Column, values: Iterator[bytes | None], expressions: bool) -> bytes:
    value = next(values)
    if expressions and column.kind == "json":
        types = [next(values), next(values), next(values)]
        if value is None:
            return b"NULL"
        root, members, elements = (tuple(each.decode().split(",")) if each else () for each in types)
        return expression(JsonText(value, root[0], members, elements))
    if value is None:
        return b"NULL"
    return value if column.kind in BARE_KINDS | MEMBER_KINDS else quoted(value)


def _whole(text: bytes | None, table: Table) -> bytes:
    if text is None:
        raise UdupError(
            f"a row of {qualified(table.schema, table.name)} is longer than its definition allows:"
            " raise max_allowed_packet on the source"
        ).because(reason(Cause.LIMIT, {"table": f"{table.schema}.{table.name}"}))
    return text


def _largest_row(table: Table) -> int:
    """Most bytes that a row's text can have; every byte of a string may be escaped."""
    total = 0
    for column in table.stored_columns:
        length = 1 << 32 if column.kind in _UNBOUNDED_KINDS else column.octets
        total += 2 * length + _PLAIN_FIELD_BYTES
    return total
