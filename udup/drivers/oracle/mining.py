"""LogMiner at work: windows of SCNs, each with all its logs, until the present.

The session is in the root container; rows of the job's container are chosen by SRC_CON_NAME. Before each reading a
commit of Udup's own has LGWR write what it holds; the window ends with the SCN that was current before it. A window is
read whole or not at all, so a change and its COMMIT at one SCN are never apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from udup.base import runtime
from udup.base.errors import Refused, Transient, UdupError, Unavailable, Unsupported
from udup.base.remedies import COPY_AGAIN
from udup.drivers.oracle import statements
from udup.drivers.oracle.clock import SourceTime, source_time
from udup.drivers.oracle.logminer.rows import LogRow, row_of
from udup.drivers.oracle.logs import LogFile, NotArchived, log_of, needed_logs
from udup.drivers.oracle.remedies import REPORT
from udup.drivers.oracle.session import OpenClient, Place, Session, connect

#: SCNs of a window to begin with, and rows of one above which the next is smaller, below which it is larger.
WINDOW_SCNS, ROWS_MANY, ROWS_FEW = 20_000, 50_000, 5_000

#: Seconds for which a log may be neither current nor archived.
ARCHIVE_SECONDS = 120.0


@dataclass(frozen=True)
class Window:
    """All rows behind the window before up to `to`; `is_last`: nothing more was there. `time` is the source's.

    The rows are to be read to their end before the next window is asked for.
    """

    to: int
    rows: Iterator[LogRow]
    is_last: bool
    time: SourceTime


class Miner:
    """`next_window` after `next_window`, on one thread; `close` from any."""

    def __init__(self, open_client: OpenClient, place: Place, after: int, owners: tuple[str, ...] = ()) -> None:
        """`owners`: schemas whose rows are wanted, () for all."""
        self._open_client = open_client
        self._place = place
        self._session = connect(open_client, place)
        self._after = after
        self._size = WINDOW_SCNS
        self._added: list[LogFile] = []
        self._waits_since: float | None = None
        self._contents, self._binds = statements.contents(owners, of_container=bool(place.pdb))
        if place.pdb:
            self._binds["pdb"] = place.pdb
        self._destination = self._archive_destination()
        self.log = ""

    @property
    def after(self) -> int:
        """Return the SCN behind which the next window begins."""
        return self._after

    def _archive_destination(self) -> str:
        found = self._session.query(statements.ARCHIVE_DESTINATION)
        if not found:
            raise Unavailable(f"the source {self._place} has no local archive destination that is valid now")
        return str(found[0][0])

    def next_window(self) -> Window | None:
        """Return the rows that come next; None if nothing has happened, or a log is about to be archived.

        Raise `Unsupported` where redo is gone.
        """
        time = source_time(self._session)
        if time.scn <= self._after:
            return None
        write_out(self._session, time.scn)
        to = min(time.scn, self._after + self._size)
        try:
            logs = needed_logs(map(log_of, self._listed()), self._after)
        except NotArchived as reason:
            self._wait_for(str(reason))
            return None
        self._waits_since = None
        return Window(to, self._read(logs, to), to == time.scn, time)

    def _listed(self) -> Iterator[tuple[object, ...]]:
        return self._session.rows(statements.LOGS, scn=self._after, dest=self._destination)

    def _wait_for(self, reason: str) -> None:
        if self._waits_since is None:
            self._waits_since = runtime.now()
        if runtime.now() - self._waits_since > ARCHIVE_SECONDS:
            raise Unavailable(f"the source {self._place}: {reason}, for {ARCHIVE_SECONDS:.0f} s by now")

    def _read(self, logs: list[LogFile], to: int) -> Iterator[LogRow]:
        self._add(logs)
        self._session.run(statements.START_LOGMNR, first=self._after, last=to)
        count = 0
        binds: dict[str, Any] = {"first": self._after, "last": to, **self._binds}
        for values in self._session.rows(self._contents, **binds):
            row = row_of(values)
            if not self._after < row.scn <= to:
                raise Unsupported(
                    f"LogMiner has shown SCN {row.scn} where {self._after} to {to} was asked for; {REPORT}"
                )
            count += 1
            yield row
        was_cut = to - self._after == self._size
        self._after = to
        self._adapt(count, was_cut=was_cut)

    def _add(self, logs: list[LogFile]) -> None:
        """Have LogMiner know these files: a session that has others is ended."""
        if logs == self._added:
            return
        if self._added:
            self._end()
        for each in logs:
            self._session.run(statements.ADD_LOGFILE, name=each.name)
        self._added = logs
        self.log = logs[-1].name

    def _end(self) -> None:
        self._added = []
        with suppress(Transient):  # ORA-01307: it has ended already
            self._session.run(statements.END_LOGMNR)

    def _adapt(self, rows: int, *, was_cut: bool) -> None:
        """Have the next window hold a fitting number of rows; SCNs may jump by any number where nothing happens.

        A window that reached the present says nothing of how large one may be.
        """
        if rows > ROWS_MANY:
            self._size = max(self._size // 2, WINDOW_SCNS // 10)
        elif rows < ROWS_FEW and was_cut:
            self._size *= 4

    def close(self) -> None:
        """End the session, and with it LogMiner and whatever it does."""
        self._session.abandon()


def write_out(session: Session, scn: int) -> None:
    """Have the log written up to an SCN at least: then it comes again behind no crash."""
    session.run(statements.FLUSH, scn=scn)
    session.commit()


def check_not_behind(session: Session, scn: int) -> int:
    """Return the source's SCN; raise `Unsupported` if it has not come to one at which it was once."""
    if (now := source_time(session).scn) < scn:
        raise Unsupported(
            f"the source {session.place} is at SCN {now}, and the job has what was committed at {scn}: it was set back,"
            f" as by a copy of its disks. {COPY_AGAIN}"
        )
    return now


def prepare_flush(session: Session) -> None:
    """Make the table of the account's own whose commits have the log written; raise `Refused` if it may not.

    Its row is made if it is not there, whoever made the table: without one, no commit would have anything to write.
    """
    try:
        if not session.one(statements.FLUSH_TABLES)[0]:
            session.run(statements.MAKE_FLUSH_TABLE)
        session.run(statements.FILL_FLUSH_TABLE)
        session.commit()
    except Refused:
        raise
    except UdupError as error:
        raise error.beginning(f"making {statements.FLUSH_TABLE}: ") from error
