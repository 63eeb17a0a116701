"""What the source's application waits for while its tables are copied: not for the target, nor for the whole copy."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

import udup.drivers.mysql.client.patience
import udup.drivers.mysql.snapshot.global_lock
from tests.full_copy import catalog_of, flushes, run
from udup.base.errors import Transient
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.drivers.mysql.snapshot.reader import CopyReader, TableTotal
from udup.drivers.mysql.snapshot.rows import Block
from udup.drivers.mysql.snapshot.snapshot import open_snapshot
from udup.drivers.mysql.snapshot.spool import MEMORY_MAX, Spool, spooled
from udup.pipeline.ports import Piece
from udup.sandbox.server import MysqlServer

#: Seconds that the application's statements may wait in these tests: a chunk is read in some milliseconds.
BOUND = 4

TABLES = {
    "keyed": "id INT PRIMARY KEY, a VARCHAR(500)",
    "keyless": "id INT, a VARCHAR(500)",
    "streamed": "id INT PRIMARY KEY, a VARCHAR(500), d JSON",
}

ROWS = 12_000


@pytest.fixture(scope="module")
def shop(source: MysqlServer) -> Iterator[str]:
    """Six megabytes a table, which no socket's buffer holds; documents that must be read row by row."""
    with closing(connect(source.endpoint)) as connection:
        run(connection, "CREATE DATABASE waits", f"SET cte_max_recursion_depth = {ROWS}")
        numbers = f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})"
        for name, columns in TABLES.items():
            more = ", JSON_ARRAY(CAST('2024-02-29' AS DATE))"
            values = "i, REPEAT('x', 490)" + (more if name == "streamed" else "")
            run(connection, f"CREATE TABLE waits.{name} ({columns})")
            run(connection, f"INSERT INTO waits.{name} {numbers} SELECT {values} FROM n")
        yield "waits"
        run(connection, "DROP DATABASE waits")


@pytest.mark.parametrize("name", TABLES)
def test_while_nobody_takes_a_tables_rows_it_can_be_altered(source: MysqlServer, shop: str, name: str) -> None:
    """The target may be away for hours: an ALTER waits until a chunk is read, and nobody waits behind the ALTER."""
    catalog = catalog_of(source.endpoint, shop)
    number = next(i for i, table in enumerate(catalog.tables) if table.name == name)
    altered: list[float] = []

    def emit(piece: Piece) -> None:
        if piece.table == number and not altered:
            with closing(connect(source.endpoint)) as application:
                begun = time.monotonic()
                run(application, f"SET lock_wait_timeout = {BOUND}", f"ALTER TABLE {shop}.{name} COMMENT = '{begun}'")
                run(
                    application, f"INSERT INTO {shop}.{name} (id) VALUES (0)", f"DELETE FROM {shop}.{name} WHERE id = 0"
                )
                altered.append(time.monotonic() - begun)

    totals: list[TableTotal] = []
    with closing(open_snapshot(source.endpoint, 2)) as snapshot:
        CopyReader(snapshot, catalog.tables, totals.append, chunk_rows=2000).run(0, emit)
    assert [total.rows for total in totals] == [ROWS] * len(TABLES), "such a change is no reason to begin again"
    assert altered and altered[0] < BOUND


def test_a_table_that_is_locked_for_long_is_waited_for(
    source: MysqlServer, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In short goes; the copy does not begin anew for it."""
    monkeypatch.setattr(udup.drivers.mysql.client.patience, "SESSION", "SET SESSION lock_wait_timeout = 1")
    catalog = catalog_of(source.endpoint, shop)
    totals: list[TableTotal] = []
    errors: list[BaseException] = []

    def copy(reader: CopyReader) -> None:
        try:
            reader.run(0, lambda piece: None)
        except BaseException as error:  # noqa: BLE001 -- looked at below
            errors.append(error)

    with closing(connect(source.endpoint)) as application, closing(open_snapshot(source.endpoint, 2)) as snapshot:
        locks = ", ".join(f"{shop}.{name} WRITE" for name in TABLES)
        run(application, f"LOCK TABLES {locks}")
        thread = threading.Thread(target=copy, args=(CopyReader(snapshot, catalog.tables, totals.append),))
        thread.start()
        thread.join(2.5)
        assert thread.is_alive() and not errors
        run(application, "UNLOCK TABLES")
        thread.join(30)
    assert not errors and [total.rows for total in totals] == [ROWS] * len(TABLES)


def test_the_global_lock_is_not_asked_for_behind_a_long_statement(source: MysqlServer, shop: str) -> None:
    """Everything that is written would wait behind it, for as long as the statement takes."""
    waits: list[float] = []
    flushed = flushes(source.endpoint)
    with closing(connect(source.endpoint)) as other:
        other._execute_command(3, f"SELECT SLEEP(4) FROM {shop}.keyed LIMIT 1")  # type: ignore[attr-defined]
        opened: list[Any] = []
        opening = threading.Thread(target=lambda: opened.append(open_snapshot(source.endpoint, 2, quiet_tries=0)))
        opening.start()
        with closing(connect(source.endpoint)) as application:
            while opening.is_alive():
                begun = time.monotonic()
                run(
                    application,
                    f"INSERT INTO {shop}.keyless VALUES (0, '')",
                    f"DELETE FROM {shop}.keyless WHERE id = 0",
                )
                waits.append(time.monotonic() - begun)
                time.sleep(0.05)
        opened[0].close()
        assert flushes(source.endpoint) > flushed
        other._read_query_result()  # type: ignore[attr-defined]
    assert len(waits) > 5 and max(waits) < 2.5, max(waits)


def test_a_statement_that_keeps_the_global_lock_away_is_named(
    source: MysqlServer, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(udup.drivers.mysql.snapshot.global_lock, "LOCK_TRIES", 3)
    monkeypatch.setattr(udup.drivers.mysql.snapshot.global_lock, "LOCK_PAUSE", 1.0)
    with closing(connect(source.endpoint)) as other, closing(connect(source.endpoint)) as application:
        number = scalar(other, "SELECT CONNECTION_ID()")
        other._execute_command(3, f"SELECT SLEEP(60) FROM {shop}.keyed LIMIT 1")  # type: ignore[attr-defined]
        try:
            with pytest.raises(Transient, match=rf"connection {number} of root, for \d+ s: SELECT SLEEP"):
                open_snapshot(source.endpoint, 2, quiet_tries=0)
        finally:
            query(application, f"KILL {number}")


# ---- What is read ahead ----


def _blocks(count: int, size: int) -> list[Block]:
    return [Block(1, bytes([number % 251]) * size, values=bool(number % 2)) for number in range(count)]


@pytest.mark.parametrize(("memory", "file"), [(0, 0), (0, 1000), (250, 1000), (250, 99), (1 << 20, 0)])
def test_blocks_come_out_as_they_went_in_whatever_the_room(memory: int, file: int) -> None:
    sent = [block for size in (1, 100, 333, 2000, 50) for block in _blocks(40, size)]
    spool = Spool(memory, file)

    def put() -> None:
        for block in sent:
            spool.put(block)
        spool.end()

    thread = threading.Thread(target=put)
    thread.start()
    assert list(spool) == sent
    thread.join(5)
    assert (spool._in_memory, spool.ended) == (0, True)
    spool.discard()


def test_what_is_read_ahead_is_bounded() -> None:
    size = 64 << 10
    taken = threading.Event()
    put = 0

    def read() -> Iterator[Block]:
        nonlocal put
        for block in _blocks(400, size):
            put += 1
            yield block

    spool = Spool(MEMORY_MAX, 4 << 20)

    def fill() -> None:
        for block in read():
            spool.put(block)
        spool.end()
        taken.set()

    threading.Thread(target=fill, daemon=True).start()
    most = (MEMORY_MAX + (4 << 20)) // size + 2
    assert not taken.wait(0.5) and put <= most
    assert len(list(spool)) == 400 and taken.wait(5)
    spool.discard()


def test_a_disk_that_is_full_makes_the_source_wait_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.pwrite", full)
    sent = _blocks(100, 1000)
    assert list(spooled(iter(sent), lambda: None)) == sent
    spool = Spool(5000, 1 << 20)
    thread = threading.Thread(target=lambda: [spool.put(block) for block in sent] and spool.end())
    thread.start()
    assert list(spool) == sent
    thread.join(5)


def test_an_error_of_the_source_comes_behind_the_rows_before_it() -> None:
    def read() -> Iterator[Block]:
        yield from _blocks(3, 10)
        raise Transient("it went away")

    got: list[Block] = []
    with pytest.raises(Transient, match="it went away"):
        got.extend(spooled(read(), lambda: None))
    got.clear()
    blocks = spooled(read(), lambda: None)
    assert [next(blocks) for _ in range(3)] == _blocks(3, 10)


def test_whoever_takes_no_more_ends_the_reading() -> None:
    gone, read_on = threading.Event(), threading.Event()

    def read() -> Iterator[Block]:
        yield from _blocks(2, 10)
        read_on.wait(60)  # as a read of a socket does, until it is shut down
        while True:
            yield from _blocks(1, 1000)

    def give_up() -> None:
        gone.set()
        read_on.set()

    blocks = spooled(read(), give_up)
    next(blocks)
    begun = time.monotonic()
    blocks.close()  # type: ignore[attr-defined]
    assert gone.is_set() and time.monotonic() - begun < 30
