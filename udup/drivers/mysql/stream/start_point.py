"""Where a job begins that makes no copy: now, with a transaction, or at an offset of a file, as a GTID set.

The set is what comes before that place *in the source's log*: what the file's PREVIOUS_GTIDS says, and the GTIDs of the
transactions in front of the place. So nothing is left out between what the target has and what the job brings, also
where transactions of several servers are in the log. What the source has purged is in the set as well: it was in front
of all that the log still has, or never in it (a source that was made by CLONE or from a dump has executed transactions
that no file names).

A place is refused that a set cannot say exactly: within a transaction, behind changes without a GTID, and a transaction
in front of which the log has later ones of the same server.
"""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass

from udup.base.endpoint import Endpoint
from udup.base.errors import Fault, Refused
from udup.base.transaction_names import origin_and_number, transaction_name
from udup.drivers.mysql.binlog.gtid import Gtid, GtidSet, brief
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, error_code, query
from udup.drivers.mysql.client.log_state import read_executed_by, read_log_state
from udup.drivers.mysql.client.xa_recover import XA_RECOVER_DENIED, recover
from udup.drivers.mysql.stream.log_file import FIRST_EVENT, LogEvent, first_events, passed_in_log, read_file, set_before
from udup.pipeline.checks import SRC
from udup.pipeline.ports import Beginning, StartPoint

#: Seconds for each answer but the file itself.
_ANSWER_SECONDS = 20.0

_SHOW_FILES = "run SHOW BINARY LOGS on the source, which lists what it has, or copy: leave the start out"
_COPY = "copy: leave the start out of the document"
_WRITE_SET = "write the GTID set of what the target has into Gtid, in its place"

_NUMBERED = re.compile(r"(.*)\.(\d+)")


def find_start(endpoint: Endpoint, point: StartPoint) -> Beginning:
    """Return what comes before the place in the source's log, as it is now."""
    with closing(connect(endpoint, read_timeout=_ANSWER_SECONDS, answer_seconds=_ANSWER_SECONDS)) as connection:
        uuid, sets = read_executed_by(connection)[1], read_log_state(connection)
        source = _Source(endpoint, connection, uuid.lower(), *map(GtidSet.parse, sets))
        if point.gtid:
            found = source.before_transaction(point)
        elif point.file:
            found = source.before_offset(point)
        else:
            found = source.executed
        awaited = bool(point.gtid) and not source.has(point.gtid)
        if source.executed <= found:
            source.check_none_prepared(point)
    return Beginning(str(found), uuid, awaited)


@dataclass
class _Source:
    """A source that is asked, and what it had executed and purged when it was."""

    endpoint: Endpoint
    connection: Connection
    uuid: str
    executed: GtidSet
    purged: GtidSet

    def has(self, gtid: str) -> bool:
        """Return whether it has executed a transaction."""
        return self.executed.contains(*origin_and_number(gtid.lower()))

    def check_none_prepared(self, point: StartPoint) -> None:
        """Refuse to begin behind the first halves of XA transactions: at their COMMIT the job would stop for good.

        Told as far as the account may see them (XA_RECOVER_ADMIN), and of a start at the log's end.
        """
        try:
            xids = [str(each) for each in recover(self.connection)]
        except MySQLError as error:
            if error_code(error) != XA_RECOVER_DENIED:
                raise
            return
        if xids:
            key = "GtidStart" if point.gtid else "BinlogFile" if point.file else "AutoGtid"
            shown = f"{', '.join(xids[:3])}{', …' if len(xids) > 3 else ''}"
            problem = f"the source has prepared XA transactions ({shown}), whose changes stand in front of the start"
            raise self._refused(key, problem, "XA COMMIT or XA ROLLBACK them, and post the job again")

    # ---- A transaction ----

    def before_transaction(self, point: StartPoint) -> GtidSet:
        origin, number = origin_and_number(point.gtid.lower())
        if not self.executed.contains(origin, number):
            return self._before_next(point, origin, number)
        if self.purged.contains(origin, number):
            problem = f"the source has purged {point.gtid} from its log, which holds nothing of {brief(self.purged)}"
            raise self._refused("GtidStart", problem, _COPY)
        file = self._file_of(origin, number)
        before = _Before(self, file)
        with closing(read_file(self.endpoint, file)) as events:
            for event in events:
                if event.gtid is not None and (event.gtid.source, event.gtid.number) == (origin, number):
                    return self._in_order(point, before, origin, number)
                before.passed(event)
        problem = f"the source has executed {point.gtid}, and it is not in its log ({file})"
        raise self._refused("GtidStart", problem, _WRITE_SET)

    def _before_next(self, point: StartPoint, origin: str, number: int) -> GtidSet:
        """Return what is executed if the transaction is the next of its server's."""
        ranges = self.executed.ranges_of(origin)
        last = ranges[-1][1] - 1 if ranges else 0
        is_known = bool(ranges) or origin.partition(":")[0] == self.uuid
        if is_known and number == last + 1:
            return self.executed
        has = f"its last of that server is {transaction_name(origin, last)}" if last else "it has none of that server"
        remedy = "write AutoGtid to begin with what the source commits from now on, or a transaction that it has"
        raise self._refused("GtidStart", f"the source has not executed {point.gtid}: {has}", remedy)

    def _in_order(self, point: StartPoint, before: _Before, origin: str, number: int) -> GtidSet:
        later = GtidSet()
        for start, stop in before.in_log().ranges_of(origin):
            if stop > number:
                later.add_range(origin, max(start, number + 1), stop)
        if later:
            problem = f"the source's log has {brief(later)} in front of {point.gtid}: which the target has is not said"
            raise self._refused("GtidStart", problem, _WRITE_SET)
        return before.all()

    def _file_of(self, origin: str, number: int) -> str:
        """Return the last file before which the transaction is not: it holds it."""
        files = self._files()
        low, high = 0, len(files) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self._before_file(files[middle]).contains(origin, number):
                high = middle - 1
            else:
                low = middle
        return files[low]

    def _before_file(self, file: str) -> GtidSet:
        return set_before(first_events(self.connection, file))

    def _files(self) -> list[str]:
        """Return the log's files, the oldest first; there is always one."""
        return [str(name) for name, *_ in query(self.connection, "SHOW BINARY LOGS")]

    # ---- A file ----

    def before_offset(self, point: StartPoint) -> GtidSet:
        files = self._files()
        if point.file not in files:
            raise self._refused("BinlogFile", _no_file(point.file, files), _SHOW_FILES)
        before, last = _Before(self, point.file), FIRST_EVENT
        with closing(read_file(self.endpoint, point.file)) as events:
            for event in events:
                if before.reaches(event, point.offset):
                    return before.all()
                before.passed(event)
                last = event.end
        problem = f"the source's file {point.file} ends at {last} now, before {point.offset}"
        raise self._refused("BinlogPos", problem, f"write {last} to begin at its end, or an earlier offset")

    def _refused(self, key: str, problem: str, remedy: str) -> Refused:
        return Refused([Fault(f"Src {self.endpoint}: {key}", problem, remedy, SRC)])


class _Before:
    """What the events of a file are before, as they pass."""

    def __init__(self, source: _Source, file: str) -> None:
        self._source = source
        self._file = file
        self._before: GtidSet | None = None
        self._heads: list[int] = []  # where the events in front of the first transaction stand
        self._open: tuple[Gtid, int] | None = None  # a transaction that has begun, and where
        self._anonymous: int | None = None  # where the first change without a GTID stands
        self._ending: int | None = None  # where what ends the file stands

    def passed(self, event: LogEvent) -> None:
        """Take an event that is before the place."""
        if event.is_head:
            self._heads.append(event.start)
        if event.before is not None:
            self._before = event.before
        if event.is_anonymous and self._anonymous is None:
            self._anonymous = event.start
        if event.is_ending and self._ending is None:
            self._ending = event.start
        if event.gtid is not None or event.is_anonymous or event.is_ending:
            self._close()
        if event.gtid is not None:
            self._open = event.gtid, event.start

    def reaches(self, event: LogEvent, offset: int) -> bool:
        """Return whether an offset is in front of this event, which must be one that a job may begin at."""
        if event.is_head or (event.gtid is None and not event.is_anonymous and not event.is_ending):
            return False
        if offset == event.start and event.is_anonymous:
            self._anonymous = offset
        if offset == event.start or self.has_head(offset):
            return True
        if offset < event.start:
            raise self.within(offset, event.start)
        return False

    def has_head(self, offset: int) -> bool:
        """Return whether an event in front of the first transaction stands there."""
        return offset in self._heads

    def all(self) -> GtidSet:
        """Return everything that is before the place: what has passed, and what is in the log no more or never was."""
        found = self.in_log().copy()
        found.update(self._source.purged)  # asked for before the file was read: nothing behind the place is in it
        return found

    def in_log(self) -> GtidSet:
        """Return what the log says to be before the place."""
        self._close()
        if self._before is None:
            problem = f"the source's file {self._file} does not say which GTIDs were before it"
            raise self._refused("BinlogFile", problem, f"name a later file, or {_WRITE_SET}")
        if self._anonymous is not None:
            raise self._without_gtid(self._anonymous)
        return self._before

    def _without_gtid(self, offset: int) -> Refused:
        problem = (
            f"the source's file {self._file} has changes without a GTID (at {offset}), made while gtid_mode was not ON:"
            " no GTID set says whether the target has them"
        )
        return self._refused("BinlogFile", problem, f"begin behind them, in a later file, or {_COPY}")

    def _close(self) -> None:
        if self._open is not None and self._before is not None:
            passed_in_log(self._before, self._open[0].source, self._open[0].number)
        self._open = None

    def within(self, offset: int, end: int) -> Refused:
        """Return the refusal of an offset that is in the middle of what ends there."""
        if self._anonymous is not None:
            return self._without_gtid(self._anonymous)
        if self._ending is not None:
            problem = f"{offset} of {self._file} is behind its last transaction, and no event begins there"
            return self._refused("BinlogPos", problem, f"write {self._ending} to begin behind that transaction")
        if self._open is None:
            problem = f"{offset} is in front of the first transaction of {self._file} and no event begins there"
            return self._refused("BinlogPos", problem, f"write {FIRST_EVENT} to begin with the file")
        gtid, start = self._open
        problem = f"{offset} of {self._file} is in the middle of {gtid}, which stands from {start} to {end}"
        return self._refused("BinlogPos", problem, f"write {start} to begin with that transaction, {end} behind it")

    def _refused(self, key: str, problem: str, remedy: str) -> Refused:
        return self._source._refused(key, problem, remedy)


def _no_file(wanted: str, files: list[str]) -> str:
    """Return what a message says of a file that is not in the log."""
    kept = f"it has {files[0]} to {files[-1]}" if files else "it has none"
    ours, oldest = _NUMBERED.fullmatch(wanted), _NUMBERED.fullmatch(files[0]) if files else None
    if ours and oldest and ours[1] == oldest[1] and int(ours[2]) < int(oldest[2]):
        return f"the source has purged its file {wanted}: {kept}"
    return f"the source has no file {wanted!r} in its binary log: {kept}"
