"""Several readers share the tables, tell the totals, and end together."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.full_copy import catalog_of, run
from udup.base.errors import Transient
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.dictionary.catalog import Catalog
from udup.drivers.mysql.snapshot.reader import CopyReader, TableTotal
from udup.drivers.mysql.snapshot.snapshot import Snapshot, open_snapshot
from udup.pipeline.ports import Piece
from udup.sandbox.server import MysqlServer

#: Seconds within which everything must have ended.
PROMPT = 10

ROWS = 400


@pytest.fixture
def catalog(source: MysqlServer, schema: str) -> Catalog:
    numbers = f"WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) SELECT i FROM n"
    with closing(connect(source.endpoint)) as connection:
        run(connection, f"CREATE DATABASE {schema}")
        for name in ("t1", "t2", "t3"):
            run(
                connection,
                f"CREATE TABLE {schema}.{name} (id INT PRIMARY KEY)",
                f"INSERT INTO {schema}.{name} {numbers}",
            )
    return catalog_of(source.endpoint, schema)


@pytest.fixture
def snapshot(source: MysqlServer, catalog: Catalog) -> Iterator[Snapshot]:
    with closing(open_snapshot(source.endpoint, 4)) as opened:
        yield opened


def test_each_table_is_told_once_when_its_last_chunk_is_out(catalog: Catalog, snapshot: Snapshot) -> None:
    totals: list[TableTotal] = []
    pieces: list[Piece] = []
    reader = CopyReader(snapshot, catalog.tables, totals.append, chunk_rows=50)
    threads = [threading.Thread(target=reader.run, args=(i, pieces.append)) for i in range(reader.readers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PROMPT)
    assert sorted(totals, key=lambda total: total.table) == [TableTotal(i, 9, ROWS) for i in range(3)]
    assert {(piece.table, piece.chunk) for piece in pieces} == {(t, c) for t in range(3) for c in range(9)}
    assert sum(piece.rows for piece in pieces) == 3 * ROWS
    assert not reader.failed


def test_what_changed_under_a_copy_before_is_read_first(schema: str, catalog: Catalog, snapshot: Snapshot) -> None:
    pieces: list[Piece] = []
    first = {f"{schema}.t3", f"{schema}.gone"}
    reader = CopyReader(snapshot, catalog.tables, lambda total: None, chunk_rows=50, first=first)
    reader.run(0, pieces.append)
    assert list(dict.fromkeys(piece.table for piece in pieces)) == [2, 0, 1]


def test_a_table_that_changed_is_named_with_how_to_leave_it_out(
    source: MysqlServer, schema: str, catalog: Catalog, snapshot: Snapshot
) -> None:
    with closing(connect(source.endpoint)) as connection:
        run(connection, f"TRUNCATE TABLE {schema}.t1")
    with pytest.raises(Transient) as changed:
        CopyReader(snapshot, catalog.tables, lambda total: None).run(0, lambda piece: None)
    assert changed.value.table == f"{schema}.t1"
    assert f'ReplicateIgnoreDb with {{"TableSchema": "{schema}", "Tables": [{{"TableName": "t1"}}]}}' in str(
        changed.value
    )


def test_stop_ends_readers_that_wait_for_the_server(source: MysqlServer, schema: str, catalog: Catalog) -> None:
    with closing(connect(source.endpoint)) as locker, closing(open_snapshot(source.endpoint, 4)) as snapshot:
        run(locker, f"LOCK TABLES {schema}.t1 WRITE")
        reader = CopyReader(snapshot, catalog.tables, lambda total: None)
        threads = [threading.Thread(target=reader.run, args=(i, lambda piece: None)) for i in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        assert any(thread.is_alive() for thread in threads)
        reader.stop()
        for thread in threads:
            thread.join(PROMPT)
        assert not any(thread.is_alive() for thread in threads)
        assert not reader.failed


def test_an_error_of_one_reader_ends_the_others_and_is_raised_once(catalog: Catalog, snapshot: Snapshot) -> None:
    reader = CopyReader(snapshot, catalog.tables, lambda total: None, chunk_rows=10)
    errors: list[BaseException] = []
    first = threading.Event()

    def work(index: int) -> None:
        def emit(piece: Piece) -> None:
            if index == 0:
                first.set()
                raise Transient("the bus is gone")
            first.wait(PROMPT)

        try:
            reader.run(index, emit)
        except Transient as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PROMPT)
    assert [str(error) for error in errors] == ["the bus is gone"]
    assert reader.failed


def test_a_ddl_during_the_copy_is_noticed_and_does_not_wait_for_its_end(
    source: MysqlServer, schema: str, catalog: Catalog, snapshot: Snapshot
) -> None:
    changed = threading.Event()

    def emit(piece: Piece) -> None:
        if piece.table == 1 and not changed.is_set():
            with closing(connect(source.endpoint)) as connection:
                run(connection, "SET lock_wait_timeout = 2")
                run(connection, f"ALTER TABLE {schema}.t1 ADD COLUMN v INT")  # already read: does not matter
                run(connection, f"ALTER TABLE {schema}.t3 ADD COLUMN v INT")
            changed.set()

    reader = CopyReader(snapshot, catalog.tables, lambda total: None)
    with pytest.raises(Transient, match=r"t3.* changed while it was copied.*ReplicateIgnoreDb.*t3"):
        reader.run(0, emit)
    assert changed.is_set()
