"""Detects a source whose GTIDs or binlog were reset while it is followed.

A set of executed transactions never becomes less, unless somebody resets it. A dump that is under way does not always
end when that happens: it may wait for ever at the end of a file that is no more, and the job would look idle and caught
up. So what the source says it has executed is compared with all that it has said before in this run, as far as this job
has read it, and with what the log has brought.

Only answers of one server are compared: another one behind the same address may be behind it, and has lost nothing.
"""

from __future__ import annotations

from udup.base import runtime
from udup.base.causes import Cause, reason
from udup.base.errors import Transient, Unsupported
from udup.base.remedies import COMPARE_AND_COPY
from udup.pipeline.ports import Position

#: Characters of a position that an error shows.
_SHOWN = 200

#: Seconds in which a source counts what it has sent. One that waits for a semi-synchronous replica may take longer: it
#: is asked whether it does.
COUNT_SECONDS = 15.0


class ResetGuard:
    """`check` is called with each answer of the server `server_uuid`, from its first in the run on."""

    def __init__(self, server_uuid: str = "") -> None:
        self.server_uuid = server_uuid
        self._said: Position | None = None
        self._missing: Position | None = None  # of other servers: the source need not have them
        self._uncounted: Position | None = None
        self._since = 0.0

    def check(self, executed: Position, read: Position | None) -> Position | None:
        """Raise `Unsupported` if the source has forgotten transactions; return those that it may have forgotten.

        `executed`: what the source says now, which nobody changes any more; `read`: what the job has read up to now,
        None before it reads the log. What is returned was sent by the source, and not executed for long.
        """
        forgotten = None if self._said is None else self._said - executed
        if forgotten and self._said is not None:
            self._said = self._said.copy()
            self._said.update(executed)
        else:
            self._said = executed  # all that was said before is in it
        if read is None:
            return None
        if forgotten and (forgotten := _both(forgotten, read)):
            raise Unsupported(
                f"the source has no longer executed {_shown(forgotten)}, which this"
                " job has read from it: its binary logs and GTIDs were reset, or an older backup was restored; what it"
                f" writes now does not follow on what the target has. {COMPARE_AND_COPY}"
            ).because(reason(Cause.SOURCE_RESET, {"gtids": _shown(forgotten)}))
        return self._overdue(read - executed)

    def _overdue(self, uncounted: Position) -> Position | None:
        """Return what the source has sent and not executed for long.

        A transaction may be read before it is said to be executed. One that was read and executed since the source was
        asked last, and forgotten before it is asked again, is never said to be.
        """
        if self._missing is None:
            self._missing = uncounted
        uncounted = uncounted - self._missing
        still = None if self._uncounted is None else _both(self._uncounted, uncounted)
        if not still:
            self._uncounted, self._since = uncounted, runtime.now()
            return None
        self._uncounted = still
        return still if runtime.now() - self._since > COUNT_SECONDS else None

    @property
    def waits_for_nothing(self) -> bool:
        """Return whether the source has counted all that it has sent: the same answer would change nothing."""
        return not self._uncounted

    def wait_longer(self) -> None:
        """Give the source as much time once more: it has a reason."""
        self._since = runtime.now()


def not_counted(overdue: Position) -> Transient:
    """Return the error of a source that has sent these and has not executed them, and says no reason."""
    return Transient(
        f"the source has sent {_shown(overdue)} and has not executed it for {COUNT_SECONDS:.0f} s: another run asks it"
        " again what it has executed"
    )


def _both(one: Position, other: Position) -> Position:
    return one - (one - other)


def _shown(position: Position) -> str:
    text = str(position)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + " …"
