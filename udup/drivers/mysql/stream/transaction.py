"""The transaction that is being read: what of it is the job's, until it leaves whole or in parts."""

from __future__ import annotations

from dataclasses import dataclass, field

from udup.drivers.mysql.binlog.event import ending_statement
from udup.pipeline.records import Part, Transaction, TransactionId


@dataclass(slots=True)
class OpenTransaction:
    """`begun`: by BEGIN or XA START; a statement by itself is not.

    `creates` a table, so that its first rows come before anybody could look at it. `maps` are definition and TABLE_MAP
    of the statement that is read, until rows of it are kept; `last_rows` is the index in `events` of its last kept rows
    event. `status` and `thread_id` are those of its BEGIN, `context` is the number of its context once that is told.
    """

    id: TransactionId
    events: list[bytes] = field(default_factory=list)
    size: int = 0
    new_maps: list[bytes] = field(default_factory=list)
    create: bytes = b""
    creates: bool = False
    parts: int = 0
    kept_rows: bool = False
    begun: bool = False
    xid: str = ""
    status: bytes = b""
    thread_id: int = 0
    context: int = 0
    maps: list[tuple[bytes, bytes]] = field(default_factory=list)
    last_rows: int = -1

    def keep(self, event: bytes) -> None:
        self.events.append(event)
        self.size += len(event)

    def keep_rows(self, event: bytes) -> None:
        """Keep a rows event."""
        self.kept_rows = True
        self.last_rows = len(self.events)
        self.events.append(event)
        self.size += len(event)

    def end_with_kept_rows(self) -> None:
        """Have the last kept rows event end the statement, since the one that did is left out."""
        if self.last_rows >= 0:
            self.events[self.last_rows] = ending_statement(self.events[self.last_rows])

    def close_statement(self) -> None:
        """Note that the statement has ended, and its tables are closed."""
        self.maps.clear()
        self.last_rows = -1

    def take(self, count: int) -> bytes:
        """Return the first `count` events kept so far, and keep them no longer."""
        data = b"".join(self.events[:count])
        del self.events[:count]
        self.size = self.size - len(data) if self.events else 0  # with what is told of them
        self.last_rows = self.last_rows - count if self.last_rows >= count else -1
        return data

    def next_part(self, data: bytes, *, last: bool, one_phase: bool = False, told: bytes = b"") -> Part:
        """Return the next part; the first has what goes before all rows."""
        before = self.new_maps, self.create
        part = Part(self.id, self.parts, last, data, *before, self.xid, one_phase, self.context, told)
        self.parts += 1
        self.new_maps, self.create = [], b""
        return part

    def whole(self, told: bytes = b"") -> Transaction:
        """Return all of it."""
        return Transaction(self.id, b"".join(self.events), self.new_maps, self.create, self.xid, self.context, told)
