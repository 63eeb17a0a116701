"""Literals of the redo, and texts of a snapshot, as values: exactly, or `NoFit`."""

from __future__ import annotations

import struct
from collections.abc import Callable
from decimal import Context, Decimal, InvalidOperation

from udup.drivers.mysql.rows.values import Value
from udup.drivers.oracle.logminer.values import Call, Literal

#: Of a NUMBER there are 40 digits at most, between 10^-130 and 10^126.
WIDE = Context(prec=300)


class NoFit(ValueError):
    """A type, or a value, that the target cannot hold exactly."""


def whole_number(text: str) -> int:
    number = decimal_of(text)
    if number != number.to_integral_value(context=WIDE):
        raise NoFit(f"{text} is no whole number")
    return int(number)


def decimal_of(text: str) -> Decimal:
    try:
        number = WIDE.create_decimal(text)
    except InvalidOperation as error:
        raise NoFit(f"{text!r} is no number") from error
    if not number.is_finite():
        raise NoFit(f"{text!r} is no number that MySQL has")
    return number


def rounded(number: float, width: int) -> float:
    """Return the number that so many bytes hold."""
    if width == 8:
        return number
    try:
        return float(struct.unpack("<f", struct.pack("<f", number))[0])
    except OverflowError as error:
        raise NoFit(f"{number!r} does not fit into a FLOAT") from error


def utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise NoFit("it holds half a character") from error


def of_text(value: Callable[[str], Value]) -> Callable[[Literal], Value]:
    """Return the same of a literal: NULL is itself, and so is the empty text, which is NULL in Oracle."""

    def of(literal: Literal) -> Value:
        if literal is None or literal == "":
            return None
        if not isinstance(literal, str):
            raise NoFit(f"{literal!r} is no text")
        return value(literal)

    return of


def of_float(value: Callable[[str | float], float]) -> Callable[[Literal], Value]:
    read = of_text(value)

    def of(literal: Literal) -> Value:
        return value(literal) if isinstance(literal, float) else read(literal)

    return of


def of_texts(value: Callable[[str], bytes], *, is_lob: bool = False) -> Callable[[Literal], Value]:
    read = of_text(value)

    def of(literal: Literal) -> Value:
        return b"" if is_lob and literal in ("", Call("EMPTY_CLOB")) else read(literal)

    return of


def of_octets(literal: Literal) -> Value:
    if literal is None or literal == "":
        return None
    if literal == Call("EMPTY_BLOB"):
        return b""
    if not isinstance(literal, bytes):
        raise NoFit(f"{literal!r} are no bytes")
    return literal


def of_calls(functions: frozenset[str], value: Callable[[str], Value]) -> Callable[[Literal], Value]:
    """Return what reads a call of one of these functions, or the text that a snapshot's expression gives."""
    read = of_text(value)

    def of(literal: Literal) -> Value:
        if isinstance(literal, Call):
            if literal.name not in functions:
                raise NoFit(f"{literal.name} where {' or '.join(sorted(functions))} is expected")
            if literal.format and literal.format not in _FORMATS:
                raise NoFit(f"{literal.name} with the format {literal.format!r}, which is not the session's")
            return read(literal.text)
        return read(literal)

    return of


#: Formats that redo names: those that Udup's sessions set.
_FORMATS = frozenset(
    {
        "YYYY-MM-DD HH24:MI:SS",
        "SYYYY-MM-DD HH24:MI:SS",
        "YYYY-MM-DD HH24:MI:SS.FF9",
        "SYYYY-MM-DD HH24:MI:SS.FF9",
        "YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM",
        "SYYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM",
    }
)
