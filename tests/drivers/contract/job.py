"""A job driven by hand, one call after the other: what the machine does with the ports, without its haste."""

from __future__ import annotations

import asyncio
import functools
import uuid
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, ParamSpec

import pytest

from tests.drivers.contract.pair import Pair
from udup.base.errors import Superseded, Transient
from udup.pipeline.orders import Group, GroupPart
from udup.pipeline.ownership import Known, Owner
from udup.pipeline.ports import (
    ApplySession,
    ChangeLog,
    CheckpointState,
    Claim,
    ControlSettings,
    InlineSession,
    LogPlan,
    Piece,
    SourceCopy,
    TargetControl,
)
from udup.pipeline.records import (
    Context,
    CopyTotals,
    Definition,
    Format,
    Part,
    Record,
    Skipped,
    Transaction,
    XaEnd,
)

P = ParamSpec("P")

#: Slots of the checkpoint: two workers and the inline session.
SLOTS = 3

#: The server that a job by hand copies from.
SOURCE = "bbbbbbbb-0000-0000-0000-000000000002"

#: What whoever was superseded is told: that, or a lost connection, since a successor ends what it finds.
OUT = (Superseded, Transient)


def in_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test's coroutine in a loop of its own."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class Job:
    """`begin` a run, `read` what the source has logged since, and `apply` it."""

    def __init__(self, pair: Pair, job: str = "", owner: str = "one") -> None:
        self.pair = pair
        self.name = job or f"contract-{uuid.uuid4().hex[:12]}"
        self.owner = Owner(f"{owner}-{uuid.uuid4().hex[:8]}", f"owner {owner}")
        self.control: TargetControl
        self.sessions: dict[int, ApplySession] = {}
        self.state: CheckpointState | None = None
        self._versions: dict[int, int] = {}
        self._gtids: dict[int, Any] = {}
        self._log: ChangeLog | None = None
        self._records: Iterator[Record | None]

    # ---- A run ----

    async def begin(self, start_after: str | None = None, *, known: Known = Known()) -> CheckpointState | None:  # noqa: B008
        """Open the control and take over; where there is no checkpoint, begin with one at `start_after`."""
        state = await self.take_over(start_after, known=known)
        if state is not None and not state.written:
            state = await self.control.begin(str(state.executed), SOURCE)
        return self.stand_at(state)

    async def take_over(
        self,
        start_after: str | None = None,
        *,
        known: Known = Known(),  # noqa: B008
        incarnation: str = "first",
        copy_alone: bool = False,
    ) -> CheckpointState | None:
        """Open the control and take over."""
        of_job = self.name, self.owner, self.pair.scope.selection, SLOTS, start_after
        settings = ControlSettings(*of_job, known, incarnation, copy_alone)
        self.control = self.pair.target.open_control(settings)
        self._inline: InlineSession | None = None
        await self.control.connect()
        return await self.control.take_over()

    def stand_at(self, state: CheckpointState | None) -> CheckpointState | None:
        self.state = state
        if state is not None:
            self._versions = dict.fromkeys(range(1, SLOTS + 1), state.version)
            self._gtids = {slot: self.pair.target.position("") for slot in range(1, SLOTS + 1)}
        return state

    def session(self, slot: int = 1) -> ApplySession:
        if slot not in self.sessions:
            session = self.sessions[slot] = self.pair.target.open_session(self.name, slot)
            if self.pair.format:
                session.set_format(self.pair.format)
        return self.sessions[slot]

    async def inline(self) -> InlineSession:
        """Return DestApplier's own session."""
        if self._inline is None:
            self._inline = await self.control.open_inline()
            if self.pair.format:
                await self.control.set_format(self.pair.format)
        return self._inline

    async def follow(self) -> None:
        """Begin a run at what the source has executed, with a session, its own one, and the log open."""
        position = self.pair.executed()
        await self.begin(position)
        await self.inline()
        self.open_log(position)
        self.session(1)

    def open_log(self, start_after: str) -> None:
        plan = LogPlan(self.name, self.pair.scope, start_after)
        self._log = self.pair.source.open_log(plan)
        self._log.begin()
        self._records = iter(self._log)
        self._read = self.pair.source.position(start_after)

    def close(self) -> None:
        if self._log is not None:
            self._log.close()
        for session in self.sessions.values():
            session.abandon()
        self.sessions.clear()
        self.control.abort()

    # ---- The log ----

    async def read(self) -> list[Transaction | Part | Definition | XaEnd]:
        """Return what the source has logged until now; formats and contexts take effect at once."""
        until = self.pair.source.position(self.pair.executed())
        read = self._read
        found: list[Transaction | Part | Definition | XaEnd] = []
        if until <= read:
            return found
        for record in self._records:
            match record:
                case Format():
                    self.pair.format = record.event
                    self.control.rules.note_format(record.event)
                    for session in self.sessions.values():
                        session.set_format(record.event)
                    await self.control.set_format(record.event)
                case Context():
                    self.control.rules.note_context(record)
                case Skipped():
                    read.update(self.pair.source.position(record.gtids))
                case Transaction() | Part() | Definition() | XaEnd():
                    found.append(record)
                    if not isinstance(record, Part) or record.last:
                        read.add(record.id.source, record.id.number)
            if until <= read:
                return found
        raise AssertionError("the log has ended")

    # ---- Applying ----

    def claim(self, record: Transaction | Part | XaEnd, slot: int = 1) -> Claim:
        """Return the claim of a commit that follows on what this slot has committed; `take` when it is committed."""
        gtids = self._gtids[slot].copy()
        gtids.add(record.id.source, record.id.number)
        return Claim(self._versions[slot], str(gtids), record.id.gtid)

    def take(self, record: Transaction | Part | XaEnd, slot: int = 1) -> None:
        self._gtids[slot].add(record.id.source, record.id.number)
        self._versions[slot] += 1

    async def group(self, record: Transaction, slot: int = 1, claim: Claim | None = None) -> Group:
        """Return the order to commit a transaction."""
        claim = claim or self.claim(record, slot)
        if record.new_maps and not record.create:
            await self.control.check_tables(record.id.gtid, record.new_maps)
        events = self.control.rules.keep(record) if record.xid else record.events
        context = self.control.rules.context_of(record)
        prelude = await self.control.prelude(record.id.gtid, context, [record])
        return Group(1, 1, claim.version, claim.gtids, [events], claim.label, record.create, prelude)

    async def commit(self, record: Transaction, slot: int = 1) -> None:
        self.session(slot).apply([await self.group(record, slot)])
        self.take(record, slot)

    async def parts(self, records: list[Part], slot: int = 1) -> list[GroupPart]:
        """Return the orders for a large transaction."""
        large, orders = self.control.begin_large(), []
        for record in records:
            if record.new_maps:
                await self.control.check_tables(record.id.gtid, record.new_maps)
            part = large.add(record)
            prelude = await large.prelude(part, marked=False)
            claim = self.claim(record, slot)
            xid = record.xid if record.one_phase else ""
            order = GroupPart(
                *(1, claim.version, claim.gtids, part.index, part.last, part.events, claim.label, part.create, xid),
                context=prelude,
            )
            orders.append(order)
        return orders

    async def carry_out(self, records: list[Transaction | Part | Definition | XaEnd]) -> None:
        """Apply everything that is not in parts, in its order."""
        for record in records:
            match record:
                case Transaction():
                    await self.commit(record)
                case Definition():
                    await self.define(record)
                case _:
                    raise AssertionError(record)

    async def define(self, record: Definition, number: int = 0) -> str:
        """Run a definition under the next of Udup's own IDs, or under the one of this number; return it."""
        assert self.state is not None
        self.definitions = number or getattr(self, "definitions", self.state.definitions) + 1
        own = f"{self.state.mark}:{self.definitions}"
        await self.control.run_definition(record, own)
        return own

    # ---- A full copy ----

    def open_copy(self) -> SourceCopy:
        return self.pair.source.open_copy(self.pair.scope, readers=1, chunk_rows=10)


def read_all(copy: SourceCopy, start: Any) -> tuple[dict[tuple[int, int], list[Piece]], dict[int, CopyTotals]]:
    """Return a snapshot's pieces by table and chunk, and its totals by table."""
    chunks: dict[tuple[int, int], list[Piece]] = {}
    totals: dict[int, CopyTotals] = {}
    copy.start(start, lambda each: totals.update({each.table: each}))
    copy.read(0, lambda piece: chunks.setdefault((piece.table, piece.chunk), []).append(piece))
    return chunks, totals


class OneJob:
    """Fixtures of a contract's tests: a job, and the same job carried out by somebody else."""

    @pytest.fixture
    def job(self, pair: Pair) -> Iterator[Job]:
        job = Job(pair)
        yield job
        job.close()

    @pytest.fixture
    def other(self, pair: Pair, job: Job) -> Iterator[Job]:
        other = Job(pair, job.name, "two")
        yield other
        other.close()

    async def _following(self, job: Job, *tables: str) -> None:
        """A job whose tables are there and empty on both sides."""
        for name in tables:
            job.pair.create(name)
            job.pair.copy_table(name)
        await job.follow()
