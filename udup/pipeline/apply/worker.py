"""The engine of an ApplyWorker: carries out DestApplier's orders and loads copied rows, one after the other.

Orders and the pieces of copied rows come over NATS and wait in one queue. What may take long (rows of a copy, parts of
a large transaction) is done by a thread of its own, so that the link stays alive meanwhile. Whatever goes wrong is
reported once and ends the engine: nothing that waits behind a failed group may run.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from udup.base import runtime
from udup.base.errors import Divergence, Transient, UdupError, error_named
from udup.drivers.mysql.apply.errors import LOCK_ERRORS, failure_of
from udup.drivers.mysql.apply.ownership import loader_place
from udup.drivers.mysql.apply.session import ApplySession
from udup.drivers.mysql.client.connection import MySQLError, describe, error_code, is_transient
from udup.drivers.mysql.dictionary.catalog import Table
from udup.drivers.mysql.dictionary.details import LoadDetails
from udup.drivers.mysql.load.copy_fence import CopyFence
from udup.drivers.mysql.load.loader import Loader
from udup.pipeline.apply.scheduler import GROUP_BYTES, GROUP_TRANSACTIONS
from udup.pipeline.apply.settings import WorkerSettings
from udup.pipeline.ports import Target
from udup.pipeline.records import (
    ChunkLoaded,
    CopyPiece,
    Credit,
    Done,
    ExpectCopy,
    Failed,
    Group,
    GroupPart,
    MarkedGroup,
    Order,
    Report,
    RowCount,
    SetFormat,
    decode_order,
    decode_piece,
    encode,
)
from udup.pipeline.transport.link import Link, Subjects

#: Tries of one group, and seconds before the second; doubled each time.
_TRIES, _FIRST_PAUSE = 8, 0.02

#: Seconds from work to a count of the rows written: at most one count in that time, and one after the last work.
_COUNT_SECONDS = 1.0


@dataclass
class _Chunk:
    """A chunk of rows that is arriving: `pieces` is fed by the link and emptied by the loader."""

    table: int
    chunk: int
    values: bool
    odd_dates: bool
    pieces: runtime.SimpleQueue[CopyPiece | None]


class _Count:
    """It is time to tell how many rows were written."""


class Worker:
    def __init__(self, settings: WorkerSettings, _target: Target, on_ready: Callable[[], None]) -> None:
        self._settings = settings
        self._on_ready = on_ready
        self._subjects = Subjects(settings.job, settings.run)
        self._work: deque[Order | _Chunk | _Count] = deque()
        self._arrived = asyncio.Event()
        self._arriving: _Chunk | None = None
        self._piece_number = 0
        self._loader: Loader | None = None
        self._tables: tuple[Table, ...] = ()
        self._count_is_due = False
        self._link: Link
        self._opened: ApplySession | None = None
        self._loop: asyncio.AbstractEventLoop

    async def run(self) -> None:
        """Until cancelled or failed. Raises what ended it, after it was reported."""
        self._loop = asyncio.get_running_loop()
        settings = self._settings
        self._link = await Link.open(settings.nats_url, f"udup worker {settings.slot} of {settings.job}")
        pool = runtime.Pool(1, f"apply-{settings.slot}")
        try:
            self._opened = await self._loop.run_in_executor(pool, self._open)
            await self._link.subscribe(self._subjects.orders(settings.slot), self._on_order)
            await self._link.subscribe(self._subjects.copy(settings.slot), self._on_piece)
            await self._link.flush()
            self._on_ready()
            work = asyncio.ensure_future(self._carry_out(pool))
            await asyncio.wait({work, self._link.lost}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            self._link.lost.result()
        finally:
            if self._arriving is not None:
                self._arriving.pieces.put(None)
            await self._link.close()
            # A statement under way ends with its connection; the run is over, so nobody waits for it.
            pool.shutdown(wait=False, cancel_futures=True)
            self._abandon()

    def _open(self) -> ApplySession:
        settings = self._settings
        try:
            return ApplySession(settings.end.endpoint, settings.job, settings.slot)
        except MySQLError as error:
            kind = Transient if is_transient(error) else UdupError
            raise kind(f"opening a session on {settings.end.endpoint}: {describe(error)}") from error

    def _abandon(self) -> None:
        """Whatever is under way on the target is rolled back there."""
        for held in (self._opened, self._loader):
            if held is not None:
                held.abandon()

    async def _on_order(self, data: bytes) -> None:
        self._work.append(decode_order(data))
        self._arrived.set()

    async def _on_piece(self, data: bytes) -> None:
        piece = decode_piece(data)
        self._piece_number += 1
        if piece.number != self._piece_number:
            raise Transient(
                f"copied rows were lost on the way: piece {piece.number} came after {self._piece_number - 1}"
            )
        if self._arriving is None:
            self._arriving = _Chunk(piece.table, piece.chunk, piece.values, piece.odd_dates, runtime.SimpleQueue())
            self._work.append(self._arriving)
            self._arrived.set()
        self._arriving.pieces.put(piece)
        if piece.last:
            self._arriving = None

    async def _carry_out(self, pool: runtime.Pool) -> None:
        while True:
            while not self._work:
                self._arrived.clear()
                await self._arrived.wait()
            item = self._work.popleft()
            try:
                if isinstance(item, Group):
                    await self._commit(item)
                else:
                    report = await self._loop.run_in_executor(pool, self._do, item)
                    if report is not None:
                        await self._send(report)
                if not isinstance(item, _Count):
                    self._count_soon()
            except Exception as error:
                failed = self._failure(error, item)
                await self._send(failed)
                await self._link.flush()
                raise error_named(failed.kind)(failed.text) from error

    async def _commit(self, first: Group) -> None:
        """A group, and those that have gathered behind it, as one.

        At once, in this thread: another's wake-up would be a tenth of a commit's time. The server undoes a wait for
        locks long before NATS misses us.
        """
        groups = [first]
        count, size, context = first.count, sum(map(len, first.events)), first.context
        while self._work and isinstance(following := self._work[0], Group) and not (first.create or following.create):
            count += following.count
            size += sum(map(len, following.events))
            if count > GROUP_TRANSACTIONS or size > GROUP_BYTES:
                break
            if context and following.context and context != following.context:
                break
            context = context or following.context
            groups.append(following)
            self._work.popleft()
        self._apply(groups, context)
        for group in groups:
            await self._send(Done(self._settings.slot, group.number))

    def _count_soon(self) -> None:
        if not self._count_is_due:
            self._count_is_due = True
            self._loop.call_later(_COUNT_SECONDS, self._count_now)

    def _count_now(self) -> None:
        self._count_is_due = False
        self._work.append(_Count())
        self._arrived.set()

    @property
    def _session(self) -> ApplySession:
        assert self._opened is not None
        return self._opened

    async def _send(self, report: Report) -> None:
        await self._link.publish(self._subjects.reports, encode(report))

    # ---- On the worker's thread ----

    def _do(self, item: Order | _Chunk | _Count) -> Report | None:
        slot = self._settings.slot
        match item:
            case MarkedGroup():
                self._session.apply_marked(item.version, item.gtids, item.items, item.tables, item.context)
                return Done(slot, item.number)
            case GroupPart(marked=tables) if tables:
                note = (item.label, tables)
                self._session.apply_marked_part(
                    item.version,
                    item.gtids,
                    item.index,
                    item.events,
                    last=item.last,
                    note=note,
                    context=item.context,
                )
                return Done(slot, item.number, item.index)
            case GroupPart():
                self._session.apply_part(
                    item.version,
                    item.gtids,
                    item.index,
                    item.events,
                    last=item.last,
                    create=item.create,
                    xid=item.xid,
                    context=item.context,
                )
                return Done(slot, item.number, item.index)
            case _Chunk():
                return ChunkLoaded(slot, item.table, item.chunk, self._load(item))
            case SetFormat():
                self._session.set_format(item.event)
            case ExpectCopy():
                details = LoadDetails.decode(item.instructions)
                self._tables = details.tables
                fence = CopyFence(self._settings.job, details.version)
                self._loader = Loader(
                    self._settings.end.endpoint, details.method, fence, loader_place(slot), details.contexts
                )
            case _Count():
                if not self._session.in_large_transaction:
                    return RowCount(slot, *self._session.rows_written())
        return None

    def _apply(self, groups: list[Group], context: bytes) -> None:
        """Apply groups as one, again after a deadlock or a lock wait: the server has undone it then."""
        first, last = groups[0], groups[-1]
        events = [event for group in groups for event in group.events]
        pause = _FIRST_PAUSE
        for attempt in range(1, _TRIES + 1):
            try:
                self._session.apply(
                    first.version, last.gtids, events, first.create, groups=len(groups), context=context
                )
                return
            except MySQLError as error:
                if error_code(error) not in LOCK_ERRORS or attempt == _TRIES:
                    raise
                self._session.rollback()
                runtime.sleep(pause)
                pause *= 2

    def _load(self, chunk: _Chunk) -> int:
        if self._loader is None:
            raise Transient("copied rows came before their tables were announced")
        arrival = _Arrival(chunk, self._credit)
        table = self._tables[chunk.table]
        return self._loader.load(
            table, iter(arrival), lambda: arrival.rows, values=chunk.values, odd_dates=chunk.odd_dates
        )

    def _credit(self, number: int) -> None:
        credit = encode(Credit(f"copy.{self._settings.slot}", number))
        asyncio.run_coroutine_threadsafe(self._link.publish(self._subjects.upstream, credit), self._loop)

    def _failure(self, error: Exception, item: Order | _Chunk | _Count) -> Failed:
        """What is reported: the error's class decides what the run does about it."""
        if isinstance(error, MySQLError) and isinstance(item, (Group, GroupPart)):
            # A later part of a transaction begins anywhere.
            events = item.events if isinstance(item, Group) else [item.events] if item.index == 0 else []
            session, version = self._session, item.version
            taken_over = partial(session.is_taken_over, version)
            error = failure_of(error, item.label, events, taken_over, has_crc=session.has_crc, remedy=session.remedy)
        elif isinstance(error, MySQLError):
            error = (Transient if is_transient(error) else Divergence)(describe(error))
        kind = type(error) if isinstance(error, UdupError) else UdupError
        return Failed(self._settings.slot, kind.__name__, str(error) or type(error).__name__)


class _Arrival:
    """The bytes of a chunk as they come; `rows` is known once they are all read."""

    def __init__(self, chunk: _Chunk, credit: Callable[[int], None]) -> None:
        self._chunk = chunk
        self._credit = credit
        self.rows = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            piece = self._chunk.pieces.get()
            if piece is None:
                raise Transient("the copy ended in the middle of a chunk")
            yield piece.data
            self._credit(piece.number)
            if piece.last:
                self.rows = piece.rows
                return
