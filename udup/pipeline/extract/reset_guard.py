"""Detects a source whose GTIDs or binlog were reset while it is followed.

A set of executed transactions never becomes less, unless somebody resets it. A dump that is under way does not always
end when that happens: it may wait for ever at the end of a file that is no more, and the job would look idle and caught
up. So what the source says it has executed is compared with all that it has said before in this run, as far as this job
has read it, and with what the log has brought.
"""

from __future__ import annotations

from udup.base import runtime
from udup.base.errors import Transient, Unsupported
from udup.pipeline.ports import Position

#: Characters of a position that an error shows.
_SHOWN = 200

#: Seconds in which a source counts what it has sent. One that waits for a semi-synchronous replica may take longer:
#: the next run asks it why.
COUNT_SECONDS = 15.0


class ResetGuard:
    """`check` is called with each answer of the source, from the run's first on."""

    def __init__(self) -> None:
        self._said: Position | None = None
        self._missing: Position | None = None  # of other servers: the source need not have them
        self._uncounted: Position | None = None
        self._since = 0.0

    def check(self, executed: Position, read: Position | None) -> None:
        """Raise `Unsupported` if the source has forgotten transactions, `Transient` if it may have.

        `executed`: what the source says now; `read`: what the job has read up to now, None before it reads the log.
        """
        said, self._said = self._said, executed.copy()
        if said is not None:
            self._said.update(said)
        if read is None:
            return
        forgotten = None if said is None else said - executed
        if forgotten and (forgotten := _both(forgotten, read)):
            raise Unsupported(
                f"the source has no longer executed {_shown(forgotten)}, which this"
                " job has read from it: its binary logs and GTIDs were reset, or an older backup was restored; what it"
                " writes now does not follow on what the target has. Compare both sides, then start the job again"
                " under another ID, with a new copy"
            )
        self._check_counted(read - executed)

    def _check_counted(self, uncounted: Position) -> None:
        """Raise `Transient` if the source has not executed for long what it has sent.

        A transaction may be read before it is said to be executed. One that was read and executed since the source was
        asked last, and forgotten before it is asked again, is never said to be.
        """
        if self._missing is None:
            self._missing = uncounted
        uncounted = uncounted - self._missing
        still = None if self._uncounted is None else _both(self._uncounted, uncounted)
        if not still:
            self._uncounted, self._since = uncounted, runtime.now()
        elif runtime.now() - self._since > COUNT_SECONDS:
            raise Transient(
                f"the source has sent {_shown(still)} and has not executed it for {COUNT_SECONDS:.0f} s: it is asked"
                " anew what it has executed"
            )
        else:
            self._uncounted = still


def _both(one: Position, other: Position) -> Position:
    return one - (one - other)


def _shown(position: Position) -> str:
    text = str(position)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + " …"
