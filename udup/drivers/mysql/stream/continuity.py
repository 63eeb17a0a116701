"""Checks that the source's log is the one that this job has read so far, before it is followed.

The checkpoint keeps with its GTID set when the last transaction of each origin was committed there first. Of the
newest, and of the last of the source's own, the GTID event is read from the source's log and compared. They differ when
the source's GTIDs were reset and it has executed as many as before since: then what it holds does not follow on what
the target has. After a failover to another server of the same replicas they are equal, whatever server it is.

A transaction that the source has purged from its log cannot be looked at; the caller is told so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from udup.base import runtime
from udup.base.causes import Cause, reason
from udup.base.endpoint import Endpoint
from udup.base.errors import Refused, Unsupported
from udup.base.remedies import PURGE_AND_COPY
from udup.drivers.mysql.binlog.event import EventType, has_checksums
from udup.drivers.mysql.binlog.gtid import Gtid, GtidSet, parse_gtid_event
from udup.drivers.mysql.client.asking import Asking, asked
from udup.drivers.mysql.client.log_state import read_executed_by, read_log_state
from udup.drivers.mysql.mariadb.places import resume_places
from udup.drivers.mysql.stream.stream import BinlogStream
from udup.pipeline.stamps import Stamp, Stamps

#: Seconds to find the newest transaction that is known; the job's own dump has to read as far.
_READ_SECONDS = 120.0

#: Seconds to find the last of the source's own, which may be far back in the log, and is left then.
LOOK_SECONDS = 5.0

#: Domains of a MariaDB source of which the last transaction is looked for, where none is known yet.
_DOMAINS = 4

#: A transaction by its origin and number.
_Name = tuple[str, int]

_GTID_EVENTS = (EventType.GTID, EventType.GTID_TAGGED)


@dataclass(frozen=True)
class Continuity:
    """`seen` are the transactions that were looked at; `doubt` says what could not be, empty if all could."""

    server_uuid: str
    seen: Stamps
    doubt: str = ""


def check_continuity(
    endpoint: Endpoint,
    server_id: int,
    replica_uuid: str,
    start_after: GtidSet,
    stamps: Stamps,
    opened: Callable[[BinlogStream], None] = lambda stream: None,
    asking: Asking | None = None,
) -> Continuity:
    """Raise `Unsupported` if the source's log is another one than the job has read up to `start_after`.

    `opened` is given the stream that is read, so that another thread can end it.
    """
    log = GtidEvents(endpoint, server_id, replica_uuid, opened, asking)
    uuid = log.server_uuid
    known = {(stamp.source, stamp.number): stamp for stamp in stamps.within(start_after)}
    newest = list(known)[:1]
    found = log.read(newest)
    own = [each for each in _own(uuid.lower(), start_after, list(known)) if each not in newest]
    found += log.read(own, LOOK_SECONDS)
    for gtid in found:
        stamp = known.get((gtid.source, gtid.number))
        if stamp is not None and gtid.original_us and stamp.committed_us != gtid.original_us:
            raise Unsupported(_another_log(endpoint, stamp, gtid)).because(
                reason(Cause.SOURCE_RESET, {"server": endpoint, "gtids": stamp.gtid})
            )
    doubt = _doubt(endpoint) if known and not any((gtid.source, gtid.number) in known for gtid in found) else ""
    return Continuity(uuid, Stamps(Stamp(gtid.source, gtid.number, gtid.original_us) for gtid in found), doubt)


class GtidEvents:
    """GTID events out of a source's log, as far as it has them now. `opened` as in `check_continuity`."""

    def __init__(
        self,
        endpoint: Endpoint,
        server_id: int,
        replica_uuid: str,
        opened: Callable[[BinlogStream], None],
        asking: Asking | None = None,
    ) -> None:
        self._endpoint, self._server_id, self._replica_uuid, self._opened = endpoint, server_id, replica_uuid, opened
        with asked(endpoint, asking) as connection:
            self.server_uuid = read_executed_by(connection)[1]
            self._executed, self._purged = map(GtidSet.parse, read_log_state(connection))

    def read(self, wanted: list[_Name], seconds: float = _READ_SECONDS) -> list[Gtid]:
        """Return those of these transactions that come within this time."""
        there = {each for each in wanted if self._executed.contains(*each) and not self._purged.contains(*each)}
        if not there:
            return []
        only = GtidSet()
        for each in there:
            only.add(*each)
        stream = BinlogStream(self._endpoint, self._server_id, self._executed - only, self._replica_uuid)
        self._opened(stream)
        return _read(stream, there, seconds)


def _own(uuid: str, start_after: GtidSet, known: list[_Name]) -> list[_Name]:
    """Return of the source's own transactions the last that is known, else the last that was executed."""
    kept = [each for each in known if each[0].partition(":")[0] == uuid]
    if found := resume_places(start_after)[:_DOMAINS]:
        return [(f"{place.domain}-{place.server}", place.number) for place in found if not known]
    return kept[:1] or [(source, ranges[-1][1] - 1) for source, ranges in start_after.items() if source == uuid]


def _read(stream: BinlogStream, missing: set[_Name], seconds: float) -> list[Gtid]:
    """Return their GTID events: the source sends these transactions alone, and what is committed meanwhile.

    What does not come in this time is left out: it is far back in the log.
    """
    found: list[Gtid] = []
    end, has_crc = runtime.now() + seconds, True
    try:
        for event in stream:
            if event[4] == EventType.FORMAT_DESCRIPTION:
                has_crc = has_checksums(event)
            elif event[4] in _GTID_EVENTS:
                gtid = parse_gtid_event(event, has_crc=has_crc)
                if (gtid.source, gtid.number) in missing:
                    found.append(gtid)
                    missing.discard((gtid.source, gtid.number))
            if not missing or runtime.now() > end:
                break
    except (Refused, Unsupported):  # purged in this moment; if the job needs it, its own dump says so
        return found
    finally:
        stream.close()
    return found


def _another_log(endpoint: Endpoint, stamp: Stamp, gtid: Gtid) -> str:
    return (
        f"{stamp.gtid}, which the target has, was committed at {time_text(stamp.committed_us)}, and in the log of"
        f" {endpoint} it is a transaction of {time_text(gtid.original_us)}: the source's binary logs and GTIDs were"
        " reset, or it is another server; what it writes does not follow on what the target has, and nothing of it was"
        f" applied. {PURGE_AND_COPY}"
    )


def _doubt(endpoint: Endpoint) -> str:
    return (
        f"the source {endpoint} has purged the last transactions that the target has from its binary log, so their"
        " times cannot be compared: by the GTIDs the job goes on where it stood, which is right unless"
        " RESET BINARY LOGS AND GTIDS was run on the source meanwhile; then make a new copy"
    )


def time_text(us: int) -> str:
    """Return a time as messages say it."""
    return datetime.fromtimestamp(us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
