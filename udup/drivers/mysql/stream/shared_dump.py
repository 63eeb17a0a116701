"""One dump of a source's log for several jobs: a thread reads it once and hands the events on, to each job by a queue.

The events are the same objects for all. A member that does not take them keeps nobody waiting for long: the dump waits
for it once, for a moment, and then it is sent away, with a dump of its own from the very event behind the last that it
was handed (`point.py`). So memory is bounded by `MEMBER_BYTES` a member, and by half of that where all are as far.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from udup.base import logs, runtime
from udup.base.errors import Transient, UdupError, Unavailable
from udup.drivers.mysql.binlog.gtid import Gtid, GtidSet
from udup.drivers.mysql.client.errors import MySQLError
from udup.drivers.mysql.stream.member import Batch, Ended, Joining, Member, SentAway, definitions_in
from udup.drivers.mysql.stream.point import BEATS, Finding, Track
from udup.drivers.mysql.stream.replica import Replica

#: Bytes of events that are handed on together at most, and what one takes beside its bytes.
_BATCH_BYTES, _EVENT_BYTES = 128 << 10, 100

#: Bytes that may wait for a member; the dump waits until it has taken half of them, for so many seconds.
MEMBER_BYTES, PATIENCE_SECONDS = 4 << 20, 0.5

#: Bytes that are kept of what was handed on: so far may a job be behind that joins.
RECENT_BYTES = 2 << 20

#: Seconds for which transactions wait that hold nothing for a member: it is woken once for all of them.
IDLE_SECONDS = 0.05

#: Seconds between two looks at a member that is waited for; between two at the roster; without a member.
_LOOK_SECONDS, _CHECK_SECONDS, _EMPTY_SECONDS = 0.005, 10.0, 10.0


class Stream(Protocol):
    """A dump of the log (`BinlogStream`)."""

    server_uuid: str

    @property
    def has_more(self) -> bool: ...

    @property
    def session_number(self) -> int: ...

    def waits(self, seconds: float) -> bool:
        """Return whether nothing comes within this time."""
        ...

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None: ...


class Names(Protocol):
    """Holds the jobs' names at the source (`Roster`)."""

    def take(self, replica: Replica, number: int) -> bool: ...

    def give_back(self, replica: Replica) -> None: ...

    def check(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Recent:
    """What was handed on: the transactions that begin in it; and how the log was in front of it."""

    batch: Batch
    gtids: GtidSet
    has_crc: bool


def _all(recent: Sequence[_Recent]) -> GtidSet:
    found = GtidSet()
    for each in recent:
        found.update(each.gtids)
    return found


class SharedDump:
    """`run` reads, on a thread of its own; `join` and `leave` are for the jobs' threads."""

    def __init__(self, where: str, start_after: GtidSet, open_dump: Callable[[GtidSet], tuple[Stream, Names]]) -> None:
        self._where = where
        self._start_after = start_after
        self._open_dump = open_dump
        self._lock = runtime.Lock()
        self._track = Track(start_after)
        self._recent: deque[_Recent] = deque()
        self._recent_size = 0
        self._members: list[Member] = []
        self._stream: Stream | None = None
        self._names: Names | None = None
        self._empty_since = self._checked_at = runtime.now()
        self.error: Transient | None = None  # why it has ended

    # ---- On its own thread ----

    def run(self) -> None:
        """Read until the dump fails, is closed, or nobody is there."""
        why: Transient = Transient(f"the dump of {self._where} that several jobs share has ended")
        try:
            self._stream, self._names = self._open_dump(self._start_after)
            if not self._is_over():
                self._read(self._stream)
        except Unavailable as error:
            why = error
        except Exception as error:  # noqa: BLE001 - told to each job
            why = Transient(f"the dump of {self._where} that several jobs share has ended: {error}")
            logs.logger("extractor").warning("shared_dump_ended", source=self._where, why=str(error))
        finally:
            self._end(why)

    def _read(self, stream: Stream) -> None:
        events: list[bytes] = []
        size = 0
        for event in stream:
            events.append(event)
            size += len(event) + _EVENT_BYTES
            if size >= _BATCH_BYTES or not stream.has_more:
                self._wait_for_room()
                self._hand_on(Batch(events, size, definitions_in(events, has_crc=self._track.has_crc)))
                events, size = [], 0
                if self._is_over():
                    return
                self._let_go(stream)
                self._check_names()

    def _wait_for_room(self) -> None:
        """Wait for members that have much before them; those that do not take it are slow."""
        full = [each for each in list(self._members) if each.waiting >= MEMBER_BYTES and not each.is_slow]
        if not full:
            return
        end = runtime.now() + PATIENCE_SECONDS
        while full and runtime.now() < end and self.error is None:
            runtime.sleep(_LOOK_SECONDS)
            full = [each for each in full if each.waiting > MEMBER_BYTES // 2 and each in self._members]
        for each in full:
            each.is_slow = True

    def _hand_on(self, batch: Batch) -> None:
        is_beat = all(event[4] in BEATS for event in batch.events)
        with self._lock:
            self._note(batch)
            for member in list(self._members):
                if not is_beat or not member.waiting:
                    member.put(batch)
                if member.is_slow or member.is_stuck:
                    self._send_away(member)

    def _note(self, batch: Batch) -> None:
        """Follow what is handed on, and keep what was handed on last: a job that joins may be behind it."""
        has_crc, gtids = self._track.has_crc, GtidSet()
        for event in batch.events:
            gtid = self._track.note(event)
            if gtid is not None:
                gtids.add(gtid.source, gtid.number)
        self._recent.append(_Recent(batch, gtids, has_crc))
        self._recent_size += batch.size
        while self._recent_size > RECENT_BYTES:
            self._recent_size -= self._recent.popleft().batch.size

    def _let_go(self, stream: Stream) -> None:
        """Hand on what has waited long enough, or where nothing more comes that it could wait for."""
        since = min((each.idle_since for each in list(self._members) if each.idle_since), default=0.0)
        if not since:
            return
        left = since + IDLE_SECONDS - runtime.now()
        if left <= 0 or stream.waits(left):
            with self._lock:
                for member in self._members:
                    member.let_go()

    def _send_away(self, member: Member) -> None:
        """Have a slow member carry on by itself, unless there is no point here to carry on from: then soon."""
        member.is_slow = True
        point = self._track.point()
        if point is not None:
            self._remove(member)
            member.away(point)
            member.tell(SentAway(point))

    def _check_names(self) -> None:
        """Look at times whether the session is there by which this dump is found and ended."""
        if runtime.now() - self._checked_at > _CHECK_SECONDS and self._names is not None:
            self._names.check()
            self._checked_at = runtime.now()

    def _is_over(self) -> bool:
        with self._lock:
            if self._members:
                self._empty_since = runtime.now()
            return self.error is not None or runtime.now() - self._empty_since > _EMPTY_SECONDS

    def _end(self, why: Transient) -> None:
        with self._lock:
            self.error = self.error or why
            members, self._members = self._members, []
        for member in members:
            member.tell(Ended(why))
        for each in (self._stream, self._names):
            if each is not None:
                each.close()

    # ---- On the jobs' threads ----

    def join(self, job: Joining) -> Member | None:
        """Return a member that goes on behind the point of a job's own dump; None while that cannot be proven.

        The job's last transaction must be still to come here, or be in what was handed on last, which it gets then; and
        all that this dump has left out or sent before must have passed by the job as well. There the log is compared.
        What the source would leave out for the job, since that goes on after `start_after`, is left out for it.
        """
        point = job.point
        with self._lock:
            stream, track = self._stream, self._track
            if stream is None or self.error is not None or stream.server_uuid != job.server_uuid:
                return None
            if job.start_after.contains(point.gtid.source, point.gtid.number):
                return None  # it comes again after a change of dumps, and its rest is to be left out: soon
            passed, recent = track.passed, []
            if passed.contains(point.gtid.source, point.gtid.number):
                recent = self._since(point.gtid)
                passed = passed - _all(recent)
            if not passed <= point.passed or passed.contains(point.gtid.source, point.gtid.number):
                return None
            has_crc = recent[0].has_crc if recent else track.has_crc
            member = Member(
                job, Finding(point, self._where, has_crc=has_crc), job.start_after - passed, has_crc=has_crc
            )
            for each in recent:
                member.put(each.batch)
            self._members.append(member)
            return member

    def _since(self, gtid: Gtid) -> list[_Recent]:
        """Return what was handed on from where this transaction begins, none if that is long ago."""
        recent = list(self._recent)
        for at in reversed(range(len(recent))):
            if recent[at].gtids.contains(gtid.source, gtid.number):
                return recent[at:]
        return []

    def take_name(self, member: Member, number: int) -> bool:
        """End the job's own dump, the session of this number, and stand in for it at the source."""
        assert self._names is not None, "joined"
        return self._names.take(member.replica, number)

    def leave(self, member: Member) -> None:
        """Hand nothing more to a member, and give its name back."""
        with self._lock:
            if member in self._members:
                self._remove(member)
        self.release(member.replica)

    def release(self, replica: Replica) -> None:
        """Give a job's name back."""
        names = self._names
        if names is not None:
            # A session that is gone holds no names.
            with suppress(MySQLError, UdupError, OSError, AttributeError):
                names.give_back(replica)

    def _remove(self, member: Member) -> None:
        self._members.remove(member)
        self._empty_since = runtime.now()

    def close(self) -> None:
        """End it: a read under way fails."""
        with self._lock:
            self.error = self.error or Transient(f"the dump of {self._where} was closed")
            stream = self._stream
        if stream is not None:
            stream.close()
