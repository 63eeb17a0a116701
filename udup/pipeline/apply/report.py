"""What DestApplier says of a run: how much was applied, how fast, how far behind, and in which stage the job is."""

from __future__ import annotations

from collections.abc import Callable

from udup.pipeline.apply.copy import CopyRun
from udup.pipeline.apply.dispatcher import Dispatcher
from udup.pipeline.apply.executed import ExecutedPositions
from udup.pipeline.apply.heard import Heard
from udup.pipeline.apply.lag import Rate
from udup.pipeline.apply.progress import ApplyProgress
from udup.pipeline.apply.scheduler import Assigned
from udup.pipeline.apply.target_watch import TargetWatch
from udup.pipeline.ports import Position, RowCounts, TargetNotices
from udup.pipeline.waits import Wait

#: A lag below this is called level: the job is "running".
CAUGHT_UP_MS = 1000


class Reporter(Heard):
    """Is told what happens; `progress` is what is shown. `position` parses a position of the source."""

    def __init__(self, position: Callable[[str], Position], target: TargetWatch) -> None:
        super().__init__(position)
        self._target = target
        self._transactions, self._rows = Rate(), Rate()
        self._rows_by_session: dict[int, RowCounts] = {}
        #: How many the source had when the run began.
        self.tables = 0

    def committed(self, group: Assigned) -> None:
        self._target.answered()
        self.lag.passed(group.members[-1].id.order.committed_us)
        self._transactions.total += len(group.members)
        self.wake()

    def count_rows(self, session: int, rows: RowCounts) -> None:
        """Note what a session has written since it began: a worker's, by its own number, or the inline one (0)."""
        if self._rows_by_session.get(session) != rows:
            self._rows_by_session[session] = rows
            self.wake()

    def progress(
        self,
        dispatcher: Dispatcher,
        executed: ExecutedPositions,
        copy: CopyRun | None,
        notices: TargetNotices,
        waiting_for: Wait | None,
    ) -> ApplyProgress:
        copying = copy is not None and not copy.finished
        level = not copying and dispatcher.scheduler.idle and self._has_all(executed.executed)
        target_silent_ms = self._target.silent_ms
        rows = RowCounts()
        for each in self._rows_by_session.values():
            rows = rows.plus(each)
        self._rows.total = rows.total
        return ApplyProgress(
            stage=self._stage(executed, level=level, copying=copying),
            lag_ms=self._lag_ms(dispatcher, target_silent_ms, level=level, copying=copying),
            # Of a source that is silent nobody knows; nor whether a target that is silent has what was committed.
            level=level and not self.lag.silent_ms and not target_silent_ms,
            applied_gtid=str(executed.executed),
            source_gtid=self._source_executed or "",
            transactions=self._transactions.total,
            tx_per_s=round(self._transactions.sample(), 1),
            rows=rows.total,
            rows_per_s=round(self._rows.sample(), 1),
            inserts=rows.inserted,
            updates=rows.updated,
            deletes=rows.deleted,
            definitions=executed.definitions,
            received_messages=self._messages,
            received_bytes=self._bytes.total,
            bytes_per_s=round(self._bytes.sample(), 1),
            waiting=dispatcher.scheduler.waiting,
            groups=dispatcher.scheduler.running,
            serial=dispatcher.serial,
            followed_tables=self.tables,
            changed_tables=dispatcher.changes.tables,
            busiest_tables=dispatcher.changes.busiest,
            stale_views=notices.stale_views,
            told=(*notices.told, *(copy.told if copy else ())),
            copy=copy.progress() if copy is not None else None,
            waiting_for=waiting_for,
        )

    def _stage(self, executed: ExecutedPositions, *, level: bool, copying: bool) -> str:
        if copying:
            return "copying"
        if not executed.begun:
            return "pending"
        if level or self.lag.is_recent(CAUGHT_UP_MS):
            self._caught_up = True
        return "running" if self._caught_up else "catching_up"

    def _lag_ms(self, dispatcher: Dispatcher, target_silent_ms: int, *, level: bool, copying: bool) -> int | None:
        """Return the lag; not known before the source has said anything of its log, nor while rows are copied."""
        if copying or self._source_executed is None:
            return None
        oldest = dispatcher.scheduler.oldest()
        lag = self.lag.milliseconds(
            oldest.order.committed_us if oldest and oldest.order.committed_us else None, level=level
        )
        return lag if lag is None else max(lag, target_silent_ms if level else 0)

    def _has_all(self, executed: Position) -> bool:
        """Return whether everything that the source has said to have executed is executed here."""
        return self._source_executed is not None and self._source_set <= executed
