"""Which transactions may run now, on which worker, and how many of them in one commit.

The source's log says for each transaction: a sequence number in its log file, and `last_committed`: everything up to
that number must be committed before it starts. Transactions are handed out in log order, each into a group that one
worker commits as one; a group's members may depend on each other, since they run in order. A group may start on a
worker when what its members depend on is committed, or was handed to that same worker before it, for a worker works
in order and stops at its first failure. So a worker can have its next groups waiting while it commits one.

Grouping adapts by itself: when nothing waits a transaction goes alone, at once; while a worker is busy others gather
there, and it commits them all as one, up to a limit. On one connection 276 transactions a second commit one by one
and 16,900 in groups of 100, which no number of workers makes up for.

A group has one context (`contexts.py`): transactions whose rows need different ones do not share a commit. Most need
none, and go with any.

A fence (first transaction of a log file, DDL) waits until everything before it is committed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from udup.base.errors import Transient
from udup.pipeline.records import TransactionId

#: Transactions in one commit at most. Beyond this the gain is small, and what a failure repeats grows.
GROUP_TRANSACTIONS = 400

#: Bytes of events in one commit at most. A group travels in one message, and NATS takes 1 MiB unless told otherwise.
GROUP_BYTES = 768 << 10

#: Groups that a worker may have: one that it commits, and those that wait and are committed as one after it. Two if
#: they are large.
WORKER_DEPTH = 16

#: Groups that those who are there get before another worker is made.
_TO_MAKE = 2

_EVERYTHING = 1 << 63


@dataclass(frozen=True, slots=True)
class Pending:
    """A transaction that waits. `batch` is the message that it came in, for the flow control.

    `new_maps` are to be checked before it starts. `alone`: it may not share a commit. `barrier`: nothing runs beside
    it. `work` is its owner's, for what is more than its events.
    """

    id: TransactionId
    events: bytes
    batch: int
    new_maps: Sequence[bytes] = ()
    alone: bool = False
    barrier: bool = False
    work: Any = None


@dataclass(slots=True)
class Assigned:
    """A group on its worker, whose slot counts from 1."""

    number: int
    slot: int
    first: int  # sequence number of the first member; the smallest, since members are in log order
    members: list[Pending] = field(default_factory=list)
    size: int = 0  # bytes of events
    context: int = 0  # the number of that which its rows need, 0 for none

    @property
    def label(self) -> str:
        """The transactions, for people."""
        first, last = self.members[0].id, self.members[-1].id
        return first.gtid if first is last else f"{first.gtid} to {last.gtid}"


class Scheduler:
    """Decides, sends nothing: `offer` what came, `next_group` for what may start, `done` when it is committed."""

    def __init__(
        self,
        workers: int,
        *,
        serial: bool = False,
        context_of: Callable[[Pending], int] = lambda item: 0,
        is_there: Callable[[int], bool] = lambda slot: True,
    ) -> None:
        """`serial`: one transaction at a time, so that an error names the one that caused it.

        `context_of` tells which context a transaction needs. It is asked when a group is made, so that the definitions
        of all tables before it were looked at. `is_there` says whether a slot has a worker, or it is to be made first.
        """
        self._serial = serial
        self._context_of = context_of
        self._is_there = is_there
        self._waiting: deque[Pending] = deque()
        self._running: dict[int, Assigned] = {}
        self._load = dict.fromkeys(range(1, workers + 1), 0)  # by slot
        self._bytes = dict.fromkeys(self._load, 0)
        self._number = 0
        self._barrier_runs = False

    def end_serial(self) -> None:
        """Have transactions run side by side again, and commit together."""
        self._serial = False

    def offer(self, item: Pending) -> None:
        self._waiting.append(item)

    def isolate(self, needed: Callable[[Pending], bool]) -> None:
        """Have what waits and needs it run alone."""
        for at, item in enumerate(self._waiting):
            if not item.barrier and needed(item):
                self._waiting[at] = replace(item, alone=True, barrier=True)

    def extend(self, group: Assigned, allowed: Callable[[Pending], bool]) -> None:
        """Put into a group that runs alone what comes next in the log, as long as it is allowed."""
        while self._waiting and not self._serial and len(group.members) < GROUP_TRANSACTIONS:
            item = self._waiting[0]
            if item.new_maps or group.size + len(item.events) > GROUP_BYTES or not allowed(item):
                return
            group.members.append(item)
            group.size += len(item.events)
            self._bytes[group.slot] += len(item.events)
            self._waiting.popleft()

    @property
    def head(self) -> Pending | None:
        """The transaction that comes next."""
        return self._waiting[0] if self._waiting else None

    @property
    def barrier_runs(self) -> bool:
        """Something that must be alone is being done."""
        return self._barrier_runs

    @property
    def groups(self) -> Iterable[Assigned]:
        """Those that run."""
        return self._running.values()

    def group(self, number: int) -> Assigned:
        """Return a group that runs; raise `Transient` for another."""
        group = self._running.get(number)
        if group is None:
            raise Transient(f"a worker has done group {number}, which does not run")
        return group

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing runs: everything offered is committed."""
        return not self._waiting and not self._running

    def oldest(self) -> TransactionId | None:
        """Return the earliest transaction that is not committed."""
        if self._running:
            return next(iter(self._running.values())).members[0].id
        return self._waiting[0].id if self._waiting else None

    def next_group(self) -> Assigned | None:
        """Return the next group that may start now, counted as running; None if nothing may."""
        if not self._waiting or self._barrier_runs:
            return None
        head = self._waiting[0]
        if (head.barrier or head.id.order.fence or self._serial) and self._running:
            return None
        slot, limit = self._best_slot(head)
        if not slot:
            return None
        self._number += 1
        group = Assigned(self._number, slot, head.id.order.sequence)
        self._fill(group, limit)
        self._running[group.number] = group
        self._load[slot] += 1
        self._bytes[slot] += group.size
        self._barrier_runs = head.barrier
        return group

    def _fill(self, group: Assigned, limit: int) -> None:
        """Add members in log order while each may run where the first one does."""
        while self._waiting:
            item = self._waiting[0]
            if group.members:
                if item.alone or item.barrier or item.id.order.fence or item.new_maps:
                    break
                if self._serial or len(group.members) >= GROUP_TRANSACTIONS:
                    break
                if group.size + len(item.events) > GROUP_BYTES or not self._allowed(item, limit, group.first):
                    break
            context = self._context_of(item)
            if context and group.context and context != group.context:
                break
            group.context = context or group.context
            group.members.append(item)
            group.size += len(item.events)
            self._waiting.popleft()
            if item.alone or item.barrier:
                break

    def _best_slot(self, head: Pending) -> tuple[int, int]:
        """Return the least loaded worker that may take `head`, 0 if none may, and up to which number it may take."""
        best, best_key, best_limit = 0, (WORKER_DEPTH + _TO_MAKE, 0), 0
        for slot, load in self._load.items():
            if load >= WORKER_DEPTH or (load >= 2 and self._bytes[slot] >= GROUP_BYTES):
                continue
            limit = self._limit_on(slot)
            if not self._allowed(head, limit, head.id.order.sequence):
                continue
            key = (load if self._is_there(slot) else load + _TO_MAKE, -limit)
            if key < best_key:
                best, best_key, best_limit = slot, key, limit
        return best, best_limit

    def _limit_on(self, slot: int) -> int:
        """Return up to which number everything is committed, or is before it on this worker."""
        others = [group.first for group in self._running.values() if group.slot != slot]
        return min(others) - 1 if others else _EVERYTHING

    @staticmethod
    def _allowed(item: Pending, limit: int, first: int) -> bool:
        """Return whether it may run; dependencies inside the group (`first` and later) are met by its own order."""
        return min(item.id.order.last_committed, first - 1) <= limit

    def done(self, number: int) -> Assigned:
        """Note that the group is committed."""
        group = self._running.pop(number)
        self._load[group.slot] -= 1
        self._bytes[group.slot] -= group.size
        if group.members[0].barrier:
            self._barrier_runs = False
        return group
