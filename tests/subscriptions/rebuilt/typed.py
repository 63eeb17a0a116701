"""Rows in a form in which both a SELECT and a message have them: made of each by itself, column by column.

What the product makes texts with is not used here: each column is asked of the server by an expression of its own,
and a message's value is read by the documented meaning of its type.
"""

from __future__ import annotations

import base64
import json
import struct
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.client.names import quote

Cell = Any
_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Column:
    """`kind` and `declared` are DATA_TYPE and COLUMN_TYPE."""

    name: str
    kind: str
    declared: str
    scale: int
    digits: int

    @property
    def asked(self) -> str:
        """Return the expression that it is asked by."""
        name = quote(self.name)
        if self.kind in ("bit", "year"):
            return f"CAST({name} + 0 AS UNSIGNED)"
        if self.kind in ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "point", "vector"):
            return f"HEX({name})"
        if self.kind == "float":
            return f"CAST({name} AS DOUBLE)"
        if self.kind in ("double", *_INTEGERS):
            return name
        return f"CONVERT(CAST({name} AS CHAR CHARACTER SET utf8mb4) USING utf8mb4)"

    def of_server(self, value: Any) -> Cell:
        if value is None:
            return None
        return _FROM_SERVER.get(self.kind, lambda _column, given: str(given))(self, value)

    def of_message(self, value: Any) -> Cell:
        if value is None:
            return None
        return _FROM_MESSAGE.get(self.kind, lambda _column, given: given)(self, value)


_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")


def _float32(number: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", number))[0])


def _micros(moment: str) -> int | None:
    if moment.startswith("0000-00-00"):
        return None
    left = datetime.fromisoformat(moment.ljust(19)).replace(tzinfo=None) - _EPOCH
    return (left.days * 86400 + left.seconds) * 10**6 + left.microseconds


def _clock(text: str) -> int:
    sign, text = (-1, text[1:]) if text.startswith("-") else (1, text)
    hours, minutes, seconds = text.split(":")
    whole, _, fraction = seconds.partition(".")
    return sign * ((int(hours) * 3600 + int(minutes) * 60 + int(whole)) * 10**6 + int(fraction.ljust(6, "0") or 0))


def _day(column: Column, text: str) -> int | None:
    moment = _micros(f"{text} 00:00:00")
    return None if moment is None else moment // (86400 * 10**6)


def _stamp(_column: Column, text: str) -> int | None:
    return _micros(text)


def _instant(text: str) -> int | None:
    return _micros(text.removesuffix("Z").replace("T", " "))


def _floats(data: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(data) // 4}f", data)


def _unscaled(column: Column, text: str) -> Decimal:
    number = int.from_bytes(base64.b64decode(text), "big", signed=True)
    return Decimal(f"{number}E-{column.scale}") if number else Decimal(0)  # exact: no context rounds it


def _bits(_column: Column, value: Any) -> int:
    return int(value) if isinstance(value, bool) else int.from_bytes(base64.b64decode(value), "little")


def _exactly(column: Column, text: str) -> Decimal:
    return Decimal(text) or Decimal(0)


def _whole(column: Column, value: Any) -> int:
    """BIGINT UNSIGNED comes as a signed number of 64 bits."""
    return int(value) % (1 << 64) if "unsigned" in column.declared else int(value)


_Read = Callable[[Column, Any], Cell]

_BLOBS = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob")

_FROM_SERVER: dict[str, _Read] = {
    **dict.fromkeys(_INTEGERS, lambda _column, value: int(value)),
    **dict.fromkeys(("bit", "year"), lambda _column, value: int(value)),
    **dict.fromkeys(_BLOBS, lambda _column, value: str(value).lower()),
    "float": lambda _column, value: _float32(float(value)),
    "double": lambda _column, value: float(value),
    "decimal": _exactly,
    "date": _day,
    "datetime": _stamp,
    "timestamp": _stamp,
    "time": lambda _column, value: _clock(value),
    "json": lambda _column, value: json.dumps(json.loads(value), sort_keys=True),
    "point": lambda _column, value: (
        str(value)[8:].lower(),
        int.from_bytes(bytes.fromhex(value)[:4], "little") or None,
        struct.unpack("<2d", bytes.fromhex(value)[9:]),
    ),
    "vector": lambda _column, value: _floats(bytes.fromhex(value)),
}

_FROM_MESSAGE: dict[str, _Read] = {
    **dict.fromkeys(_INTEGERS, _whole),
    **dict.fromkeys(_BLOBS, lambda _column, value: base64.b64decode(value).hex()),
    "bit": _bits,
    "float": lambda _column, value: _float32(float(value)),
    "double": lambda _column, value: float(value),
    "decimal": _unscaled,
    "datetime": lambda column, value: value * (1 if column.digits > 3 else 1000),
    "timestamp": lambda _column, value: _instant(value),
    "json": lambda _column, value: json.dumps(json.loads(value), sort_keys=True),
    "point": lambda _column, value: (
        base64.b64decode(value["wkb"]).hex(),
        value["srid"],
        (value["x"], value["y"]),
    ),
    "vector": lambda _column, value: tuple(_float32(each) for each in value),
}


class Source:
    """The tables of one schema, as the server has them."""

    def __init__(self, endpoint: Endpoint, schema: str) -> None:
        self._endpoint = endpoint
        self._schema = schema

    def columns(self) -> dict[str, list[Column]]:
        with closing(connect(self._endpoint)) as connection:
            found: dict[str, list[Column]] = {}
            for table, *rest in query(connection, _COLUMNS, self._schema):
                name, kind, declared, scale, digits = rest
                made = Column(str(name), _said(kind), _said(declared), int(scale or 0), int(digits or 0))
                found.setdefault(str(table), []).append(made)
            return found

    def rows(self, table: str, columns: list[Column]) -> Counter[tuple[Cell, ...]]:
        with closing(connect(self._endpoint)) as connection:
            query(connection, "SET time_zone = '+00:00'")
            return Counter(self._read(connection, table, columns))

    def _read(self, connection: Connection, table: str, columns: list[Column]) -> list[tuple[Cell, ...]]:
        asked = ", ".join(each.asked for each in columns)
        found = query(connection, f"SELECT {asked} FROM {quote(self._schema)}.{quote(table)}")
        return [tuple(each.of_server(_said(cell)) for each, cell in zip(columns, row, strict=True)) for row in found]


_COLUMNS = (
    "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, NUMERIC_SCALE, DATETIME_PRECISION"
    " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME, ORDINAL_POSITION"
)


def _said(cell: Any) -> Any:
    return cell.decode("utf-8") if isinstance(cell, bytes) else cell


def of_messages(rows: list[dict[str, Any]], columns: list[Column]) -> Counter[tuple[Cell, ...]]:
    """Return a consumer's rows; a row that has other columns than the table is its text."""
    names = [each.name for each in columns]
    return Counter(
        tuple(each.of_message(row[each.name]) for each in columns)
        if list(row) == names or sorted(row) == sorted(names)
        else (json.dumps(row),)
        for row in rows
    )
