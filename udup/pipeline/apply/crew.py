"""Which ApplyWorkers a run has, and the way of orders to them.

A run begins without workers: what is small is applied by DestApplier itself (`inline.py`). A slot is *taken* when there
is the first order for it, or rows of a copy; until its worker says that it has its session and listens, its orders wait
here. Whoever has had nothing to do for a while is let go. Each worker of a slot is another one to the transport: it has
a number of its own, which its orders are addressed by and which its reports bear.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from udup.base import runtime
from udup.base.errors import Side, Transient
from udup.pipeline.orders import ExpectCopy, Opened, Order, SetFormat

#: Seconds without an order after which a worker is let go.
IDLE_SECONDS = 30.0

#: Seconds for a worker to be made, to connect and to listen.
OPEN_SECONDS = 120.0


@dataclass(frozen=True)
class Seat:
    """A worker that is wanted: the slot that it is to work for, and its own number, new for each worker of a run."""

    slot: int
    number: int


@dataclass
class _Worker:
    seat: Seat
    taken_at: float
    used_at: float
    resident: bool = False
    opened: bool = False
    waiting: deque[Order] = field(default_factory=deque)


class Crew:
    """`want` is told whom the run is to have, all of them each time; `publish` sends an order to the worker of a seat.

    `has_orders` says whether a slot has orders that are not done.
    """

    def __init__(
        self,
        want: Callable[[tuple[Seat, ...]], None],
        publish: Callable[[Seat, Order], Awaitable[None]],
        has_orders: Callable[[int], bool],
    ) -> None:
        self._want = want
        self._publish = publish
        self._has_orders = has_orders
        self._workers: dict[int, _Worker] = {}
        self._number = 0
        self._all_open = asyncio.Event()
        self._format: SetFormat | None = None
        self._copy: ExpectCopy | None = None

    def is_there(self, slot: int) -> bool:
        """Return whether the slot has its worker, or will have it in a moment."""
        return slot in self._workers

    def is_open(self, slot: int) -> bool:
        """Return whether the slot's worker listens."""
        return slot in self._workers and self._workers[slot].opened

    async def send(self, slot: int, order: Order) -> None:
        """Send an order to the worker of a slot; take one if there is none."""
        worker = self._workers.get(slot)
        if worker is None:
            worker = self._take(slot)
            self._tell()
        worker.used_at = runtime.now()
        if worker.opened:
            await self._publish(worker.seat, order)
        else:
            worker.waiting.append(order)

    async def set_format(self, order: SetFormat) -> None:
        """Have all workers go by this FORMAT_DESCRIPTION, those that come later too. Nothing is with them now."""
        self._format = order
        for worker in list(self._workers.values()):
            if worker.opened:
                await self._publish(worker.seat, order)

    async def opened(self, report: Opened) -> None:
        """Send a worker what has waited for it."""
        worker = self._workers.get(report.slot)
        if worker is None or worker.seat.number != report.number or worker.opened:
            return  # one that was let go meanwhile
        for order in (self._format, self._copy):
            if order is not None:
                await self._publish(worker.seat, order)
        while worker.waiting:  # what comes meanwhile waits behind it
            await self._publish(worker.seat, worker.waiting.popleft())
        worker.opened = True
        self._note_open()

    # ---- A copy ----

    def expect_copy(self, order: ExpectCopy, slots: int) -> None:
        """Take a worker for each of the first slots; each is told first that rows will come."""
        self._copy = order
        for slot in range(1, slots + 1):
            self._take(slot)
        self._tell()

    def expect_copy_here(self, order: ExpectCopy) -> Seat:
        """Return the seat of one that loads the copy in this process, which nobody needs to make."""
        self._copy = order
        worker = self._take(1)
        worker.resident = True
        return worker.seat

    async def all_open(self) -> None:
        """Return when all that were taken listen."""
        await self._all_open.wait()

    def end_copy(self) -> None:
        """Note that no more rows will come."""
        self._copy = None
        self._workers = {slot: worker for slot, worker in self._workers.items() if not worker.resident}
        for worker in self._workers.values():
            worker.used_at = runtime.now()

    # ---- Time ----

    def look(self) -> None:
        """Let go who has had nothing to do for long. Raise `Transient` if one has not come in time."""
        now = runtime.now()
        for worker in self._workers.values():
            if not worker.opened and now - worker.taken_at >= OPEN_SECONDS:
                told = f"ApplyWorker {worker.seat.slot} has not begun in {OPEN_SECONDS:.0f} s"
                raise Transient(told).of(Side.NODE)
        if self._copy is not None:
            return
        idle = [
            slot
            for slot, worker in self._workers.items()
            if worker.opened and now - worker.used_at >= IDLE_SECONDS and not self._has_orders(slot)
        ]
        for slot in idle:
            del self._workers[slot]
        if idle:
            self._tell()

    def _note_open(self) -> None:
        if all(worker.opened for worker in self._workers.values()):
            self._all_open.set()
        else:
            self._all_open.clear()

    def _take(self, slot: int) -> _Worker:
        self._number += 1
        now = runtime.now()
        worker = self._workers[slot] = _Worker(Seat(slot, self._number), now, now)
        self._note_open()
        return worker

    def _tell(self) -> None:
        self._want(tuple(worker.seat for worker in self._workers.values() if not worker.resident))
