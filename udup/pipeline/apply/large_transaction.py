"""A transaction that is too large for one message: it comes in parts, and goes to one worker in parts.

The worker has it open until its last part, so that memory does not grow with its size. Until it may start, its parts
wait here; how many can is bounded by the window of the log.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from udup.drivers.mysql.apply.apart import TablesApart
from udup.drivers.mysql.binlog.table_map import TableMaps, TableName, table_name
from udup.pipeline.apply.scheduler import Assigned
from udup.pipeline.records import GroupPart, Part


class LargeTransaction:
    """`check` looks at the TABLE_MAPs that a part brings and tells the GTID, `send` publishes an order to the worker of
    a slot. `context` tells, of the number of a context, the tables so far and the CREATE TABLE that the transaction
    begins with, the SET that their rows need.
    """

    def __init__(
        self,
        check: Callable[[str, Sequence[bytes]], Awaitable[None]],
        send: Callable[[int, GroupPart], Awaitable[None]],
        context: Callable[[str, int, set[TableName], bytes], Awaitable[bytes]],
        apart: TablesApart,
    ) -> None:
        self._apart = apart
        self._check = check
        self._send = send
        self._context = context
        self._maps = TableMaps()
        self._create = b""
        self._tables: set[TableName] = set()  # of the parts that were sent
        self._waiting: deque[tuple[Part, int, list[TableName]]] = deque()  # with the number of the message
        self._sent: deque[int] = deque()
        self._sending = asyncio.Lock()
        self._complete = False
        self._group: Assigned | None = None
        self._version = 0
        self._gtids = ""
        self._marked = ""
        self._beginning: Part | None = None

    async def add(self, part: Part, message: int, kept: Part | None = None) -> None:
        """The next part; it goes on at once if the transaction has started. `kept` is sent instead of it if given."""
        self._beginning = self._beginning or part
        tables = [table_name(event) for event in self._maps.feed(part.events)]
        self._waiting.append((kept or part, message, tables))
        await self._send_waiting()

    @property
    def beginning(self) -> Part:
        """The first part, as it came."""
        assert self._beginning is not None
        return self._beginning

    async def start(self, group: Assigned, version: int, gtids: str, marked: str = "") -> None:
        """It may start, on this group's worker and with this claim; `marked` as in `GroupPart`."""
        self._version, self._gtids, self._marked = version, gtids, marked
        self._group = group
        await self._send_waiting()

    def part_done(self) -> int:
        """The worker is done with the next part: the message that it came in."""
        return self._sent.popleft()

    @property
    def committed(self) -> bool:
        """Whether the last part is done with."""
        return self._complete and not self._sent

    async def _send_waiting(self) -> None:
        if self._group is None:
            return
        async with self._sending:
            while self._waiting:
                part, message, tables = self._waiting[0]
                if part.index and part.new_maps:
                    await self._check(part.mark.gtid, part.new_maps)
                if part.index:
                    self._apart.expect(part.mark.gtid, tables, marked=bool(self._marked))
                self._tables.update(tables)
                # What is kept as bytes computes nothing until it is applied, with the last part or later.
                applied = not part.xid or part.one_phase
                self._create = part.create or self._create
                context = b""
                if applied:
                    context = await self._context(part.mark.gtid, part.context, self._tables, self._create)
                self._waiting.popleft()
                self._sent.append(message)
                self._complete = part.last
                await self._send(self._group.slot, self._order(part, self._group.number, context))

    def _order(self, part: Part, number: int, context: bytes) -> GroupPart:
        return GroupPart(
            number,
            self._version,
            self._gtids,
            part.index,
            part.last,
            part.events,
            part.mark.gtid,
            part.create,
            part.xid if part.one_phase else "",
            context,
            self._marked,
        )
