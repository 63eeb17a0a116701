"""Which dumps the jobs of this process share. Nothing is shared unless `SHARING.turn_on` was called.

A source has one shared dump in a process, while two jobs or more read it there by the same account and TLS settings.
"""

from __future__ import annotations

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.stream.member import Joining, Member
from udup.drivers.mysql.stream.replica import Replica
from udup.drivers.mysql.stream.roster import Roster
from udup.drivers.mysql.stream.shared_dump import SharedDump
from udup.drivers.mysql.stream.stream import BinlogStream

#: Seconds after a shared dump has ended, or could not be opened, until another one is tried.
AGAIN_SECONDS = 30.0


class SharedSource:
    """The jobs of this process that read one source, and the dump that they share."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._lock = runtime.Lock()
        self._jobs: list[Replica] = []
        self._dump: SharedDump | None = None
        self._not_before = 0.0

    def enter(self, replica: Replica) -> None:
        """Note that a job reads this source."""
        with self._lock:
            self._jobs.append(replica)

    def leave(self, replica: Replica) -> None:
        """Note that a job reads it no longer."""
        with self._lock:
            self._jobs.remove(replica)

    def join(self, job: Joining) -> tuple[SharedDump, Member] | None:
        """Return the shared dump and the job as its member, None while it cannot be one; have a dump opened at need."""
        with self._lock:
            dump = self._dump
            if dump is not None and dump.error is not None:
                self._dump, dump, self._not_before = None, None, runtime.now() + AGAIN_SECONDS
            if dump is None:
                if len(self._jobs) > 1 and runtime.now() >= self._not_before:
                    self._dump = SharedDump(str(self.endpoint), job.point.before, self._open)
                    runtime.Thread(target=self._dump.run, name="shared-dump", daemon=True).start()
                return None
        member = dump.join(job)
        return None if member is None else (dump, member)

    def _open(self, start_after: GtidSet) -> tuple[BinlogStream, Roster]:
        roster = Roster(self.endpoint)
        try:
            replica = roster.replica
            stream = BinlogStream(self.endpoint, replica.server_id, start_after, replica.uuid)
            try:
                roster.check_dump(stream.server_uuid, stream.session_number)
            except BaseException:
                stream.close()
                raise
        except BaseException:
            roster.close()
            raise
        return stream, roster

    def release(self, replica: Replica) -> None:
        """Give back the name of a job that is about to read by itself, should an earlier run not have done so."""
        with self._lock:
            dump = self._dump
        if dump is not None:
            dump.release(replica)


class Sharing:
    """By source. Off as it is made."""

    def __init__(self) -> None:
        self.is_on = False
        self._lock = runtime.Lock()
        self._sources: dict[Endpoint, SharedSource] = {}

    def turn_on(self) -> None:
        self.is_on = True

    def of(self, endpoint: Endpoint) -> SharedSource | None:
        """Return what the jobs of a source share, None where nothing is to be shared."""
        if not self.is_on:
            return None
        with self._lock:
            return self._sources.setdefault(endpoint, SharedSource(endpoint))


SHARING = Sharing()
