"""JSON documents as the server prints them, to the byte; and floating-point numbers as it prints them anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from udup.drivers.mysql.rows.json_values import JsonTimestamp, JsonValue, Opaque
from udup.drivers.mysql.rows.temporal import Date, DateTime, Time

#: Digits of a fraction of a second inside of documents.
_FRACTION_DIGITS = 6

#: Zeros before the first digit, and digits before the point, up to which no exponent is used (the server's DBL_DIG).
_FIXED_MIN, _FIXED_MAX = -14, 15

#: Digits of a FLOAT that the server prints.
_FLOAT_DIGITS = 6

_ESCAPES = {ord('"'): '\\"', ord("\\"): "\\\\"} | {
    code: {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r"}.get(code, f"\\u{code:04x}") for code in range(32)
}


def json_text(value: JsonValue) -> str:
    """Return the text of a document."""
    return "".join(_pieces(value))


def _pieces(value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict):
        yield "{"
        for number, (key, each) in enumerate(value.items()):
            yield f"{', ' if number else ''}{_quoted(key)}: "
            yield from _pieces(each)
        yield "}"
    elif isinstance(value, list):
        yield "["
        for number, each in enumerate(value):
            if number:
                yield ", "
            yield from _pieces(each)
        yield "]"
    else:
        yield _scalar(value)


def _scalar(value: JsonValue) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, float):
        text = double_text(value)
        return text if "." in text or "e" in text else f"{text}.0"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, JsonTimestamp):
        return f'"{value.value.text(_FRACTION_DIGITS)}"'
    if isinstance(value, (DateTime, Time)):
        return f'"{value.text(_FRACTION_DIGITS)}"'
    if isinstance(value, Date):
        return f'"{value}"'
    if isinstance(value, Opaque):
        return _quoted(str(value))
    return int.__repr__(value)  # type: ignore[arg-type]


def _quoted(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'


def double_text(value: float) -> str:
    """Return a DOUBLE as the server prints it where the column says no digits."""
    return _number_text(repr(value))


def float_text(value: float) -> str:
    """Return a FLOAT as the server prints it: six digits, which are not all of it."""
    return _number_text(f"{value:.{_FLOAT_DIGITS - 1}e}")


def _number_text(exact: str) -> str:
    sign, digits, exponent = Decimal(exact).as_tuple()
    text = "".join(map(str, digits))
    front = "-" if sign else ""
    stripped = text.rstrip("0")
    if not stripped:
        return f"{front}0"
    assert isinstance(exponent, int)
    point = len(text) + exponent
    text = stripped
    if point >= _FIXED_MIN and (point <= _FIXED_MAX or len(text) > point):
        if point <= 0:
            return f"{front}0.{'0' * -point}{text}"
        if point >= len(text):
            return f"{front}{text}{'0' * (point - len(text))}"
        return f"{front}{text[:point]}.{text[point:]}"
    behind = f".{text[1:]}" if len(text) > 1 else ""
    return f"{front}{text[0]}{behind}e{point - 1}"
