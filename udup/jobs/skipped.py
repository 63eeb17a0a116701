"""A transaction that somebody has passed over on purpose: an entry of the ledger that a job's record keeps for ever."""

from __future__ import annotations

from udup.base.errors import FailureKind
from udup.base.kept import Kept

#: Failures that are about one transaction, and that no later attempt gets over by itself.
SKIPPABLE = frozenset({FailureKind.DIVERGENCE, FailureKind.CONFLICT, FailureKind.UNSUPPORTED})

#: Characters of an error that an entry keeps, since entries are kept for ever.
ERROR_MAX = 500


class SkippedTransaction(Kept):
    """When, in nanoseconds since the epoch, which, and the failure that it was passed over for.

    It is written before the target is asked, and `confirmed` when the target has it. One that is not confirmed was
    asked for, and the answer was lost or has not come.
    """

    time_ns: int
    gtid: str
    error: str
    table: str = ""
    confirmed: bool = False
