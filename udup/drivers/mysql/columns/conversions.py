"""What a value of a source's column is in a column of another type on the target: itself, exactly, or nothing.

A server converts what it is assigned, and some of that without a word, in a strict session too: it rounds fractions of
seconds and digits of DECIMAL and FLOAT, pads BINARY, and cuts the spaces at the end of a CHAR. So which types go
together is decided here, by the two definitions, and where not every value of the source's type fits, each value is
looked at before it is sent, in the copy and in the log alike. What neither side can be sure of is refused: texts in
character sets that are not counted here, moments that depend on a time zone, numbers as texts.

A value is looked at in the form in which a copy has its text: digits of numbers, bytes of strings, the server's own
text of dates and times.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from udup.drivers.mysql.apply.column_check import TargetColumn, difference
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.rows.shapes import BINARY
from udup.drivers.mysql.rows.temporal import DateTime, Time, Timestamp
from udup.drivers.mysql.rows.values import Value

#: Whether a value fits, by its text.
Fits = Callable[[bytes], bool]


@dataclass(frozen=True)
class Conversion:
    """How values of a column get into the target's. `fits` is None where every value does.

    `charset` is the one by which texts are written that the target has in another one, `target_charset`. `takes_null`:
    NULL is a value there. `shown` is the target's type, for people.
    """

    fits: Fits | None = None
    charset: str = ""
    takes_null: bool = True
    shown: str = ""
    target_charset: str = ""

    @property
    def texts(self) -> tuple[str, str]:
        """Return the character sets of source and target, where they differ."""
        return (self.charset, _WRITTEN.get(self.target_charset, self.target_charset)) if self.charset else ("", "")

    @property
    def looks(self) -> bool:
        """Return whether values have to be looked at."""
        return self.fits is not None or not self.takes_null


@dataclass(frozen=True)
class NoConversion:
    """Why values cannot be carried: what the source has."""

    source: str


_BITS = {
    ColumnType.TINY: 8,
    ColumnType.SHORT: 16,
    ColumnType.INT24: 24,
    ColumnType.LONG: 32,
    ColumnType.LONGLONG: 64,
}
_STRINGS = frozenset({ColumnType.STRING, ColumnType.VARCHAR, ColumnType.VAR_STRING, ColumnType.BLOB})
_FRACTIONAL = frozenset({ColumnType.DATETIME, ColumnType.TIMESTAMP, ColumnType.TIME})
_LISTED = frozenset({ColumnType.ENUM, ColumnType.SET})

#: Character sets whose letters are known here to the byte, and the bytes of a letter at most.
_KNOWN = {"ascii": 1, "latin1": 1, "utf8mb3": 3, "utf8mb4": 4}

#: Sets whose name warns in every statement, and the one that has the same bytes for the same letters.
_WRITTEN = {"utf8mb3": "utf8mb4"}

#: Of each, those in which every text of it can be written.
_WITHIN = {
    "ascii": frozenset(_KNOWN),
    "latin1": frozenset({"latin1", "utf8mb3", "utf8mb4"}),
    "utf8mb3": frozenset({"utf8mb3", "utf8mb4"}),
    "utf8mb4": frozenset({"utf8mb4"}),
}

#: What MySQL's latin1 has of control characters where cp1252 has nothing.
_UNASSIGNED = "\x81\x8d\x8f\x90\x9d"


def conversion(
    source: ColumnDefinition, members: tuple[str, ...] | None, target: TargetColumn, charsets: Mapping[int, str]
) -> Conversion | NoConversion:
    """Return how a column's values are carried; `members` are those of an ENUM or SET as a dictionary shows them."""
    takes_null = target.definition.nullable or not source.nullable
    theirs = Conversion(None, takes_null=takes_null, shown=target.column_type)
    unlike = difference(source, members, target, charsets, by_name=True)
    if not unlike or (unlike == MAY_BE_NULL and not takes_null):
        return theirs
    found = _numbers(source, target) or _moments(source, target) or _texts(source, target, charsets)
    found = found or _others(source, members, target, charsets)
    if found is None:
        return NoConversion(unlike)
    fits, charset = found
    return Conversion(fits, charset, takes_null, target.column_type, target.charset or "")


MAY_BE_NULL = "it may be NULL"

#: A check, None for none, and the character set of texts that change it.
_Found = tuple[Fits | None, str]


def text_of(source: ColumnDefinition, value: Value) -> bytes:
    """Return a value of the log in the form in which it is looked at."""
    if isinstance(value, (DateTime, Time, Timestamp)):
        return value.text(source.metadata[0]).encode()
    if isinstance(value, bytes):
        return value
    if isinstance(value, Decimal):
        return format(value, "f").encode()
    return (repr(value) if isinstance(value, float) else str(value)).encode()


# ---- Numbers ----


def _range(column: ColumnDefinition) -> tuple[int, int]:
    bits = _BITS[column.kind]
    return (0, (1 << bits) - 1) if column.unsigned else (-(1 << bits - 1), (1 << bits - 1) - 1)


def _numbers(source: ColumnDefinition, target: TargetColumn) -> _Found | None:
    theirs = target.definition
    if source.kind in _BITS and source.unsigned is not None:
        low, high = _range(source)
        if theirs.kind in _BITS:
            least, most = _range(theirs)
            return (None if least <= low and high <= most else lambda text: least <= int(text) <= most), ""
        if theirs.kind is ColumnType.NEWDECIMAL:
            most = 10 ** (theirs.metadata[0] - theirs.metadata[1]) - 1
            least = 0 if theirs.unsigned else -most
            return (None if least <= low and high <= most else lambda text: least <= int(text) <= most), ""
    if source.kind is theirs.kind is ColumnType.NEWDECIMAL:
        return _decimals(source, theirs), ""
    if "(" in target.column_type and theirs.kind in (ColumnType.FLOAT, ColumnType.DOUBLE):
        return None  # it would round to its digits
    if theirs.unsigned and not source.unsigned:
        return None
    if (source.kind, theirs.kind) == (ColumnType.FLOAT, ColumnType.DOUBLE):
        return None, ""
    if (source.kind, theirs.kind) == (ColumnType.DOUBLE, ColumnType.FLOAT):
        return _is_single, ""
    return None


def _decimals(source: ColumnDefinition, target: ColumnDefinition) -> Fits | None:
    (precision, scale), (own_precision, own_scale) = target.metadata, source.metadata
    whole = precision - scale
    wider = whole >= own_precision - own_scale and scale >= own_scale
    if wider and (source.unsigned or not target.unsigned):
        return None

    def fits(text: bytes) -> bool:
        """By the digits themselves: arithmetic would round them to its own precision."""
        digits, _, part = text.lstrip(b"-").partition(b".")
        if len(digits.lstrip(b"0")) > whole or part[scale:].strip(b"0"):
            return False
        return not (target.unsigned and text.startswith(b"-") and (digits + part).strip(b"0"))

    return fits


_SINGLE = struct.Struct("<f")


def _is_single(text: bytes) -> bool:
    value = float(text)
    try:
        return bool(_SINGLE.unpack(_SINGLE.pack(value))[0] == value)
    except OverflowError:
        return False


# ---- Moments ----


def _moments(source: ColumnDefinition, target: TargetColumn) -> _Found | None:
    theirs = target.definition
    if (source.kind, theirs.kind) == (ColumnType.DATE, ColumnType.DATETIME):
        return None, ""
    if source.kind is not theirs.kind or source.kind not in _FRACTIONAL:
        return None
    digits = theirs.metadata[0]
    if digits >= source.metadata[0]:
        return None, ""
    return (lambda text: not _fraction(text)[digits:].strip(b"0")), ""


def _fraction(text: bytes) -> bytes:
    """Return the digits of a second; a copy's TIMESTAMP may say +00:00 behind them."""
    return text.removesuffix(b"+00:00").partition(b".")[2]


# ---- Strings ----


def _texts(source: ColumnDefinition, target: TargetColumn, charsets: Mapping[int, str]) -> _Found | None:
    theirs = target.definition
    if source.kind not in _STRINGS or theirs.kind not in _STRINGS or source.collation is None:
        return None
    is_bytes, takes_bytes = source.collation == BINARY, theirs.collation == BINARY
    if is_bytes != takes_bytes:
        return None
    if is_bytes:
        return _bytes(source, target)
    own, other = charsets.get(source.collation, ""), target.charset or ""
    if own not in _KNOWN or other not in _KNOWN:
        return _same_charset(source, target) if own == other else None
    return _letters(source, target, own, other), _written(own, other)


def _written(own: str, other: str) -> str:
    """Return the set that texts are said to be in, "" where their bytes are those of the target's."""
    same = own == other or (own, other) == ("utf8mb3", "utf8mb4")
    return "" if same else _WRITTEN.get(own, own)


def _bytes(source: ColumnDefinition, target: TargetColumn) -> _Found | None:
    if target.definition.kind is ColumnType.STRING:
        return None  # BINARY of another length, which is filled up
    most = target.octets
    return (None if most >= _octets(source) else lambda value: len(value) <= most), ""


def _same_charset(source: ColumnDefinition, target: TargetColumn) -> _Found | None:
    """Where letters are not counted here: longer columns of the same kind alone."""
    alike = target.definition.kind is source.kind and target.octets >= _octets(source)
    return (None, "") if alike else None


def _letters(source: ColumnDefinition, target: TargetColumn, own: str, other: str) -> Fits | None:
    """Return whether a text has letters that the target's character set has, and no more of them than it takes."""
    counted = target.definition.kind is not ColumnType.BLOB
    own_counted = source.kind is not ColumnType.BLOB
    most = target.letters if counted else target.octets
    stripped = target.definition.kind is ColumnType.STRING
    letters = _octets(source) // _KNOWN[own] if own_counted else _octets(source)
    enough = most >= (letters if counted else letters * _KNOWN[other])
    enough = enough or (not counted and own == other and most >= _octets(source))
    if other in _WITHIN[own] and enough and (not stripped or source.kind is ColumnType.STRING):
        return None

    def fits(value: bytes) -> bool:
        try:
            text = _decoded(value, own)
            encoded = _encoded(text, other)
        except UnicodeError:
            return False
        if stripped and text.endswith(" "):
            return False
        return (len(text) if counted else len(encoded)) <= most

    return fits


def _octets(column: ColumnDefinition) -> int:
    """Return the most bytes that a value has."""
    if column.kind is ColumnType.BLOB:
        return int((1 << 8 * column.metadata[0]) - 1)
    if column.kind is ColumnType.STRING:  # two bits of the length hide in the type's own byte
        return ((column.metadata[0] & 0x30) ^ 0x30) << 4 | column.metadata[1]
    return int.from_bytes(column.metadata, "little")


def _decoded(value: bytes, charset: str) -> str:
    if charset == "latin1":
        return "".join(chr(byte) if chr(byte) in _UNASSIGNED else bytes([byte]).decode("cp1252") for byte in value)
    return value.decode("ascii" if charset == "ascii" else "utf-8")


def _encoded(text: str, charset: str) -> bytes:
    if charset == "latin1":
        return b"".join(each.encode("latin-1" if each in _UNASSIGNED else "cp1252") for each in text)
    if charset == "utf8mb3" and any(ord(each) > 0xFFFF for each in text):
        raise UnicodeError("a letter beyond U+FFFF")
    return text.encode("ascii" if charset == "ascii" else "utf-8")


# ---- Others ----


def _others(
    source: ColumnDefinition, members: tuple[str, ...] | None, target: TargetColumn, charsets: Mapping[int, str]
) -> _Found | None:
    theirs = target.definition
    if source.kind is theirs.kind is ColumnType.BIT:
        return (None, "") if _bit_length(theirs) >= _bit_length(source) else None
    if source.kind is theirs.kind and source.kind in _LISTED:
        alike = members is not None and target.members[: len(members)] == members
        return (None, "") if alike else None
    if source.kind is theirs.kind is ColumnType.GEOMETRY and theirs.geometry == 0:
        return None, ""
    return None


def _bit_length(column: ColumnDefinition) -> int:
    return column.metadata[0] + 8 * column.metadata[1]
