"""What of the source is executed, and what each row of the checkpoint says of it.

A worker's row names the GTIDs that it has committed and that are not in the base row yet: its *claim*. Once a second
what is executed is *folded*: written into the base row, so that claims stay small. All of this is read and written in
the event loop alone; only the statement runs elsewhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from udup.base.errors import UdupError
from udup.drivers.mysql.apply.checkpoint import Position
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.pipeline.apply.scheduler import Pending
from udup.pipeline.stamps import Stamps


class Books:
    """`advance` writes a GTID set, the number of definitions, stamps and the source's UUID into the base row."""

    def __init__(self, slots: int, advance: Callable[[str, int, str, str], Awaitable[None]]) -> None:
        self._advance = advance
        self._claims = [GtidSet() for _ in range(slots)]
        self._versions = [0] * slots
        self._folded = ("", "", "")
        self._changed = False  # since it was folded
        self._position: Position | None = None
        self._stamps = Stamps()
        self._source_uuid = ""
        self.executed = GtidSet()
        self.definitions = 0

    @property
    def slots(self) -> int:
        """Rows of the checkpoint beside the base row."""
        return len(self._versions)

    @property
    def begun(self) -> bool:
        """There is a checkpoint to go on from: no copy is under way."""
        return self._position is not None

    def begin_at(self, position: Position) -> None:
        self._position = position
        # What was skipped while the indexes of a copy were built is noted already.
        self.executed.update(position.executed)
        self._folded = (str(position.executed), position.stamps, position.source_uuid)
        self._stamps.update(Stamps.parse(position.stamps))
        self.definitions = position.definitions
        self._versions = [position.version] * len(self._versions)

    def version(self, slot: int) -> int:
        """Grows with each claim of a slot's row."""
        return self._versions[slot]

    def definition_gtid(self) -> str:
        """The GTID of our own under which the next definition runs on the target."""
        if self._position is None:
            raise UdupError("a definition came before the job has a checkpoint")
        return f"{self._position.mark}:{self.definitions + 1}"

    def note(self, members: Iterable[Pending]) -> None:
        """They are committed."""
        for member in members:
            mark = member.mark
            self.executed.add(mark.source, mark.number)
            self._stamps.note(mark.source, mark.number, mark.original_us)
        self._changed = True

    def note_skipped(self, gtids: GtidSet, last: str = "") -> None:
        """They hold nothing of the job's; the stamp of the last one of them."""
        self.executed.update(gtids)
        self._stamps.update(Stamps.parse(last))
        self._changed = True

    def know(self, source_uuid: str, stamps: str) -> None:
        """The server that is followed, and when transactions that it was recognised by were committed first."""
        self._source_uuid = source_uuid
        self._stamps.update(Stamps.parse(stamps))
        self._changed = True

    def claim(self, slot: int, members: Iterable[Pending]) -> tuple[int, str]:
        """The row of `slot` for a group: the version that it has now and the GTIDs that it will hold."""
        claim = self._claims[slot]
        for member in members:
            claim.add(member.mark.source, member.mark.number)
        version = self._versions[slot]
        self._versions[slot] += 1
        return version, str(claim)

    def propose(self, slot: int, members: Iterable[Pending]) -> tuple[int, GtidSet]:
        """What `claim` would say, without any effect until `accept`."""
        claim = self._claims[slot].copy()
        for member in members:
            claim.add(member.mark.source, member.mark.number)
        return self._versions[slot], claim

    def accept(self, slot: int, claim: GtidSet) -> None:
        """What was proposed is committed."""
        self._claims[slot] = claim
        self._versions[slot] += 1

    async def fold(self) -> None:
        """Write what is executed into the base row; the workers' rows need not say it again."""
        if not self._changed:
            return
        self._changed = False
        executed = self.executed.copy()
        said = str(executed), str(self._stamps), self._source_uuid
        if said == self._folded:
            return
        await self._advance(said[0], self.definitions, *said[1:])
        self._folded = said
        self._claims = [claim - executed for claim in self._claims]
