"""What a full copy makes on a MySQL target besides its rows: tables, indexes, foreign keys, objects, accounts.

What is made is noted before it is made (`copied.py`), and when a copy begins again after a failure that is dropped.
Each step has a connection that has a place of the job (`ownership.py`), and has looked at the version of the base row
under it (`copy_fence.py`): so nothing of a copy comes after a take-over. The next step has the same connection if it
comes soon, and looks again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Refused, Side, Transient, Unsupported
from udup.drivers.mysql.apply.later_keys import begin_copy
from udup.drivers.mysql.apply.memory_tables import note_memory_tables
from udup.drivers.mysql.apply.ownership import builder_place
from udup.drivers.mysql.client.connection import Connection, connect, scalar
from udup.drivers.mysql.client.raw import shut_down
from udup.drivers.mysql.client.seam import behind_the_seam
from udup.drivers.mysql.client.session_setup import enter
from udup.drivers.mysql.client.sessions import definition_session
from udup.drivers.mysql.dictionary.catalog import Catalog, StoredObject
from udup.drivers.mysql.dictionary.details import CopyDetails, Filled, LoadDetails
from udup.drivers.mysql.load import objects
from udup.drivers.mysql.load.accounts import conflicting_accounts, create_accounts
from udup.drivers.mysql.load.computed import ComputedValues
from udup.drivers.mysql.load.copied import CopyNotes
from udup.drivers.mysql.load.copy_fence import CopyFence
from udup.drivers.mysql.load.create_table import is_converted, is_merge
from udup.drivers.mysql.load.filling import FilledTables, Filling, as_filled
from udup.drivers.mysql.load.fitted import check_engines, check_history, fitted_catalog
from udup.drivers.mysql.load.rehearsal import rehearse
from udup.drivers.mysql.load.room import Room
from udup.drivers.mysql.load.stale_views import make_stand_in
from udup.drivers.mysql.load.staying import Staying
from udup.drivers.mysql.mariadb.collations import Server, server_of
from udup.drivers.mysql.mariadb.history import end_of_today, with_history
from udup.drivers.mysql.mariadb.sequence_values import make_sequences, raise_sequences
from udup.drivers.mysql.statements.plan import left_out
from udup.pipeline.ports import Apart, LoadPlan
from udup.pipeline.records import CopyPlan, CopyTotals, StartRows

#: Seconds for which a connection is kept for the next step. What stands idle for longer may be given up on the way.
KEPT_SECONDS = 2.0


@dataclass(frozen=True)
class _Builder:
    """A connection and the place that it has for as long as it lives; `since`: on the clock of `runtime.now`."""

    connection: Connection
    place: str
    since: float


@behind_the_seam(Side.TARGET)
class MySQLCopyWriter:
    """`CopyWriter` of `pipeline/ports/`. As many of its steps may run at a time as there are `places`."""

    def __init__(
        self,
        endpoint: Endpoint,
        plan: CopyPlan,
        fence: CopyFence,
        *,
        places: int,
        drop_existing: bool,
        recompute: bool,
        without_triggers: bool = False,
        filling: Filling | None = None,
        had_parts: bool = False,
        apart: Apart | None = None,
    ) -> None:
        """`without_triggers`: rows come by statements afterwards, which would set them off.

        `filling`: the tables are there already, and stay. `had_parts`: an earlier try has noted what may stay. `apart`:
        the tables come to a job that has others.
        """
        self._apart = apart
        self._filling = filling
        self._filled: Filled | None = None
        self._without_triggers = without_triggers
        self.endpoint = endpoint
        self._job = fence.job
        details = CopyDetails.decode(plan.details)
        self._catalog, self._log, self._later = details.catalog, details.log, details.later
        self._staying = Staying(fence, details, plan.position, had_parts=had_parts, fills=filling is not None)
        self._session = definition_session(details.source)
        self._source = Server.of(details.source)
        if filling is not None:
            self._catalog = replace(self._catalog, tables=tuple(map(as_filled, self._catalog.tables)))
        self._fence = fence
        self._room = Room(f"Dest {endpoint}", CopyNotes(fence.job), drop_existing)
        self._computed = ComputedValues(endpoint, details.context, recompute=recompute)
        self._places = [builder_place(number) for number in range(places, 0, -1)]
        self._connections: set[Connection] = set()
        self._kept: list[_Builder] = []
        self._aborted = False
        self._told: list[str] = []

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(self._computed.warnings)

    @property
    def told(self) -> tuple[str, ...]:
        return tuple(self._told)

    def abort(self) -> None:
        self._aborted = True
        for connection in list(self._connections):
            shut_down(connection)

    @contextmanager
    def _connected(self, *, keep: bool = True) -> Iterator[Connection]:
        """A connection that has a place of the job. `keep`: the step leaves its session as it was."""
        builder = self._kept_one() or self._new()
        done = False
        try:
            self._computed.begin(builder.connection)
            yield builder.connection
            done = True
        finally:
            if done and keep:
                self._kept.append(replace(builder, since=runtime.now()))
            else:
                self._end(builder)

    def _kept_one(self) -> _Builder | None:
        """Return a connection of a step before; several threads ask."""
        while self._kept:
            try:
                builder = self._kept.pop()
            except IndexError:
                return None
            if runtime.now() - builder.since <= KEPT_SECONDS:
                return self._entered(builder, self._fence.look)
            self._end(builder)
        return None

    def _new(self) -> _Builder:
        builder = _Builder(connect(self.endpoint, self._session), self._places.pop(), runtime.now())
        self._connections.add(builder.connection)
        return self._entered(builder, lambda connection: self._fence.enter(connection, builder.place))

    def _entered(self, builder: _Builder, enter: Callable[[Connection], None]) -> _Builder:
        try:
            if self._aborted:
                raise Transient("the run has ended")
            enter(builder.connection)
        except BaseException:
            self._end(builder)
            raise
        return builder

    def _end(self, builder: _Builder) -> None:
        self._connections.discard(builder.connection)
        builder.connection.close()
        self._places.append(builder.place)

    def make_tables(self) -> LoadPlan:
        """Refuse, or make room and make the tables; and try the stored objects."""
        fitted: list[str] = []
        if self._apart is not None and self._apart.is_new:
            names, fills = {(each.schema, each.name) for each in self._catalog.tables}, self._filling is not None
            with self._connected(keep=False) as connection:
                begin_copy(connection, self._room.where, self._apart, names, self._later, fills=fills)
        with self._connected(keep=self._filling is None) as connection:
            self._catalog, fitted = fitted_catalog(self._catalog, self._source, server_of(connection), self._room.where)
            if connection.is_mariadb:
                check_history(
                    connection, self._catalog.tables, self._source, self._room.where, fills=self._filling is not None
                )
            if connection.is_mariadb and self._filling is None:
                check_engines(connection, self._catalog.tables, self._room.where)
            self._note_memory_tables(connection)
            method = self._make_tables(connection)
        if self._filling is None:
            self._told = [*self._told, *fitted, *_left_out(self._catalog)]
        with self._connected(keep=not self._objects) as connection:
            self._rehearse_objects(connection)
            texts, history = connection.is_mariadb, self._history(connection)
        load = LoadDetails(
            tuple(map(with_history, self._catalog.tables)) if history else self._catalog.tables,
            method,
            self._fence.version,
            self._computed.for_loading,
            filled=self._filled,
            converts=self._filling is not None and self._filling.converts,
            notes=self._staying.notes,
        )
        return LoadPlan(StartRows(method, self._computed.offsets, texts=texts, history=history), load.encoded())

    def _history(self, connection: Connection) -> str:
        """Return what rows of today have for their end, if a table is copied with what its rows were."""
        if not connection.is_mariadb or not any(table.period for table in self._catalog.tables):
            return ""
        return end_of_today(connection.version)

    def _note_memory_tables(self, connection: Connection) -> None:
        """Note the tables that a restart of the target's server empties; of those that are there, `FilledTables`."""
        if self._filling is not None:
            return
        tables = [each for each in self._catalog.tables if each.engine.lower() == "memory" and not is_converted(each)]
        note_memory_tables(connection, self._job, [f"{each.schema}.{each.name}" for each in tables])

    def _make_tables(self, connection: Connection) -> str:
        """Make them, or refuse; return how the rows are to be loaded."""
        if conflicts := conflicting_accounts(connection, self._catalog.accounts, self._room.where):
            raise Refused(conflicts)
        self._computed.prepare(connection, self._catalog.tables)
        self._staying.begin(connection, self._catalog.tables, self._room.notes)
        if self._filling is not None:
            self._room.refuse_objects(connection, self._catalog)
            tables = FilledTables(self._room.where, self._room.notes, self._filling, self._log)
            self._filled, self._told = tables.make_room(connection, self._catalog)
            self._told = [*self._told, *raise_sequences(connection, self._catalog.sequences)]
            return "load" if scalar(connection, "SELECT @@global.local_infile") else "insert"
        if problems := [table.problem for table in self._catalog.tables if table.problem]:
            raise Unsupported("; ".join(problems))
        made = self._staying.others(self._catalog.tables)
        self._room.make(connection, self._catalog, self._staying.names)
        objects.create_schemas(connection, self._catalog.schemas)
        make_sequences(connection, self._catalog.sequences)
        objects.try_converted_tables(connection, made)
        self._told = objects.create_tables(connection, made)
        self._staying.made(connection, self._catalog.tables)
        return "load" if scalar(connection, "SELECT @@global.local_infile") else "insert"

    @property
    def _objects(self) -> list[StoredObject]:
        """Return the stored objects that the target gets."""
        return [each for each in self._catalog.objects if each.kind != "TRIGGER" or not self._without_triggers]

    def _rehearse_objects(self, connection: Connection) -> None:
        replace = self._room.make_for_objects(connection, self._catalog)
        late = any(is_merge(table) for table in self._catalog.tables)
        rehearse(connection, self._objects, replace, self._room.where, tables_come_later=late)
        self._room.notes.forget_objects(connection)

    def finish_table(self, table: int, totals: CopyTotals) -> None:
        """Compare what was computed before an index could refuse it, and what indexes compute after that."""
        made = self._catalog.tables[table]
        with self._connected(keep=not made.computes) as connection:
            self._computed.compare_columns(connection, made, totals.sums)
            if self._filling is not None:
                return
            self._staying.building(connection, made, table, totals.rows)
            if made.computes:
                self._computed.enter(connection)
            objects.add_indexes(connection, made, self._staying.indexes(connection, made, table))
            if made.computes:
                enter(connection, self._session)
            self._computed.compare_indexes(connection, made, totals.sums)
            self._staying.whole(connection, made, table)

    def finish_tables(self) -> None:
        if self._filling is not None:
            return  # what they refer to is the user's
        with self._connected(keep=not any(map(is_merge, self._catalog.tables))) as connection:
            there = self._staying.with_foreign_keys(connection, self._catalog.tables)
            for table in self._catalog.tables:
                if (table.schema, table.name) not in there:
                    objects.add_foreign_keys(connection, table)
            objects.create_merge_tables(connection, self._catalog.tables)

    def make_objects(self) -> None:
        with self._connected(keep=False) as connection:
            replace = self._room.make_for_objects(connection, self._catalog)
            if self._without_triggers:
                triggers = [each for each in self._catalog.objects if each.kind == "TRIGGER"]
                self._told += [left_out(each.schema, each.name) for each in triggers]
            for view in objects.create_objects(connection, self._objects, replace):
                make_stand_in(connection, self._job, view)
            create_accounts(connection, self._catalog.accounts, self._room.where)
        while self._kept:  # this was the last step
            self._end(self._kept.pop())


def notes_parts(plan: CopyPlan) -> bool:
    """Return whether a copy is noted so that another one may go on with it."""
    return bool(CopyDetails.decode(plan.details).resumables)


def _left_out(catalog: Catalog) -> list[str]:
    """Return what is told of tables that have some columns of the source's."""
    return [
        f"{table.source or f'{table.schema}.{table.name}'} has a ColumnMapFrom, and the target does not have {each}"
        for table in catalog.tables
        for each in table.left_out
    ]
