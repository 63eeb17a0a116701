"""A TABLE_MAP tells its table, and whether the same id still means the same definition."""

from __future__ import annotations

import random
from contextlib import closing
from dataclasses import replace

from tests.applied import apply_all, records, session
from tests.applied import run as run_on
from tests.source_log import logged_by
from udup.drivers.mysql.binlog.build import build
from udup.drivers.mysql.binlog.event import EventType, checksum_is_right
from udup.drivers.mysql.binlog.table_map import TableMaps, TableName, definition_bytes, table_id, table_name, with_names
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection
from udup.sandbox.server import MysqlServer

ODD = 'тест`, "größe" 表'


def _maps(source: MysqlServer, *statements: str) -> list[bytes]:
    def work(connection: Connection) -> None:
        for statement in statements:
            query(connection, statement)

    return [logged.event for logged in logged_by(source.endpoint, work) if logged.kind == EventType.TABLE_MAP]


def test_names_of_any_letters_are_read(source: MysqlServer, schema: str) -> None:
    table = ODD.replace("`", "``")
    with closing(connect(source.endpoint)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        query(connection, f"CREATE TABLE {schema}.`{table}` (id INT PRIMARY KEY)")
    (event,) = _maps(source, f"INSERT INTO {schema}.`{table}` VALUES (1)")
    assert table_name(event) == TableName(schema, ODD)
    assert str(table_name(event)) == f"{schema}.{ODD}"


def test_the_definition_is_the_same_until_the_table_is_altered(source: MysqlServer, schema: str) -> None:
    insert = f"INSERT INTO {schema}.t (id) VALUES"
    with closing(connect(source.endpoint)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        query(connection, f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    first, second = _maps(source, f"{insert} (1)", f"{insert} (2)")
    (flushed,) = _maps(source, f"FLUSH TABLES {schema}.t", f"{insert} (3)")
    (altered,) = _maps(source, f"ALTER TABLE {schema}.t ADD COLUMN n INT", f"{insert} (4)")
    assert first[:4] != b"" and table_id(first) == table_id(second)
    assert len({definition_bytes(event, has_crc=True) for event in (first, second, flushed)}) == 1
    assert definition_bytes(altered, has_crc=True) != definition_bytes(first, has_crc=True)
    assert table_id(altered) != table_id(first)


def test_new_names_change_sizes_and_crc_and_nothing_else(source: MysqlServer, schema: str) -> None:
    with closing(connect(source.endpoint)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        query(connection, f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a VARCHAR(9))")
    (event,) = _maps(source, f"INSERT INTO {schema}.t VALUES (1, 'x')")
    names = ("größe " * 7, "表" * 64)
    changed = with_names(event, names[0].encode(), names[1].encode(), has_crc=True)
    assert table_name(changed) == TableName(*names) and table_id(changed) == table_id(event)
    assert int.from_bytes(changed[9:13], "little") == len(changed) and checksum_is_right(changed)
    assert with_names(changed, schema.encode(), b"t", has_crc=True) == event
    bare = with_names(event[:-4], schema.encode(), b"tt", has_crc=False)
    assert int.from_bytes(bare[9:13], "little") == len(bare) == len(event) - 3


def test_a_server_applies_rows_to_the_table_of_the_new_name(
    source: MysqlServer, target: MysqlServer, schema: str
) -> None:
    table = ODD.replace("`", "``")
    before = run_on(
        source.endpoint,
        f"CREATE DATABASE {schema}_s",
        f"CREATE TABLE {schema}_s.t (id INT PRIMARY KEY, a VARCHAR(9))",
        f"INSERT INTO {schema}_s.t VALUES (1, 'x'), (2, 'y')",
        f"UPDATE {schema}_s.t SET a = 'z' WHERE id = 2",
        f"DROP DATABASE {schema}_s",
    )
    run_on(
        target.endpoint,
        f"CREATE DATABASE {schema}",
        f"CREATE TABLE {schema}.`{table}` (id INT PRIMARY KEY, a VARCHAR(9))",
    )
    schemas = SchemaRule(regex=f"^({schema})_s$", rename="${1}")
    made = records(source.endpoint, before, Selection((schemas, replace(schemas, tables=(NameRule("t", rename=ODD),)))))
    with session(target.endpoint, schema) as (opened, position):
        apply_all(opened, position, made)
    with closing(connect(target.endpoint)) as connection:
        assert query(connection, f"SELECT * FROM {schema}.`{table}` ORDER BY id") == [(1, "x"), (2, "z")]


def test_table_maps_are_found_in_a_stream_however_it_is_cut() -> None:
    dice = random.Random(7)
    kinds = [dice.choice((EventType.TABLE_MAP, EventType.WRITE_ROWS, EventType.XID)) for _ in range(60)]
    events = [
        build(kind, dice.randbytes(dice.randrange(200)), with_crc=bool(place % 2)) for place, kind in enumerate(kinds)
    ]
    stream, wanted = b"".join(events), [event for event in events if event[4] == EventType.TABLE_MAP]
    for size in (1, 7, 18, 19, 20, 64, 1000, len(stream)):
        maps = TableMaps()
        pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
        assert [event for piece in pieces for event in maps.feed(piece)] == wanted
