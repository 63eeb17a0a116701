"""Has the source still executed what it had? A set of executed GTIDs never becomes less, unless somebody resets it.

A dump that is under way does not always end when its source's binary logs and GTIDs are reset: it may wait for ever at
the end of a file that is no more, and the job would look idle and level. So what the source says to have executed is
held against what it had executed before, as far as this job has read it.
"""

from __future__ import annotations

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.gtid import GtidSet

#: Characters of a GTID set that an error shows.
_SHOWN = 200


class History:
    """Only what the source itself has confirmed counts: a transaction may be read before it is said to be executed."""

    def __init__(self) -> None:
        self._known = GtidSet()

    def look(self, executed: GtidSet, read: GtidSet) -> None:
        """`executed`: what the source says now; `read`: what the job has read up to now. Raises `Unsupported`."""
        forgotten = self._known - executed
        if forgotten:
            text = str(forgotten)
            raise Unsupported(
                f"the source has no longer executed {text if len(text) <= _SHOWN else text[:_SHOWN] + ' …'}, which this"
                " job has read from it: its binary logs and GTIDs were reset, or an older backup was restored; what it"
                " writes now does not follow on what the target has. Compare both sides, then make the job anew under"
                " another ID"
            )
        self._known = read - (read - executed)
