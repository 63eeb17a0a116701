"""Detects a source whose GTIDs or binlog were reset while it is followed.

A set of executed transactions never becomes less, unless somebody resets it. A dump that is under way does not always
end when that happens: it may wait for ever at the end of a file that is no more, and the job would look idle and caught
up. So what the source says it has executed is compared with what it had executed before, as far as this job has read
it.
"""

from __future__ import annotations

from udup.base.errors import Unsupported
from udup.pipeline.ports import Position

#: Characters of a position that an error shows.
_SHOWN = 200


class ResetGuard:
    """Only what the source itself has confirmed counts: a transaction may be read before it is said to be executed."""

    def __init__(self) -> None:
        self._confirmed: Position | None = None

    def check(self, executed: Position, read: Position) -> None:
        """Raise `Unsupported` if the source has forgotten transactions.

        `executed`: what the source says now; `read`: what the job has read up to now.
        """
        forgotten = None if self._confirmed is None else self._confirmed - executed
        if forgotten:
            text = str(forgotten)
            raise Unsupported(
                f"the source has no longer executed {text if len(text) <= _SHOWN else text[:_SHOWN] + ' …'}, which this"
                " job has read from it: its binary logs and GTIDs were reset, or an older backup was restored; what it"
                " writes now does not follow on what the target has. Compare both sides, then start the job again"
                " under another ID, with a new copy"
            )
        self._confirmed = read - (read - executed)
