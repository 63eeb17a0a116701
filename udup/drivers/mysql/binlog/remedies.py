"""What is left to do where a log cannot be read, or says what this version does not know."""

from __future__ import annotations

from udup.base.causes import Cause, reason
from udup.base.errors import Unsupported

#: The log itself is broken, or was on the way here.
DAMAGED = (
    "run mysqlbinlog --verify-binlog-checksum on that file of the source's log; if it is damaged, give the job another"
    " ID, so that a new copy begins after it"
)

#: The log is of a server that is newer or other than what Udup knows.
UNKNOWN = (
    "upgrade Udup to a version that knows it, or leave the table out (ReplicateIgnoreDb) in a job with another ID;"
    " please report it with the source's version"
)


def damaged(what: str) -> Unsupported:
    """Return the error of a log that is damaged there."""
    return Unsupported(f"{what}; {DAMAGED}").because(reason(Cause.LOG_DAMAGED))
