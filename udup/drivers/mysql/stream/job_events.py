"""The events of one job's dump, which it reads by itself or shares with other jobs of its source in this process.

It begins with a dump of its own, and changes over when a shared one is proven to send from here on what its own would
(`SharedDump.join`). From that one it goes back to its own when it is too slow. Either way it carries on behind the very
event that came last, which is looked at in the other dump. Whoever iterates sees no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

from udup.base import logs, runtime
from udup.base.errors import Transient, UdupError, Unavailable
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.errors import MySQLError
from udup.drivers.mysql.stream.member import Batch, Ended, Joining, Member
from udup.drivers.mysql.stream.packets import QUIET_SECONDS, QUIETS, SILENCE_SECONDS
from udup.drivers.mysql.stream.point import Finding, LeftOut, Point, Track
from udup.drivers.mysql.stream.replica import Replica
from udup.drivers.mysql.stream.shared_dump import SharedDump, Stream
from udup.drivers.mysql.stream.sharing import SharedSource

#: Seconds between two tries to join, and after the job was too slow. One that always has more to read tries seldom.
TRY_SECONDS, SLOW_SECONDS, BUSY_SECONDS = 0.5, 30.0, 1.0

#: Seconds for which a shared dump may take to come to where the job's own was.
FIND_SECONDS = 10.0


class JobEvents:
    """As a `BinlogStream`: iterate on one thread, `close` from any."""

    def __init__(
        self,
        source: SharedSource,
        replica: Replica,
        own: Stream,
        start_after: GtidSet,
        reopen: Callable[[GtidSet], Stream],
        silent: Callable[[float], None] = lambda _: None,
    ) -> None:
        """`own`: the job's dump after `start_after`; `reopen` opens one like it."""
        self.server_uuid = own.server_uuid
        self._source, self._replica, self._reopen, self._silent = source, replica, reopen, silent
        self._start_after = start_after
        #: Definitions of tables that hold nothing for the job, as whoever iterates has found.
        self.unwanted: set[bytes] = set()
        self._own: Stream | None = own
        self._track = Track(start_after)
        self._finding: Finding | None = None
        self._left_out: LeftOut | None = None
        self._shared: tuple[SharedDump, Member] | None = None
        self._point: Point | None = None  # where the job's own dump was when it joined
        self._more = False
        self._next_try = runtime.now() + TRY_SECONDS
        self._lock = runtime.Lock()
        self._closed = self._over = False
        self._opened: runtime.SimpleQueue[Stream | Exception] = runtime.SimpleQueue()

    def close(self) -> None:
        """End it; a read under way fails."""
        with self._lock:
            self._closed = True
            if self._own is not None:
                self._own.close()
            if self._shared is not None:
                self._shared[1].wake()

    @property
    def has_more(self) -> bool:
        """Return whether another event has arrived already."""
        if self._shared is not None:
            return self._more or self._shared[1].has_more
        return self._own is not None and self._own.has_more

    def __iter__(self) -> Iterator[bytes]:
        self._source.enter(self._replica)
        try:
            while True:
                yield from self._from_own()
                yield from self._from_shared()
        finally:
            self._source.leave(self._replica)
            self._leave()

    # ---- By its own dump ----

    def _from_own(self) -> Iterator[bytes]:
        """Yield the events of the job's own dump until it has joined a shared one."""
        own, track = self._own, self._track
        assert own is not None, "reads by itself"
        for event in own:
            track.note(event)
            if self._is_new(event):
                yield event
            if runtime.now() >= self._next_try and (self._finding is None) and self._join(own, track):
                return
        raise Transient(f"the dump of {self._source.endpoint} has ended")

    def _is_new(self, event: bytes) -> bool:
        """Return whether an event is the job's, and did not come before it has changed over."""
        left_out = self._left_out is not None and self._left_out.has(event)
        if self._finding is None:
            return not left_out
        self._finding.feed(event)
        if self._finding.found:
            self._finding = None
        return False

    def _join(self, own: Stream, track: Track) -> bool:
        if own.has_more and runtime.now() < self._next_try + BUSY_SECONDS:
            return False
        self._next_try = runtime.now() + TRY_SECONDS
        point = track.point()
        if point is None or not own.session_number:
            return False
        with self._lock:
            job = Joining(self._replica, point, self._start_after, self.server_uuid, self._away, self.unwanted)
            joined = self._source.join(job)
            if joined is None:
                return False
            self._own, self._shared, self._point = None, joined, point
        dump, member = joined
        self._stand_in(dump, member, own)
        self._left_out = member.left_out
        self._finding = None if member.finding.found else member.finding
        logs.logger("extractor").info("dump_shared", source=str(self._source.endpoint), after=str(point.gtid))
        return True

    def _stand_in(self, dump: SharedDump, member: Member, own: Stream) -> None:
        """Have the source know the shared dump as the job's."""
        own.close()
        try:
            if dump.take_name(member, own.session_number):
                return
            why = "another run of the job reads there now"
        except (MySQLError, UdupError, OSError) as error:
            why = str(error)
        raise Transient(f"the job's own dump of {self._source.endpoint} was given up for a shared one: {why}")

    # ---- By a shared one ----

    def _from_shared(self) -> Iterator[bytes]:
        """Yield the events of the shared dump until the job is sent away; then have a dump of its own."""
        assert self._shared is not None and self._point is not None, "joined"
        (dump, member), joined_at = self._shared, runtime.now()
        quiets = 0
        while True:
            got = member.get(QUIET_SECONDS)
            if self._closed:
                raise Transient("the log was closed")
            if isinstance(got, Batch):
                quiets = 0
                last = len(got.events) - 1
                for index, event in enumerate(got.events):
                    if (self._finding is None and self._left_out is None) or self._is_new(event):
                        self._more = index < last
                        yield event
                self._more = False
                if self._finding is not None and runtime.now() - joined_at > FIND_SECONDS:
                    dump.leave(member)
                    self._go_back(self._point, self._reopen(self._point.before))
                    return
            elif isinstance(got, Ended):
                raise type(got.error)(str(got.error))
            elif got is None:
                quiets += 1
                self._look_at_silence(quiets)
            else:
                self._sent_away(got.point)
                return

    def _look_at_silence(self, quiets: int) -> None:
        """Do as the job's own dump does when nothing comes."""
        if quiets >= QUIETS:
            raise Unavailable(f"the source sent nothing, not even a heartbeat, for {SILENCE_SECONDS:.0f} s")
        self._silent(quiets * QUIET_SECONDS)

    # ---- Back to its own ----

    def _away(self, shared: Point) -> None:
        """Have a dump of the job's own at once, on the shared dump's thread: the source keeps the log from there on."""
        runtime.Thread(target=self._open_own, args=(shared,), name="own-dump", daemon=True).start()

    def _open_own(self, shared: Point) -> None:
        with self._lock:  # also while it joins
            assert self._shared is not None, "joined"
            dump, member = self._shared
            point = self._behind(shared)
        opened: Stream | Exception
        try:
            dump.leave(member)
            opened = self._reopen(point.before)
        except Exception as error:  # noqa: BLE001 - raised again by the job's thread
            opened = error
        with self._lock:
            if self._over and not isinstance(opened, Exception):
                opened.close()
            self._opened.put(opened)

    def _behind(self, shared: Point) -> Point:
        """Return where the job is, that has passed what its own dump and the shared one have."""
        assert self._point is not None, "joined"
        return replace(shared, passed=self._point.passed | shared.passed)

    def _sent_away(self, shared: Point) -> None:
        """Carry on by a dump of the job's own behind what the shared one has sent."""
        assert self._point is not None, "joined"
        opened = self._opened.get()
        if isinstance(opened, Exception):
            raise Transient(f"no dump of the job's own could be opened: {opened}") from opened
        if self._finding is not None:  # it had not come to where the job was
            opened.close()
            self._go_back(self._point, self._reopen(self._point.before))
            return
        self._go_back(self._behind(shared), opened)

    def _go_back(self, point: Point, own: Stream) -> None:
        """Carry on behind a point by a dump that sends its transaction again."""
        endpoint = self._source.endpoint
        if own.server_uuid != self.server_uuid:
            own.close()
            raise Transient(f"{endpoint} leads to several servers: {own.server_uuid} is not {self.server_uuid}")
        with self._lock:
            self._own, self._shared = own, None
            if self._closed:
                own.close()
        self._track = Track(point.before)
        self._finding = Finding(point, str(endpoint), has_crc=True)
        self._left_out = None
        if self._start_after.contains(point.gtid.source, point.gtid.number):
            self._left_out = LeftOut(self._start_after, has_crc=True)
        self._point = None
        self._next_try = runtime.now() + SLOW_SECONDS
        logs.logger("extractor").info("dump_not_shared", source=str(endpoint), after=str(point.gtid))

    def _leave(self) -> None:
        """Be in no shared dump, and have no dump of its own that nobody reads."""
        with self._lock:
            self._over = True
            shared = self._shared
        if shared is not None:
            shared[0].leave(shared[1])
        with suppress(runtime.Empty):
            opened = self._opened.get_nowait()
            if not isinstance(opened, Exception):
                opened.close()
