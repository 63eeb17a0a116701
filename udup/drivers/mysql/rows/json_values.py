"""What stands in a JSON document: Python's own values where they are exact, and these where they are not.

`dict` (its keys in the server's order), `list`, `str`, `bool`, `None`, `int` (signed), `Unsigned`, `float`, `Decimal`,
`Date`, `DateTime` and `Time`, and `Opaque` for all else that MySQL keeps in documents.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from decimal import Decimal

from udup.drivers.mysql.rows.temporal import Date, DateTime, Time

#: Levels of a document at most, as the server has it.
DEPTH_MAX = 100

#: Characters of a line of base64, as the server breaks it.
_LINE = 76


class Unsigned(int):
    """A number that JSON_TYPE calls UNSIGNED INTEGER."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Opaque:
    """Bytes of a type that JSON does not have: `kind` is the number of MySQL's type."""

    kind: int
    data: bytes

    def __str__(self) -> str:
        """Return it as the server prints it, without quotes."""
        coded = b64encode(self.data).decode()
        lines = "\n".join(coded[at : at + _LINE] for at in range(0, len(coded), _LINE))
        return f"base64:type{self.kind}:{lines}"


@dataclass(frozen=True, slots=True)
class JsonTimestamp:
    """A DATETIME that is a TIMESTAMP's in the document; it is printed in no other way."""

    value: DateTime


JsonValue = (
    dict[str, "JsonValue"]
    | list["JsonValue"]
    | str
    | bool
    | int
    | float
    | Decimal
    | Date
    | DateTime
    | Time
    | JsonTimestamp
    | Opaque
    | None
)


def key_order(key: str) -> tuple[int, bytes]:
    """Return what the server sorts an object's keys by."""
    coded = key.encode()
    return len(coded), coded
