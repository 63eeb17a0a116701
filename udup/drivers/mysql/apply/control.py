"""DestApplier's side of a MySQL target: its own connection, and what is done by it on one thread.

Everything that may take long and is not a group of row events: looking at the server, the checkpoint's base row,
comparing tables, DDL. What these are is in files of their own; here is which thread and connection they have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from typing import TypeVar

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Refused, Side, UdupError, Unavailable
from udup.drivers.mysql.apply import intents, later_keys, numbers, unsure
from udup.drivers.mysql.apply.checkpoint import Checkpoint
from udup.drivers.mysql.apply.claims import Claims
from udup.drivers.mysql.apply.computing import Computing
from udup.drivers.mysql.apply.contexts import TargetContexts
from udup.drivers.mysql.apply.created_table import drop_unfilled
from udup.drivers.mysql.apply.ddl_runner import DdlRunner
from udup.drivers.mysql.apply.inline_session import MySQLInlineSession
from udup.drivers.mysql.apply.later_keys import LaterKeys
from udup.drivers.mysql.apply.memory_tables import look_at_memory_tables
from udup.drivers.mysql.apply.own_tables import create_tables
from udup.drivers.mysql.apply.ownership import making_tables, successor, taking_in
from udup.drivers.mysql.apply.preludes import Preludes
from udup.drivers.mysql.apply.rules import MySQLLargeRules, MySQLRowRules
from udup.drivers.mysql.apply.table_checks import TableChecks
from udup.drivers.mysql.apply.target_answers import answers, check_now
from udup.drivers.mysql.apply.target_thread import TargetThread
from udup.drivers.mysql.apply.wait_look import look_at_waits
from udup.drivers.mysql.binlog.event import has_checksums, server_version
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.checks.binlog_access import goes_by_statements
from udup.drivers.mysql.checks.target import check_target, check_writable, is_admin
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect
from udup.drivers.mysql.client.facts import ServerFacts, read_facts
from udup.drivers.mysql.client.raw import shut_down
from udup.drivers.mysql.client.seam import behind_the_seam
from udup.drivers.mysql.client.session_setup import reset
from udup.drivers.mysql.client.sessions import PLAIN
from udup.drivers.mysql.columns.computed import only_there, read_computed
from udup.drivers.mysql.dictionary.copied_before import encoded
from udup.drivers.mysql.load.copied_parts import CopiedParts
from udup.drivers.mysql.load.copy_fence import CopyFence
from udup.drivers.mysql.load.copy_writer import MySQLCopyWriter, notes_parts
from udup.drivers.mysql.load.filling import Filling
from udup.drivers.mysql.mariadb.collations import Server, server_of
from udup.pipeline.ports import ApplyMode, CheckpointState, Claim, ControlSettings, TargetNotices
from udup.pipeline.ports.tables import TableChange
from udup.pipeline.positions import AheadNotes
from udup.pipeline.records import CopyPlan, Definition, Tables, Transaction, XaEnd
from udup.pipeline.start_note import JobStart
from udup.pipeline.waits import SessionWait

#: Seconds to ask a target, after a run has ended, whether another one has taken over.
_ASK_SECONDS = 2

_NO_NOTES = AheadNotes()

T = TypeVar("T")


@behind_the_seam(Side.TARGET)
class MySQLControl:
    """`TargetControl` of `pipeline/ports/`. `connect` and `take_over` first; the rest in any order."""

    def __init__(self, endpoint: Endpoint, settings: ControlSettings, mode: ApplyMode = ApplyMode.BY_PRIVILEGE) -> None:
        self.endpoint = endpoint
        self._mode = mode
        self._settings = settings
        self._job = settings.job
        self._thread = TargetThread(endpoint)
        self._connection: Connection | None = None
        self._claims = Claims(settings.job, settings.known, f"Dest {endpoint}")
        side = settings.apart is not None and settings.apart.is_new
        whole = settings.apart.job if settings.apart is not None else settings.job
        self._keys = LaterKeys(whole, makes=not side, together=lambda: not self._checkpoint.ahead)
        self._ddl = DdlRunner(endpoint, settings.job, self._claims, self._keys)
        self._contexts, computing = TargetContexts(endpoint), Computing()
        self._preludes = Preludes(self._thread, self._contexts, computing)
        self._rules = MySQLRowRules(settings.job, self._contexts, computing)
        self._tables = TableChecks(settings.job, computing, converts=mode is ApplyMode.CONVERTED)
        self._has_crc = True
        self._is_admin = False  # the account may write to a server that is read-only
        self._inline: MySQLInlineSession | None = None
        self._copied = ""
        self._checkpoint: Checkpoint

    async def _run(self, function: Callable[[Connection], T]) -> T:
        """Run it in the control's thread, with its connection."""

        def run() -> T:
            assert self._connection is not None
            return function(self._connection)

        return await self._thread.run(run)

    def abort(self) -> None:
        self._shut_down()
        self._thread.end()
        self._shut_down()  # what was being opened until now

    def _shut_down(self) -> None:
        if self._inline is not None:
            self._inline.abandon()
        if self._connection is not None:
            shut_down(self._connection)
        self._ddl.abort()

    # ---- The job's place on the target ----

    async def connect(self) -> ServerFacts:
        def look() -> ServerFacts:
            self._connection = connection = connect(self.endpoint)
            facts = read_facts(connection)
            passing = check_writable(facts)
            by_statements = goes_by_statements(self._mode, facts)
            faults = check_target(facts, self._settings.selection, by_statements=by_statements)
            if any(each not in passing for each in faults):
                raise Refused(faults)
            if passing:
                raise Unavailable("; ".join(map(str, passing)))
            self._is_admin = is_admin(facts)
            self._contexts.target = server_of(connection)
            self._ddl.by_statements = self._tables.by_statements = by_statements
            self._ddl.notes_intents = by_statements or facts.is_mariadb
            if self._mode is not ApplyMode.CONVERTED:
                self._mode = ApplyMode.STATEMENTS if by_statements else ApplyMode.EVENTS
            return facts

        return await self._thread.run(look)

    async def take_over(self) -> CheckpointState | None:
        """Fence off earlier runs. This connection owns the job as long as it lives."""
        settings = self._settings
        initial = None if settings.start_after is None else GtidSet.parse(settings.start_after)

        def take(connection: Connection) -> CheckpointState | None:
            numbers.enter_if_there(connection, self._job, settings.owner.number)
            with making_tables(connection, self._job):
                there = create_tables(connection)
                if self._ddl.notes_intents:
                    intents.prepare(connection)
            self._ddl.has_intents = intents.TABLE in there
            side = settings.join.side if settings.join is not None else ""
            with taking_in(connection, self._job, side, settings.owner):
                digest, noted = settings.selection.digest, self._ddl.has_intents
                start = JobStart(
                    self._job,
                    settings.incarnation,
                    None if initial is None else str(initial),
                    settings.copy_alone,
                )
                self._checkpoint = Checkpoint(
                    connection, self._job, digest, settings.owner, start=start, has_intents=noted,
                    leaves=settings.leaves, join=settings.join, keeps=settings.selection,
                )  # fmt: skip
                leaving = settings.apart if settings.leaves else None
                if leaving is not None:
                    later_keys.note_leaving(connection, self._job, leaving, settings.selection)
                state = self._checkpoint.take_over(settings.slots, initial, begins=False)
                if leaving is not None and state is not None:
                    later_keys.take_away(connection, self._job)
                    reset(connection, PLAIN, "lock_wait_timeout")
                self._ddl.ran = self._checkpoint.ran
                unsure.prepare(connection, self._job)
                applied = unsure.look(connection, self._job)
                if self._ddl.has_intents:
                    drop_unfilled(connection, self._job)
                if state is not None:
                    state.executed.update(applied)
                    look_at_memory_tables(connection, self._job)
                elif self._checkpoint.has_parts:
                    parts = CopiedParts(self._job, self._checkpoint.version)
                    self._copied = encoded(parts.read(connection))
            if state is not None:
                self._ddl.retry_stale_views(connection, self._checkpoint.version)
                self._keys.read(connection)
                self._ddl.make_keys(connection, self._checkpoint.version)
            return state

        return await self._run(take)

    async def begin(self, position: str, source_uuid: str) -> CheckpointState:
        return await self._run(lambda _: self._write_first(position, source_uuid))

    def _write_first(self, position: str, source_uuid: str, notes: AheadNotes = _NO_NOTES) -> CheckpointState:
        return self._checkpoint.write_first(self._settings.slots, GtidSet.parse(position), source_uuid, notes)

    async def successor(self) -> str:
        """Ask on a connection of its own, for this one may be lost."""

        def ask() -> str:
            try:
                with closing(connect(self.endpoint, connect_timeout=_ASK_SECONDS, read_timeout=_ASK_SECONDS)) as asking:
                    return successor(asking, self._job, self._settings.owner.token)
            except (MySQLError, OSError, UdupError):
                return ""  # what is known already is told

        return await runtime.in_thread(ask)

    async def check(self, *, apart: bool = False) -> None:
        if apart:
            await runtime.in_thread(answers, self.endpoint)
        else:
            await self._run(lambda connection: check_now(connection, is_admin=self._is_admin))

    async def advance(
        self, executed: str, definitions: int, stamps: str, source_uuid: str, changes: Sequence[TableChange] = ()
    ) -> None:
        def advance(connection: Connection) -> None:
            self._checkpoint.advance(executed, definitions, stamps, source_uuid, changes)
            self._ddl.make_keys(connection, self._checkpoint.version)

        await self._run(advance)

    async def claim_tables(self, tables: Tables) -> None:
        def claim(connection: Connection) -> None:
            self._claims.source_uuid, self._claims.source = tables.server_uuid, tables.source
            claimed = {(schema, table): (there, name) for there, name, schema, table in tables.tables}
            self._claims.begin(connection, claimed, all_of_them=tables.all_of_them)
            if self._tables.converts:
                there = read_computed(connection, claimed.keys())
                self._tables.computed_there = only_there(tables.computed, there)

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
    ) -> MySQLCopyWriter:
        fence = CopyFence(self._job, self._checkpoint.version)
        had_parts = self._checkpoint.has_parts
        self._checkpoint.has_parts |= notes_parts(plan)
        return MySQLCopyWriter(
            self.endpoint,
            plan,
            fence,
            places=workers,
            drop_existing=drop_existing,
            recompute=recompute,
            without_triggers=self._mode is not ApplyMode.EVENTS,
            filling=Filling(self._mode is ApplyMode.CONVERTED, incarnation) if fill_existing else None,
            had_parts=had_parts,
            apart=self._settings.apart,
        )

    @property
    def copied(self) -> str:
        return self._copied

    async def finish_copy(self, position: str, source_uuid: str, ahead: str = "") -> CheckpointState:
        def finish(connection: Connection) -> CheckpointState:
            self._ddl.retry_stale_views(connection, self._checkpoint.version)
            return self._write_first(position, source_uuid, AheadNotes.of_json(ahead, GtidSet.parse))

        return await self._run(finish)

    # ---- Rows ----

    @property
    def rules(self) -> MySQLRowRules:
        return self._rules

    async def check_tables(self, gtid: str, maps: Sequence[bytes]) -> bool:
        found = False
        for event in maps:
            check = partial(self._tables.check, gtid=gtid, table_map=event, has_crc=self._has_crc)
            apart = await self._run(check)
            if apart is not None:
                self._rules.apart.add([apart])
                found = True
        return found

    async def prelude(self, label: str, context: int, records: Sequence[Transaction]) -> bytes:
        return await self._preludes.of_group(label, context, records)

    def begin_large(self) -> MySQLLargeRules:
        return MySQLLargeRules(self._rules, self._preludes)

    async def open_inline(self) -> MySQLInlineSession:
        def open_session() -> MySQLInlineSession:
            self._inline = MySQLInlineSession(self.endpoint, self._job, self._settings.slots, self._mode)
            return self._inline

        return await self._thread.run(open_session)

    @property
    def _opened_inline(self) -> MySQLInlineSession:
        assert self._inline is not None
        return self._inline

    # ---- Barriers ----

    async def set_format(self, event: bytes) -> None:
        self._has_crc = self._rules.tally.has_crc = has_checksums(event)
        self._ddl.source = self._tables.source = Server.of(server_version(event))
        await self._thread.run(partial(self._opened_inline.set_format, event))

    async def run_definition(self, record: Definition, own_gtid: str) -> None:
        zone = await self._preludes.of_definition(record)
        unlogged = self._contexts.unlogged(record.context)
        checkpoint = self._checkpoint  # its version is asked on its own thread
        await self._run(lambda own: self._ddl.run(own, record, own_gtid, checkpoint.version, zone, unlogged))
        self._rules.apart.forget()

    async def claim_created(self, gtid: str, create: bytes) -> None:
        await self._run(lambda connection: self._ddl.claim_created(connection, gtid, create))

    async def end_prepared(self, claim: Claim, record: XaEnd) -> None:
        end = partial(self._opened_inline.end_prepared, claim, record, self._preludes.of_kept)
        await self._thread.run(end)

    async def look_at_waits(self) -> tuple[SessionWait, ...]:
        return await runtime.in_thread(look_at_waits, self.endpoint, self._job)

    def notices(self) -> TargetNotices:
        return TargetNotices((*self._ddl.told, *self._keys.told), tuple(map(str, self._ddl.stale_views)))
