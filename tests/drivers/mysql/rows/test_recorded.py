"""What a server logged is read as it says of its tables, and written again byte for byte: no server is needed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.conformance.row_cells import Cell, cell_of
from tests.drivers.mysql.rows.recording import COMPARED, read
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.table_definition import ColumnType
from udup.drivers.mysql.binlog.table_map import table_id
from udup.drivers.mysql.rows.codec import RowCodec, RowCodecs, completed
from udup.drivers.mysql.rows.errors import Unfit
from udup.drivers.mysql.rows.events import RowsEvent
from udup.drivers.mysql.rows.table import KeyPart
from udup.drivers.mysql.rows.values import ABSENT, JsonPatch, Row

RECORDED = read()


def read_all() -> list[tuple[RowCodec, bytes, RowsEvent]]:
    codecs = RowCodecs()
    maps: dict[bytes, RowCodec] = {}
    found = []
    for event in RECORDED.events:
        if event[4] == EventType.TABLE_MAP:
            maps[table_id(event)] = codecs.of(event, has_crc=True)
        else:
            codec = maps[table_id(event)]
            found.append((codec, event, codec.read(event, has_crc=True)))
    return found


READ = read_all()


def codec_of(name: str) -> RowCodec:
    return next(codec for codec, _, _ in READ if codec.table.name == name)


def events_of(name: str) -> list[RowsEvent]:
    return [event for codec, _, event in READ if codec.table.name == name]


def test_events_are_written_as_they_were() -> None:
    written = set()
    for codec, event, values in READ:
        if values.kind != EventType.PARTIAL_UPDATE_ROWS:
            assert codec.write(values, has_crc=True) == event, codec.table
            written.add(values.kind)
    assert written == {EventType.WRITE_ROWS, EventType.UPDATE_ROWS, EventType.DELETE_ROWS}


def test_events_without_a_checksum_are_written_as_they_were() -> None:
    for codec, event, values in READ:
        if values.kind != EventType.PARTIAL_UPDATE_ROWS:
            bare = event[:9] + (len(event) - 4).to_bytes(4, "little") + event[13:-4]
            again = codec.read(bare, has_crc=False)
            assert again.changes == values.changes
            assert codec.write(again, has_crc=False) == bare


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        (EventType.WRITE_ROWS, EventType.WRITE_ROWS_V1),
        (EventType.UPDATE_ROWS, EventType.UPDATE_ROWS_V1),
        (EventType.DELETE_ROWS, EventType.DELETE_ROWS_V1),
    ],
)
def test_events_of_the_first_version_have_the_same_rows(kind: EventType, first: EventType) -> None:
    tried = 0
    for codec, event, values in READ:
        if values.kind == kind:
            old = codec.write(replace(values, front=replace(values.front, kind=first)), has_crc=True)
            assert len(old) == len(event) - 2, "the extra data's length"
            again = codec.read(old, has_crc=True)
            assert again.changes == values.changes and again.kind == first
            assert codec.write(again, has_crc=True) == old
            tried += 1
    assert tried


@pytest.mark.parametrize("table", COMPARED)
def test_the_log_brings_what_the_server_has(table: str) -> None:
    rows: Counter[tuple[Cell, ...]] = Counter()
    codec = codec_of(table)
    for event in events_of(table):
        for before, after in completed(event).changes:
            if before is not None:
                rows[cells(codec, before)] -= 1
            if after is not None:
                rows[cells(codec, after)] += 1
    assert +rows == Counter(RECORDED.rows[table]) and not -rows


def cells(codec: RowCodec, row: Row) -> tuple[Cell, ...]:
    return tuple(cell_of(column, value) for column, value in zip(codec.table.columns, row, strict=True))


def test_every_type_of_the_server_was_recorded() -> None:
    kinds = {column.kind for name in "tjk" for column in codec_of(name).table.columns}
    assert not set(ColumnType) - kinds - {
        ColumnType.VAR_STRING, ColumnType.TIMESTAMP_OLD, ColumnType.TIME_OLD, ColumnType.DATETIME_OLD,
        ColumnType.BLOB_COMPRESSED, ColumnType.VARCHAR_COMPRESSED,  # MariaDB's
    }  # fmt: skip


def test_a_table_map_says_all_of_its_columns() -> None:
    table = codec_of("t").table
    found = {column.name: column for column in table.columns}
    assert str(table) == "rec.t" and table.key == (KeyPart(0),)
    assert [found[name].unsigned for name in ("ti", "tu", "bi", "bu", "n1")] == [False, True, False, True, False]
    assert found["e"].members == ("a".encode("latin-1"), "ö".encode("latin-1"), b",")
    assert found["s9"].members == tuple(f"m{number}".encode() for number in range(9))
    assert found["vb"].collation == 63 and found["v"].collation == 8 and found["c"].collation == 255
    assert found["p"].geometry == 1 and found["g"].geometry == 0 and found["x"].dimensions == 3
    assert not found["id"].nullable and found["ti"].nullable


def test_a_table_map_says_the_key_with_its_prefixes_and_what_is_invisible() -> None:
    table = codec_of("k").table
    assert table.key == (KeyPart(1, 10), KeyPart(0)) and table.key_columns == (1, 0)
    assert [column.visible for column in table.columns] == [True, True, False, True, True]
    assert table.index_of("C") == 2 and table.index_of("z") is None


def test_a_column_that_is_absent_is_no_null() -> None:
    key, blobless = (1, b"one"), (1, b"one", 6)
    _, minimal, _, noblob, _ = events_of("k")
    assert minimal.changes == [((*key, ABSENT, ABSENT, ABSENT), (ABSENT, ABSENT, 6, ABSENT, ABSENT))]
    ((before, after),) = noblob.changes
    assert before is not None and after is not None
    assert before[:3] == blobless and before[3] is ABSENT and after[2] == 7


def test_a_row_of_nothing_but_defaults_is_a_row() -> None:
    (event,) = events_of("o")
    assert event.changes == [(None, (ABSENT, ABSENT))]


def test_a_partial_update_is_read_only() -> None:
    codec = codec_of("m")
    partial = next(event for event in events_of("m") if event.kind == EventType.PARTIAL_UPDATE_ROWS)
    ((_, after),) = partial.changes
    assert after is not None and isinstance(after[3], JsonPatch)
    with pytest.raises(Unfit, match="a partial update of JSON is not written; set binlog_row_value_options"):
        codec.write(partial, has_crc=True)
    whole = completed(partial)
    assert whole.kind == EventType.UPDATE_ROWS
    assert codec.read(codec.write(whole, has_crc=True), has_crc=True).changes == whole.changes


def test_the_same_definition_has_one_codec() -> None:
    codecs = RowCodecs()
    event = next(event for event in RECORDED.events if event[4] == EventType.TABLE_MAP)
    other = event[:19] + b"\x09\x09\x09\x09\x09\x09" + event[25:]
    assert codecs.of(event, has_crc=True) is codecs.of(other, has_crc=True)
