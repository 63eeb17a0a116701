"""Whatever the table and the rows: what is written is read again as it was, and what does not fit is refused."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.drivers.mysql.rows.definitions import (
    BINARY,
    UTF8MB4,
    changes,
    columns,
    datetimes,
    documents,
    front,
    rows,
    table,
    times,
    timestamps,
)
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.rows.codec import RowCodec
from udup.drivers.mysql.rows.errors import Unfit
from udup.drivers.mysql.rows.events import RowsEvent
from udup.drivers.mysql.rows.json_patch import Change, Operation, apply
from udup.drivers.mysql.rows.temporal import Date, DateTime, Time, Timestamp
from udup.drivers.mysql.rows.values import ABSENT, Json, Value

KINDS = [
    *(EventType.WRITE_ROWS, EventType.UPDATE_ROWS, EventType.DELETE_ROWS),
    *(EventType.WRITE_ROWS_V1, EventType.UPDATE_ROWS_V1, EventType.DELETE_ROWS_V1),
]

#: Each example compiles functions of its own, which is why none is made smaller; a busy machine takes its time.
PATIENT = settings(
    deadline=None,
    max_examples=40,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@PATIENT
@given(st.data(), st.sampled_from(KINDS), st.booleans(), st.booleans())
def test_rows_are_read_as_they_were_written(data: st.DataObject, kind: EventType, has_crc: bool, padded: bool) -> None:
    samples = data.draw(columns())
    codec = RowCodec(table([column for column, _ in samples]))
    found = changes(kind, data.draw(rows(samples)), data.draw(rows(samples)))
    extra = b"" if kind.name.endswith("V1") else data.draw(st.binary(max_size=5))
    event = RowsEvent(front(kind, flags=data.draw(st.integers(0, 65535)), extra=extra), found, padded)
    written = codec.write(event, has_crc=has_crc)
    again = codec.read(written, has_crc=has_crc)
    assert again.changes == found and again.front.flags == event.front.flags and again.front.extra == extra
    assert [list(map(_kinds, change)) for change in again.changes] == [list(map(_kinds, change)) for change in found]
    assert codec.write(again, has_crc=has_crc) == written


def _kinds(row: tuple[Value, ...] | None) -> list[str]:
    """Types and signs of zeros and scales of decimals, which are equal to others."""
    return [f"{type(value).__name__} {value!r}" if isinstance(value, (float, Decimal)) else "" for value in row or ()]


@PATIENT
@given(st.data())
def test_images_may_lack_columns(data: st.DataObject) -> None:
    samples = data.draw(columns())
    codec = RowCodec(table([column for column, _ in samples]))
    size = len(samples)
    masks = [data.draw(st.lists(st.booleans(), min_size=size, max_size=size).filter(any)) for _ in range(2)]
    pairs = data.draw(st.lists(st.tuples(rows(samples, 1), rows(samples, 1)), min_size=1, max_size=3))
    found = [tuple(_without(row[0], mask) for row, mask in zip(pair, masks, strict=True)) for pair in pairs]
    event = RowsEvent(front(EventType.UPDATE_ROWS), found)  # type: ignore[arg-type]
    written = codec.write(event, has_crc=True)
    again = codec.read(written, has_crc=True)
    assert again.changes == found and codec.write(again, has_crc=True) == written


def _without(row: tuple[Value, ...], mask: list[bool]) -> tuple[Value, ...]:
    return tuple(value if there else ABSENT for value, there in zip(row, mask, strict=True))


@PATIENT
@given(documents())
def test_documents_are_read_as_they_were_written(document: object) -> None:
    made = Json.of(document)  # type: ignore[arg-type]
    assert repr(made.tree()) == repr(document)
    assert Json.of(made.tree()) == made
    assert made.text()


@PATIENT
@given(st.lists(st.integers(), min_size=1, max_size=5), st.integers(0, 4))
def test_a_patch_changes_what_its_path_names(numbers: list[int], place: int) -> None:
    place %= len(numbers)
    document = {"a": list(numbers), "b": 1}
    path = f"$.a[{place}]"
    replaced = apply(document, [Change(Operation.REPLACE, path, "new")])
    assert replaced == {"a": [*numbers[:place], "new", *numbers[place + 1 :]], "b": 1}
    inserted = apply(document, [Change(Operation.INSERT, path, "new"), Change(Operation.INSERT, '$."x y"', 2)])
    assert inserted == {"a": [*numbers[:place], "new", *numbers[place:]], "b": 1, "x y": 2}
    assert apply(inserted, [Change(Operation.REMOVE, path), Change(Operation.REMOVE, '$."x y"')]) == document
    assert document == {"a": numbers, "b": 1}


@PATIENT
@given(st.data(), st.integers(0, 6))
def test_times_are_what_their_text_says(data: st.DataObject, digits: int) -> None:
    for value in (data.draw(datetimes(digits)), data.draw(times(digits)), data.draw(timestamps(digits))):
        assert type(value).parse(value.text(digits)) == value
        assert type(value).parse(str(value)) == value


@PATIENT
@given(st.lists(datetimes(6), min_size=2, max_size=2), st.lists(times(6), min_size=2, max_size=2))
def test_times_sort_as_their_text(moments: list[DateTime], clocks: list[Time]) -> None:
    one, other = moments
    assert (one < other) == (one.text(6) < other.text(6))
    first, second = (_seconds(clock) for clock in clocks)
    assert (clocks[0] < clocks[1]) == (first < second)


def _seconds(value: Time) -> Decimal:
    hours, minutes, seconds = value.clock
    whole = Decimal(hours * 3600 + minutes * 60 + seconds) + Decimal(value.microseconds) / 10**6
    return -whole if value < 0 else whole


NOT_NULL = {
    "TINYINT": ColumnDefinition(ColumnType.TINY, b"", False, unsigned=False),
    "BIGINT UNSIGNED": ColumnDefinition(ColumnType.LONGLONG, b"", False, unsigned=True),
    "MEDIUMINT": ColumnDefinition(ColumnType.INT24, b"", False, unsigned=False),
    "FLOAT": ColumnDefinition(ColumnType.FLOAT, b"\4", False, unsigned=False),
    "YEAR": ColumnDefinition(ColumnType.YEAR, b"", False, unsigned=True),
    "DECIMAL(5,2)": ColumnDefinition(ColumnType.NEWDECIMAL, b"\5\2", False, unsigned=False),
    "DECIMAL(2,2)": ColumnDefinition(ColumnType.NEWDECIMAL, b"\2\2", False, unsigned=False),
    "BIT(3)": ColumnDefinition(ColumnType.BIT, b"\3\0", False),
    "ENUM": ColumnDefinition(ColumnType.ENUM, b"\1", False, collation=UTF8MB4, members=(b"a", b"b")),
    "SET": ColumnDefinition(ColumnType.SET, b"\1", False, collation=UTF8MB4, members=(b"a", b"b")),
    "DATETIME": ColumnDefinition(ColumnType.DATETIME, b"\0", False),
    "TIME(3)": ColumnDefinition(ColumnType.TIME, b"\3", False),
    "TIMESTAMP(1)": ColumnDefinition(ColumnType.TIMESTAMP, b"\1", False),
    "VARCHAR(3)": ColumnDefinition(ColumnType.VARCHAR, b"\x0c\0", False, collation=UTF8MB4),
    "BINARY(3)": ColumnDefinition(ColumnType.STRING, b"\xfe\3", False, collation=BINARY),
    "TINYBLOB": ColumnDefinition(ColumnType.BLOB, b"\1", False, collation=BINARY),
}


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        ("TINYINT", 128, "format requires -128 <= number <= 127"),
        ("TINYINT", None, "it may not be NULL"),
        ("TINYINT", 1.0, "it is of the class float, and the column's are int"),
        ("TINYINT", Date(5), "it is of the class Date, and the column's are int"),
        ("FLOAT", 1, "it is of the class int, and the column's are float"),
        ("DATETIME", Date.of(2024, 1, 1), "it is of the class Date, and the column's are DateTime"),
        ("DATETIME", DateTime(1 << 63), "int too big to convert"),
        ("TINYBLOB", Json.of({}), "it is of the class Json, and the column's are bytes"),
        ("BIGINT UNSIGNED", -1, "int too large to convert|argument out of range"),
        ("MEDIUMINT", 1 << 23, "int too big to convert"),
        ("FLOAT", 0.1, "a FLOAT does not hold all its digits"),
        ("FLOAT", 1e300, "too large"),
        ("YEAR", 1900, "it is outside 1901 … 2155"),
        ("DECIMAL(5,2)", Decimal("1000"), "it has more than 3 digits before the point"),
        ("DECIMAL(5,2)", Decimal("0.001"), "it has more than 2 digits behind the point"),
        ("DECIMAL(5,2)", Decimal("NaN"), "it is no number"),
        ("DECIMAL(2,2)", Decimal("1.25"), "it has more than 0 digits before the point"),
        ("DECIMAL(2,2)", Decimal("-0.255"), "it has more than 2 digits behind the point"),
        ("BIT(3)", 8, "the largest number is 7"),
        ("ENUM", 3, "the largest number is 2"),
        ("SET", 4, "the largest number is 3"),
        ("DATETIME", DateTime.of(2024, 1, 1, 0, 0, 0, 1), "its fraction of a second has more digits"),
        ("TIME(3)", Time.of(1, 1, 1, 1), "its fraction of a second has more digits"),
        ("TIMESTAMP(1)", Timestamp(1), "its fraction of a second has more digits"),
        ("TIMESTAMP(1)", Timestamp(10**6 << 32), "int too big to convert"),
        ("VARCHAR(3)", b"0123456789abc", "it has more than 12 bytes"),
        ("VARCHAR(3)", "text", "it is of the class str, and the column's are bytes"),
        ("BINARY(3)", b"ab", r"a BINARY\(3\) has 3 bytes"),
        ("TINYBLOB", bytes(256), "format requires 0 <= number <= 255"),
        ("TINYINT", ABSENT, "the rows of one event have the same columns"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_column(kind: str, value: Value, problem: str) -> None:
    other = replace(NOT_NULL["TINYINT"], name="other")
    codec = RowCodec(table([other, replace(NOT_NULL[kind], name="held")]))
    good = codec.read(_event_of_zeros(codec, kind), has_crc=False)
    ((_, row),) = good.changes
    assert row is not None
    with pytest.raises(Unfit, match=problem) as caught:
        codec.write(replace(good, changes=[(None, row), (None, (1, value))]), has_crc=False)
    assert "s.t: column held cannot hold" in str(caught.value) and "change the column" in str(caught.value)
    assert caught.value.column == 1


def _event_of_zeros(codec: RowCodec, kind: str) -> bytes:
    zeros: dict[str, Value] = {
        "DATETIME": DateTime(0),
        "TIME(3)": Time(0),
        "TIMESTAMP(1)": Timestamp(0),
        "DECIMAL(5,2)": Decimal("0.00"),
        "DECIMAL(2,2)": Decimal("0.00"),
        "FLOAT": 0.0,
        "VARCHAR(3)": b"",
        "BINARY(3)": bytes(3),
        "TINYBLOB": b"",
    }
    return codec.write(RowsEvent(front(EventType.WRITE_ROWS), [(None, (0, zeros.get(kind, 0)))]), has_crc=False)


@pytest.mark.parametrize("text", ["2024-02-31", "0000-00-00", "9999-12-31"])
def test_a_date_is_compared_as_the_midnight_of_its_day(text: str) -> None:
    assert Date.parse(text).at_midnight() == DateTime.parse(f"{text} 00:00:00")
    assert Date.parse(text).at_midnight().date == Date.parse(text)


@pytest.mark.parametrize("text", ["", "2024-1-1", "2024-02-31 1", "x"])
def test_what_is_no_date_is_no_date(text: str) -> None:
    for kind in (Date, DateTime, Time, Timestamp):
        with pytest.raises(ValueError, match="is no"):
            kind.parse(text)
