"""JSON documents written in MySQL's binary form (`json_binary.py` describes it): small where they fit, else large."""

from __future__ import annotations

import struct
from decimal import Decimal

from udup.drivers.mysql.rows import json_binary as binary
from udup.drivers.mysql.rows.json_values import DEPTH_MAX, JsonTimestamp, JsonValue, Opaque, Unsigned, key_order
from udup.drivers.mysql.rows.temporal import Date, DateTime, Time

_SMALL_MAX = 0xFFFF
_KEY_MAX = 0xFFFF

_SIGNED = ((binary.INT16, "<h", 15), (binary.INT32, "<i", 31), (binary.INT64, "<q", 63))
_UNSIGNED = ((binary.UINT16, "<H", 16), (binary.UINT32, "<I", 32), (binary.UINT64, "<Q", 64))


def encode(value: JsonValue) -> bytes:
    """Return the document's bytes; `ValueError` for what no document can hold."""
    kind, data = _encoded(value, 0)
    return bytes([kind]) + data


def _encoded(value: JsonValue, depth: int) -> tuple[int, bytes]:
    if isinstance(value, (dict, list)):
        if depth >= DEPTH_MAX:
            raise ValueError(f"it has more than {DEPTH_MAX} levels")
        return _container(value, depth)
    if value is None or isinstance(value, bool):
        return binary.LITERAL, bytes([binary.LITERALS.index(value)])
    if isinstance(value, str):
        data = value.encode()
        return binary.STRING, _length(len(data)) + data
    if isinstance(value, (Decimal, Date, DateTime, Time, JsonTimestamp, Opaque)):
        kind, data = binary.opaque_bytes(value)
        return binary.OPAQUE, bytes([kind]) + _length(len(data)) + data
    if isinstance(value, float):
        return binary.DOUBLE, struct.pack("<d", value)
    return _integer(value)


def _integer(value: int) -> tuple[int, bytes]:
    unsigned = isinstance(value, Unsigned) or value >> 63 == 1
    for kind, form, bits in _UNSIGNED if unsigned else _SIGNED:
        if (value if value >= 0 or unsigned else ~value) >> bits == 0:
            return kind, struct.pack(form, value)
    raise ValueError(f"{value} is larger than a number of a document")


def _container(value: dict[str, JsonValue] | list[JsonValue], depth: int) -> tuple[int, bytes]:
    if isinstance(value, dict):
        keys = sorted(value, key=key_order)
        coded = [key.encode() for key in keys]
        if any(len(key) > _KEY_MAX for key in coded):
            raise ValueError("a key is longer than 65535 bytes")
        members = [_encoded(value[key], depth + 1) for key in keys]
        small, large = binary.SMALL_OBJECT, binary.LARGE_OBJECT
    else:
        coded = []
        members = [_encoded(each, depth + 1) for each in value]
        small, large = binary.SMALL_ARRAY, binary.LARGE_ARRAY
    is_object = isinstance(value, dict)
    data = None
    if all(kind not in (binary.LARGE_OBJECT, binary.LARGE_ARRAY) for kind, _ in members):
        data = _laid_out(coded, members, 2, is_object)
    return (small, data) if data is not None else (large, _whole(_laid_out(coded, members, 4, is_object)))


def _whole(data: bytes | None) -> bytes:
    if data is None:
        raise ValueError("it has more bytes than a document can have")
    return data


def _laid_out(keys: list[bytes], members: list[tuple[int, bytes]], width: int, is_object: bool) -> bytes | None:
    """Return the container's bytes, None if numbers of this width cannot count them."""
    inline = binary.INLINE_SMALL if width == 2 else binary.INLINE_LARGE
    place = 2 * width + len(members) * (1 + width) + (len(members) * (width + 2) if is_object else 0)
    entries, values = [], []
    for key in keys:
        entries.append(place.to_bytes(4, "little")[:width] + struct.pack("<H", len(key)))
        place += len(key)
    for kind, data in members:
        if kind in inline:
            entries.append(bytes([kind]) + data.ljust(width, b"\0"))
            continue
        entries.append(bytes([kind]) + place.to_bytes(5, "little")[:width])
        values.append(data)
        place += len(data)
    if place > (_SMALL_MAX if width == 2 else 0xFFFFFFFF):
        return None
    head = len(members).to_bytes(width, "little") + place.to_bytes(width, "little")
    return head + b"".join(entries) + b"".join(keys) + b"".join(values)


def _length(size: int) -> bytes:
    """Return a length in groups of seven bits, the lowest first."""
    groups = bytearray()
    while size >= 0x80:
        groups.append(size & 0x7F | 0x80)
        size >>= 7
    groups.append(size)
    return bytes(groups)
