"""JSON documents of which the text says everything, in MySQL's binary form: the quick way.

The server prints the keys in its own order, and most documents are small: so nothing is sorted here, and what takes
numbers of four bytes is left to `rows/json_encoding.py`, which says the same of all documents.
"""

from __future__ import annotations

import json
import struct
from typing import Any

from udup.drivers.mysql.rows import json_binary as binary
from udup.drivers.mysql.rows.json_encoding import encode
from udup.drivers.mysql.rows.json_values import Unsigned

#: Text is read as INTEGER up to this number, and above it as UNSIGNED INTEGER (seen on 9.7).
LARGEST_SIGNED = (1 << 32) - 1

_SMALL_MAX = 0xFFFF
_ONE_BYTE = 0x80

_pair = struct.Struct("<HH").pack
_entry = struct.Struct("<BH").pack
_inline = struct.Struct("<Bh").pack
_int32 = struct.Struct("<i").pack
_int64 = struct.Struct("<q").pack
_uint64 = struct.Struct("<Q").pack
_double = struct.Struct("<d").pack

_LITERALS = {None: _entry(binary.LITERAL, 0), True: _entry(binary.LITERAL, 1), False: _entry(binary.LITERAL, 2)}


class _LargeError(Exception):
    """A container needs numbers of four bytes."""


def plain_document(text: bytes) -> bytes:
    """Return the document of a text."""
    value = json.loads(text)
    try:
        if value.__class__ is dict:
            return bytes([binary.SMALL_OBJECT]) + _object(value)
        if value.__class__ is list:
            return bytes([binary.SMALL_ARRAY]) + _array(value)
    except _LargeError:
        pass
    return encode(json.loads(text, parse_int=integer))


def integer(digits: str) -> int:
    """Return the number that the server takes these digits for."""
    number = int(digits)
    return number if number <= LARGEST_SIGNED else Unsigned(number)


def _object(value: dict[str, Any]) -> bytes:
    keys = [key.encode() for key in value]
    place = 4 + 7 * len(keys)
    parts = [b""]
    for key in keys:
        size = len(key)
        parts.append(_pair(place & _SMALL_MAX, size))
        place += size
    return _filled(parts, keys, value.values(), place)


def _array(value: list[Any]) -> bytes:
    return _filled([b""], [], value, 4 + 3 * len(value))


def _filled(parts: list[bytes], keys: list[bytes], values: Any, place: int) -> bytes:
    """Return a container: count, bytes, entries, keys, values. `parts` has the entries of keys, `place` is behind all.

    Numbers that fit stand in the entries themselves.
    """
    behind: list[bytes] = []
    for value in values:
        kind = value.__class__
        if kind is str:
            data = value.encode()
            size = len(data)
            data = (_SIZES[size] if size < _ONE_BYTE else _size(size)) + data
            number = binary.STRING
        elif kind is int:
            if -32768 <= value <= 32767:
                parts.append(_inline(binary.INT16, value))
                continue
            number, data = _integer(value)
        elif kind is float:
            number, data = binary.DOUBLE, _double(value)
        elif kind is dict:
            number, data = binary.SMALL_OBJECT, _object(value)
        elif kind is list:
            number, data = binary.SMALL_ARRAY, _array(value)
        else:
            parts.append(_LITERALS[value])
            continue
        if place > _SMALL_MAX:
            raise _LargeError
        parts.append(_entry(number, place))
        behind.append(data)
        place += len(data)
    if place > _SMALL_MAX:
        raise _LargeError
    parts[0] = _pair(len(values), place)
    parts += keys
    parts += behind
    return b"".join(parts)


def _integer(value: int) -> tuple[int, bytes]:
    if -(1 << 31) <= value < 1 << 31:
        return binary.INT32, _int32(value)
    return (binary.INT64, _int64(value)) if value <= LARGEST_SIGNED else (binary.UINT64, _uint64(value))


def _size(size: int) -> bytes:
    """Return a length in groups of seven bits, the lowest first."""
    groups = bytearray()
    while size >= _ONE_BYTE:
        groups.append(size & 0x7F | _ONE_BYTE)
        size >>= 7
    groups.append(size)
    return bytes(groups)


_SIZES = [bytes([size]) for size in range(_ONE_BYTE)]
