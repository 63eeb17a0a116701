"""What DestApplier says of a run that delivers: how much, how fast, how far behind, how far a snapshot has come."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from udup.pipeline.apply.lag import Lag, Rate
from udup.pipeline.apply.progress import ApplyProgress, CopyProgress, TableProgress
from udup.pipeline.apply.report import CAUGHT_UP_MS
from udup.pipeline.apply.target_watch import TargetWatch
from udup.pipeline.deliver.place import Place
from udup.pipeline.deliver.units import Delivered
from udup.pipeline.ports import Position, RowCounts
from udup.pipeline.records import Batch, Beat, CopyPlan, Skipped, SnapshotEnd, TransactionId
from udup.pipeline.waits import Wait

#: Tables of a snapshot that are shown.
_TABLES_MAX = 500


class DeliveryReporter:
    """Is told what happens; `progress` is what is shown. `executed` is what of the source is in the sink."""

    def __init__(self, position: Callable[[str], Position], sink: TargetWatch) -> None:
        self.lag = Lag()
        self.executed = position("")
        self._parse = position
        self._sink = sink
        self._transactions, self._rows_rate, self._bytes, self._snapshot_rate = Rate(), Rate(), Rate(), Rate()
        self._rows = RowCounts()
        self._definitions = self._received = 0
        self._waiting: deque[TransactionId] = deque()  # have come, and are not stored
        self._source_executed: str | None = None
        self._source_set = position("")
        self._copying = self._caught_up = False
        self._tables: dict[str, tuple[int, int]] = {}  # of a snapshot: rows, and how many there may be
        self._snapshot_done = False
        self._changed = asyncio.Event()

    def begin_at(self, place: Place) -> None:
        self.executed.update(place.executed)
        self._copying = place.copying

    async def progress_changed(self, seconds: float) -> None:
        """Return when something has happened since the last time, or after so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()

    # ---- What happens ----

    def received(self, batch: Batch, size: int) -> None:
        self.lag.heard()
        if any(not isinstance(record, Beat) for record in batch.records):
            self._received += 1
            self._bytes.total += size
            self._changed.set()

    def came(self, of: TransactionId) -> None:
        """Note that a transaction has come, or a part of it."""
        if not self._waiting or self._waiting[-1].number != of.number or self._waiting[-1].source != of.source:
            self._waiting.append(of)

    def beat(self, beat: Beat) -> None:
        self.lag.beat(beat.source_us)
        if beat.executed != self._source_executed:
            self._source_executed, self._source_set = beat.executed, self._parse(beat.executed)
            self._changed.set()
        elif not self._caught_up:
            self._changed.set()

    def skipped(self, record: Skipped) -> None:
        self.executed.update(self._parse(record.gtids))
        self.lag.passed(record.committed_us)

    def delivered(self, delivered: Delivered) -> None:
        """Note what a unit has brought."""
        for of in delivered.transactions:
            self.executed.add(of.source, of.number)
            self.lag.passed(of.order.committed_us)
        while self._waiting and self.executed.contains(self._waiting[0].source, self._waiting[0].number):
            self._waiting.popleft()
        self._transactions.total += len(delivered.transactions)
        self._definitions += delivered.definitions
        self._rows = self._rows.plus(delivered.rows)
        for table, count in delivered.snapshot_rows.items():
            rows, total = self._tables.get(table, (0, 0))
            self._tables[table] = rows + count, total
            self._snapshot_rate.total += count
        if not delivered.is_empty:
            self._changed.set()

    def snapshot_begins(self, plan: CopyPlan) -> None:
        for table in plan.tables:
            self._tables[f"{table.schema}.{table.name}"] = 0, table.rows_estimate

    def snapshot_ended(self, record: SnapshotEnd, place: Place) -> None:
        self.executed.update(place.executed)
        self._copying = False
        self._snapshot_done = bool(self._tables)

    # ---- What is shown ----

    def progress(self, *, settled: bool, waiting_for: Wait | None) -> ApplyProgress:
        level = not self._copying and settled and self._has_all
        silent_ms = self._sink.silent_ms
        self._rows_rate.total = self._rows.total
        return ApplyProgress(
            stage=self._stage(level=level),
            lag_ms=self._lag_ms(silent_ms, level=level),
            level=level and not self.lag.silent_ms and not silent_ms,
            applied_gtid=str(self.executed),
            source_gtid=self._source_executed or "",
            transactions=self._transactions.total,
            tx_per_s=round(self._transactions.sample(), 1),
            rows=self._rows.total,
            rows_per_s=round(self._rows_rate.sample(), 1),
            inserts=self._rows.inserted,
            updates=self._rows.updated,
            deletes=self._rows.deleted,
            definitions=self._definitions,
            received_messages=self._received,
            received_bytes=self._bytes.total,
            bytes_per_s=round(self._bytes.sample(), 1),
            waiting=len(self._waiting),
            groups=0,
            serial=False,
            copy=self._snapshot(),
            waiting_for=waiting_for,
        )

    @property
    def _has_all(self) -> bool:
        return self._source_executed is not None and self._source_set <= self.executed

    def _stage(self, *, level: bool) -> str:
        if self._copying:
            return "copying"
        if level or self.lag.is_recent(CAUGHT_UP_MS):
            self._caught_up = True
        return "running" if self._caught_up else "catching_up"

    def _lag_ms(self, silent_ms: int, *, level: bool) -> int | None:
        if self._copying or self._source_executed is None:
            return None
        oldest = self._waiting[0].order.committed_us if self._waiting else None
        lag = self.lag.milliseconds(oldest or None, level=level)
        return lag if lag is None else max(lag, silent_ms if level else 0)

    def _snapshot(self) -> CopyProgress | None:
        if not self._tables:
            return None
        done = self._snapshot_done
        per_s = self._snapshot_rate.sample()
        rows, total = (sum(each) for each in zip(*self._tables.values(), strict=True))
        left = max(total - rows, 0)
        shown = dict(list(self._tables.items())[:_TABLES_MAX])
        return CopyProgress(
            {
                name: TableProgress(count, count if done else max(count, estimate), 0, done, 0.0, None)
                for name, (count, estimate) in shown.items()
            },
            copied_rows=rows,
            copy_total_rows=rows if done else max(rows, total),
            copy_tables=len(self._tables),
            copy_tables_complete=len(self._tables) if done else 0,
            copy_rows_per_s=round(per_s, 1),
            copy_phase="done" if done else "rows",
            eta_s=None if done or not per_s else round(left / per_s, 1),
        )
