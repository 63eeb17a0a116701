"""What is known of a job at a moment: its answer made into numbers, with the rates that follow from two answers."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from udup.cli.outage import outage
from udup.cli.waits import waiting_line

#: Seconds over which a table's rate is averaged.
RATE_WINDOW = 3.0

#: Lags kept for a verdict; a job that is watched for days shall not fill the memory.
LAGS_KEPT = 100_000


@dataclass(frozen=True)
class TableProgress:
    """A table under copy: rows done, the estimate of all, rows a second now, seconds to go (None: not known)."""

    name: str
    rows: int
    total: int
    rate: float
    eta: float | None

    @property
    def done(self) -> bool:
        return self.rows >= self.total

    @property
    def fraction(self) -> float:
        """0 to 1; an estimate may be too low."""
        return 1.0 if self.total <= 0 else min(1.0, self.rows / self.total)


@dataclass(frozen=True)
class View:
    """One moment of a job."""

    stage: str
    seconds: float
    tables: tuple[TableProgress, ...] = ()
    lag_ms: float | None = None
    tx_per_s: float = 0.0
    rows_per_s: float = 0.0
    eta_s: float | None = None
    restarts: int = 0
    last_error: str = ""
    phase: str = ""  # what the copy is at: rows, indexes, …
    waits: str = ""  # what the job waits for, in one line
    waiting: str = ""  # for a server that is away, or a lock
    written: int | None = None  # transactions that a load of ours has committed

    @property
    def copying(self) -> bool:
        return self.stage in ("pending", "copying")

    @property
    def flowing(self) -> bool:
        return self.stage in ("catching_up", "running")

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def total(self) -> int:
        return sum(max(table.total, table.rows) for table in self.tables)

    @property
    def copy_rate(self) -> float:
        return sum(table.rate for table in self.tables)

    @property
    def copy_eta(self) -> float | None:
        """Seconds to go: the server's own estimate, or one from the rate of the last seconds."""
        if self.eta_s is not None:
            return self.eta_s
        return (self.total - self.rows) / self.copy_rate if self.copy_rate > 0 else None


@dataclass
class Observer:
    """Turns answers of GET /v1/job/<id> into views; keeps the last seconds' row counts for the rates."""

    began: float = field(default_factory=time.monotonic)
    lags: deque[float] = field(default_factory=lambda: deque(maxlen=LAGS_KEPT))
    peak_tx: float = 0.0
    _counts: dict[str, deque[tuple[float, int]]] = field(default_factory=dict)

    def view(self, job: dict[str, Any], written: int | None = None) -> View:
        now = time.monotonic()
        progress = job.get("Progress") or {}
        stage = str(job.get("Stage", "pending"))
        tables = tuple(
            self._table(now, str(name), int(counts.get("rows") or 0), int(counts.get("total") or 0))
            for name, counts in sorted((progress.get("tables") or {}).items())
        )
        view = View(
            stage=stage,
            seconds=now - self.began,
            tables=tables,
            lag_ms=_number(progress.get("lag_ms")),
            tx_per_s=_number(progress.get("tx_per_s")) or 0.0,
            rows_per_s=_number(progress.get("rows_per_s")) or 0.0,
            eta_s=_number(progress.get("eta_s")),
            restarts=int(progress.get("restarts") or 0),
            last_error=str(progress.get("last_error") or ""),
            phase=str(progress.get("copy_phase") or ""),
            waits=waiting_line(progress),
            waiting=outage(job),
            written=written,
        )
        if stage == "running":
            self.peak_tx = max(self.peak_tx, view.tx_per_s)
            if view.lag_ms is not None:
                self.lags.append(view.lag_ms)
        return view

    def _table(self, now: float, name: str, rows: int, total: int) -> TableProgress:
        counts = self._counts.setdefault(name, deque())
        counts.append((now, rows))
        while now - counts[0][0] > RATE_WINDOW:
            counts.popleft()
        then, before = counts[0]
        rate = max(0.0, (rows - before) / (now - then)) if now > then else 0.0
        eta = (total - rows) / rate if rate > 0 and total > rows else None
        return TableProgress(name, rows, total, rate, eta)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
