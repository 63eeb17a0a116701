"""JSON documents as SQL expressions that make them again.

A document is cast from its text. What text does not say is put in by its path: decimals, dates, binary strings, and
whether an integer has a sign, JSON_SET(CAST(text AS JSON), path, CAST('2024-02-29' AS DATE), …).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

from udup.base.errors import Unsupported
from udup.drivers.mysql.rows.json_text import json_text
from udup.drivers.mysql.rows.json_values import JsonTimestamp, JsonValue, Opaque, Unsigned
from udup.drivers.mysql.rows.temporal import Date, DateTime, Time

#: Text is read as INTEGER up to this number, and above it as UNSIGNED INTEGER (seen on 9.7).
_LARGEST_SIGNED = (1 << 32) - 1

#: Types of columns whose binary strings an expression can make.
_VARCHAR, _BIT, _BLOB = 15, 16, 252


def json_expression(document: JsonValue) -> str:
    """Return the expression; `Unsupported` for a value that none makes."""
    plain = f"CAST({_text(json_text(document))} AS JSON)"
    changes = [f"{_text(path)}, {made}" for path, value in _walk("$", document) if (made := _made(value))]
    return f"JSON_SET({', '.join([plain, *changes])})" if changes else plain


def _text(text: str) -> str:
    return f"_utf8mb4 x'{text.encode().hex()}'"


def _walk(path: str, value: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    yield path, value
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _walk(f"{path}.{json.dumps(key, ensure_ascii=False)}", each)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _walk(f"{path}[{index}]", each)


def _made(value: JsonValue) -> str:
    """Return the expression of a value that its text does not say; empty for the others."""
    if isinstance(value, Decimal):
        digits, scale = format(abs(value), "f").partition(".")[::2]
        return f"CAST({value:f} AS DECIMAL({max(len(digits.lstrip('0')) + len(scale), 1)},{len(scale)}))"
    if isinstance(value, Time):
        return f"CAST('{value.text(6)}' AS TIME(6))"
    if isinstance(value, DateTime):
        return f"CAST('{value.text(6)}' AS DATETIME(6))"
    if isinstance(value, Date):
        return f"CAST('{value}' AS DATE)"
    if isinstance(value, JsonTimestamp):
        return f"CAST('{value.value.text(6)}' AS DATETIME(6))"
    if isinstance(value, Opaque):
        return _opaque(value)
    if isinstance(value, int) and not isinstance(value, bool):
        unsigned = isinstance(value, Unsigned)
        return "" if unsigned == (value > _LARGEST_SIGNED) else f"CAST({value:d} AS {'UN' * unsigned}SIGNED)"
    return ""


def _opaque(value: Opaque) -> str:
    if value.kind == _VARCHAR:
        return f"x'{value.data.hex()}'"
    if value.kind == _BIT:
        return _as_column(f"BIT({8 * len(value.data)})", str(int.from_bytes(value.data, "big")), "j.v")
    if value.kind == _BLOB:
        return _as_column("BLOB", "null", f"COALESCE(j.v, x'{value.data.hex()}')")
    raise Unsupported(
        f"a JSON document holds a binary string of column type {value.kind}, which no SQL expression makes; rewrite it "
        "as a BLOB or as text on the source, then give the job another ID"
    )


def _as_column(column_type: str, document: str, value: str) -> str:
    """Return a value that has a column's type, as JSON keeps it."""
    table = f"JSON_TABLE(_utf8mb4'[{document}]', _utf8mb4'$[*]' COLUMNS (v {column_type} PATH _utf8mb4'$')) AS j"
    return f"(SELECT {value} FROM {table})"
