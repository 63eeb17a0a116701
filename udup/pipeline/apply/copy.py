"""A full copy on the target's side: make the tables, count the rows in, build what was left out, bring the objects.

A copy is all or nothing: what it makes is noted before it is made (`copied.py`), and when a copy begins again after a
failure that is dropped. The checkpoint is written when everything stands, in the transaction that also forgets the
notes. Only the run whose version the base row has makes anything (`copy_fence.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Divergence, Refused, Transient, UdupError
from udup.drivers.mysql.apply.checkpoint import Checkpoint
from udup.drivers.mysql.apply.ownership import builder_place
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, describe, is_transient, scalar
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.client.raw import shut_down
from udup.drivers.mysql.client.session_setup import enter
from udup.drivers.mysql.client.sessions import DEFINITION
from udup.drivers.mysql.dictionary.details import CopyDetails, LoadDetails
from udup.drivers.mysql.load import objects
from udup.drivers.mysql.load.accounts import conflicting_accounts, create_accounts
from udup.drivers.mysql.load.computed import ComputedValues
from udup.drivers.mysql.load.copied import CopyNotes
from udup.drivers.mysql.load.copy_fence import CopyFence
from udup.drivers.mysql.load.create_table import is_merge
from udup.drivers.mysql.load.rehearsal import rehearse
from udup.drivers.mysql.load.room import Room
from udup.drivers.mysql.load.stale_views import make_stand_in
from udup.pipeline.apply.copy_progress import CopyProgress, TableCopy
from udup.pipeline.records import ChunkLoaded, CopyEnd, CopyPlan, CopyTotals, ExpectCopy, StartRows, encode


@dataclass(frozen=True)
class CopyTarget:
    """Where a copy goes and what it may do there."""

    endpoint: Endpoint
    job: str
    workers: int
    drop_existing: bool
    recompute: bool = False  # take what the target computes where the source has other values


class CopyRun:
    """`order` sends bytes to a worker's slot, `start_rows` tells the extractor to begin."""

    def __init__(
        self,
        target: CopyTarget,
        plan: CopyPlan,
        checkpoint: Checkpoint,
        order: Callable[[int, bytes], Awaitable[None]],
        start_rows: Callable[[StartRows], Awaitable[None]],
    ) -> None:
        self._target = target
        details = CopyDetails.decode(plan.details)
        self._catalog = details.catalog
        self._fence = CopyFence(target.job, checkpoint.version)
        self._room = Room(f"Dest {target.endpoint}", CopyNotes(target.job), target.drop_existing)
        self._order = order
        self._start_rows = start_rows
        self._tables = [TableCopy(table) for table in plan.tables]
        self._pool = runtime.Pool(target.workers, "build")
        self._places = [builder_place(number) for number in range(target.workers, 0, -1)]
        self._connections: set[Connection] = set()
        self._building: list[asyncio.Future[None]] = []
        self._sent = asyncio.Event()
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._progress = CopyProgress(self._tables)
        self._phase = "tables"
        self._computed = ComputedValues(target.endpoint, details.context, recompute=target.recompute)
        self.finished = False
        #: What is to be known of what was made.
        self.told: list[str] = []

    async def run(self) -> None:
        """Until everything stands; the caller then writes the checkpoint."""
        method = await self._in_thread(self._make_tables)
        await self._in_thread(self._rehearse_objects)
        instructions = LoadDetails(
            self._catalog.tables, method, self._fence.version, self._computed.for_loading
        ).encoded()
        for slot in range(1, self._target.workers + 1):
            await self._order(slot, encode(ExpectCopy(instructions)))
        self._phase = "rows"
        await self._start_rows(StartRows(method, self._computed.offsets))
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
            self._fail(error)
            return
        building = asyncio.ensure_future(self._in_thread(self._add_indexes, state))
        building.add_done_callback(self._built)
        self._building.append(building)

    def _built(self, building: asyncio.Future[None]) -> None:
        if not building.cancelled() and (error := building.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """The first failure is told at once, whatever is still on its way."""
        if not self._failure.done():
            self._failure.set_exception(error)

    def _check_all(self) -> None:
        if all(state.complete for state in self._tables):
            self._sent.set()

    # ---- In threads ----

    async def _in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, partial(self._with_connection, function), *args
        )

    def _with_connection(self, function: Callable[..., Any], *args: Any) -> Any:
        """On a connection of its own that has a place of the job, so that nothing of it comes after a take-over."""
        connection = connect(self._target.endpoint, DEFINITION)
        self._connections.add(connection)
        place = self._places.pop()  # as many as the pool has threads
        try:
            self._fence.enter(connection, place)
            self._computed.begin(connection)
            return function(connection, *args)
        except MySQLError as error:
            text = f"on the target {self._target.endpoint}: {describe(error)}"
            raise (Transient if is_transient(error) else UdupError)(text) from error
        finally:
            self._connections.discard(connection)
            connection.close()
            self._places.append(place)

    def _make_tables(self, connection: Connection) -> str:
        """Refuse, or make room and make the tables; how the rows are to be loaded."""
        if conflicts := conflicting_accounts(connection, self._catalog.accounts, self._room.where):
            raise Refused(conflicts)
        self._computed.prepare(connection, self._catalog.tables)
        self._room.make(connection, self._catalog)
        objects.create_schemas(connection, self._catalog.schemas)
        objects.try_converted_tables(connection, self._catalog.tables)
        self.told = objects.create_tables(connection, self._catalog.tables)
        return "load" if scalar(connection, "SELECT @@global.local_infile") else "insert"

    def _add_indexes(self, connection: Connection, state: TableCopy) -> None:
        """What was computed is compared before an index could refuse it, and what indexes compute after that."""
        table = self._catalog.tables[self._tables.index(state)]
        assert state.totals is not None
        self._computed.compare_columns(connection, table, state.totals.sums)
        if table.computes:
            self._computed.enter(connection)
        objects.add_indexes(connection, table)
        if table.computes:
            enter(connection, DEFINITION)
        self._computed.compare_indexes(connection, table, state.totals.sums)

    def _add_foreign_keys(self, connection: Connection) -> None:
        for table in self._catalog.tables:
            objects.add_foreign_keys(connection, table)
        objects.create_merge_tables(connection, self._catalog.tables)

    def _rehearse_objects(self, connection: Connection) -> None:
        replace = self._room.make_for_objects(connection, self._catalog)
        late = any(is_merge(table) for table in self._catalog.tables)
        rehearse(connection, self._catalog.objects, replace, self._room.where, tables_come_later=late)
        self._room.notes.forget_objects(connection)

    def _create_objects(self, connection: Connection) -> None:
        replace = self._room.make_for_objects(connection, self._catalog)
        for view in objects.create_objects(connection, self._catalog.objects, replace):
            make_stand_in(connection, self._target.job, view)
        create_accounts(connection, self._catalog.accounts, self._room.where)

    def progress(self) -> dict[str, Any]:
        shown = self._progress.shown(self._phase, finished=self.finished)
        return {**shown, "copy_warnings": self._computed.warnings} if self._computed.warnings else shown
