"""A job that gets its events from a shared dump: what is handed to it, and how it takes that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from udup.base import runtime
from udup.base.errors import Transient
from udup.drivers.mysql.binlog.event import ROWS_EVENTS, EventType
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.binlog.query import is_begin
from udup.drivers.mysql.binlog.table_map import definition_bytes
from udup.drivers.mysql.stream.point import GTIDS, Finding, LeftOut, Point
from udup.drivers.mysql.stream.replica import Replica

#: Seconds for which something may wait for a member that takes nothing.
STUCK_SECONDS = 10.0


#: Kinds of events of which a transaction of rows is made.
_OF_ROWS = ROWS_EVENTS | {EventType.XID, EventType.ROWS_QUERY}


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that are handed on together; `size` is what they take.

    `definitions`: of the tables in them, where they are nothing but rows; else None.
    """

    events: Sequence[bytes]
    size: int
    definitions: frozenset[bytes] | None = None


@dataclass(frozen=True, slots=True)
class SentAway:
    """To a member: nothing more comes, and its own dump goes on behind this point of the shared one."""

    point: Point


@dataclass(frozen=True, slots=True)
class Ended:
    """To a member: the shared dump has ended."""

    error: Transient


@dataclass(frozen=True, slots=True)
class Joining:
    """A job that is to join: where it is, by its own dump of this server, which was opened after `start_after`.

    `away` is called by the shared dump's thread when it sends the job away, with where that is. `unwanted` are
    definitions of tables that hold nothing for the job; the job adds to them.
    """

    replica: Replica
    point: Point
    start_after: GtidSet
    server_uuid: str
    away: Callable[[Point], None]
    unwanted: AbstractSet[bytes] = frozenset()


class Member:
    """A job that gets its events from a shared dump. `get` is for its thread, the rest for the dump's."""

    def __init__(self, job: Joining, finding: Finding, left_out: GtidSet, *, has_crc: bool) -> None:
        self.replica, self.away = job.replica, job.away
        self._unwanted = job.unwanted
        self.finding = finding
        self.left_out = LeftOut(left_out, has_crc=has_crc) if left_out else None
        self.is_slow = False
        self._queue: runtime.SimpleQueue[Batch | SentAway | Ended | None] = runtime.SimpleQueue()
        self._idle: list[Batch] = []
        self.idle_since = 0.0  # 0: nothing waits
        self._put = self._taken = 0
        self._taken_at = runtime.now()

    def put(self, batch: Batch) -> None:
        """Hand events on; those that hold nothing for the job wait for others, up to `IDLE_SECONDS`."""
        self._put += batch.size
        if batch.definitions is not None and batch.definitions <= self._unwanted:
            self.idle_since = self.idle_since or runtime.now()
            self._idle.append(batch)
        else:
            self.let_go()
            self._queue.put(batch)

    def let_go(self) -> None:
        """Hand on what waits for others."""
        for batch in self._idle:
            self._queue.put(batch)
        self._idle.clear()
        self.idle_since = 0.0

    def tell(self, last: SentAway | Ended) -> None:
        self.let_go()
        self._queue.put(last)

    def wake(self) -> None:
        """Have a thread that waits look again."""
        self._queue.put(None)

    def get(self, seconds: float) -> Batch | SentAway | Ended | None:
        """Return what has come, None if nothing comes for so long. What was got before is done with."""
        try:
            got = self._queue.get(timeout=seconds)
        except runtime.Empty:
            return None
        self._taken_at = runtime.now()
        if isinstance(got, Batch):
            self._taken += got.size
        return got

    @property
    def has_more(self) -> bool:
        return not self._queue.empty()

    @property
    def waiting(self) -> int:
        """Return how many bytes have not been taken."""
        return self._put - self._taken

    @property
    def is_stuck(self) -> bool:
        return bool(self.waiting) and runtime.now() - self._taken_at > STUCK_SECONDS


def definitions_in(events: Sequence[bytes], *, has_crc: bool) -> frozenset[bytes] | None:
    """Return the definitions of the tables of transactions that are nothing but rows, None where they may be more."""
    if events[0][4] not in GTIDS:
        return None
    found = set()
    for event in events:
        kind = event[4]
        if kind == EventType.TABLE_MAP:
            found.add(definition_bytes(event, has_crc=has_crc))
        elif kind == EventType.QUERY:
            if not is_begin(event, has_crc=has_crc):
                return None
        elif kind not in _OF_ROWS and kind not in GTIDS:
            return None
    return frozenset(found)
