"""What DestApplier says of a run that delivers: how much, how fast, how far behind, how far a snapshot has come."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice

from udup.pipeline.apply.heard import Heard
from udup.pipeline.apply.lag import Rate
from udup.pipeline.apply.progress import ApplyProgress, CopyProgress, DeliveryProgress, TableProgress
from udup.pipeline.apply.report import CAUGHT_UP_MS
from udup.pipeline.apply.target_watch import TargetWatch
from udup.pipeline.deliver.place import Place
from udup.pipeline.deliver.units import OTHER, TOMBSTONE, Delivered
from udup.pipeline.ports import Operation, Position
from udup.pipeline.records import CopyPlan, Joining, Skipped, SnapshotEnd, TransactionId
from udup.pipeline.waits import Wait

#: Tables of a snapshot that are shown.
_TABLES_MAX = 500


#: Tables whose events are shown: those with most of them.
ACTIVE_MAX = 200

_CHANGES = (Operation.CREATE, Operation.UPDATE, Operation.DELETE)
_KINDS = (*(each.value for each in Operation), TOMBSTONE, OTHER)


class DeliveryReporter(Heard):
    """Is told what happens; `progress` is what is shown. `executed` is what of the source is in the sink."""

    def __init__(self, position: Callable[[str], Position], sink: TargetWatch, decoder: str = "") -> None:
        """`decoder`: which kind of reader makes texts of the source's rows."""
        super().__init__(position)
        self._decoder = decoder
        self.executed = position("")
        self._place: Place | None = None
        self._sink = sink
        self._transactions, self._rows_rate, self._snapshot_rate = Rate(), Rate(), Rate()
        self._events_rate, self._sent_bytes = Rate(), Rate()
        self._events: dict[str, int] = {}
        self._by_table: dict[str, int] = {}
        self._shown_tables: dict[str, int] | None = None
        self._sent = 0
        self._definitions = 0
        self._waiting: deque[TransactionId] = deque()  # have come, and are not stored
        self._copying = False
        self._tables: dict[str, tuple[int, int]] = {}  # of a snapshot: rows, and how many there may be
        self._copied = self._to_copy = 0  # the sums of these rows
        self._joining: frozenset[str] = frozenset()  # of these, the tables that are read while the log goes on

    def begin_at(self, place: Place) -> None:
        """Take the place of the run, which goes on with it."""
        self._place = place
        self.executed.update(place.executed)
        self._copying = place.copying

    # ---- What happens ----

    def came(self, of: TransactionId) -> None:
        """Note that a transaction has come, or a part of it."""
        if not self._waiting or self._waiting[-1].number != of.number or self._waiting[-1].source != of.source:
            self._waiting.append(of)

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
        _add(self._events, delivered.events)
        _add(self._by_table, delivered.tables)
        self._events_rate.total += delivered.messages
        self._sent_bytes.total += delivered.size
        self._sent += delivered.sent
        if delivered.tables:
            self._shown_tables = None
        for table, count in delivered.snapshot_rows.items():
            rows, total = self._tables.get(table, (0, 0))
            self._tables[table] = rows + count, total
            self._copied += count
            self._snapshot_rate.total += count
        if not delivered.is_empty:
            self.wake()

    def snapshot_begins(self, plan: CopyPlan) -> None:
        for table in plan.tables:
            self._begin_table(f"{table.schema}.{table.name}", table.rows_estimate)

    def _begin_table(self, name: str, estimate: int) -> None:
        rows, total = self._tables.get(name, (0, 0))
        self._tables[name] = 0, estimate
        self._copied -= rows
        self._to_copy += estimate - total

    def snapshot_ended(self, record: SnapshotEnd, place: Place) -> None:
        self.executed.update(place.executed)
        self._copying = False

    def joining(self, record: Joining) -> None:
        """Note which tables are read now while the log goes on: one that was not begins at its first row."""
        named = {f"{each.schema}.{each.name}": each.rows_estimate for each in record.tables}
        for name in named.keys() - self._joining:
            self._begin_table(name, named[name])
        self._joining = frozenset(named)
        self.wake()

    # ---- What is shown ----

    def progress(self, *, settled: bool, waiting_for: Wait | None) -> ApplyProgress:
        level = not self._copying and settled and self._has_all
        silent_ms = self._sink.silent_ms
        changed = [self._events.get(kind.value, 0) for kind in _CHANGES]
        self._rows_rate.total = sum(changed)
        return ApplyProgress(
            stage=self._stage(level=level),
            lag_ms=self._lag_ms(silent_ms, level=level),
            level=level and not self.lag.silent_ms and not silent_ms,
            applied_gtid=str(self.executed),
            source_gtid=self._source_executed or "",
            transactions=self._transactions.total,
            tx_per_s=round(self._transactions.sample(), 1),
            rows=sum(changed),
            rows_per_s=round(self._rows_rate.sample(), 1),
            inserts=changed[0],
            updates=changed[1],
            deletes=changed[2],
            definitions=self._definitions,
            received_messages=self._messages,
            received_bytes=self._bytes.total,
            bytes_per_s=round(self._bytes.sample(), 1),
            waiting=len(self._waiting),
            groups=0,
            serial=False,
            copy=self._snapshot(),
            waiting_for=waiting_for,
            delivery=self._delivery(),
        )

    def _delivery(self) -> DeliveryProgress:
        if self._shown_tables is None:
            counted = self._by_table
            most = counted if len(counted) <= ACTIVE_MAX else heapq.nlargest(ACTIVE_MAX, counted, counted.__getitem__)
            self._shown_tables = {table: counted[table] for table in sorted(most)}
        return DeliveryProgress(
            events={kind: self._events.get(kind, 0) for kind in _KINDS},
            events_per_s=round(self._events_rate.sample(), 1),
            events_by_table=self._shown_tables,
            delivered_messages=self._sent,
            delivered_bytes=self._sent_bytes.total,
            delivered_bytes_per_s=round(self._sent_bytes.sample(), 1),
            decoder=self._decoder,
        )

    def has(self, wanted: Position) -> bool:
        """Return whether the sink has all that is due of these: of what is prepared nothing is before its end."""
        if wanted <= self.executed:
            return True
        prepared = self._place.prepared if self._place is not None else ()
        return bool(prepared) and wanted - self._parse(",".join(prepared)) <= self.executed

    @property
    def _has_all(self) -> bool:
        return self._source_executed is not None and self.has(self._source_set)

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
        unread = self._tables.keys() if self._copying else self._joining
        done = not unread
        per_s = self._snapshot_rate.sample()
        rows, total = self._copied, self._to_copy
        left = max(total - rows, 0)
        shown = dict(islice(self._tables.items(), _TABLES_MAX))
        return CopyProgress(
            {
                name: TableProgress(
                    count, max(count, estimate) if name in unread else count, 0, name not in unread, 0.0, None
                )
                for name, (count, estimate) in shown.items()
            },
            copied_rows=rows,
            copy_total_rows=rows if done else max(rows, total),
            copy_tables=len(self._tables),
            copy_tables_complete=len(self._tables) - len(unread),
            copy_rows_per_s=round(per_s, 1),
            copy_phase="done" if done else "rows",
            eta_s=None if done or not per_s else round(left / per_s, 1),
        )


def _add(totals: dict[str, int], counts: Mapping[str, int]) -> None:
    for name, count in counts.items():
        totals[name] = totals.get(name, 0) + count
