"""The engine of an ApplyWorker: carries out DestApplier's orders and loads copied rows, one after the other.

Orders and the pieces of copied rows come over NATS and wait in one queue. What may take long (rows of a copy, parts of
a large transaction) is done by a thread of its own, so that the link stays alive meanwhile. Whatever goes wrong is
reported once and ends the engine: nothing that waits behind a failed group may run.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from udup.base import runtime
from udup.base.errors import Contended, Failure, Side, Transient
from udup.pipeline.apply import open_orders
from udup.pipeline.apply.scheduler import GROUP_BYTES, GROUP_TRANSACTIONS
from udup.pipeline.apply.settings import WorkerSettings
from udup.pipeline.orders import (
    Answer,
    Ask,
    ChunkLoaded,
    Done,
    ExpectCopy,
    Failed,
    Group,
    GroupPart,
    MarkedGroup,
    Opened,
    Order,
    Report,
    RowCount,
    SetFormat,
    decode_order,
)
from udup.pipeline.ports import ApplySession, Piece, RowLoader, Target
from udup.pipeline.records import CopyPiece, Credit, decode_piece, encode
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
    pieces: runtime.SimpleQueue[CopyPiece | None]


class _Count:
    """It is time to tell how many rows were written."""


class Worker:
    """Says `Opened` when it has its session and listens."""

    def __init__(self, settings: WorkerSettings, target: Target) -> None:
        self._settings = settings
        self._target = target
        self._subjects = Subjects(settings.job, settings.run)
        self._work: deque[Order | _Chunk | _Count] = deque()
        self._in_hand = 0  # groups and parts that have come and are not done
        self._arrived = asyncio.Event()
        self._heard = False  # anything, of whoever has this worker
        self._arriving: _Chunk | None = None
        self._piece_number = 0
        self._copy_instructions: bytes | None = None
        self._loader: RowLoader | None = None
        self._count_is_due = False
        self._link: Link
        self._opened: ApplySession | None = None
        self._loop: asyncio.AbstractEventLoop

    async def run(self) -> None:
        """Run until cancelled or failed. Raise what ended it, after it was reported."""
        self._loop = asyncio.get_running_loop()
        settings = self._settings
        name = f"udup worker {settings.slot} of {settings.job}"
        self._link = await Link.open(settings.nats_url, name, settings.number)
        pool = runtime.Pool(1, f"apply-{settings.slot}")
        work: list[asyncio.Future[None]] = []
        try:
            if not settings.loads_only:
                self._opened = await self._loop.run_in_executor(
                    pool, self._target.open_session, settings.job, settings.slot
                )
            await self._link.subscribe(self._subjects.orders(settings.number), self._on_order)
            await self._link.subscribe(self._subjects.copy(settings.slot), self._on_piece)
            await self._link.flush()
            work += [asyncio.ensure_future(part) for part in (self._carry_out(pool), self._say_opened())]
            await asyncio.wait({*work, self._link.lost}, return_when=asyncio.FIRST_COMPLETED)
            for part in work:
                if part.done():
                    part.result()
            self._link.lost.result()
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            if self._arriving is not None:
                self._arriving.pieces.put(None)
            await self._link.close()
            # A statement under way ends with its connection; the run is over, so nobody waits for it.
            pool.shutdown(wait=False, cancel_futures=True)
            self._abandon()

    def _abandon(self) -> None:
        """Have whatever is under way on the target rolled back there."""
        for held in (self._opened, self._loader):
            if held is not None:
                held.abandon()

    async def _say_opened(self) -> None:
        """Say that this worker listens, again while nothing is heard: by its number a loss of the first is seen."""
        opened = Opened(self._settings.slot, self._settings.number)
        while not self._heard:
            await self._send(opened)
            await asyncio.sleep(open_orders.QUIET_SECONDS)
        await asyncio.get_running_loop().create_future()

    async def _on_order(self, data: bytes) -> None:
        self._heard = True
        order = decode_order(data)
        if isinstance(order, Ask):
            await self._send(Answer(self._settings.slot, order.number, self._in_hand))
            return
        self._in_hand += isinstance(order, (Group, GroupPart, MarkedGroup))
        self._work.append(order)
        self._arrived.set()

    async def _on_piece(self, data: bytes) -> None:
        self._heard = True
        if not data:
            return  # the link has looked at its number: nothing before it was lost
        piece = decode_piece(data)
        self._piece_number += 1
        if piece.number != self._piece_number:
            raise Transient(
                f"copied rows were lost on the way: piece {piece.number} came after {self._piece_number - 1}"
            )
        if self._arriving is None:
            self._arriving = _Chunk(piece.table, piece.chunk, runtime.SimpleQueue())
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
                        await self._tell(report)
                if not isinstance(item, _Count) and self._opened is not None:
                    self._count_soon()
            except Exception as error:
                await self._send(Failed(self._settings.slot, Failure.of(error)))
                await self._link.flush()
                raise

    async def _commit(self, first: Group) -> None:
        """Commit a group, and those that have gathered behind it, as one.

        At once, in this thread: another's wake-up would be a tenth of a commit's time. The server undoes a wait for
        locks long before NATS misses us.
        """
        groups = self._joined(first)
        self._apply(groups)
        for group in groups:
            await self._tell(Done(self._settings.slot, group.number))

    def _joined(self, first: Group) -> list[Group]:
        """Take from what waits the groups that follow on and may share the commit."""
        groups = [first]
        count, size, context = first.count, sum(map(len, first.events)), first.context
        while self._work and isinstance(following := self._work[0], Group):
            last = groups[-1]
            if first.create or following.create or following.number <= last.number:
                break
            if following.version != last.version + 1:
                break  # not the next of this slot's row: by itself it finds no row, and nothing of it is applied
            count += following.count
            size += sum(map(len, following.events))
            if count > GROUP_TRANSACTIONS or size > GROUP_BYTES:
                break
            if context and following.context and context != following.context:
                break
            context = context or following.context
            groups.append(following)
            self._work.popleft()
        return groups

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

    async def _tell(self, report: Report) -> None:
        """Send a report of what was done. It is out of hand only then, so that no answer overtakes it."""
        await self._send(report)
        self._in_hand -= isinstance(report, Done)

    async def _send(self, report: Report) -> None:
        await self._link.publish(self._subjects.reports, encode(report))

    # ---- On the worker's thread ----

    def _do(self, item: Order | _Chunk | _Count) -> Report | None:
        slot = self._settings.slot
        match item:
            case MarkedGroup():
                self._session.apply_marked(item)
                return Done(slot, item.number)
            case GroupPart():
                self._session.apply_part(item)
                return Done(slot, item.number, item.index)
            case _Chunk():
                return ChunkLoaded(slot, item.table, item.chunk, self._load(item))
            case SetFormat():
                self._session.set_format(item.event)
            case ExpectCopy():
                self._copy_instructions = item.instructions
            case _Count():
                if not self._session.in_large_transaction:
                    counted = self._session.rows_written()
                    number = self._settings.number
                    return RowCount(slot, number, counted.inserted, counted.updated, counted.deleted)
        return None

    def _apply(self, groups: list[Group]) -> None:
        """Apply groups as one, again after a deadlock or a lock wait: the server has undone it then."""
        pause = _FIRST_PAUSE
        for attempt in range(1, _TRIES + 1):
            try:
                self._session.apply(groups)
                return
            except Contended as error:
                if attempt == _TRIES:  # somebody holds it for long, and will not for ever
                    raise error.of(Side.TARGET) from None
                self._session.rollback()
                runtime.sleep(pause)
                pause *= 2

    def _load(self, chunk: _Chunk) -> int:
        """Load a chunk. The first one opens the loader: a worker that gets none may be told after the copy has ended.

        Then the target would refuse it as one of an earlier run.
        """
        if self._copy_instructions is None:
            raise Transient("copied rows came before their tables were announced")
        if self._loader is None:
            settings = self._settings
            self._loader = self._target.open_loader(settings.job, settings.slot, self._copy_instructions)
        return self._loader.load(self._pieces(chunk))

    def _pieces(self, chunk: _Chunk) -> Iterator[Piece]:
        """Yield the pieces of a chunk as they come, each credited when the loader is done with it."""
        while True:
            piece = chunk.pieces.get()
            if piece is None:
                raise Transient("the copy ended in the middle of a chunk")
            of = piece.table, piece.chunk, piece.last, piece.rows, piece.data
            yield Piece(*of, piece.values, piece.odd_dates, piece.span)
            self._credit(piece.number)
            if piece.last:
                return

    def _credit(self, number: int) -> None:
        credit = encode(Credit(f"copy.{self._settings.slot}", number))
        asyncio.run_coroutine_threadsafe(self._link.publish(self._subjects.upstream, credit), self._loop)
