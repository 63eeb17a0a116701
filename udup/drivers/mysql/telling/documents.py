"""JSON documents out of the texts that the server prints, as they stand in rows.

Text does not say everything: whether a number is a DECIMAL, a string a DATE or bytes. So the server is asked with each
document whether it holds such values (`snapshot/json_values.py`), and of those that do for the types of all of them. A
document that was changed in place has gaps in the log that the one made here does not have; it is the same document.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from udup.base.errors import Unsupported
from udup.drivers.mysql.rows.json_encoding import encode
from udup.drivers.mysql.rows.json_values import JsonValue, Opaque, Unsigned
from udup.drivers.mysql.rows.temporal import Date, DateTime, Time
from udup.drivers.mysql.snapshot.json_values import JsonText, children, inexact, type_fields, typed_parts
from udup.drivers.mysql.telling.plain_documents import plain_document

#: What the server says of a document whose types are too long for it to tell.
_TOO_LONG = b"?"

_SCALARS: dict[str, Callable[[str], JsonValue]] = {
    "INTEGER": int,
    "UNSIGNED INTEGER": Unsigned,
    "DOUBLE": float,
    "DECIMAL": Decimal,
    "DATE": Date.parse,
    "TIME": Time.parse,
    "DATETIME": DateTime.parse,
    "TIMESTAMP": DateTime.parse,
}


def types_field(column: str) -> str:
    """SQL: what `document` is told of the types in a (quoted) column; NULL where the text says everything."""
    root, members, elements = type_fields(column)
    told = f"CONCAT({root}, '|', IFNULL({members}, ''), '|', IFNULL({elements}, ''))"
    return f"CASE WHEN {inexact(column)} THEN IFNULL({told}, '{_TOO_LONG.decode()}') END"


def document(text: bytes, types: bytes | None) -> bytes:
    """Return the document's bytes. `Unsupported` for one whose types the server does not tell."""
    if types is None:
        return plain_document(text)
    if types == _TOO_LONG:
        raise Unsupported(
            f"a JSON document of {len(text)} bytes holds dates, decimals or bytes, and more values than the server"
            " tells the types of: set max_allowed_packet higher on the source"
        )
    root, *inside = types.decode().split("|")
    members, elements = (tuple(each.split(",")) if each else () for each in inside)
    node, kinds = typed_parts(JsonText(text, root, members, elements))
    return encode(_tree("$", node, kinds))


def _tree(path: str, node: Any, kinds: dict[str, str]) -> JsonValue:
    if isinstance(node, dict):
        below = children(path, node)
        return {key: _tree(*each, kinds) for key, each in zip(node, below, strict=True)}
    if isinstance(node, list):
        return [_tree(*each, kinds) for each in children(path, node)]
    kind = kinds[path]
    if kind in _SCALARS:
        return _SCALARS[kind](str(node))
    if kind in ("BLOB", "BIT", "OPAQUE"):
        _, number, coded = node.split(":", 2)
        return Opaque(int(number.removeprefix("type")), base64.b64decode(coded))
    value: JsonValue = node
    return value
