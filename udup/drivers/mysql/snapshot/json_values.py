"""JSON documents whose text does not say everything, as SQL expressions that make them again.

A document may hold values of types that JSON text does not have: DATE, TIME, DATETIME, DECIMAL, binary strings; and
integers are signed or not, which text does not tell either. Read from text they would become strings, doubles, integers
of the other kind. `inexact` tells such documents from the others, in SQL, at twice the cost of formatting the row;
each becomes an expression, JSON_SET(CAST(text AS JSON), path, CAST('2024-02-29' AS DATE), …).

The types come from JSON_TABLE over `$**.*` (members of objects) and `$**[*]` (elements of arrays). Both paths visit a
document in the same order: what a node holds, then what each of its children holds. The text is walked likewise, and
every type must go with what stands in the text.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.remedies import UNKNOWN
from udup.drivers.mysql.snapshot.literals import quoted

MEMBERS, ELEMENTS = "$**.*", "$**[*]"

#: Types that text keeps.
_PLAIN = ("OBJECT", "ARRAY", "STRING", "DOUBLE", "BOOLEAN", "NULL")

#: Text is read as INTEGER up to this number, and above it as UNSIGNED INTEGER (seen on 9.7).
_LARGEST_SIGNED = (1 << 32) - 1

_TEMPORAL = {"DATE": "DATE", "TIME": "TIME(6)", "DATETIME": "DATETIME(6)"}

#: Column types of binary strings in a document, as their text gives them, that an expression can make again.
_VARCHAR, _BIT, _BLOB = 15, 16, 252


class _Number(str):
    """A number's text."""


@dataclass(frozen=True)
class JsonText:
    """A document's text, and the JSON_TYPEs of its root, all members and all elements, in the order of the walk."""

    text: bytes
    root: str
    members: tuple[str, ...]
    elements: tuple[str, ...]


def inexact(column: str) -> str:
    """SQL: 1 if the document of this (quoted) column is more than its text, else 0."""
    inside = " OR ".join(
        f"EXISTS (SELECT 1 FROM {_json_table(column, path)} WHERE {is_special('j.v')})" for path in (MEMBERS, ELEMENTS)
    )
    return f"({is_special(column)} OR {inside})"


def type_fields(column: str) -> list[str]:
    """SQL: what `JsonText` holds besides the text. JSON_TABLE makes NULL of a null inside."""
    inside = [
        f"(SELECT GROUP_CONCAT(IFNULL(JSON_TYPE(j.v), 'NULL') ORDER BY j.n) FROM {_json_table(column, path)})"
        for path in (MEMBERS, ELEMENTS)
    ]
    return [f"CAST({field} AS BINARY)" for field in (f"JSON_TYPE({column})", *inside)]


def _json_table(column: str, path: str) -> str:
    # With introducers, since the session's literals are binary.
    return f"JSON_TABLE({column}, _utf8mb4'{path}' COLUMNS (n FOR ORDINALITY, v JSON PATH _utf8mb4'$')) AS j"


def is_special(value: str) -> str:
    """SQL: whether a value is of a type, or an integer of a kind, that its text does not say."""
    plain = ", ".join(f"'{each}'" for each in _PLAIN)
    return (
        f"CASE WHEN JSON_TYPE({value}) IN ({plain}) THEN 0"
        f" WHEN JSON_TYPE({value}) = 'INTEGER' THEN {value} > {_LARGEST_SIGNED}"
        f" WHEN JSON_TYPE({value}) = 'UNSIGNED INTEGER' THEN {value} <= {_LARGEST_SIGNED}"
        f" ELSE JSON_TYPE({value}) IS NOT NULL END"
    )


def expression(document: JsonText) -> bytes:
    """SQL that makes the document. Raise `Unsupported` for a value that no expression makes."""
    plain = b"CAST(_utf8mb4" + quoted(document.text) + b" AS JSON)"
    root = json.loads(document.text, parse_int=_Number, parse_float=_Number)
    changes: list[bytes] = []
    for path, kind, value in _typed(document, root):
        made = _made(kind, value)
        if made:
            changes += [b"_utf8mb4" + quoted(path.encode()), made]
    return b"JSON_SET(" + b", ".join([plain, *changes]) + b")" if changes else plain


def typed_parts(document: JsonText) -> tuple[Any, dict[str, str]]:
    """Return the document with its numbers as texts, and the JSON_TYPE of all in it by its path (`$.a[0]`)."""
    root = json.loads(document.text, parse_int=_Number, parse_float=_Number)
    return root, {path: kind for path, kind, _ in _typed(document, root)}


def children(path: str, node: Any) -> list[tuple[str, Any]]:
    """Return what a node of a document holds, each with its path."""
    return _children(path, node)


def _typed(document: JsonText, root: Any) -> Iterator[tuple[str, str, Any]]:
    """Path, type and value of everything in the document."""
    yield "$", document.root, root
    for kind, types in ((dict, document.members), (list, document.elements)):
        for (path, value), json_type in zip(_walk(kind, "$", root), types, strict=True):
            if not _goes_with(json_type, value):
                raise Unsupported(f"a JSON document's types do not go with its text: {json_type} at {path}; {UNKNOWN}")
            yield path, json_type, value


def _walk(kind: type, path: str, node: Any) -> Iterator[tuple[str, Any]]:
    children = _children(path, node)
    if isinstance(node, kind):
        yield from children
    for below, child in children:
        yield from _walk(kind, below, child)


def _children(path: str, node: Any) -> list[tuple[str, Any]]:
    if isinstance(node, dict):
        return [(f"{path}.{json.dumps(key, ensure_ascii=False)}", value) for key, value in node.items()]
    if isinstance(node, list):
        return [(f"{path}[{index}]", value) for index, value in enumerate(node)]
    return []


def _goes_with(json_type: str, value: Any) -> bool:
    if isinstance(value, _Number):
        return json_type in ("INTEGER", "UNSIGNED INTEGER", "DOUBLE", "DECIMAL")
    if isinstance(value, str):
        return json_type in ("STRING", "BLOB", "BIT", "OPAQUE", *_TEMPORAL)
    kinds = {dict: "OBJECT", list: "ARRAY", bool: "BOOLEAN", type(None): "NULL"}
    return kinds[type(value)] == json_type


def _made(json_type: str, value: Any) -> bytes:
    """SQL for a value that its text does not say; empty for the others."""
    if json_type in _PLAIN:
        return b""
    text: str = value
    if json_type in _TEMPORAL:
        return f"CAST('{text}' AS {_TEMPORAL[json_type]})".encode()
    if json_type in ("INTEGER", "UNSIGNED INTEGER"):
        as_read = "INTEGER" if int(text) <= _LARGEST_SIGNED else "UNSIGNED INTEGER"
        sign = "SIGNED" if json_type == "INTEGER" else "UNSIGNED"
        return b"" if json_type == as_read else f"CAST({text} AS {sign})".encode()
    if json_type == "DECIMAL":
        whole, _, fraction = text.lstrip("-").partition(".")
        return f"CAST({text} AS DECIMAL({max(1, len(whole.lstrip('0')) + len(fraction))},{len(fraction)}))".encode()
    return _made_binary(text)


def _made_binary(text: str) -> bytes:
    """From `base64:type<column type>:<bytes>`."""
    _, kind, encoded = text.split(":", 2)
    number = int(kind.removeprefix("type"))
    data = base64.b64decode(encoded)
    if number == _VARCHAR:
        return b"x'" + data.hex().encode() + b"'"
    if number == _BIT:
        return _as_column(f"BIT({8 * len(data)})", str(int.from_bytes(data, "big")), "j.v")
    if number == _BLOB:
        return _as_column("BLOB", "null", f"COALESCE(j.v, x'{data.hex()}')")
    raise Unsupported(
        f"a JSON document holds a binary string of column type {number} ({text[:40]}), which no SQL expression makes; "
        "rewrite it as a BLOB or as text, or copy the table by hand and start the job at a Gtid"
    )


def _as_column(column_type: str, document: str, value: str) -> bytes:
    """Return a value that has a column's type, as JSON keeps it."""
    table = f"JSON_TABLE(_utf8mb4'[{document}]', _utf8mb4'$[*]' COLUMNS (v {column_type} PATH _utf8mb4'$')) AS j"
    return f"(SELECT {value} FROM {table})".encode()
