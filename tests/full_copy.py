"""A whole copy in one process: the engines of source and target joined by a queue, for the tests."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.client.sessions import DEFINITION
from udup.drivers.mysql.dictionary.catalog import Catalog, Table
from udup.drivers.mysql.load.loader import Loader
from udup.drivers.mysql.load.objects import add_foreign_keys, add_indexes, create_objects, create_schemas, create_tables
from udup.drivers.mysql.snapshot.reader import CopyReader, TableTotal
from udup.drivers.mysql.snapshot.schema import read_catalog
from udup.drivers.mysql.snapshot.snapshot import Snapshot, open_snapshot
from udup.pipeline.ports import Piece
from udup.pipeline.selection.selection import Selection

#: Chunks that wait between readers and loaders.
QUEUE_CHUNKS = 4


@dataclass(frozen=True)
class Copied:
    catalog: Catalog
    gtid_set: str
    totals: dict[tuple[str, str], TableTotal]


def catalog_of(endpoint: Endpoint, schema: str) -> Catalog:
    with closing(connect(endpoint)) as connection:
        return read_catalog(connection, Selection.of([(schema, [])]))


def full_copy(
    source: Endpoint,
    target: Endpoint,
    schema: str,
    workers: int = 2,
    method: str | None = None,
    chunk_rows: int | None = None,
) -> Copied:
    """Copy one schema with everything in it."""
    catalog = catalog_of(source, schema)
    with closing(connect(target, DEFINITION)) as connection, closing(open_snapshot(source, workers + 1)) as snapshot:
        create_schemas(connection, catalog.schemas)
        create_tables(connection, catalog.tables)
        totals = copy_rows(snapshot, catalog, target, workers, method, chunk_rows)
        for table in catalog.tables:
            add_indexes(connection, table)
        for table in catalog.tables:
            add_foreign_keys(connection, table)
        create_objects(connection, catalog.objects)
        return Copied(catalog, snapshot.gtid_set, totals)


def copy_rows(
    snapshot: Snapshot,
    catalog: Catalog,
    target: Endpoint,
    workers: int,
    method: str | None = None,
    chunk_rows: int | None = None,
) -> dict[tuple[str, str], TableTotal]:
    """The rows only: `workers` readers and as many loaders."""
    totals: dict[tuple[str, str], TableTotal] = {}

    def note(total: TableTotal) -> None:
        table = catalog.tables[total.table]
        totals[table.schema, table.name] = total

    reader = CopyReader(snapshot, catalog.tables, note, chunk_rows)
    chunks: queue.Queue[list[Piece] | None] = queue.Queue(QUEUE_CHUNKS)
    threads = Threads(reader.stop)

    def read(index: int) -> None:
        held: list[Piece] = []

        def emit(piece: Piece) -> None:
            held.append(piece)
            if piece.last:
                chunks.put(held.copy(), timeout=60)
                held.clear()

        reader.run(index, emit)

    def load() -> None:
        with closing(Loader(target, method)) as loader:
            while (pieces := chunks.get(timeout=60)) is not None:
                load_pieces(loader, catalog.tables[pieces[0].table], pieces)

    loading = [threads.start(load) for _ in range(workers)]
    for thread in [threads.start(lambda i=i: read(i)) for i in range(workers)]:
        thread.join()
    for _ in loading:
        chunks.put(None)
    for thread in loading:
        thread.join()
    threads.check()
    return totals


def load_pieces(loader: Loader, table: Table, pieces: list[Piece]) -> int:
    assert [piece.last for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    rows, values = pieces[-1].rows, pieces[0].values
    return loader.load(table, (piece.data for piece in pieces), lambda: rows, values=values)


def read_pieces(snapshot: Snapshot, table: Table, chunk_rows: int | None = None) -> list[Piece]:
    """All pieces of one table, read by one reader."""
    pieces: list[Piece] = []
    CopyReader(snapshot, [table], lambda total: None, chunk_rows).run(0, pieces.append)
    return pieces


def flushes(endpoint: Endpoint) -> int:
    """How many FLUSH statements the server has run: one for each global read lock."""
    with closing(connect(endpoint)) as connection:
        return int(query(connection, "SHOW GLOBAL STATUS LIKE 'Com_flush'")[0][1])


def run(connection: Connection, *statements: str) -> None:
    for statement in statements:
        query(connection, statement)


def contents(endpoint: Endpoint, table: Table) -> list[tuple[bytes | None, ...]]:
    """Every stored value of a table as the server holds it, byte for byte, in a fixed order."""
    values = []
    for column in table.columns:
        name = f"`{column.name.replace('`', '``')}`"
        number = f"CAST({name} AS UNSIGNED), " if column.kind in {"enum", "set"} else ""
        exact = f"CAST({name} AS DOUBLE)" if column.kind in ("float", "double") else name
        values.append(f"{number}HEX(CAST({exact} AS BINARY))")
    with closing(connect(endpoint)) as connection:
        run(connection, "SET time_zone = '+00:00'", "SET sql_mode = ''")
        name = f"`{table.schema}`.`{table.name.replace('`', '``')}`"
        rows = query(connection, f"SELECT {', '.join(values)} FROM {name}")
    return sorted(rows, key=repr)


class Threads:
    """Threads whose first error is kept and ends the others."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._errors: list[BaseException] = []

    def start(self, work: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 -- handed to `check`
                self._errors.append(error)
                self._stop()

        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        return thread

    def check(self) -> None:
        if self._errors:
            raise self._errors[0]


def text_of(pieces: list[Piece]) -> Iterator[bytes]:
    return (piece.data for piece in pieces)
