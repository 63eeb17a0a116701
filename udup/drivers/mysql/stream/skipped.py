"""Transactions that held nothing for the job, told together."""

from __future__ import annotations

from collections.abc import Sequence

from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.pipeline.records import Skipped, TransactionId
from udup.pipeline.stamps import Stamp

#: Skipped transactions are told at least this often in log order, so that the checkpoint follows an idle job.
SKIPPED_MAX = 1000


class SkippedTransactions:
    """Those that were passed and not told yet."""

    def __init__(self) -> None:
        self._gtids = GtidSet()
        self._count = 0
        self._last: TransactionId | None = None

    def add(self, of: TransactionId) -> Sequence[Skipped]:
        """Note one that held nothing; return what is to be told when there are many."""
        self._gtids.add(of.source, of.number)
        self._count += 1
        self._last = of
        return self.flush() if self._count >= SKIPPED_MAX else ()

    def flush(self) -> Sequence[Skipped]:
        """Return what is to be told of them, if there are any."""
        if self._last is None:
            return ()
        of, self._last = self._last, None
        stamp = Stamp(of.source, of.number, of.order.original_us)
        told = Skipped(str(self._gtids), of.order.committed_us, str(stamp))
        self._gtids, self._count = GtidSet(), 0
        return (told,)
