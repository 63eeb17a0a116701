"""When transactions were committed first: what tells a GTID from the same one after a reset.

RESET BINARY LOGS AND GTIDS has a server count its GTIDs from 1 again. A GTID set cannot show that once it has executed
as many as before; the time in a GTID event can. It is the time of the original commit, which a transaction keeps on
every server that it is replicated to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from udup.base.transaction_names import origin_and_number, transaction_name
from udup.pipeline.ports import Position

#: Origins (UUID, with its tag) of which the last transaction is kept: the newest. Each takes at most 107 characters.
_ORIGINS = 8


@dataclass(frozen=True, slots=True)
class Stamp:
    """A transaction, and when its origin committed it (µs since the epoch)."""

    source: str
    number: int
    committed_us: int

    @property
    def gtid(self) -> str:
        return transaction_name(self.source, self.number)

    def __str__(self) -> str:
        return f"{self.gtid}@{self.committed_us}"


class Stamps:
    """Of each origin the transaction with the highest number; as text `uuid:7@1700000000000000,uuid:tag:3@…`."""

    def __init__(self, stamps: Iterable[Stamp] = ()) -> None:
        self._last: dict[str, tuple[int, int]] = {}
        for stamp in stamps:
            self.note(stamp.source, stamp.number, stamp.committed_us)

    @classmethod
    def parse(cls, text: str) -> Stamps:
        made = cls()
        for part in text.split(","):
            if part:
                gtid, _, committed = part.partition("@")
                made.note(*origin_and_number(gtid), int(committed))
        return made

    def note(self, source: str, number: int, committed_us: int) -> None:
        """Note a transaction; 0 is the time of a server that does not log any."""
        known = self._last.get(source)
        if committed_us and (known is None or number >= known[0]):
            self._last[source] = (number, committed_us)

    def update(self, other: Stamps) -> None:
        for stamp in other.newest():
            self.note(stamp.source, stamp.number, stamp.committed_us)

    def newest(self) -> list[Stamp]:
        """Return all of them, the newest first."""
        found = [Stamp(source, *last) for source, last in self._last.items()]
        return sorted(found, key=lambda stamp: (-stamp.committed_us, stamp.source))

    def within(self, executed: Position) -> list[Stamp]:
        """Return those of executed transactions, the newest first."""
        return [stamp for stamp in self.newest() if executed.contains(stamp.source, stamp.number)]

    def __str__(self) -> str:
        return ",".join(str(stamp) for stamp in self.newest()[:_ORIGINS])
