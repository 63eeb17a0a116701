"""A Query event says which statement ran, and in what session."""

from __future__ import annotations

import struct

import pytest

from tests.source_log import logged_by
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.build import build
from udup.drivers.mysql.binlog.event import EventType
from udup.drivers.mysql.binlog.query import Charset, is_begin, parse_query, parse_status
from udup.drivers.mysql.client.connection import Connection, query
from udup.sandbox.server import MysqlServer


def test_the_session_is_read_from_a_real_servers_log(source: MysqlServer, schema: str) -> None:
    def work(connection: Connection) -> None:
        query(connection, f"CREATE DATABASE {schema} CHARACTER SET latin1")
        query(connection, f"USE {schema}")
        query(connection, "SET NAMES latin1 COLLATE latin1_german1_ci, sql_mode = 'ANSI_QUOTES', time_zone = '+02:00'")
        query(connection, "SET foreign_key_checks = 0, unique_checks = 0, lc_time_names = 'de_DE'")
        query(connection, "SET auto_increment_increment = 5, auto_increment_offset = 3")
        query(connection, "SET collation_database = utf8mb4_bin")  # logged only if it is not the schema's own
        query(connection, "SET timestamp = 1700000000.25")
        query(connection, "SET default_collation_for_utf8mb4 = utf8mb4_general_ci")
        query(connection, 'CREATE TABLE "t" (a INT, b DATETIME(6) DEFAULT (NOW(6)), c TIMESTAMP NULL)')
        query(connection, "ALTER TABLE t ADD d TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6), ADD e INT DEFAULT 1")

    events = logged_by(source.endpoint, work)
    table, alter = [each.query() for each in events if each.kind == EventType.QUERY][-2:]
    assert table.schema == schema.encode()
    assert table.sql.startswith(b'CREATE TABLE "t" (a INT')
    assert table.error_code == 0
    assert table.timestamp == 1700000000
    variables = table.variables()
    assert variables.flags2 is not None
    assert variables.flags2 & 0xC000000 == 0xC000000
    assert variables.sql_mode == 4
    assert variables.auto_increment == (5, 3)
    assert variables.charset == Charset(client=5, connection=5, server=255)
    assert variables.collation_database == 46
    assert variables.default_collation_for_utf8mb4 == 45
    assert variables.updated_schemas == (schema.encode(),)
    assert variables.sql_require_primary_key is False
    assert alter.variables().microseconds == 250000


def test_the_events_size_is_with_or_without_crc(source: MysqlServer, schema: str) -> None:
    events = logged_by(source.endpoint, lambda connection: query(connection, f"CREATE DATABASE {schema}") and None)
    (event,) = [each.event for each in events if each.kind == EventType.QUERY]
    assert parse_query(event, has_crc=True) == parse_query(event[:-4], has_crc=False)
    assert parse_query(event, has_crc=True).sql == f"CREATE DATABASE {schema}".encode()


def test_every_variable_of_a_made_up_event_is_read() -> None:
    status = (
        b"\x00\x00\x40\x00\x00\x01" + (1 << 40).to_bytes(8, "little") + b"\x05\x03UTC\x06\x03std\x07\x02\x00"
        b"\x09" + bytes(8) + b"\x0a" + bytes(4) + b"\x0b\x01u\x02hh\x0c\x02a\x00bc\x00\x0d\x01\x02\x03\x10\x01"
        b"\x11" + bytes(8) + b"\x13\xff\x14\x01"
    )
    variables = parse_status(status)
    assert variables.flags2 == 0x4000
    assert variables.sql_mode == 1 << 40
    assert variables.time_zone == b"UTC"
    assert variables.lc_time_names == 2
    assert variables.invoker == (b"u", b"hh")
    assert variables.updated_schemas == (b"a", b"bc")
    assert variables.microseconds == 0x030201
    assert variables.explicit_defaults_for_timestamp is True
    assert variables.sql_require_primary_key is None
    assert variables.default_table_encryption is True
    assert parse_status(b"\x0c\xfe").updated_schemas is None


def test_an_unknown_variable_is_never_passed_over() -> None:
    with pytest.raises(Unsupported, match="status variable 99"):
        parse_status(b"\x07\x00\x00\x63\x01")


@pytest.mark.parametrize("status", [b"\x00\x00", b"\x05\x09UTC", b"\x0c\x01abc", b"\x0b\x01"])
def test_a_cut_off_variable_is_told(status: bytes) -> None:
    with pytest.raises(Unsupported, match="too early"):
        parse_status(status)


@pytest.mark.parametrize("has_crc", [True, False])
def test_begin_is_told_by_its_bytes_and_nothing_else_is(has_crc: bool) -> None:
    def event(schema: bytes, sql: bytes, status: bytes = b"") -> bytes:
        body = struct.pack("<IIBHH", 7, 0, len(schema), 0, len(status)) + status + schema + b"\0" + sql
        return build(EventType.QUERY, body, with_crc=has_crc)

    for schema, status in [(b"", b""), (b"shop", b"\0\0BEGIN"), (b"BEGIN", b"\0BEGIN")]:
        assert is_begin(event(schema, b"BEGIN", status), has_crc=has_crc)
        for other in (b"COMMIT", b"", b"BEGIN ", b"begin", b"DROP TABLE t -- \0BEGIN", b"\0BEGIN", b"XBEGIN"):
            assert not is_begin(event(schema, other, status), has_crc=has_crc), other
