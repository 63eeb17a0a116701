"""A chunk is in the target exactly as the source counted it, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from tests.full_copy import catalog_of, contents, read_pieces, run, text_of
from udup.base.endpoint import Endpoint
from udup.base.errors import Divergence, Superseded, Transient, UdupError
from udup.drivers.mysql.apply.checkpoint import Checkpoint
from udup.drivers.mysql.apply.own_tables import create_tables
from udup.drivers.mysql.apply.ownership import hold, loader_place, taking_over
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.drivers.mysql.client.sessions import DEFINITION
from udup.drivers.mysql.dictionary.catalog import Table
from udup.drivers.mysql.load.copy_fence import CopyFence
from udup.drivers.mysql.load.loader import Loader
from udup.drivers.mysql.load.row_statements import insert_head, insert_statements
from udup.drivers.mysql.snapshot.snapshot import open_snapshot
from udup.pipeline.ownership import Owner
from udup.sandbox.server import MysqlServer

METHODS = ["load", "insert"]


def make(server: MysqlServer, schema: str, definition: str) -> Table:
    with closing(connect(server.endpoint)) as connection:
        run(connection, f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t ({definition})")
    return catalog_of(server.endpoint, schema).tables[0]


def load(server: MysqlServer, table: Table, *pieces: bytes, rows: int, method: str = "load") -> int:
    with closing(Loader(server.endpoint, method)) as loader:
        return loader.load(table, iter(pieces), lambda: rows)


def rows_of(server: MysqlServer, schema: str) -> list[tuple[object, ...]]:
    with closing(connect(server.endpoint)) as connection:
        return query(connection, f"SELECT * FROM {schema}.t ORDER BY 1")


@pytest.mark.parametrize("method", METHODS)
def test_pieces_may_be_cut_anywhere(target: MysqlServer, schema: str, method: str) -> None:
    table = make(target, schema, "id INT PRIMARY KEY, v VARCHAR(40), j JSON")
    text = b"1,'a\\'\n,\\\\',NULL\n2,NULL,'{\"k\": \"\\\\\\\\ \\'\n\"}'\n3,'\\0\\Z\n','[1, 2]'\n".replace(
        b'\n"}', b'"}'
    )
    for size in (1, 2, 3, 7, len(text)):
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        assert load(target, table, *pieces, rows=3, method=method) == 3
        assert rows_of(target, schema) == [
            (1, "a'\n,\\", None),
            (2, None, '{"k": "\\\\ \'"}'),
            (3, "\0\x1a\n", "[1, 2]"),
        ]
        with closing(connect(target.endpoint)) as connection:
            run(connection, f"TRUNCATE {schema}.t")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"1,'a'\n2,'too long for it'\n", "1406|1265"),
        (b"1,'a'\n300,'b'\n", "1264"),
        (b"1,'a'\n-5,'b'\n", "1264|3819"),
        (b"1,'a'\n2,NULL\n", "1048|1263"),
        (b"1,'a'\n1,'b'\n", "1062"),
        (b"1,'a'\n7,'b'\n", "3819|7 or"),
    ],
)
def test_what_the_target_would_change_is_refused_and_rolled_back(
    target: MysqlServer, schema: str, method: str, text: bytes, reason: str
) -> None:
    table = make(target, schema, "id TINYINT PRIMARY KEY, v VARCHAR(3) NOT NULL, CHECK (id <> 7 AND id > -3)")
    with pytest.raises(Exception, match=reason):
        load(target, table, text, rows=2, method=method)
    assert rows_of(target, schema) == []


@pytest.mark.parametrize("method", METHODS)
def test_a_chunk_with_other_than_the_expected_rows_is_rolled_back(
    target: MysqlServer, schema: str, method: str
) -> None:
    table = make(target, schema, "id INT PRIMARY KEY")
    with pytest.raises(Divergence, match="2 rows of a chunk of 3"):
        load(target, table, b"1\n2\n", rows=3, method=method)
    assert rows_of(target, schema) == []


@pytest.mark.parametrize("method", METHODS)
def test_an_error_of_the_bus_leaves_nothing_behind(target: MysqlServer, schema: str, method: str) -> None:
    table = make(target, schema, "id INT PRIMARY KEY")

    def pieces() -> Iterator[bytes]:
        yield b"1\n2\n"
        raise Transient("the bus is gone")

    with closing(Loader(target.endpoint, method)) as loader, pytest.raises(Transient, match="the bus is gone"):
        loader.load(table, pieces(), lambda: 2)
    assert rows_of(target, schema) == []


@pytest.mark.parametrize("method", METHODS)
def test_special_values_are_taken_as_they_are(target: MysqlServer, schema: str, method: str) -> None:
    table = make(target, schema, "id INT AUTO_INCREMENT PRIMARY KEY, d DATE NOT NULL, e ENUM('a','1') NOT NULL")
    text = b"0,'0000-00-00',0\n1,'2023-02-31',1\n2,'2024-00-00',2\n"
    assert load(target, table, text, rows=3, method=method) == 3
    with closing(connect(target.endpoint)) as connection:
        found = query(connection, f"SELECT id, CAST(d AS CHAR), e + 0, e FROM {schema}.t ORDER BY id")
    assert found == [(0, "0000-00-00", 0, ""), (1, "2023-02-31", 1, "a"), (2, "2024-00-00", 2, "1")]


@pytest.mark.parametrize("method", METHODS)
def test_an_enum_number_beyond_the_members_is_not_taken_for_the_error_value(
    source: MysqlServer, target: MysqlServer, schema: str, method: str
) -> None:
    """A row event of a server with more members may have left one in a table."""
    wide = make(source, schema, "id INT PRIMARY KEY, e ENUM('a','it''s, (\\\\','c') NULL")
    with closing(connect(source.endpoint)) as connection:
        run(connection, f"INSERT IGNORE INTO {schema}.t VALUES (1, 'a'), (2, 'no member'), (3, NULL)")
    narrow = replace(wide, columns=(wide.columns[0], replace(wide.columns[1], column_type="enum('a','it''s, (\\\\')")))
    make(target, schema, "id INT PRIMARY KEY, e ENUM('a','it''s, (\\\\') NULL")
    with closing(open_snapshot(source.endpoint, 2)) as snapshot:
        assert load(target, narrow, *text_of(read_pieces(snapshot, narrow)), rows=3, method=method) == 3
    with closing(connect(source.endpoint)) as connection:
        run(connection, f"UPDATE {schema}.t SET e = 'c' WHERE id = 3")
    with closing(connect(target.endpoint)) as connection:
        run(connection, f"TRUNCATE {schema}.t")
    for streamed in (narrow, replace(narrow, key=(), key_index="")):
        with closing(open_snapshot(source.endpoint, 2)) as snapshot, pytest.raises(UdupError, match="beyond_3"):
            load(target, streamed, *text_of(read_pieces(snapshot, streamed)), rows=3, method=method)
        assert rows_of(target, schema) == []


def test_both_methods_give_the_same(target: MysqlServer, schema: str) -> None:
    table = make(target, schema, "id INT PRIMARY KEY, v VARBINARY(600)")
    every = b"".join(bytes([byte]) * 2 for byte in range(256))
    escaped = every.replace(b"\\", b"\\\\").replace(b"'", b"\\'").replace(b"\0", b"\\0").replace(b"\x1a", b"\\Z")
    text = b"".join(b"%d,'%s'\n" % (number, escaped) for number in range(4000))
    results = []
    for method in METHODS:
        load(target, table, text, rows=4000, method=method)
        results.append(contents(target.endpoint, table))
        with closing(connect(target.endpoint)) as connection:
            run(connection, f"TRUNCATE {schema}.t")
    assert results[0] == results[1]
    assert results[0][0][1] == every.hex().upper()


def test_insert_statements_stay_below_their_limit(target: MysqlServer, schema: str) -> None:
    table = make(target, schema, "id INT PRIMARY KEY, v TEXT")
    text = b"".join(b"%d,'%s'\n" % (number, b"x\n" * 50) for number in range(1000))
    statements = list(insert_statements(table, insert_head(table), [text], 4096))
    assert len(statements) > 20
    assert all(len(statement) <= 4096 for statement in statements)
    assert sum(statement.count(b"(") - 1 for statement in statements) == 1000


def test_the_method_follows_the_target(target: MysqlServer) -> None:
    with closing(Loader(target.endpoint)) as loader, closing(connect(target.endpoint)) as connection:
        allowed = bool(scalar(connection, "SELECT @@local_infile"))
        assert loader.method == ("load" if allowed else "insert")


def test_a_loader_takes_one_chunk_after_the_other(target: MysqlServer, schema: str) -> None:
    table = make(target, schema, "id INT PRIMARY KEY, g INT AS (id * 2) STORED")
    with closing(Loader(target.endpoint, "load")) as loader:
        for number in range(5):
            assert loader.load(table, [b"%d\n" % number], lambda: 1) == 1
        assert loader.load(table, [b""], lambda: 0) == 0
    assert rows_of(target, schema) == [(number, number * 2) for number in range(5)]


def test_an_account_without_special_rights_can_load(target: MysqlServer, schema: str) -> None:
    table = make(target, schema, "id INT PRIMARY KEY, e ENUM('a') NOT NULL")
    user = f"u{schema[-12:]}"
    with closing(connect(target.endpoint)) as connection:
        run(connection, f"CREATE USER {user} IDENTIFIED BY 'x'", f"GRANT INSERT, CREATE ON {schema}.* TO {user}")
        try:
            endpoint = Endpoint(target.endpoint.host, target.endpoint.port, user, "x")
            with closing(Loader(endpoint)) as loader:
                assert loader.load(table, [b"1,1\n2,0\n"], lambda: 2) == 2
            connect(endpoint, DEFINITION).close()
        finally:
            run(connection, f"DROP USER {user}")


# ---- A copy that is another run's by now ----


@pytest.fixture
def fenced(target: MysqlServer, schema: str) -> Iterator[tuple[Table, CopyFence, Checkpoint]]:
    """A table without a key, the fence of the copy that has it, and who may take the copy over."""
    table = make(target, schema, "id INT")
    with closing(connect(target.endpoint)) as connection:
        create_tables(connection)
        first = Checkpoint(connection, schema, "all")
        first.take_over(1, None)
        yield table, CopyFence(schema, first.version), Checkpoint(connection, schema, "all", Owner("two"))
        query(connection, "DELETE FROM udup.checkpoint WHERE job = %s", schema)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("ends", ["the copy", "its checkpoint"])
def test_a_chunk_of_a_superseded_copy_commits_nothing(
    target: MysqlServer, schema: str, fenced: tuple[Table, CopyFence, Checkpoint], method: str, ends: str
) -> None:
    """The version changes while the rows are on their way, and nobody ends the connection that brings them."""
    table, fence, successor = fenced

    def pieces() -> Iterator[bytes]:
        yield b"1\n2\n"
        successor.take_over(1, None if ends == "the copy" else GtidSet())
        yield b"3\n"

    with closing(Loader(target.endpoint, method, fence, loader_place(1))) as loader:
        assert loader.load(table, [b"7\n"], lambda: 1) == 1
        with pytest.raises(Superseded, match=schema):
            loader.load(table, pieces(), lambda: 3)
    assert rows_of(target, schema) == [(7,)]
    with pytest.raises(Superseded) as kept:
        Loader(target.endpoint, method, fence, loader_place(1))
    with closing(connect(target.endpoint)) as other:
        hold(other, schema, loader_place(1))  # the place is free, although the error is still kept
    assert kept.value


def test_a_loader_is_ended_by_whoever_takes_the_copy_over_in_the_middle_of_a_chunk(
    target: MysqlServer, schema: str, fenced: tuple[Table, CopyFence, Checkpoint]
) -> None:
    table, fence, successor = fenced

    def pieces() -> Iterator[bytes]:
        yield b"1\n"
        with closing(connect(target.endpoint)) as other, taking_over(other, schema, Owner("two")):
            successor.take_over(1, None)
            query(other, f"DROP TABLE {schema}.t")
            query(other, f"CREATE TABLE {schema}.t (id INT)")
        yield b"2\n"

    with closing(Loader(target.endpoint, "insert", fence, loader_place(1))) as loader, pytest.raises(Transient):
        loader.load(table, pieces(), lambda: 2)
    assert rows_of(target, schema) == []
