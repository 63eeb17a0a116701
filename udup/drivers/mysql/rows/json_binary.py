"""JSON documents as MySQL stores and logs them: a type byte, then the value.

An object is the number of its members, the bytes of all of it, for each member the offset and length of its key and a
type with an offset (or the value itself, where that is small), then keys and values; an array has no keys. Numbers and
offsets take two bytes in a small document and four in a large one. Offsets count from the container's begin.

A damaged document may point anywhere, also at itself. So a container must lie within the one that holds it, and all
values together may have no more bytes than the document.
"""

from __future__ import annotations

import struct
from decimal import Decimal

from udup.drivers.mysql.rows import decimals
from udup.drivers.mysql.rows.errors import DAMAGE, DamagedRows, damaged
from udup.drivers.mysql.rows.json_values import DEPTH_MAX, JsonTimestamp, JsonValue, Opaque, Unsigned
from udup.drivers.mysql.rows.temporal import Date, DateTime, Time

SMALL_OBJECT, LARGE_OBJECT, SMALL_ARRAY, LARGE_ARRAY, LITERAL = range(5)
INT16, UINT16, INT32, UINT32, INT64, UINT64, DOUBLE, STRING = range(5, 13)
OPAQUE = 15

LITERALS: tuple[bool | None, ...] = (None, True, False)

#: Types of MySQL that are Python values of their own inside of documents.
KIND_TIMESTAMP, KIND_DATE, KIND_TIME, KIND_DATETIME, KIND_DECIMAL = 7, 10, 11, 12, 246

_U16 = struct.Struct("<H").unpack_from
_U32 = struct.Struct("<I").unpack_from
_NUMBERS = {
    INT16: struct.Struct("<h").unpack_from,
    UINT16: _U16,
    INT32: struct.Struct("<i").unpack_from,
    UINT32: _U32,
    INT64: struct.Struct("<q").unpack_from,
    UINT64: struct.Struct("<Q").unpack_from,
    DOUBLE: struct.Struct("<d").unpack_from,
}
_UNSIGNED = frozenset({UINT16, UINT32, UINT64})

#: Types whose value stands in the place of its offset.
INLINE_SMALL = frozenset({LITERAL, INT16, UINT16})
INLINE_LARGE = INLINE_SMALL | {INT32, UINT32}

_LENGTH_BYTES_MAX = 5


def parse(data: bytes) -> JsonValue:
    """Return the document; `DamagedRows` for bytes that are none. No bytes at all are the JSON null."""
    if not data:
        return None
    try:
        return _Document(data).value(data[0], 1, len(data), 0)
    except DamagedRows:
        raise
    except DAMAGE as error:
        raise damaged(f"a JSON document cannot be read ({type(error).__name__}: {error})") from error


class _Document:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = len(data)  # bytes that values may still have

    def value(self, kind: int, at: int, end: int, depth: int) -> JsonValue:
        """Return the value of a type that begins at a place, and ends where its container does at the latest."""
        number = _NUMBERS.get(kind)
        if number is not None:
            found: int | float = number(self._data, at)[0]
            return Unsigned(found) if kind in _UNSIGNED else found
        if kind == STRING:
            start, stop = self._sized(at, end)
            return self._data[start:stop].decode()
        if kind <= LARGE_ARRAY:
            return self._container(kind, at, end, depth)
        if kind == LITERAL:
            return LITERALS[self._data[at]]
        if kind == OPAQUE:
            start, stop = self._sized(at + 1, end)
            return opaque_value(self._data[at], self._data[start:stop])
        raise damaged(f"a JSON document has a value of type {kind}")

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise damaged("a JSON document's values overlap")

    def _sized(self, at: int, end: int) -> tuple[int, int]:
        """Return where the bytes behind a length begin and end."""
        size = 0
        for number in range(_LENGTH_BYTES_MAX):
            byte = self._data[at + number]
            size |= (byte & 0x7F) << 7 * number
            if byte < 0x80:
                start = at + number + 1
                if start + size > end:
                    raise damaged("a JSON document's value is longer than the document")
                self._spend(size)
                return start, start + size
        raise damaged("a JSON document has a length without an end")

    def _container(self, kind: int, at: int, end: int, depth: int) -> JsonValue:
        if depth >= DEPTH_MAX:
            raise damaged(f"a JSON document has more than {DEPTH_MAX} levels")
        large = kind in (LARGE_OBJECT, LARGE_ARRAY)
        read, width, inline = (_U32, 4, INLINE_LARGE) if large else (_U16, 2, INLINE_SMALL)
        count, size = read(self._data, at)[0], read(self._data, at + width)[0]
        has_keys = kind in (SMALL_OBJECT, LARGE_OBJECT)
        keys_at = at + 2 * width
        values_at = keys_at + (count * (width + 2) if has_keys else 0)
        if at + size > end or values_at + count * (width + 1) > at + size:
            raise damaged("a JSON document's container is longer than what holds it")
        self._spend(values_at + count * (width + 1) - at)
        values = []
        for entry in range(values_at, values_at + count * (width + 1), width + 1):
            each = self._data[entry]
            place = entry + 1 if each in inline else at + read(self._data, entry + 1)[0]
            values.append(self.value(each, place, at + size, depth + 1))
        if not has_keys:
            return values
        keys = [self._key(at, entry, width) for entry in range(keys_at, values_at, width + 2)]
        found = dict(zip(keys, values, strict=True))
        if len(found) < count:
            raise damaged("a JSON document has a key twice")
        return found

    def _key(self, at: int, entry: int, width: int) -> str:
        start = at + int.from_bytes(self._data[entry : entry + width], "little")
        size = _U16(self._data, entry + width)[0]
        self._spend(size)
        if start + size > len(self._data):
            raise damaged("a JSON document's key is longer than the document")
        return self._data[start : start + size].decode()


def opaque_value(kind: int, data: bytes) -> JsonValue:
    """Return the value of bytes of a type of MySQL's."""
    if kind == KIND_DECIMAL and len(data) > 2:
        precision, scale = data[0], data[1]
        fits = scale <= precision <= decimals.PRECISION_MAX and scale <= decimals.SCALE_MAX
        if not fits or len(data) != 2 + decimals.width(precision, scale):
            raise damaged("a JSON document has a DECIMAL that is none")
        return decimals.reader(precision, scale)(data[2:])
    if kind in (KIND_TIMESTAMP, KIND_DATE, KIND_TIME, KIND_DATETIME) and len(data) == 8:
        packed = int.from_bytes(data, "little", signed=True)
        if kind == KIND_TIME:
            return Time(packed)
        if kind == KIND_DATE:
            return DateTime(packed).date
        return DateTime(packed) if kind == KIND_DATETIME else JsonTimestamp(DateTime(packed))
    return Opaque(kind, data)


def opaque_bytes(value: Decimal | Date | DateTime | Time | JsonTimestamp | Opaque) -> tuple[int, bytes]:
    """Return the type and the bytes of a value that JSON itself does not have."""
    if isinstance(value, Opaque):
        return value.kind, value.data
    if isinstance(value, Decimal):
        return KIND_DECIMAL, _decimal_bytes(value)
    kind = KIND_DATETIME
    if isinstance(value, JsonTimestamp):
        kind, value = KIND_TIMESTAMP, value.value
    elif isinstance(value, Date):
        kind, value = KIND_DATE, value.at_midnight()
    elif isinstance(value, Time):
        kind = KIND_TIME
    return kind, int(value).to_bytes(8, "little", signed=True)


def _decimal_bytes(value: Decimal) -> bytes:
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError(f"{value} is no number")
    scale = max(-exponent, 0)
    precision = max(len(digits) + max(exponent, 0), scale, 1)
    if precision > decimals.PRECISION_MAX or scale > decimals.SCALE_MAX:
        raise ValueError(f"{value} has more digits than a DECIMAL")
    return bytes([precision, scale]) + decimals.pack(value, precision, scale)
