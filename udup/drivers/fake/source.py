"""A fake server as a source."""

from __future__ import annotations

from udup.base.errors import Fault, Refused, Side
from udup.drivers.fake.position import FakePosition
from udup.drivers.fake.reading import FakeLog
from udup.drivers.fake.server import FakeInfo, FakeServer
from udup.drivers.fake.snapshot import FakeCopy
from udup.drivers.fake.snapshot_reading import FakeReading
from udup.pipeline.ownership import Feed
from udup.pipeline.ports import (
    Beginning,
    ClockAnswer,
    CopyResume,
    LogPlan,
    ReadingPlan,
    Scope,
    SnapshotReading,
    SourceCopy,
    SourceLook,
    StartPoint,
)
from udup.pipeline.records import Tables
from udup.pipeline.waits import WaitKind, Waits


class FakeClock:
    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self._connection = server.connect("", "clock", "Source.open_clock")

    def read(self) -> ClockAnswer:
        with self._server.call("SourceClock.read", self._connection):
            log, settings = self._server.log, self._server.settings
            if settings.answered_by is not None:
                return ClockAnswer(log.now_us(), *settings.answered_by)
            executed = log.executed - FakePosition.parse(settings.unacknowledged)
            return ClockAnswer(log.now_us(), str(executed), self._server.uuid)

    def awaits_acknowledgement(self) -> bool:
        with self._server.call("SourceClock.awaits_acknowledgement", self._connection):
            return bool(self._server.settings.unacknowledged) and self._server.settings.waits_for_replica

    def check_kept(self, position: str) -> None:
        with self._server.call("SourceClock.check_kept", self._connection):
            if lost := self._server.log.purged - FakePosition.parse(position):
                fault = Fault(self._server.name, f"has purged {lost}, which the copy needs", "keep the log longer")
                raise Refused([fault])

    def close(self) -> None:
        self._server.end(self._connection)


class FakeSource:
    def __init__(self, server: FakeServer) -> None:
        self._server = server

    @property
    def where(self) -> str:
        return self._server.name

    def position(self, text: str) -> FakePosition:
        return FakePosition.parse(text)

    def look(self, scope: Scope) -> SourceLook:
        server = self._server
        with server.visit("look", "Source.look"):
            feeds = [
                Feed(claim, scope.selection.renamed_table(*name))
                for name, claim in server.claims.items()
                if scope.selection.wants(*name)
            ]
            return SourceLook(FakeInfo(server.name, server.uuid), tuple(server.settings.faults), tuple(feeds))

    def executed(self) -> FakePosition:
        with self._server.visit("executed", "Source.executed"):
            return self._server.log.executed.copy()

    def find_start(self, point: StartPoint) -> Beginning:
        """Entries of the log stand for offsets of its one file, `log`."""
        server = self._server
        with server.visit("start", "Source.find_start"):
            entries, awaited = [each.id for each in server.log.entries], False
            if point.gtid:
                names = [each.gtid for each in entries]
                awaited = point.gtid not in names
                if awaited and not self._is_next(point.gtid):
                    raise self._refused(f"has never executed {point.gtid}")
                place = len(names) if awaited else names.index(point.gtid)
            elif point.file:
                if point.file != "log" or point.offset > len(entries):
                    raise self._refused(f"has nothing {point}")
                place = point.offset
            else:
                place = len(entries)
            before = FakePosition((each.source, each.number) for each in entries[:place])
            if lost := server.log.purged - before:
                raise self._refused(f"has purged {lost}")
            return Beginning(str(before), server.uuid, awaited)

    def _is_next(self, gtid: str) -> bool:
        """Return whether it is the next transaction of a server whose log this is."""
        source, _, number = gtid.rpartition(":")
        last = max((each.id.number for each in self._server.log.entries if each.id.source == source), default=0)
        return number == str(last + 1) and (last > 0 or source == self._server.uuid)

    def _refused(self, problem: str) -> Refused:
        return Refused([Fault(f"Src {self._server.name}", problem)])

    def open_clock(self) -> FakeClock:
        return FakeClock(self._server)

    def tables(self, scope: Scope, copied: SourceCopy | None, *, tells: bool = False) -> Tables:
        server, wants = self._server, scope.selection.wants
        if isinstance(copied, FakeCopy):
            names = copied.tables
        else:
            with server.visit("tables", "Source.tables"):
                names = [name for name in sorted(server.tables) if wants(*name)]
        listed = [(*name, *scope.selection.renamed_table(*name)) for name in names]
        return Tables(server.uuid, server.name, listed, copied is not None)

    def open_copy(
        self,
        scope: Scope,
        *,
        readers: int,
        chunk_rows: int | None,
        waits: Waits | None = None,
        resumes: CopyResume | None = None,
    ) -> FakeCopy:
        with (waits or Waits(Side.SOURCE)).on(WaitKind.STATEMENT, statement="opening the snapshot"):
            return FakeCopy(self._server, scope, chunk_rows, resumes)

    def open_reading(
        self, scope: Scope, plan: ReadingPlan, *, readers: int, waits: Waits | None = None
    ) -> SnapshotReading:
        with (waits or Waits(Side.SOURCE)).on(WaitKind.STATEMENT, statement="opening the snapshot"):
            return FakeReading(self._server, scope, plan)

    def open_log(self, plan: LogPlan) -> FakeLog:
        return FakeLog(self._server, plan)
