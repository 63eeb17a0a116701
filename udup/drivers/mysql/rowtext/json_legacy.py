"""JSON documents as Debezium writes those that it reads from the log: compact, members in the server's order.

Read straight from the document's bytes, since every object on the way would cost more than its text. The bounds are
those of `rows/json_binary.py`: a value lies in the container that holds it, and all together have no more bytes than
the document.
"""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Callable
from decimal import Decimal
from json.encoder import encode_basestring as _quoted_plain

from udup.drivers.mysql.rows.errors import DAMAGE, DamagedRows, damaged
from udup.drivers.mysql.rows.json_binary import LITERAL, OPAQUE, STRING, UINT32, opaque_value
from udup.drivers.mysql.rows.json_values import DEPTH_MAX, JsonTimestamp, JsonValue, Opaque
from udup.drivers.mysql.rows.temporal import Date, DateTime, Time

_U16 = struct.Struct("<H").unpack_from
_U32 = struct.Struct("<I").unpack_from
_NUMBERS: dict[int, tuple[Callable[..., tuple[int]], int]] = {
    5: (struct.Struct("<h").unpack_from, 2),
    6: (_U16, 2),
    7: (struct.Struct("<i").unpack_from, 4),
    8: (_U32, 4),
    9: (struct.Struct("<q").unpack_from, 8),
    10: (struct.Struct("<Q").unpack_from, 8),
}
_DOUBLE = struct.Struct("<d").unpack_from
_LITERALS = ("null", "true", "false")

#: Doubles of these sizes are written with their own digits, all others with every digit that they have.
_PLAIN_MIN, _PLAIN_MAX = 1e-3, 1e7

#: Most bytes of a length.
_LENGTH_BYTES_MAX = 5


def legacy_text(data: bytes, quirks: bool = False) -> str:
    """Return the text of a document; `DamagedRows` for bytes that are none. No bytes are null, with quirks `{}`."""
    if not data:
        return "{}" if quirks else "null"
    try:
        return _value(data, data[0], 1, len(data), 0, [len(data)], quirks)
    except DamagedRows:
        raise
    except DAMAGE as error:
        raise damaged(f"a JSON document cannot be read ({type(error).__name__}: {error})") from error


def _value(data: bytes, kind: int, at: int, end: int, depth: int, left: list[int], quirks: bool) -> str:
    if kind == STRING:
        start, stop = _sized(data, at, end, left)
        return _quoted(data[start:stop].decode())
    if kind <= 3:
        return _container(data, kind, at, end, depth, left, quirks)
    if kind == LITERAL:
        return _LITERALS[data[at]]
    if kind in _NUMBERS:
        number: int = _NUMBERS[kind][0](data, at)[0]
        if quirks and kind == UINT32 and number >= 1 << 31:
            number -= 1 << 32
        return str(number)
    if kind == 11:
        return double_text(_DOUBLE(data, at)[0])
    if kind == OPAQUE:
        start, stop = _sized(data, at + 1, end, left)
        return _opaque(opaque_value(data[at], data[start:stop]))
    raise damaged(f"a JSON document has a value of type {kind}")


def _container(data: bytes, kind: int, at: int, end: int, depth: int, left: list[int], quirks: bool) -> str:
    if depth >= DEPTH_MAX:
        raise damaged(f"a JSON document has more than {DEPTH_MAX} levels")
    large = kind & 1
    read, width = (_U32, 4) if large else (_U16, 2)
    inline = 8 if large else 6
    count: int = read(data, at)[0]
    size: int = read(data, at + width)[0]
    key = at + 2 * width
    entry = key + count * (width + 2) if kind < 2 else key
    behind = entry + count * (width + 1)
    if at + size > end or behind > at + size:
        raise damaged("a JSON document's container is longer than what holds it")
    left[0] -= behind - at
    if left[0] < 0:
        raise damaged("a JSON document's values overlap")
    texts = []
    while entry < behind:
        each = data[entry]
        place = entry + 1 if 4 <= each <= inline and (each != STRING) else at + read(data, entry + 1)[0]
        text = _value(data, each, place, at + size, depth + 1, left, quirks)
        if kind < 2:
            text = _key(data, at, key, width, left) + text
            key += width + 2
        texts.append(text)
        entry += width + 1
    return f"{{{','.join(texts)}}}" if kind < 2 else f"[{','.join(texts)}]"


def _key(data: bytes, at: int, entry: int, width: int, left: list[int]) -> str:
    start = at + (_U16 if width == 2 else _U32)(data, entry)[0]
    size = _U16(data, entry + width)[0]
    left[0] -= size
    if left[0] < 0 or start + size > len(data):
        raise damaged("a JSON document's key is longer than the document")
    return f"{_quoted(data[start : start + size].decode())}:"


def _sized(data: bytes, at: int, end: int, left: list[int]) -> tuple[int, int]:
    """Return where the bytes behind a length begin and end."""
    size = data[at]
    if size >= 0x80:
        size &= 0x7F
        for number in range(1, _LENGTH_BYTES_MAX + 1):
            if number == _LENGTH_BYTES_MAX:
                raise damaged("a JSON document has a length without an end")
            at += 1
            size |= (data[at] & 0x7F) << 7 * number
            if data[at] < 0x80:
                break
    left[0] -= size
    if at + 1 + size > end:
        raise damaged("a JSON document's value is longer than the document")
    if left[0] < 0:
        raise damaged("a JSON document's values overlap")
    return at + 1, at + 1 + size


def double_text(value: float) -> str:
    """Return a double of a document: without an exponent, whatever its size."""
    if not value:
        return repr(value)
    if value - value:
        raise damaged("a JSON document has a number that is none")
    if _PLAIN_MIN <= abs(value) < _PLAIN_MAX:
        return repr(value)
    return format(Decimal(value), "f")


def _opaque(value: JsonValue) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, JsonTimestamp):
        value = value.value
    if isinstance(value, (DateTime, Time)):
        text = value.text(6).rstrip("0").rstrip(".") if value.microseconds else value.text(0)
        return f'"{text}"'
    if isinstance(value, Date):
        return f'"{value}"'
    if isinstance(value, Opaque):
        return f'"{b64encode(value.data).decode()}"'
    raise damaged("a JSON document has a value of a type that it cannot have")


#: Debezium's escapes: those of control characters have capital letters.
_ESCAPES = {code: f"\\u{code:04X}" for code in range(32)} | {
    ord(letter): escape
    for letter, escape in (
        *(('"', '\\"'), ("\\", "\\\\")),
        *(("\b", "\\b"), ("\t", "\\t"), ("\n", "\\n"), ("\f", "\\f"), ("\r", "\\r")),
    )
}


def _quoted(text: str) -> str:
    if text.isprintable():
        return _quoted_plain(text)
    return f'"{text.translate(_ESCAPES)}"'
