"""Tables of any definition and rows of any values, for tests that try many."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from decimal import Context, Decimal

from hypothesis import strategies as st

from udup.drivers.mysql.binlog.event import HEADER, EventType
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.rows.events import Front
from udup.drivers.mysql.rows.json_values import JsonTimestamp, JsonValue, Opaque, Unsigned, key_order
from udup.drivers.mysql.rows.table import Table
from udup.drivers.mysql.rows.temporal import Date, DateTime, Time, Timestamp
from udup.drivers.mysql.rows.values import Change, Geometry, Json, Row, Value, Vector

BINARY, UTF8MB4 = 63, 255

_WIDTHS = {
    ColumnType.TINY: 1,
    ColumnType.SHORT: 2,
    ColumnType.INT24: 3,
    ColumnType.LONG: 4,
    ColumnType.LONGLONG: 8,
}

Sample = tuple[ColumnDefinition, st.SearchStrategy[Value]]


def columns() -> st.SearchStrategy[list[Sample]]:
    """Columns, each with the values that it may have."""
    return st.lists(st.one_of(*_KINDS), min_size=1, max_size=20)


@st.composite
def rows(draw: st.DrawFn, samples: Sequence[Sample], most: int = 4) -> list[Row]:
    one = st.tuples(*(st.none() | value if column.nullable else value for column, value in samples))
    return draw(st.lists(one, min_size=1, max_size=most))


def front(kind: EventType, *, flags: int = 1, extra: bytes = b"") -> Front:
    """Of an event whose rows say which columns it has."""
    return Front(kind, HEADER.pack(1, kind, 2, 0, 3, 0), b"\1\2\3\4\5\6", flags, extra, 0, None, None)


def table(definitions: Sequence[ColumnDefinition]) -> Table:
    return Table("s", "t", tuple(definitions))


def changes(kind: EventType, before: Sequence[Row], after: Sequence[Row]) -> list[Change]:
    if kind in (EventType.WRITE_ROWS, EventType.WRITE_ROWS_V1):
        return [(None, row) for row in after]
    if kind in (EventType.DELETE_ROWS, EventType.DELETE_ROWS_V1):
        return [(row, None) for row in before]
    return list(zip(before, after, strict=False))


def _sample(
    kind: ColumnType, metadata: bytes, values: st.SearchStrategy[Value], **more: object
) -> st.SearchStrategy[Sample]:
    return st.booleans().map(
        lambda nullable: (ColumnDefinition(kind, metadata, nullable, **more), values)  # type: ignore[arg-type]
    )


def _integers(kind: ColumnType) -> st.SearchStrategy[Sample]:
    bits = 8 * _WIDTHS[kind]
    return _sample(kind, b"", st.integers(0, (1 << bits) - 1), unsigned=True) | _sample(
        kind, b"", st.integers(-(1 << bits - 1), (1 << bits - 1) - 1), unsigned=False
    )


@st.composite
def _decimals(draw: st.DrawFn) -> Sample:
    precision = draw(st.integers(1, 65))
    scale = draw(st.integers(0, min(precision, 30)))
    unscaled = st.integers(-(10**precision) + 1, 10**precision - 1)
    values = unscaled.map(lambda number: Decimal(number).scaleb(-scale, _EXACT))
    return draw(_sample(ColumnType.NEWDECIMAL, bytes([precision, scale]), values, unsigned=False))


@st.composite
def _bits(draw: st.DrawFn) -> Sample:
    size = draw(st.integers(1, 64))
    return draw(_sample(ColumnType.BIT, bytes([size % 8, size // 8]), st.integers(0, (1 << size) - 1)))


@st.composite
def _listed(draw: st.DrawFn) -> Sample:
    is_enum = draw(st.booleans())
    count = draw(st.integers(1, 300 if is_enum else 64))
    width = (1 if count < 256 else 2) if is_enum else next(n for n in (1, 2, 3, 4, 8) if count <= 8 * n)
    values = st.integers(0, count if is_enum else (1 << count) - 1)
    kind = ColumnType.ENUM if is_enum else ColumnType.SET
    members = tuple(b"m%d" % number for number in range(count))
    known = draw(st.booleans())
    return draw(_sample(kind, bytes([width]), values, collation=UTF8MB4, members=members if known else None))


def _fraction(digits: int) -> st.SearchStrategy[int]:
    return st.integers(0, 10**digits - 1).map(lambda number: number * 10 ** (6 - digits))


_DATE = (st.integers(0, 9999), st.integers(0, 12), st.integers(0, 31))
_CLOCK = (st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))


def datetimes(digits: int) -> st.SearchStrategy[DateTime]:
    return st.builds(DateTime.of, *_DATE, *_CLOCK, _fraction(digits))


def times(digits: int) -> st.SearchStrategy[Time]:
    parts = (st.integers(0, 838), st.integers(0, 59), st.integers(0, 59), _fraction(digits))
    return st.builds(Time.of, *parts, negative=st.booleans())


def timestamps(digits: int) -> st.SearchStrategy[Timestamp]:
    return st.builds(lambda seconds, us: Timestamp(seconds * 10**6 + us), st.integers(0, 2**32 - 1), _fraction(digits))


@st.composite
def _temporal(draw: st.DrawFn) -> Sample:
    digits = draw(st.integers(0, 6))
    kind, values = draw(
        st.sampled_from(
            [
                (ColumnType.DATETIME, datetimes(digits)),
                (ColumnType.TIME, times(digits)),
                (ColumnType.TIMESTAMP, timestamps(digits)),
            ]
        )
    )
    return draw(_sample(kind, bytes([digits]), values))


@st.composite
def _varchar(draw: st.DrawFn) -> Sample:
    longest = draw(st.sampled_from([1, 40, 255, 256, 1000]))
    values = st.binary(max_size=min(longest, 300))
    return draw(_sample(ColumnType.VARCHAR, longest.to_bytes(2, "little"), values, collation=UTF8MB4))


@st.composite
def _char(draw: st.DrawFn) -> Sample:
    longest = draw(st.sampled_from([1, 8, 255, 256, 1020]))
    metadata = bytes([ColumnType.STRING ^ (longest & 0x300) >> 4, longest & 0xFF])
    if draw(st.booleans()) and longest < 256:
        values = st.binary(max_size=longest).map(lambda data: data.ljust(longest, b"\0"))
        return draw(_sample(ColumnType.STRING, metadata, values, collation=BINARY))
    return draw(_sample(ColumnType.STRING, metadata, st.binary(max_size=longest), collation=UTF8MB4))


@st.composite
def _blob(draw: st.DrawFn) -> Sample:
    width = draw(st.integers(1, 4))
    return draw(_sample(ColumnType.BLOB, bytes([width]), st.binary(max_size=200), collation=UTF8MB4))


def documents() -> st.SearchStrategy[JsonValue]:
    """JSON documents of all that MySQL keeps in them, with their keys in the server's order."""
    decimals = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**20), max_value=10**20)
    scalars = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.integers(0, 2**64 - 1).map(Unsigned),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=20, alphabet=_TEXT),
        decimals,
        st.builds(Date.of, *_DATE),
        datetimes(6),
        times(6),
        datetimes(6).map(JsonTimestamp),
        st.builds(Opaque, st.sampled_from([15, 16, 252, 255]), st.binary(max_size=80)),
    )
    return st.recursive(scalars, _containers, max_leaves=12)


def _containers(values: st.SearchStrategy[JsonValue]) -> st.SearchStrategy[JsonValue]:
    objects = st.dictionaries(st.text(max_size=6, alphabet=_TEXT), values, max_size=5)
    ordered = objects.map(lambda found: {key: found[key] for key in sorted(found, key=key_order)})
    return st.lists(values, max_size=5) | ordered


_TEXT = st.characters(exclude_categories=["Cs"])


def _as(make: type[bytes], values: st.SearchStrategy[bytes]) -> st.SearchStrategy[Value]:
    return values.map(make)


_EXACT = Context(prec=100)

_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_SINGLES = st.floats(allow_nan=False, allow_infinity=False, width=32)

_KINDS: list[st.SearchStrategy[Sample]] = [
    *(_integers(kind) for kind in _WIDTHS),
    _sample(ColumnType.FLOAT, b"\4", _SINGLES),
    _sample(ColumnType.DOUBLE, b"\10", _FLOATS),
    _sample(ColumnType.YEAR, b"", st.just(0) | st.integers(1901, 2155)),
    _sample(ColumnType.DATE, b"", st.builds(Date.of, *_DATE)),
    _decimals(),
    _bits(),
    _listed(),
    _temporal(),
    _temporal(),
    _varchar(),
    _char(),
    _blob(),
    _sample(ColumnType.JSON, b"\4", documents().map(Json.of)),
    _sample(ColumnType.GEOMETRY, b"\4", _as(Geometry, st.binary(min_size=25, max_size=60))),
    _sample(
        ColumnType.VECTOR, b"\4", st.lists(_SINGLES, max_size=5).map(lambda f: Vector(struct.pack(f"<{len(f)}f", *f)))
    ),
]
