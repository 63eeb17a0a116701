"""Rows of a table with a column map, of recorded events: as of a table that has these columns alone."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.drivers.mysql.rows.recording import read
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import EventType, checksum_is_right, ends_statement
from udup.drivers.mysql.binlog.table_map import table_id
from udup.drivers.mysql.columns.shaper import ColumnMaps, MappedTable
from udup.drivers.mysql.columns.table_map import mapped_table_map
from udup.drivers.mysql.rows.codec import RowCodec, RowCodecs, completed
from udup.drivers.mysql.rows.errors import Unfit
from udup.drivers.mysql.rows.table import Table, parse_table
from udup.drivers.mysql.rows.values import ABSENT, Row
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection

EVENTS = read().events
MAPS = [event for event in EVENTS if event[4] == EventType.TABLE_MAP]


def _table(event: bytes) -> Table:
    return parse_table(event, has_crc=True)


def _mapped(table_map: bytes, names: list[str], new: list[str]) -> MappedTable:
    table = _table(table_map)
    rule = NameRule(table.name, columns=tuple(zip(names, new, strict=True)))
    maps = ColumnMaps.of(Selection((SchemaRule(table.schema, tables=(rule,)),)))
    assert maps is not None
    mapped = maps.mapped(table.schema, table.name, table_map, has_crc=True)
    assert mapped is not None
    return mapped


def test_all_columns_in_their_order_are_the_same_definition() -> None:
    for event in MAPS:
        table = _table(event)
        names = [str(column.name) for column in table.columns]
        made = mapped_table_map(event, range(len(names)), names, has_crc=True)
        assert _table(made) == table and checksum_is_right(made)
        assert table_id(made) == table_id(event)


def test_some_columns_keep_their_types_under_new_names() -> None:
    chance = random.Random(1)
    for event in MAPS:
        table = _table(event)
        for _ in range(20):
            places = chance.sample(range(len(table.columns)), chance.randint(1, len(table.columns)))
            names = [f"x{place}" for place in places]
            made = _table(mapped_table_map(event, places, names, has_crc=True))
            assert list(made.columns) == [
                replace(table.columns[place], name=name) for place, name in zip(places, names, strict=True)
            ]
            whole = all(place in places for place in table.key_columns)
            assert [places[part.column] for part in made.key] == (list(table.key_columns) if whole else [])


def _picked(row: Row | None, places: list[int]) -> Row | None:
    return None if row is None else tuple(row[place] for place in places)


def test_rows_are_those_of_the_mapped_columns() -> None:
    codecs, chance = RowCodecs(), random.Random(2)
    maps: dict[bytes, bytes] = {}
    compared = 0
    for event in EVENTS:
        if event[4] == EventType.TABLE_MAP:
            maps[table_id(event)] = event
            continue
        table_map = maps[table_id(event)]
        table = _table(table_map)
        names = [str(column.name) for column in table.columns]
        others = [place for place in range(len(names)) if place not in table.key_columns]
        for _ in range(5):
            places = [*chance.sample(others, chance.randint(0, len(others))), *table.key_columns] or [0]
            mapped = _mapped(table_map, [names[place] for place in places], [f"x{place}" for place in places])
            made_map = mapped.table_map(table_map, has_crc=True)
            try:
                made = mapped.shaped([event], made_map, has_crc=True)
            except (Unsupported, Unfit):
                continue  # an image that lacks what is needed
            wanted = codecs.of(table_map, has_crc=True).read(event, has_crc=True)
            try:
                wanted = completed(wanted)
            except Unfit:
                continue
            changes = [(_picked(before, places), _picked(after, places)) for before, after in wanted.changes]
            found = [each for one in made for each in codecs.of(made_map, has_crc=True).read(one, has_crc=True).changes]
            kept = [each for each in changes if None in each or not _is_same(*each)]
            found = [each for each in found if None in each or not _is_same(*each)]  # a part that changes nothing
            assert found == kept
            assert not made or ends_statement(made[-1]) == ends_statement(event)
            compared += len(found)
    assert compared > 50


def _is_same(before: Row | None, after: Row | None) -> bool:
    assert before is not None and after is not None
    return all(new is ABSENT or repr(old) == repr(new) for old, new in zip(before, after, strict=True))


def _simple() -> tuple[bytes, RowCodec]:
    from tests.drivers.mysql.filters.test_shaper import TABLE_MAP

    return TABLE_MAP, RowCodecs().of(TABLE_MAP, has_crc=True)


def test_an_update_of_what_is_left_out_goes_and_the_statement_still_ends() -> None:
    from tests.drivers.mysql.filters.test_shaper import UPDATE

    table_map, codec = _simple()
    mapped = _mapped(table_map, ["region", "id"], ["region", "nr"])
    made_map = mapped.table_map(table_map, has_crc=True)
    event = codec.read(UPDATE, has_crc=True)
    same = [(before, (before[0], 99, before[2])) for before, _ in event.changes if before is not None]
    quiet = codec.write(event.of_kind(event.kind, same), has_crc=True)
    assert ends_statement(quiet) and mapped.shaped([quiet], made_map, has_crc=True) == []
    first = codec.write(
        replace(event.of_kind(event.kind, event.changes), front=replace(event.front, flags=0)), has_crc=True
    )
    (made,) = mapped.shaped([first, quiet], made_map, has_crc=True)
    assert ends_statement(made) and not ends_statement(first)


def test_a_map_of_columns_that_the_log_does_not_have_is_refused() -> None:
    table_map, _ = _simple()
    with pytest.raises(Unsupported, match="has no column status in the log"):
        _mapped(table_map, ["id", "status"], ["id", "status"])


def test_rows_without_any_mapped_column_are_refused() -> None:
    from tests.drivers.mysql.filters.test_shaper import INSERT

    table_map, codec = _simple()
    mapped = _mapped(table_map, ["region"], ["region"])
    event = codec.read(INSERT, has_crc=True)
    lacking = [(None, (1, 2, ABSENT))]
    bare = codec.write(event.of_kind(event.kind, lacking), has_crc=True)
    with pytest.raises(Unsupported, match="binlog_row_image"):
        mapped.shaped([bare], mapped.table_map(table_map, has_crc=True), has_crc=True)


def test_names_are_told_apart_as_the_server_does() -> None:
    """To MySQL these are two columns; folded together, values of one went into the other."""
    table_map, _ = _simple()
    table = _table(table_map)
    two = replace(table, columns=(replace(table.columns[0], name="strasse"), replace(table.columns[1], name="Straße")))
    assert (two.index_of("straße"), two.index_of("STRASSE")) == (1, 0)
