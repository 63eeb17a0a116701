"""One word for how a job is, for people, since when, and whether it needs somebody: the same wherever it is shown.

the record with its progress --word_of--> a word --Watch--> since when, lagging, not heard --> API, CLI, metrics
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from udup.base.causes import Cause
from udup.base.errors import FailureKind
from udup.jobs.allocation import EventType
from udup.jobs.failing.failure import kind_of
from udup.jobs.staleness import PATIENCE_SECONDS
from udup.jobs.words import DesiredState, Stage
from udup.pipeline.cutover.state import Cutover, CutoverState

if TYPE_CHECKING:
    from udup.jobs.record import JobRecord

#: How far behind a job is that lags, and for how long it has to be, in seconds.
LAG_S, LAG_FOR_S = 30.0, 60.0


class Shown(StrEnum):
    """Of several that hold the first counts. The values are words of the API's and the metrics'."""

    DIVERGED = "diverged"
    FAILED = "failed"
    RECONNECTING = "reconnecting"
    NOT_HEARD = "not_heard"
    LAGGING = "lagging"
    DIFFERS = "differs"
    CUTTING_OVER = "cutting_over"
    COPYING = "copying"
    CATCHING_UP = "catching_up"
    RELOADING = "reloading"
    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"


class Group(StrEnum):
    """What jobs are listed under, in this order."""

    NEEDS_YOU = "needs_you"
    HEALING = "healing"
    BEHIND = "behind"
    UNDER_WAY = "under_way"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


_GROUPS = {
    Shown.DIVERGED: Group.NEEDS_YOU,
    Shown.FAILED: Group.NEEDS_YOU,
    Shown.RECONNECTING: Group.HEALING,
    Shown.NOT_HEARD: Group.HEALING,
    Shown.LAGGING: Group.BEHIND,
    Shown.DIFFERS: Group.BEHIND,
    Shown.CUTTING_OVER: Group.UNDER_WAY,
    Shown.COPYING: Group.UNDER_WAY,
    Shown.CATCHING_UP: Group.UNDER_WAY,
    Shown.RELOADING: Group.UNDER_WAY,
    Shown.PENDING: Group.UNDER_WAY,
    Shown.RUNNING: Group.RUNNING,
    Shown.PAUSED: Group.PAUSED,
    Shown.COMPLETED: Group.ENDED,
}

_STAGES = {
    Stage.PENDING: Shown.PENDING,
    Stage.COPYING: Shown.COPYING,
    Stage.CATCHING_UP: Shown.CATCHING_UP,
    Stage.RUNNING: Shown.RUNNING,
    Stage.PAUSED: Shown.PAUSED,
    Stage.COMPLETED: Shown.COMPLETED,
    Stage.FAILED: Shown.FAILED,
}

#: Stages in which a run reports.
_REPORTING = frozenset({Stage.COPYING, Stage.CATCHING_UP, Stage.RUNNING})

#: Stages in which a job follows its source.
_FOLLOWING = frozenset({Stage.CATCHING_UP, Stage.RUNNING})

_DIVERGED = frozenset(
    {Cause.DIVERGENCE, Cause.ROW_MISSING, Cause.ROW_EXISTS, Cause.ROW_DIFFERS, Cause.UNSETTLED, Cause.COPY_DIFFERS}
)


@dataclass(frozen=True)
class ShownState:
    """`since` is in seconds since the epoch, None where nobody knows."""

    word: Shown
    since: float | None = None
    needs_you: bool = False

    @property
    def group(self) -> Group:
        return Group.NEEDS_YOU if self.needs_you else _GROUPS[self.word]


def state_of(record: JobRecord, *, not_heard: bool = False, lagging: bool = False) -> ShownState:
    """Return how a job is by its record alone, and by what a `Watch` has seen of it."""
    word = _word_of(record, not_heard=not_heard, lagging=lagging)
    return ShownState(word, _told_since(record, word), _needs_somebody(record))


def _word_of(record: JobRecord, *, not_heard: bool, lagging: bool) -> Shown:
    if record.stage is Stage.FAILED:
        stopped = record.stopped
        diverged = stopped is not None and (stopped.what in _DIVERGED or stopped.kind is FailureKind.DIVERGENCE)
        return Shown.DIVERGED if diverged else Shown.FAILED
    if record.stage is Stage.COMPLETED:
        return Shown.COMPLETED
    if record.desired is not DesiredState.RUN or record.stage is Stage.PAUSED:
        return Shown.PAUSED
    if record.not_understood:
        return Shown.FAILED
    runs = record.stage in _REPORTING
    holds = (
        (Shown.RECONNECTING, record.outage is not None),
        (Shown.NOT_HEARD, not_heard and runs),
        (Shown.LAGGING, lagging and runs),
        (Shown.DIFFERS, runs and _differs(record)),
        (Shown.CUTTING_OVER, _cutover(record) is not None),
        (_STAGES[record.stage], record.stage in (Stage.COPYING, Stage.CATCHING_UP)),
        (Shown.RELOADING, runs and record.growth is not None),
    )
    return next((word for word, is_so in holds if is_so), _STAGES[record.stage])


def _differs(record: JobRecord) -> bool:
    """Return whether the last comparison has found rows that differ, and no repair has put them right since."""
    last = record.comparison
    if last is None or last.options.repair:
        return False
    before = last.last_differences if last.is_active else 0  # of the round before, while the next is under way
    return max(last.differences, before) > 0


def _needs_somebody(record: JobRecord) -> bool:
    cutover = _cutover(record)
    return bool(kind_of(record)) or (cutover is not None and cutover.state is CutoverState.STOPPED)


def _cutover(record: JobRecord) -> Cutover | None:
    """Return a cut-over that is under way or has stopped; one that only looks changes nothing."""
    last = record.cutover
    return last if last is not None and last.goes_on and not last.options.dry_run else None


def _told_since(record: JobRecord, word: Shown) -> float | None:
    """Return since when it is so as the record tells it, so that a node that was started again knows it too."""
    if word in (Shown.DIVERGED, Shown.FAILED):
        return _seconds(record.stopped.time_ns) if record.stopped is not None else None
    if word is Shown.RECONNECTING and record.outage is not None:
        return record.outage.since
    if word is Shown.NOT_HEARD:
        return record.progress.reported_at
    if word is Shown.CUTTING_OVER and record.cutover is not None:
        return _seconds(record.cutover.since_ns)
    if word is Shown.RELOADING and record.growth is not None:
        return _seconds(record.growth.since_ns)
    if word is Shown.PAUSED:
        return _last_event(record, EventType.KILLED)
    if word is Shown.COMPLETED:
        return _last_event(record, EventType.TERMINATED)
    return None


def _last_event(record: JobRecord, kind: EventType) -> float | None:
    states = [each.state for each in record.allocations if each.state is not None]
    times = [event.time for state in states for event in state.events if event.type == kind]
    return max(times, default=0) / 1e9 or None


def _seconds(time_ns: int) -> float | None:
    return time_ns / 1e9 if time_ns else None


@dataclass
class _Seen:
    """What was seen of one job: its word and since when, None if it was so from the first look on."""

    word: Shown
    since: float | None
    silent_since: float | None = None  # it says nothing, though a run of it should
    behind_since: float | None = None  # it is farther behind than it may be
    behind_ms: float = 0.0  # the least since then, while it catches up


class Watch:
    """Looks at jobs again and again: notes since when each is as it is, which lag, and which are not heard of."""

    def __init__(self, lag_s: float = LAG_S, lag_for_s: float = LAG_FOR_S) -> None:
        self._lag_ms, self._lag_for_s = lag_s * 1000, lag_for_s
        self._seen: dict[str, _Seen] = {}

    def look(self, record: JobRecord, heard_at: float | None, now: float) -> ShownState:
        """Return how a job is now, in seconds since the epoch; `heard_at` is when its run has reported last.

        `now` is on the clock of `heard_at`.
        """
        seen = self._seen.get(record.id)
        first = seen is None
        seen = seen or _Seen(Shown.PENDING, None)
        not_heard = self._not_heard(seen, record, heard_at, now)
        state = state_of(record, not_heard=not_heard, lagging=self._lags(seen, record, now))
        if first or state.word is not seen.word:
            seen.word, seen.since = state.word, None if first else now
        self._seen[record.id] = seen
        return state if state.since is not None else ShownState(state.word, seen.since, state.needs_you)

    def forget_all_but(self, job_ids: Collection[str]) -> None:
        self._seen = {job_id: seen for job_id, seen in self._seen.items() if job_id in job_ids}

    def _not_heard(self, seen: _Seen, record: JobRecord, heard_at: float | None, now: float) -> bool:
        """Return whether nothing is heard of a run for longer than is usual. One that begins has its time."""
        if record.stage not in _REPORTING:
            seen.silent_since = None
            return False
        if heard_at is not None:
            seen.silent_since = None
            return now - heard_at > PATIENCE_SECONDS
        if seen.silent_since is None:
            seen.silent_since = now
        return now - seen.silent_since > PATIENCE_SECONDS

    def _lags(self, seen: _Seen, record: JobRecord, now: float) -> bool:
        """Return whether it is behind for long; while it catches up, only if it does not come nearer."""
        lag = record.progress.lag_ms
        if record.stage not in _FOLLOWING or lag is None or lag <= self._lag_ms:
            seen.behind_since = None
            return False
        nearer = record.stage is Stage.CATCHING_UP and lag < seen.behind_ms
        if seen.behind_since is None or nearer:
            seen.behind_since, seen.behind_ms = now, lag
        return now - seen.behind_since >= self._lag_for_s
