"""What a job's last figures are worth by now: how far behind it is when nobody says so any more.

The lag is told by DestApplier, so if that is frozen, or its words do not come through, the job would stay level for
ever; and while a job waits for a server, is paused or has failed, nobody tells a lag at all. What is known then is
until when the target was current (`current_until`): from that moment on the lag grows. Rates are 0 when nobody tells
them any more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from udup.jobs.outage import Outage
from udup.jobs.progress import JobProgress
from udup.jobs.words import Stage

#: Seconds without a report that are nothing unusual. A job at rest notes every six seconds that its report holds
#: (`jobs/signs.py`), which is stored every five seconds and needs one to where it is read, on a busy machine some more.
PATIENCE_SECONDS = 20.0

#: The same for a job that is not at rest: it is behind, or applies something, and says so every 0.5 to 2.5 s.
RESTLESS_SECONDS = 6.0

#: Stages in which a run tells a lag.
_FOLLOWING = frozenset({Stage.CATCHING_UP, Stage.RUNNING})

#: Stages whose lag is true as it was told: rows are copied, or the job has done what it was for.
_AS_TOLD = frozenset({Stage.COPYING, Stage.COMPLETED})


def changes_by_itself(live: JobProgress | None, stage: Stage, outage: Outage | None, now: float) -> bool:
    """Return whether what is shown of a job depends on the time, and not only on what it has told."""
    if stage is Stage.COPYING:
        return not _copies(live, outage, now)
    return stage not in _AS_TOLD and not _is_fresh(live, stage, outage, now)


class ReportAges:
    """Tells the time since each job's last report, whatever becomes of the clock by which that says when it was made.

    A report is as old as it says when it is seen first, but no older than the last look that did not see it yet. From
    then on what counts is how long it has been the last. `steady` never goes back, `wall` are seconds since the epoch.
    """

    def __init__(self, steady: Callable[[], float], wall: Callable[[], float]) -> None:
        self._steady, self._wall = steady, wall
        self._since: dict[str, tuple[float, float]] = {}  # when the last was made, and since when there is no other
        self._looked: dict[str, float] = {}

    def now(self, job_id: str, live: JobProgress | None) -> float:
        """Return the time to hold a job's report against."""
        if live is None or live.reported_at is None:
            return self._wall()
        made, steady = live.reported_at, self._steady()
        last = self._since.get(job_id)
        if last is None or last[0] != made:
            age = max(0.0, self._wall() - made)
            last = made, steady - (age if last is None else min(age, steady - self._looked[job_id]))
        self._since[job_id], self._looked[job_id] = last, steady
        return made + steady - last[1]

    def forget_all_but(self, job_ids: Collection[str]) -> None:
        self._since = {job_id: last for job_id, last in self._since.items() if job_id in job_ids}
        self._looked = {job_id: at for job_id, at in self._looked.items() if job_id in job_ids}


def at_this_moment(
    kept: JobProgress, live: JobProgress | None, stage: Stage, outage: Outage | None, now: float
) -> JobProgress:
    """Return what the job's figures are now. `now`: seconds since the epoch.

    `kept` is in the job's record; `live` what its run reports, None where it has reported nothing since this node or
    NATS was started.
    """
    shown = kept if live is None else kept.overlaid(live)
    if not shown.model_fields_set and outage is None:
        return shown.with_(lag_ms=None, level=False) if stage in _FOLLOWING else shown
    if stage is Stage.COPYING and _copies(live, outage, now):
        return shown
    if stage not in _AS_TOLD and _is_fresh(live, stage, outage, now):
        return shown
    shown = shown.without_rates()
    if stage in _AS_TOLD:
        return shown if outage is None else shown.with_(level=False)
    if live is None and outage is None and stage in _FOLLOWING:
        return shown.with_(lag_ms=None, level=False)  # a run that has just begun, and will say so itself
    until = _current_until(shown, stage, outage, now)
    # A clock that was set back must not make it negative.
    lag = None if until is None else max(0, int((now - until) * 1000))
    return shown.with_(lag_ms=lag, level=False)


def _is_fresh(live: JobProgress | None, stage: Stage, outage: Outage | None, now: float) -> bool:
    """Return whether the run has told the lag a moment ago, and goes on."""
    if outage is not None or stage not in _FOLLOWING or live is None or live.lag_ms is None:
        return False
    return _is_recent(live, now, PATIENCE_SECONDS if live.is_at_rest else RESTLESS_SECONDS)


def _copies(live: JobProgress | None, outage: Outage | None, now: float) -> bool:
    """Return whether a copy goes on: one that loads rows says so twice a second."""
    return outage is None and live is not None and _is_recent(live, now, RESTLESS_SECONDS)


def _is_recent(live: JobProgress, now: float, seconds: float) -> bool:
    return live.reported_at is None or abs(now - live.reported_at) <= seconds


def _current_until(shown: JobProgress, stage: Stage, outage: Outage | None, now: float) -> float | None:
    """Return when the target was known to be current last, None if it never was."""
    known = [each for each in (shown.current_until, outage.current_until if outage else None) if each is not None]
    if known:
        return max(known)
    if shown.lag_ms is not None and shown.reported_at is not None:  # told by an older version
        return shown.reported_at - shown.lag_ms / 1000
    if stage not in _FOLLOWING:
        return None
    # It followed once, and nobody knows any more until when.
    if outage is not None:
        return outage.since
    silent = shown.reported_at is not None and now - shown.reported_at > PATIENCE_SECONDS
    return shown.reported_at if silent else None
