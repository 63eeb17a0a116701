"""A column's value twice: as the events say it, by Debezium's default rules, and as the source's SELECT does.

Both become the same Python value, so that a comparison is one of values and types, not of texts.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

_EPOCH = datetime(1970, 1, 1)

_MICROSECOND = timedelta(microseconds=1)

#: Digits of a second's fraction up to which a DATETIME is told in milliseconds.
_MILLISECOND_DIGITS = 3

Value = Callable[[Any], Any]


@dataclass(frozen=True)
class Column:
    """`of_event` and `of_select` take a value that is not NULL."""

    name: str
    selected: str  # the expression that SELECT has
    of_event: Value
    of_select: Value


def column(name: str, kind: str, scale: int, fraction: int) -> Column:
    """Return a column by its type in information_schema, its decimal digits, and those of its seconds."""
    quoted = f"`{name}`"
    if kind == "decimal":
        return Column(name, quoted, lambda said: _decimal(said, scale), _as_it_is)
    if kind == "datetime":
        unit = timedelta(milliseconds=1) if fraction <= _MILLISECOND_DIGITS else _MICROSECOND
        return Column(name, quoted, lambda said: _EPOCH + said * unit, _as_it_is)
    if kind == "float":  # a SELECT prints six digits of it
        return Column(name, f"CAST({quoted} AS DOUBLE)", _single, _single)
    return Column(name, quoted, *_BY_KIND.get(kind, (_as_it_is, _as_it_is)))


def image(columns: Mapping[str, Column], said: Mapping[str, Any]) -> dict[str, Any]:
    """Return an image of an event as values."""
    return {name: None if value is None else columns[name].of_event(value) for name, value in said.items()}


def _as_it_is(value: Any) -> Any:
    return value


def _decimal(said: str, scale: int) -> Decimal:
    return Decimal(int.from_bytes(base64.b64decode(said), signed=True)).scaleb(-scale)


def _single(number: float) -> bytes:
    return struct.pack("<f", number)


def _timestamp(said: str) -> datetime:
    return datetime.fromisoformat(said).astimezone(UTC).replace(tzinfo=None)


def _words(value: str) -> str:
    """Return a document whose members have one order."""
    return json.dumps(json.loads(value), sort_keys=True)


_BY_KIND: Mapping[str, tuple[Value, Value]] = {
    "bit": (
        lambda said: int.from_bytes(base64.b64decode(said), "little"),
        lambda value: int.from_bytes(value, "big"),
    ),
    "date": (lambda days: date(1970, 1, 1) + timedelta(days=days), _as_it_is),
    "time": (lambda microseconds: microseconds * _MICROSECOND, _as_it_is),
    "timestamp": (_timestamp, _as_it_is),
    "json": (_words, _words),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), (base64.b64decode, bytes)),
}
