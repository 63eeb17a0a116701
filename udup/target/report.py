"""What DestApplier says of a run: how much was applied, how fast, how far behind, and in which stage the job is."""

from __future__ import annotations

from typing import Any

from udup.binlog.gtid import GtidSet
from udup.plane.envelope import Beat
from udup.target.books import Books
from udup.target.copying import CopyRun
from udup.target.dispatch import Dispatcher
from udup.target.progress import Lag, Rate
from udup.target.scheduler import Assigned

#: A lag below this is called level: the job is "running".
CAUGHT_UP_MS = 1000


class Reporter:
    """Is told what happens; `progress` is what is shown."""

    def __init__(self) -> None:
        self.lag = Lag()
        self._transactions, self._rows = Rate(), Rate()
        self._rows_by_slot: dict[int, int] = {}
        self._source_executed: str | None = None  # until the source has said it; a new server's set is empty
        self._caught_up = False

    def beat(self, beat: Beat) -> None:
        self.lag.beat(beat.source_us)
        self._source_executed = beat.executed

    def committed(self, group: Assigned) -> None:
        self.lag.passed(group.members[-1].mark.committed_us)
        self._transactions.total += len(group.members)

    def count_rows(self, slot: int, rows: int) -> None:
        """What the session of a slot has written since it began."""
        self._rows_by_slot[slot] = rows
        self._rows.total = sum(self._rows_by_slot.values())

    def progress(self, dispatcher: Dispatcher, books: Books, copy: CopyRun | None) -> dict[str, Any]:
        scheduler = dispatcher.scheduler
        oldest = scheduler.oldest()
        lag_ms = self.lag.milliseconds(oldest.committed_us if oldest and oldest.committed_us else None)
        copying = copy is not None and not copy.finished
        level = not copying and scheduler.idle and self._has_all(books.executed)
        if not copying and books.begun and (level or self.lag.is_recent(CAUGHT_UP_MS)):
            self._caught_up = True
        stage = "copying" if copying else ("running" if self._caught_up else "catching_up")
        progress: dict[str, Any] = {
            "stage": stage if books.begun or copying else "pending",
            "lag_ms": lag_ms,
            "level": level,
            "applied_gtid": str(books.executed),
            "source_gtid": self._source_executed or "",
            "tx_per_s": round(self._transactions.sample(), 1),
            "rows_per_s": round(self._rows.sample(), 1),
            "transactions": self._transactions.total,
            "rows": self._rows.total,
            "waiting": scheduler.waiting,
            "careful": dispatcher.careful,
        }
        if copy is not None:
            progress.update(copy.progress())
        return progress

    def _has_all(self, executed: GtidSet) -> bool:
        """Whether everything that the source has said to have executed is executed here."""
        return self._source_executed is not None and GtidSet.parse(self._source_executed) <= executed
