"""A full copy on the target's side: make the tables, count the rows in, build what was left out, bring the objects.

A copy is all or nothing: the tables that it makes are noted in `udup.copied_table` before they are made, and when a
copy begins again after a failure they are dropped. The checkpoint is written when everything stands, in the transaction
that also forgets the note.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from udup.errors import Divergence, Fault, Refused, Transient, UdupError
from udup.mysql.catalog import Table
from udup.mysql.connection import Connection, Endpoint, MySQLError, connect, describe, is_transient, scalar
from udup.mysql.names import qualified
from udup.mysql.raw import shut_down
from udup.plane.envelope import ChunkLoaded, CopyEnd, CopyPlan, CopyTotals, ExpectCopy, encode
from udup.target import objects
from udup.target.accounts import conflicting_accounts, create_accounts
from udup.target.checkpoint import Checkpoint
from udup.target.copy_progress import CopyProgress, TableCopy


@dataclass(frozen=True)
class CopyTarget:
    """Where a copy goes and what it may do there."""

    endpoint: Endpoint
    workers: int
    drop_existing: bool


class CopyRun:
    """`order` sends bytes to a worker's slot, `start_rows` tells the extractor to begin."""

    def __init__(
        self,
        target: CopyTarget,
        plan: CopyPlan,
        checkpoint: Checkpoint,
        order: Callable[[int, bytes], Awaitable[None]],
        start_rows: Callable[[str], Awaitable[None]],
    ) -> None:
        self._target = target
        self._catalog = plan.catalog
        self._checkpoint = checkpoint
        self._order = order
        self._start_rows = start_rows
        self._tables = [TableCopy(table) for table in plan.catalog.tables]
        self._pool = ThreadPoolExecutor(target.workers, "build")
        self._connections: set[Connection] = set()
        self._building: list[asyncio.Future[None]] = []
        self._sent = asyncio.Event()
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._progress = CopyProgress(self._tables)
        self._phase = "tables"
        self._replace_objects = target.drop_existing
        self.finished = False
        #: What is to be known of what was made.
        self.told: list[str] = []

    async def run(self) -> None:
        """Until everything stands; the caller then writes the checkpoint."""
        method = await self._in_thread(self._make_tables)
        for slot in range(1, self._target.workers + 1):
            await self._order(slot, encode(ExpectCopy(self._catalog, method)))
        self._phase = "rows"
        await self._start_rows(method)
        await self._or_failure(self._sent.wait())
        self._phase = "indexes"
        await self._or_failure(asyncio.gather(*self._building))
        self._phase = "foreign keys"
        await self._in_thread(self._add_foreign_keys)
        self._phase = "objects"
        await self._in_thread(self._create_objects)
        self._phase = "done"

    def abort(self) -> None:
        """End what is under way; no thread is left when it returns."""
        for connection in list(self._connections):
            shut_down(connection)
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _or_failure(self, awaitable: Awaitable[Any]) -> None:
        waited = asyncio.ensure_future(awaitable)
        await asyncio.wait({waited, self._failure}, return_when=asyncio.FIRST_COMPLETED)
        if self._failure.done():
            waited.cancel()
            self._failure.result()
        await waited

    # ---- What the extractor and the workers say ----

    def take(self, record: CopyTotals | CopyEnd) -> None:
        if isinstance(record, CopyTotals):
            self._tables[record.table].totals = record
            self._check(self._tables[record.table])
        self._check_all()

    def loaded(self, chunk: ChunkLoaded) -> None:
        state = self._tables[chunk.table]
        state.loaded(chunk.rows)
        self._check(state)
        self._check_all()

    def _check(self, state: TableCopy) -> None:
        """A table whose rows are all there has its indexes built at once, beside the rows of others."""
        if not state.complete or state.totals is None:
            return
        if state.rows != state.totals.rows:
            name = qualified(state.table.schema, state.table.name)
            error = Divergence(f"{name}: {state.totals.rows} rows were read and {state.rows} loaded")
            self._failure.set_exception(error)
            return
        self._building.append(asyncio.ensure_future(self._in_thread(self._add_indexes, state.table)))

    def _check_all(self) -> None:
        if all(state.complete for state in self._tables):
            self._sent.set()

    # ---- In threads ----

    async def _in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, partial(self._with_connection, function), *args
        )

    def _with_connection(self, function: Callable[..., Any], *args: Any) -> Any:
        connection = connect(self._target.endpoint)
        self._connections.add(connection)
        try:
            objects.prepare_session(connection)
            return function(connection, *args)
        except MySQLError as error:
            text = f"on the target {self._target.endpoint}: {describe(error)}"
            raise (Transient if is_transient(error) else UdupError)(text) from error
        finally:
            self._connections.discard(connection)
            connection.close()

    def _make_tables(self, connection: Connection) -> str:
        """Refuse, or make room and make the tables; how the rows are to be loaded."""
        ours = set(self._checkpoint.copied_tables())
        existing = objects.existing_tables(connection, self._catalog.tables)
        kept = [each for each in existing if not each.empty and (each.schema, each.name) not in ours]
        if kept and not self._target.drop_existing:
            raise Refused([_occupied(self._target.endpoint, each) for each in kept])
        self._replace_objects = self._target.drop_existing or bool(ours)
        where = f"Dest {self._target.endpoint}"
        if conflicts := conflicting_accounts(connection, self._catalog.accounts, where):
            raise Refused(conflicts)
        # What an unfinished copy made and the source has dropped since would stay for ever: no log tells of it.
        planned = {(table.schema, table.name) for table in self._catalog.tables}
        gone = [objects.ExistingTable(schema, name, empty=False) for schema, name in sorted(ours - planned)]
        objects.drop_tables(connection, [*existing, *gone])
        for table in self._catalog.tables:
            self._checkpoint.note_copied_table(table.schema, table.name)
        objects.create_schemas(connection, self._catalog.schemas)
        objects.try_converted_tables(connection, self._catalog.tables)
        self.told = objects.create_tables(connection, self._catalog.tables)
        return "load" if scalar(connection, "SELECT @@global.local_infile") else "insert"

    def _add_indexes(self, connection: Connection, table: Table) -> None:
        objects.add_indexes(connection, table)

    def _add_foreign_keys(self, connection: Connection) -> None:
        for table in self._catalog.tables:
            objects.add_foreign_keys(connection, table)
        objects.create_merge_tables(connection, self._catalog.tables)

    def _create_objects(self, connection: Connection) -> None:
        objects.create_objects(connection, self._catalog.objects, self._replace_objects)
        create_accounts(connection, self._catalog.accounts, f"Dest {self._target.endpoint}")

    def progress(self) -> dict[str, Any]:
        return self._progress.shown(self._phase, finished=self.finished)


def _occupied(endpoint: Endpoint, table: objects.ExistingTable) -> Fault:
    name = qualified(table.schema, table.name)
    return Fault(
        f"Dest {endpoint}",
        f"table {name} exists and is not empty",
        f'remove it (DROP TABLE {name}), or set "DropTableIfExists": true in the Dest\'s Config, which removes it',
    )
