"""A TABLE_MAP tells its table, and whether the same id still means the same definition."""

from __future__ import annotations

from contextlib import closing

from tests.source_log import logged_by
from udup.binlog.event import EventType
from udup.binlog.table_map import TableName, definition_bytes, table_id, table_name
from udup.mysql.connection import Connection, connect, query
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
