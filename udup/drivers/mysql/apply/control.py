"""DestApplier's own connection to the target, and the one thread that uses it.

Everything that may take long there and is not a group of row events: looking at the server, the checkpoint's base row,
comparing definitions, DDL. One thread, so that these follow each other; the event loop stays free meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TypeVar

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Refused, Transient, UdupError
from udup.drivers.mysql.apply import unsure
from udup.drivers.mysql.apply.checkpoint import Checkpoint, Position, create_tables
from udup.drivers.mysql.apply.claims import Claims
from udup.drivers.mysql.apply.column_check import check_definition
from udup.drivers.mysql.apply.computing import Computing
from udup.drivers.mysql.apply.engine import engine_of
from udup.drivers.mysql.apply.memory_tables import look_at_memory_tables, note_memory_tables
from udup.drivers.mysql.apply.ownership import DDL_PLACE, give_way, hold, successor, taking_over
from udup.drivers.mysql.apply.run_ddl import run_ddl
from udup.drivers.mysql.apply.tablespaces import housed
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.binlog.query import QueryEvent, parse_query
from udup.drivers.mysql.binlog.table_map import TableName, table_name
from udup.drivers.mysql.checks.target import check_target
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, describe, is_transient
from udup.drivers.mysql.client.facts import ServerFacts, read_facts
from udup.drivers.mysql.client.raw import shut_down
from udup.drivers.mysql.client.sessions import DDL, DEFINITION
from udup.drivers.mysql.ddl.classify import classify_query
from udup.drivers.mysql.ddl.sqltokens import codec_of
from udup.drivers.mysql.ddl.statement import Statement
from udup.drivers.mysql.dictionary.catalog import Catalog
from udup.drivers.mysql.dictionary.engines import is_non_transactional
from udup.drivers.mysql.load.create_table import is_converted
from udup.drivers.mysql.load.stale_views import StaleView, retry_stale_views, stale_views
from udup.pipeline.ownership import Owner
from udup.pipeline.records import Definition, Tables
from udup.pipeline.selection.selection import Selection

#: Seconds to ask a target, after a run has ended, whether another one has taken over.
_ASK_SECONDS = 2

T = TypeVar("T")


class Control:
    """`connect` first, then `open`; the rest in any order. Errors of MySQL become ours."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._pool = runtime.Pool(1, "applier")
        self._connection: Connection | None = None
        self._ddl_connection: Connection | None = None
        #: Views whose definition the target refuses, as they refer to something that is gone on the source as well.
        self.stale_views: tuple[StaleView, ...] = ()
        self.computing = Computing()
        self.checkpoint: Checkpoint
        self._job = ""
        self.claims: Claims | None = None
        #: What is to be known of what was done on the target.
        self.told: list[str] = []

    async def run(self, function: Callable[[], T]) -> T:
        """Run it in the thread that has the connection."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, function)
        except MySQLError as error:
            text = f"on the target {self.endpoint}: {describe(error)}"
            raise (Transient if is_transient(error) else UdupError)(text) from error

    def abort(self) -> None:
        """End what is under way on the target; no thread is left, so that the process may fork."""
        for connection in (self._connection, self._ddl_connection):
            if connection is not None:
                shut_down(connection)
        self._pool.shutdown(wait=True, cancel_futures=True)

    @property
    def _connected(self) -> Connection:
        assert self._connection is not None
        return self._connection

    async def connect(self, selection: Selection) -> ServerFacts:
        """Connect, and refuse a target that cannot be one before anything is changed there."""

        def look() -> ServerFacts:
            self._connection = connection = connect(self.endpoint)
            facts = read_facts(connection)
            faults = check_target(facts, selection)
            if faults:
                raise Refused(faults)
            return facts

        return await self.run(look)

    async def take_over(
        self, job: str, owner: Owner, selection: Selection, slots: int, initial: GtidSet | None
    ) -> Position | None:
        """Fence off earlier runs, and tell from where to go on. This connection owns the job as long as it lives."""

        def take() -> Position | None:
            create_tables(self._connected)
            self._job = job
            new = self._as_last_owner(job, owner)
            give_way(self._connected, job, new)
            # Whoever applies rows that nothing undoes is left to end before connections are ended.
            with unsure.locked(self._connected, job, by_force=True), taking_over(self._connected, job, new):
                self.checkpoint = Checkpoint(self._connected, job, selection.digest, owner)
                position = self.checkpoint.take_over(slots, initial)
                unsure.prepare(self._connected, job)
                applied = unsure.look(self._connected, job)
                if position is not None:
                    position.executed.update(applied)
                    look_at_memory_tables(self._connected, job)
            return position

        return await self.run(take)

    async def retry_stale_views(self) -> None:
        """Look for the job's views that are broken as on the source, and make what can be made by now."""
        job = self._job

        def retry() -> tuple[StaleView, ...]:
            if not stale_views(self._connected, job):
                return ()
            self._ddl_connection = connection = connect(self.endpoint, DEFINITION)
            try:
                hold(connection, job, DDL_PLACE)
                return tuple(retry_stale_views(connection, job))
            finally:
                self._ddl_connection = None
                connection.close()

        self.stale_views = await self.run(retry)

    def _as_last_owner(self, job: str, owner: Owner) -> Owner:
        """By force, if it is still this owner's: what is there is left of its own run before."""
        return replace(owner, by_force=owner.by_force or not successor(self._connected, job, owner.token))

    def note_copied(self, catalog: Catalog) -> None:
        """Before a copy makes them: its tables that a restart of the target's server empties."""
        tables = [each for each in catalog.tables if each.engine.lower() == "memory" and not is_converted(each)]
        note_memory_tables(self._connected, self._job, [f"{each.schema}.{each.name}" for each in tables])

    async def advance(self, executed: str, definitions: int, stamps: str, source_uuid: str) -> None:
        """Write the base row."""
        await self.run(lambda: self.checkpoint.advance(executed, definitions, stamps, source_uuid))

    async def check_definitions(self, gtid: str, maps: Sequence[bytes], *, has_crc: bool) -> list[TableName]:
        """Compare the tables of a transaction's TABLE_MAPs with what the target has; errors begin with its GTID.

        The answer is those of them whose rows take no part in transactions on the target.
        """
        apart: list[TableName] = []

        def check(event: bytes) -> None:
            name = table_name(event)
            try:
                engine = engine_of(self._connected, name.schema, name.table)
                if is_non_transactional(engine):
                    apart.append(name)
                if engine == "memory":
                    note_memory_tables(self._connected, self._job, [str(name)])
                check_definition(self._connected, name.schema, name.table, event, has_crc=has_crc)
                self.computing.look(self._connected, name)
            except UdupError as error:
                raise type(error)(f"{gtid}: {error}") from error

        for event in maps:
            await self.run(lambda event=event: check(event))  # type: ignore[misc]
        return apart

    def _housed(self, event: QueryEvent) -> QueryEvent:
        """The statement with a tablespace that the target has."""
        variables = event.variables()
        codec = codec_of(variables.charset.client) if variables.charset else "utf-8"
        sql, told = housed(self._connected, event.sql, codec, variables.sql_mode or 0)
        if told and told not in self.told:
            self.told.append(told)
        return replace(event, sql=sql)

    async def run_definition(
        self, record: Definition, gtid: str, computing: bytes = b"", unlogged: bytes = b""
    ) -> None:
        """DDL on a connection of its own, whose context is the statement's, under a GTID of ours.

        `computing` and `unlogged` as in `run_ddl`.
        """
        event = parse_query(record.query, has_crc=False)
        statement = classify_query(event)

        def run() -> None:
            self._claim(statement, record.mark.gtid)
            to_run = self._housed(event)
            self._ddl_connection = connection = connect(self.endpoint, DDL)
            try:
                hold(connection, self._job, DDL_PLACE)
                run_ddl(connection, to_run, gtid, computing, unlogged)
            except UdupError as error:
                raise type(error)(f"{record.mark.gtid}: {error}") from error
            finally:
                self._ddl_connection = None
                connection.close()
            if self.claims is not None:
                self.claims.after(self._connected, statement)

        await self.run(run)
        if self.stale_views:
            await self.retry_stale_views()

    async def claim_tables(self, record: Tables) -> None:
        """Before the job touches any table of the target: `Refused` if another job keeps one of them current."""

        def claim() -> None:
            assert self.claims is not None
            self.claims.source_uuid, self.claims.source = record.server_uuid, record.source
            tables = {(schema, table): (ours, name) for ours, name, schema, table in record.tables}
            self.claims.begin(self._connected, tables, all_of_them=record.all_of_them)

        await self.run(claim)

    async def claim_created(self, gtid: str, create: bytes) -> None:
        """The table of a CREATE TABLE … SELECT, before it is made."""
        statement = classify_query(parse_query(create, has_crc=False))
        await self.run(lambda: self._claim(statement, gtid))

    def _claim(self, statement: Statement, gtid: str) -> None:
        if self.claims is not None:
            try:
                self.claims.before(self._connected, statement)
            except Refused as error:
                raise Refused([replace(fault, problem=f"{gtid}: {fault.problem}") for fault in error.faults]) from error

    async def successor(self, job: str, owner: Owner) -> str:
        """Who has taken the job over from this owner; asked on a connection of its own, for this one may be lost."""

        def ask() -> str:
            try:
                with closing(connect(self.endpoint, connect_timeout=_ASK_SECONDS, read_timeout=_ASK_SECONDS)) as asking:
                    return successor(asking, job, owner.token)
            except (MySQLError, OSError, UdupError):
                return ""  # what is known already is told

        return await runtime.in_thread(ask)
