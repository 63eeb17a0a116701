"""Where one is in a source's log, so exactly that another dump of the same log can be carried on from there.

What a dump will still send follows from two things alone: the log, and the GTIDs that it has left out or sent so far.
So a point is that set, and how far the last transaction was sent: its GTID event, how many events came behind it, the
last of them. Whoever finds a point again in another dump has proof that both read the same log at the same place: the
GTID event has its offset in the file and the microseconds of its commit, and is compared byte by byte, as is the last.
"""

from __future__ import annotations

from dataclasses import dataclass

from udup.base.errors import Transient
from udup.drivers.mysql.binlog.event import EventType, has_checksums
from udup.drivers.mysql.binlog.gtid import Gtid, GtidSet, parse_gtid_event

BEATS = (EventType.HEARTBEAT, EventType.HEARTBEAT_V2)

GTIDS = (EventType.GTID, EventType.GTID_TAGGED)

#: Events that are of no transaction. Behind one of them there is no point: dumps make some of these up, each its own.
_APART = frozenset(
    {
        EventType.ROTATE,
        EventType.FORMAT_DESCRIPTION,
        EventType.PREVIOUS_GTIDS,
        EventType.STOP,
        EventType.ANONYMOUS_GTID,
        EventType.INCIDENT,
    }
)


@dataclass(frozen=True, slots=True)
class Point:
    """`passed` has all that was left out or sent, also the transaction `gtid`, of which `count` events have come.

    `first` is its GTID event, which does not count; `last` the last event that has come, which may be the first.
    """

    passed: GtidSet
    gtid: Gtid
    first: bytes
    count: int
    last: bytes

    @property
    def before(self) -> GtidSet:
        """Return the set after which a dump sends this transaction again, and then all that is to come."""
        only = GtidSet()
        only.add(self.gtid.source, self.gtid.number)
        return self.passed - only


class Track:
    """Follows a dump, event by event, and knows its point."""

    def __init__(self, start_after: GtidSet) -> None:
        self.passed = start_after.copy()
        self.has_crc = True
        self._gtid: Gtid | None = None
        self._first = self._last = b""
        self._count = 0

    def note(self, event: bytes) -> Gtid | None:
        """Take note of the next event; return the transaction that begins with it. Heartbeats are of no dump's log."""
        kind = event[4]
        if kind in GTIDS:
            self._gtid = gtid = parse_gtid_event(event, has_crc=self.has_crc)
            self.passed.add(gtid.source, gtid.number)
            self._first = self._last = event
            self._count = 0
            return gtid
        if kind in _APART:
            self._gtid = None
            if kind == EventType.FORMAT_DESCRIPTION:
                self.has_crc = has_checksums(event)
        elif kind not in BEATS:
            self._count += 1
            self._last = event
        return None

    @property
    def is_at_point(self) -> bool:
        """Return whether there is a point to be carried on from: nothing but a transaction's events came last."""
        return self._gtid is not None

    def point(self) -> Point | None:
        """Return where the dump is, None where that cannot be told."""
        if self._gtid is None:
            return None
        return Point(self.passed.copy(), self._gtid, self._first, self._count, self._last)


class Finding:
    """Finds a point again in a dump of the same log: feed it all events until it is `found`.

    What it is fed was sent by the other dump already. Raise `Transient` where that cannot be: nothing that the job
    does not have may come before the point, and what stands there must be the same bytes.
    """

    def __init__(self, point: Point, where: str, *, has_crc: bool) -> None:
        self._point, self._where, self._has_crc = point, where, has_crc
        self._missing = -1  # events of the transaction; -1: it has not come
        self.found = False

    def feed(self, event: bytes) -> None:
        """Look at the dump's next event."""
        kind = event[4]
        if kind in BEATS:
            return
        if self._missing >= 0:
            self._count(event)
        elif kind == EventType.FORMAT_DESCRIPTION:
            self._has_crc = has_checksums(event)
        elif kind in GTIDS:
            gtid = parse_gtid_event(event, has_crc=self._has_crc)
            if (gtid.source, gtid.number) == (self._point.gtid.source, self._point.gtid.number):
                self._begin(event)
            elif not self._point.passed.contains(gtid.source, gtid.number):
                raise self._another(f"sends {gtid} before it")
        elif kind == EventType.ANONYMOUS_GTID:
            raise self._another("sends a change without a GTID before it")

    def _begin(self, first: bytes) -> None:
        if first != self._point.first:
            raise self._another("has another transaction under this GTID")
        self._missing = self._point.count
        if not self._missing:
            self.found = True

    def _count(self, event: bytes) -> None:
        self._missing -= 1
        if event[4] in GTIDS or event[4] in _APART:
            raise self._another("sends less of it")
        if not self._missing:
            self._end(event)

    def _end(self, last: bytes) -> None:
        if last != self._point.last:
            raise self._another("sends other events of it")
        self.found = True

    def _another(self, what: str) -> Transient:
        return Transient(f"{self._where} was read up to {self._point.gtid}, and its log {what}: it is another log now")


class LeftOut:
    """Leaves out the transactions of a set as a source does that is asked for what comes after that set.

    A source leaves out all from the GTID event on up to the next one, or to a ROTATE.
    """

    def __init__(self, gtids: GtidSet, *, has_crc: bool) -> None:
        self._gtids, self._has_crc = gtids, has_crc
        self._within = False

    def has(self, event: bytes) -> bool:
        """Return whether the next event is left out."""
        kind = event[4]
        if kind in GTIDS:
            gtid = parse_gtid_event(event, has_crc=self._has_crc)
            self._within = self._gtids.contains(gtid.source, gtid.number)
        elif kind == EventType.ROTATE:
            self._within = False
        elif kind == EventType.FORMAT_DESCRIPTION:
            self._has_crc = has_checksums(event)
        return self._within and kind not in BEATS
