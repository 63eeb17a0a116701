"""The statements that put a chunk's text into a table: LOAD DATA, or INSERT for targets without local files.

The text is what the source's server formatted: fields by commas, rows by newlines, strings quoted with backslash
escapes. Three kinds of column need a word more, since the text is binary and has numbers for members: ENUM and SET
(a string '3' could be a member's name), and JSON (a binary string is refused, error 3144).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.dictionary.catalog import Column, Table

#: A quoted string, or the newline that ends a row. Strings are skipped whole, with the newlines in them; one that
#: the text's end cuts off reaches to that end, even in the middle of an escape.
_ROW_END = re.compile(rb"'[^'\\]*(?:\\.[^'\\]*)*(?:'|\\?\Z)|\n", re.DOTALL)

#: One field: a quoted string or a bare word.
_FIELD = re.compile(rb"'[^'\\]*(?:\\.[^'\\]*)*'|[^,']+", re.DOTALL)


#: The same where a field may be an expression: what is between two of these ends none.
_PART = re.compile(rb"'[^'\\]*(?:\\.[^'\\]*)*'|[(),]|[^'(),]+", re.DOTALL)

_NONE: Mapping[str, str] = {}


def load_statement(table: Table, charsets: Mapping[str, str] = _NONE) -> str:
    """LOAD DATA for the text, whose "file" is the client's memory.

    `charsets`: those of columns whose text the target has in another one.
    """
    targets, assignments = [], []
    for number, column in enumerate(table.stored_columns):
        variable = f"@v{number}"
        converted = _converted(column, variable, charsets.get(column.name, ""))
        targets.append(variable if converted else quote(column.name))
        if converted:
            assignments.append(f"{quote(column.name)} = {converted}")
    assigned = f" SET {', '.join(assignments)}" if assignments else ""
    return (
        f"LOAD DATA LOCAL INFILE 'rows' INTO TABLE {qualified(table.schema, table.name)} CHARACTER SET binary"
        " FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\\'' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n'"
        f" ({', '.join(targets)}){assigned}"
    )


def insert_head(table: Table) -> bytes:
    columns = ", ".join(quote(column.name) for column in table.stored_columns)
    return f"INSERT INTO {qualified(table.schema, table.name)} ({columns}) VALUES ".encode()


def insert_statements(
    table: Table,
    head: bytes,
    pieces: Iterable[bytes],
    limit: int,
    *,
    values: bool = False,
    charsets: Mapping[str, str] = _NONE,
) -> Iterator[bytes]:
    """INSERT statements of about `limit` bytes; a single longer row makes a statement of its own.

    `values`: the text has SQL expressions in the place of JSON documents, which stay as they are.
    """
    introduced = {
        number: b"_" + charset.encode()
        for number, column in enumerate(table.stored_columns)
        if (charset := "utf8mb4" if column.kind == "json" and not values else charsets.get(column.name, ""))
    }
    rows: list[bytes] = []
    size = len(head)
    for row in rows_of(pieces):
        value = b"(" + (_introduced(row, introduced, values=values) if introduced else row) + b")"
        if rows and size + len(value) + 1 > limit:
            yield head + b",".join(rows)
            rows, size = [], len(head)
        rows.append(value)
        size += len(value) + 1
    if rows:
        yield head + b",".join(rows)


def _converted(column: Column, variable: str, charset: str) -> str:
    if column.kind in {"enum", "set"}:
        return f"CAST({variable} AS UNSIGNED)"
    if column.kind == "json":
        return f"CONVERT({variable} USING utf8mb4)"
    return f"CONVERT({variable} USING {charset})" if charset else ""


def rows_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The text of each row without its newline; pieces may be cut anywhere.

    What is left after the last row's end is looked at again only when it has doubled, so that a row of many pieces
    costs no more than its length.
    """
    waiting: list[bytes] = []
    size, enough = 0, 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= enough:
            rows, rest = _split(b"".join(waiting))
            yield from rows
            waiting, size, enough = [rest], len(rest), 2 * len(rest)
    rows, _ = _split(b"".join(waiting))
    yield from rows


def _split(text: bytes) -> tuple[list[bytes], bytes]:
    """The whole rows of a text, and what follows them."""
    rows, start = [], 0
    for match in _ROW_END.finditer(text):
        if match.group() == b"\n":
            rows.append(text[start : match.start()])
            start = match.end()
    return rows, text[start:]


def fields_of(row: bytes, *, values: bool) -> list[bytes]:
    """The fields of a row's text. `values`: some are SQL expressions."""
    if not values:
        return _FIELD.findall(row)
    fields, depth = [b""], 0
    for part in _PART.findall(row):
        if part == b"," and not depth:
            fields.append(b"")
            continue
        depth += {b"(": 1, b")": -1}.get(part, 0)
        fields[-1] += part
    return fields


def _introduced(row: bytes, charsets: Mapping[int, bytes], *, values: bool) -> bytes:
    """The row with some fields in a character set, as the text's other strings are binary."""
    fields = fields_of(row, values=values)
    for number, introducer in charsets.items():
        if fields[number] != b"NULL":
            fields[number] = introducer + fields[number]
    return b",".join(fields)
