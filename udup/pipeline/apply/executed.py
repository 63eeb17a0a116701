"""What of the source is executed, and what each row of the checkpoint says of it.

A slot's row names the transactions that were committed with it and are not in the base row yet: its *claim*. Once a
second what is executed is *flushed*: written into the base row, so that claims stay small. All of this is read and
written in the event loop alone; only the statement runs elsewhere.

Slots count from 1. Slot 0 is the base row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol

from udup.base.errors import UdupError
from udup.pipeline.apply.scheduler import Pending
from udup.pipeline.ports import CheckpointState, Position
from udup.pipeline.ports.tables import TableChange
from udup.pipeline.stamps import Stamps


class Changes(Protocol):
    """What tables have come to and is not written down; `table_changes.py`."""

    @property
    def any(self) -> bool: ...

    def take(self, *, now: bool = False) -> Sequence[TableChange]: ...


class ExecutedPositions:
    """`position` parses a position of the source.

    `advance` writes a position, the number of definitions, stamps and the source's UUID into the base row, and beside
    it what tables have come to.
    """

    def __init__(
        self,
        slots: int,
        position: Callable[[str], Position],
        advance: Callable[[str, int, str, str, Sequence[TableChange]], Awaitable[None]],
    ) -> None:
        self._advance = advance
        self._parse = position
        self._claims = {slot: position("") for slot in range(1, slots + 1)}
        self._versions = dict.fromkeys(self._claims, 0)
        self._flushed = ("", "", "")
        self._flushing = asyncio.Lock()
        self._changed = asyncio.Event()  # since it was flushed
        self._state: CheckpointState | None = None
        self._stamps = Stamps()
        self._source_uuid = ""
        self._goal: tuple[Position, Callable[[], None]] | None = None
        self._changes: Changes | None = None
        self.executed = position("")
        self.definitions = 0

    def write_beside(self, changes: Changes) -> None:
        """Have these written down with the positions that they belong to."""
        self._changes = changes

    @property
    def slots(self) -> int:
        """Rows of the checkpoint beside the base row."""
        return len(self._versions)

    @property
    def begun(self) -> bool:
        """Whether there is a checkpoint to go on from: no copy is under way."""
        return self._state is not None

    def begin_at(self, state: CheckpointState) -> None:
        self._state = state
        # What was skipped while the indexes of a copy were built is noted already.
        self.executed.update(state.executed)
        self._flushed = (str(state.executed), state.stamps, state.source_uuid)
        self._stamps.update(Stamps.parse(state.stamps))
        self._source_uuid = self._source_uuid or state.source_uuid
        self.definitions = state.definitions
        self._versions = dict.fromkeys(self._versions, state.version)

    def version(self, slot: int) -> int:
        """Return what grows with each claim of a slot's row."""
        return self._versions[slot]

    def definition_gtid(self) -> str:
        """Return the GTID of Udup's own under which the next definition runs on the target."""
        if self._state is None:
            raise UdupError("a definition came before the job has a checkpoint")
        return f"{self._state.mark}:{self.definitions + 1}"

    def note(self, members: Iterable[Pending]) -> None:
        """Note that they are committed."""
        for member in members:
            of = member.id
            self.executed.add(of.source, of.number)
            self._stamps.note(of.source, of.number, of.order.original_us)
        self._changed.set()
        self._look_at_goal()

    def note_skipped(self, gtids: str, last: str = "") -> None:
        """Note transactions that hold nothing of the job's; `last` is the stamp of the last one of them."""
        self.executed.update(self._parse(gtids))
        self._stamps.update(Stamps.parse(last))
        self._changed.set()
        self._look_at_goal()

    def expect(self, position: str, then: Callable[[], None]) -> None:
        """Call `then` once, as soon as all of a position is executed; a later goal takes the place of an earlier."""
        self._goal = self._parse(position), then
        self._look_at_goal()

    def _look_at_goal(self) -> None:
        if self._goal is not None and self._goal[0] <= self.executed:
            (_, then), self._goal = self._goal, None
            then()

    def know(self, source_uuid: str, stamps: str) -> None:
        """Note which server is followed, and the stamps of transactions that it was recognised by."""
        self._source_uuid = source_uuid
        self._stamps.update(Stamps.parse(stamps))
        self._changed.set()

    def claim(self, slot: int, members: Iterable[Pending]) -> tuple[int, str]:
        """Return the version that the slot's row has now and what it will hold with this group, which is sent then."""
        claim = self._claims[slot]
        for member in members:
            claim.add(member.id.source, member.id.number)
        version = self._versions[slot]
        self._versions[slot] += 1
        return version, str(claim)

    def propose(self, slot: int, members: Iterable[Pending]) -> tuple[int, Position]:
        """Return what `claim` would say, without any effect until `accept`. A member may belong to none."""
        claim = self._claims[slot].copy()
        for member in members:
            if member.id.source:
                claim.add(member.id.source, member.id.number)
        return self._versions[slot], claim

    def accept(self, slot: int, claim: Position) -> None:
        """Take what was proposed: it is committed."""
        self._claims[slot] = claim
        self._versions[slot] += 1

    async def changed(self) -> None:
        """Return when there is something to flush."""
        await self._changed.wait()

    async def flush(self, *, ends: bool = False) -> None:
        """Write what is executed into the base row; the slots' rows need not say it again.

        One after the other: whoever ends a run with this (`ends`) returns only when all of it is written.
        """
        async with self._flushing:
            if not self._changed.is_set():
                return
            self._changed.clear()
            await self._flush(now=ends)
            while ends and self._has_changes:
                await self._flush(now=True)
        if self._has_changes:
            self._changed.set()

    @property
    def _has_changes(self) -> bool:
        return self._changes is not None and self._changes.any

    async def _flush(self, *, now: bool) -> None:
        executed = self.executed.copy()
        said = str(executed), str(self._stamps), self._source_uuid
        changes = self._changes.take(now=now) if self._changes is not None else ()
        if said == self._flushed and not changes:
            return
        await self._advance(said[0], self.definitions, *said[1:], changes)
        self._flushed = said
        self._claims = {slot: claim - executed for slot, claim in self._claims.items()}
