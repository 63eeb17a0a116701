"""A transaction that is too large for one message: it comes in parts, and goes to one worker in parts.

The worker has it open until its last part, so that memory does not grow with its size. Until it may start, its parts
wait here; how many can is bounded by the window of the log.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from udup.base.errors import Transient
from udup.pipeline.apply.scheduler import Assigned
from udup.pipeline.orders import GroupPart
from udup.pipeline.ports import LargeRules
from udup.pipeline.ports.tables import LargeTally, RowsOfTable
from udup.pipeline.records import Part


class LargeTransaction:
    """`check` looks at the TABLE_MAPs that a part brings, `send` publishes an order to the worker of a slot."""

    def __init__(
        self,
        rules: LargeRules,
        tally: LargeTally,
        check: Callable[[str, Sequence[bytes]], Awaitable[None]],
        send: Callable[[int, GroupPart], Awaitable[None]],
    ) -> None:
        self._rules = rules
        self._tally = tally
        self._check = check
        self._send = send
        self._waiting: deque[tuple[Part, int]] = deque()  # with the number of the message
        self._sent: deque[int] = deque()
        self._sending = asyncio.Lock()
        self._complete = False
        self._group: Assigned | None = None
        self._version = 0
        self._gtids = ""
        self._marked = ""
        self._beginning: Part | None = None
        #: The xid that it is kept under until its end comes, "" if it is committed with its last part.
        self.prepared = ""

    async def add(self, part: Part, message: int) -> None:
        """Take the next part; it goes on at once if the transaction has started."""
        self._beginning = self._beginning or part
        self._tally.feed(part.events)
        self.prepared = "" if part.one_phase else part.xid
        self._waiting.append((self._rules.add(part), message))
        await self._send_waiting()

    @property
    def beginning(self) -> Part:
        """The first part, as it came."""
        assert self._beginning is not None
        return self._beginning

    async def start(self, group: Assigned, version: int, gtids: str, marked: str = "") -> None:
        """Send what has come and what comes, to this group's worker and with this claim; `marked` as in `GroupPart`."""
        self._version, self._gtids, self._marked = version, gtids, marked
        self._group = group
        await self._send_waiting()

    def part_done(self) -> int:
        """Note that the worker is done with the next part; return the message that it came in."""
        if not self._sent:
            raise Transient(f"a worker has done a part of {self.beginning.id.gtid} that it was not sent")
        return self._sent.popleft()

    def counted(self) -> Sequence[RowsOfTable]:
        """Return the rows of each table; once, when all parts have come."""
        return self._tally.counted()

    @property
    def committed(self) -> bool:
        """Whether the last part is done with."""
        return self._complete and not self._sent

    async def _send_waiting(self) -> None:
        if self._group is None:
            return
        async with self._sending:
            while self._waiting:
                part, message = self._waiting[0]
                if part.index and part.new_maps:  # those of the first were looked at before it started
                    await self._check(part.id.gtid, part.new_maps)
                prelude = await self._rules.prelude(part, marked=bool(self._marked))
                self._waiting.popleft()
                self._sent.append(message)
                self._complete = part.last
                await self._send(self._group.slot, self._order(part, self._group.number, prelude))

    def _order(self, part: Part, number: int, prelude: bytes) -> GroupPart:
        return GroupPart(
            number,
            self._version,
            self._gtids,
            part.index,
            part.last,
            part.events,
            part.id.gtid,
            part.create,
            part.xid if part.one_phase else "",
            prelude,
            self._marked,
        )
