"""The source's log as it comes over the wire: checked, taken apart, and ended with a reason."""

from __future__ import annotations

import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace

import pytest

from tests.applied import run
from tests.source_log import executed
from udup.base.endpoint import Endpoint
from udup.base.errors import Transient, Unsupported
from udup.drivers.mysql.binlog.event import EventType, checksum_is_right
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect, scalar
from udup.drivers.mysql.stream.stream import BinlogStream
from udup.sandbox.server import MysqlServer

MARK = b"here-comes-the-damage"


@pytest.fixture
def table(source: MysqlServer, schema: str) -> str:
    run(source.endpoint, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a LONGBLOB)")
    return f"{schema}.t"


def _stream(endpoint: Endpoint, after: GtidSet) -> BinlogStream:
    return BinlogStream(endpoint, 900_300, after, str(uuid.uuid4()))


def _transaction(endpoint: Endpoint, after: GtidSet) -> list[bytes]:
    """The events of the first transaction after this set."""
    events: list[bytes] = []
    stream = _stream(endpoint, after)
    try:
        for event in stream:
            if events or event[4] in (EventType.GTID, EventType.GTID_TAGGED):
                events.append(event)
            if event[4] == EventType.XID:
                break
    finally:
        stream.close()
    return events


@pytest.mark.parametrize("compression", ["OFF", "ON"])
def test_events_of_more_than_a_packet_come_whole(source: MysqlServer, table: str, compression: str) -> None:
    """Random bytes cannot be compressed: the compressed transaction is larger than a packet of 16 MiB as well."""
    insert = f"INSERT INTO {table} SELECT %s, GROUP_CONCAT(RANDOM_BYTES(1000) SEPARATOR '') FROM n"
    numbers = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 900)"
    before = run(
        source.endpoint,
        "SET SESSION group_concat_max_len = 100000000, cte_max_recursion_depth = 100000",
        f"SET SESSION binlog_transaction_compression = {compression}",
        "BEGIN",
        *(f"INSERT INTO {table} {numbers} {insert.split(' ', 3)[3] % number}" for number in range(20)),
        "COMMIT",
    )
    events = _transaction(source.endpoint, before)
    rows = [event for event in events if event[4] == EventType.WRITE_ROWS]
    assert len(rows) == 20 and sum(map(len, rows)) > 17 << 20
    assert all(int.from_bytes(event[9:13], "little") == len(event) for event in events)
    assert compression == "ON" or all(checksum_is_right(event) for event in events)
    with closing(connect(source.endpoint)) as connection:
        for number, event in enumerate(rows):
            stored = scalar(connection, f"SELECT a FROM {table} WHERE id = {number}")
            assert stored in event


def test_a_single_row_of_more_than_a_packet_comes_whole(source: MysqlServer, table: str) -> None:
    before = run(source.endpoint, f"INSERT INTO {table} VALUES (1, REPEAT('abcdefg', 3000000))")
    (row,) = [event for event in _transaction(source.endpoint, before) if event[4] == EventType.WRITE_ROWS]
    assert len(row) > 21_000_000 and b"abcdefg" * 3_000_000 in row and checksum_is_right(row)


class _Damager:
    """Passes bytes between a client and a server, and changes one where `MARK` passes."""

    def __init__(self, server: Endpoint) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = replace(server, port=self._listener.getsockname()[1])
        self._sockets: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((self._server.host, self._server.port))
                self._sockets += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(1 << 16):
                other.sendall(data.replace(MARK, MARK[:-1] + b"X"))

    def close(self) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.fixture
def damaged(source: MysqlServer) -> Iterator[Endpoint]:
    damager = _Damager(source.endpoint)
    yield damager.endpoint
    damager.close()


def test_a_single_wrong_byte_on_the_way_is_noticed(source: MysqlServer, damaged: Endpoint, table: str) -> None:
    statement = f"INSERT INTO {table} VALUES (1, '{MARK.decode()}')"
    before = run(source.endpoint, statement)
    assert any(MARK in event for event in _transaction(source.endpoint, before))
    with pytest.raises(Transient, match="wrong checksum"):
        _transaction(damaged, before)


def test_a_connection_that_breaks_is_worth_another_try(source: MysqlServer, table: str) -> None:
    with closing(connect(source.endpoint)) as connection:
        now = executed(connection)
    damager = _Damager(source.endpoint)
    stream = _stream(damager.endpoint, now)
    threading.Timer(0.2, damager.close).start()
    with pytest.raises(Transient):
        for _ in stream:
            continue


def test_closing_it_from_another_thread_ends_it(source: MysqlServer, table: str) -> None:
    with closing(connect(source.endpoint)) as connection:
        now = executed(connection)
    stream = _stream(source.endpoint, now)
    threading.Timer(0.2, stream.close).start()
    with pytest.raises(Transient):
        for _ in stream:
            continue


def test_a_position_that_the_source_cannot_serve_is_refused_for_good(source: MysqlServer, table: str) -> None:
    with closing(connect(source.endpoint)) as connection:
        own = scalar(connection, "SELECT @@server_uuid")
        beyond = executed(connection)
    beyond.add_range(own, 1, 1 << 40)
    with pytest.raises(Unsupported, match="1236"):
        _transaction(source.endpoint, beyond)
