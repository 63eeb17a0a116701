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
        self._committed_us = 0

    def add(self, of: TransactionId) -> Sequence[Skipped]:
        """Note one that held nothing; return what is to be told when there are many."""
        self._gtids.add(of.source, of.number)
        self._count += 1
        self._last, self._committed_us = of, of.order.committed_us
        return self.flush() if self._count >= SKIPPED_MAX else ()

    def add_range(self, source: str, first: int, stop: int, committed_us: int) -> None:
        """Note numbers that nobody has used, or that stand for nothing, as in MariaDB's logs."""
        self._gtids.add_range(source, first, stop)
        self._committed_us = committed_us

    def flush(self) -> Sequence[Skipped]:
        """Return what is to be told of them, if there are any."""
        if not self._gtids:
            return ()
        of, self._last = self._last, None
        stamp = "" if of is None else str(Stamp(of.source, of.number, of.order.original_us))
        told = Skipped(str(self._gtids), self._committed_us, stamp)
        self._gtids, self._count = GtidSet(), 0
        return (told,)
