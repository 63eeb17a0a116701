"""DestApplier's side of a fake target: the checkpoint's base row, barriers, and what rows need."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from udup.base import runtime
from udup.base.errors import Contended, Divergence, Fault, Refused, Superseded, Transient, UdupError, Unavailable
from udup.drivers.fake.changes import Statement, Verb, decode_statement
from udup.drivers.fake.copy_writer import FakeCopyWriter
from udup.drivers.fake.position import FakePosition
from udup.drivers.fake.rules import FakeLarge, FakeRules, tables_of
from udup.drivers.fake.server import Connection, FakeInfo, FakeServer
from udup.drivers.fake.session import FakeInlineSession
from udup.drivers.fake.source_log import define
from udup.pipeline.ownership import Claim as TableClaim
from udup.pipeline.ownership import TableName
from udup.pipeline.ports import CheckpointState, Claim, ControlSettings, TargetNotices
from udup.pipeline.ports.tables import TableChange
from udup.pipeline.positions import AheadNotes
from udup.pipeline.records import CopyPlan, Definition, Tables, Transaction, XaEnd
from udup.pipeline.start_note import JobStart
from udup.pipeline.waits import Blocker, SessionWait, WaitKind

T = TypeVar("T")

#: Seconds that a definition waits for transactions that have its table's rows locked.
_DDL_WAIT_SECONDS = 5.0

_NO_NOTES = AheadNotes()


class FakeControl:
    """Everything that blocks runs in one thread, in the order in which it is called."""

    def __init__(self, server: FakeServer, settings: ControlSettings) -> None:
        self._server = server
        self._settings = settings
        self._pool = runtime.Pool(1, "fake-control")
        self._rules = FakeRules(server)
        self._connection: Connection | None = None
        self._inline: FakeInlineSession | None = None
        self._copy: FakeCopyWriter | None = None
        self._source = Tables("", "", [])
        self._version = 0
        self._copied = ""

    @property
    def _job(self) -> str:
        return self._settings.job

    @property
    def _connected(self) -> Connection:
        assert self._connection is not None, "`connect` comes first"
        return self._connection

    @property
    def rules(self) -> FakeRules:
        return self._rules

    async def _run(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function)

    # ---- The base row ----

    async def connect(self) -> FakeInfo:
        def connect() -> FakeInfo:
            self._connection = self._server.connect("", "control", "TargetControl.connect")
            if self._server.settings.faults:
                raise Refused(self._server.settings.faults)
            if self._server.settings.read_only:
                raise Unavailable(f"{self._server.name} is read-only")
            return FakeInfo(self._server.name, self._server.uuid)

        return await self._run(connect)

    async def take_over(self) -> CheckpointState | None:
        return await self._run(self._take_over)

    def _take_over(self) -> CheckpointState | None:
        server, owner, settings = self._server, self._settings.owner, self._settings
        with server.call("TargetControl.take_over", self._connected):
            server.jobs.enter(self._job, owner.number)
            others = [each for each in server.connections if each.job == self._job]
            rows = server.jobs.rows.get(self._job)
            noted = rows.owner if rows is not None else None
            is_own = noted is not None and noted.token == owner.token
            if not owner.by_force and not is_own and any(each.place == "control" for each in others):
                text = noted.text if noted is not None else ""
                raise Superseded(f"job {self._job} is carried out by another owner: {text}")
            if server.settings.kills:
                for each in others:
                    server.end_now(each)
            self._connected.job = self._job
            state = server.jobs.take_over(self._start, owner, settings.selection.digest, settings.slots)
            self._version = server.jobs.rows[self._job].version
            if state is None:
                whole = server.jobs.whole.get(self._job, {})
                self._copied = json.dumps([[*name, *of] for name, of in whole.items()]) if whole else ""
            server.committed()
            return state

    async def successor(self) -> str:
        return await runtime.in_thread(self._successor)

    def _successor(self) -> str:
        try:
            connection = self._server.connect("", "asking", "TargetControl.successor")
        except UdupError:
            return ""
        with self._server.changed:
            rows = self._server.jobs.rows.get(self._job)
            self._server.end_now(connection)
            if rows is None or rows.owner.token in ("", self._settings.owner.token):
                return ""
            return rows.owner.text or rows.owner.token

    async def check(self, *, apart: bool = False) -> None:
        if apart:
            await runtime.in_thread(self._check_apart)
        else:
            await self._run(self._check)

    def _check(self) -> None:
        with self._server.call("TargetControl.check", self._connected):
            if self._server.settings.read_only:
                raise Unavailable(f"{self._server.name} is read-only")

    def _check_apart(self) -> None:
        with self._server.visit("asking", "TargetControl.check apart"):
            pass

    async def advance(
        self, executed: str, definitions: int, stamps: str, source_uuid: str, changes: Sequence[TableChange] = ()
    ) -> None:
        def advance() -> None:
            with self._server.call("TargetControl.advance", self._connected):
                said = (executed, definitions, stamps, source_uuid)
                self._version = self._server.jobs.advance(self._job, self._version, *said)
                self._server.jobs.changed.add(self._job, changes)
                self._server.committed()

        await self._run(advance)

    # ---- Claims ----

    async def claim_tables(self, tables: Tables) -> None:
        def claim() -> None:
            with self._server.call("TargetControl.claim_tables", self._connected):
                self._source = tables
                wanted = {(schema, name): (own, table) for own, table, schema, name in tables.tables}
                self._claim(wanted)
                if tables.all_of_them:
                    for name, each in list(self._server.claims.items()):
                        if each.job == self._job and name not in wanted:
                            del self._server.claims[name]

        await self._run(claim)

    def _claim(self, wanted: dict[TableName, TableName]) -> None:
        """Under the server's lock."""
        there = [self._server.claims[name] for name in wanted if name in self._server.claims]
        others = [each for each in there if each.job != self._job and not self._settings.known.is_gone(each)]
        if others:
            problem = "table {} is kept current by {}"
            where = f"Dest {self._server.name}"
            raise Refused([Fault(where, problem.format(".".join(each.table), each.holder)) for each in others])
        source, node = self._source, self._settings.known.node
        for name, origin in wanted.items():
            self._server.claims[name] = TableClaim(name, self._job, source.server_uuid, origin, source.source, node)

    def _claim_for(self, statement: Statement, gtid: str) -> None:
        name = statement.new_name or statement.table
        if statement.verb in (Verb.CREATE, Verb.RENAME):
            try:
                self._claim({name: name})
            except Refused as error:
                raise error.about(gtid) from error

    async def claim_created(self, gtid: str, create: bytes) -> None:
        def claim() -> None:
            with self._server.call("TargetControl.claim_created", self._connected):
                self._claim_for(decode_statement(create), gtid)

        await self._run(claim)

    # ---- Full copy ----

    def open_copy(
        self,
        plan: CopyPlan,
        *,
        workers: int,
        drop_existing: bool,
        recompute: bool,
        fill_existing: bool = False,
        incarnation: str = "",
    ) -> FakeCopyWriter:
        self._copy = FakeCopyWriter(
            self._server,
            self._job,
            self._version,
            plan,
            drop_existing=drop_existing,
            recompute=recompute,
            fill_existing=fill_existing,
            incarnation=incarnation,
        )
        return self._copy

    async def begin(self, position: str, source_uuid: str) -> CheckpointState:
        return await self._run(lambda: self._first_checkpoint("TargetControl.begin", position, source_uuid))

    @property
    def copied(self) -> str:
        return self._copied

    async def finish_copy(self, position: str, source_uuid: str, ahead: str = "") -> CheckpointState:
        notes = AheadNotes.of_json(ahead, FakePosition.parse)
        return await self._run(
            lambda: self._first_checkpoint("TargetControl.finish_copy", position, source_uuid, notes)
        )

    @property
    def _start(self) -> JobStart:
        settings = self._settings
        after = settings.start_after
        position = None if after is None else str(FakePosition.parse(after))
        return JobStart(settings.job, settings.incarnation, position, settings.copy_alone)

    def _first_checkpoint(
        self, call: str, position: str, source_uuid: str, notes: AheadNotes = _NO_NOTES
    ) -> CheckpointState:
        with self._server.call(call, self._connected):
            selection, slots = self._settings.selection.digest, self._settings.slots
            start, version = self._start, self._version
            state = self._server.jobs.write_first(start, version, position, source_uuid, selection, slots, notes)
            self._version = state.version
            self._server.committed()
            return state

    # ---- Rows ----

    async def check_tables(self, gtid: str, maps: Sequence[bytes]) -> bool:
        return await self._run(lambda: self._rules.check(self._connected, gtid, maps))

    async def prelude(self, label: str, context: int, records: Sequence[Transaction]) -> bytes:
        # What is only kept computes nothing; CREATE TABLE … SELECT goes alone, and brings its own context.
        applied = [record for record in records if not record.xid]
        tables = {table for record in applied for table in tables_of(record.events)}
        create = b"".join(record.create for record in applied)
        number = applied[0].context if create else context
        return self._rules.statement(label, number, tables, create)

    def begin_large(self) -> FakeLarge:
        return self._rules.large()

    # ---- Barriers ----

    async def run_definition(self, record: Definition, own_gtid: str) -> None:
        await self._run(lambda: self._run_definition(record, own_gtid))

    def _run_definition(self, record: Definition, own_gtid: str) -> None:
        statement, server = decode_statement(record.query), self._server
        with server.call("TargetControl.run_definition", self._connected):
            server.jobs.owned(self._job, self._version)
            self._claim_for(statement, record.id.gtid)
            end = runtime.now() + _DDL_WAIT_SECONDS
            while server.is_locked(statement.table):
                if runtime.now() > end:
                    raise Contended(f"{record.id.gtid}: {statement} waits for a transaction")
                server.changed.wait(end - runtime.now())
                server.check(self._connected)
            if own_gtid not in server.statements_run:
                self._define(statement, record.id.gtid)
                server.statements_run[own_gtid] = record.id.gtid
            if statement.verb in (Verb.DROP, Verb.RENAME):
                server.claims.pop(statement.table, None)
            server.committed()
        self._rules.forget(statement.table)

    def _define(self, statement: Statement, gtid: str) -> None:
        try:
            define(self._server.tables, statement)
        except KeyError as error:
            raise Divergence(f"{gtid}: the target refuses {statement}: {error}", gtid=gtid) from error

    async def open_inline(self) -> FakeInlineSession:
        def open_session() -> FakeInlineSession:
            self._inline = FakeInlineSession(self._server, self._job, self._settings.slots)
            return self._inline

        return await self._run(open_session)

    async def end_prepared(self, claim: Claim, record: XaEnd) -> None:
        if self._inline is None:
            raise UdupError("the inline session is not open")
        await self._run(lambda: self._end_prepared(claim, record))

    def _end_prepared(self, claim: Claim, record: XaEnd) -> None:
        assert self._inline is not None
        try:
            self._inline.end_prepared(claim, record)
        except Contended as error:
            raise Transient(f"{claim.label}: {error}") from error

    async def set_format(self, event: bytes) -> None:
        if self._inline is not None:
            self._inline.set_format(event)

    async def look_at_waits(self) -> tuple[SessionWait, ...]:
        return await runtime.in_thread(self._look_at_waits)

    def _look_at_waits(self) -> tuple[SessionWait, ...]:
        server = self._server
        try:
            with server.visit("asking", "TargetControl.look_at_waits"):
                return tuple(
                    SessionWait(
                        WaitKind.ROW_LOCK,
                        since,
                        int(each.place.removeprefix("session")) if each.place.startswith("session") else 0,
                        table=".".join(table),
                        blocked_by=Blocker(1, "somebody"),
                    )
                    for each, ((table, _), since) in server.waiting.items()
                    if each.job == self._job
                )
        except UdupError:
            return ()

    def notices(self) -> TargetNotices:
        return TargetNotices(tuple(self._server.told))

    def abort(self) -> None:
        if self._copy is not None:
            self._copy.abort()
        if self._inline is not None:
            self._inline.abandon()
        if self._connection is not None:
            self._server.end(self._connection)
        self._pool.shutdown(wait=True, cancel_futures=True)
