"""A job that was caught up and has stopped reporting: what its figures are worth by now.

The lag is told by DestApplier, so if that is frozen, or its messages do not come through, the job would stay level for
ever. Each report says when it was made (`reported_at`), and whoever reads one that is too old makes the lag grow.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from udup.jobs.progress import JobProgress
from udup.jobs.words import Stage

#: Seconds without a report that are nothing unusual. A job at rest reports every 10 to 12 s, and what it says needs a
#: second to where it is read, on a busy machine some more.
PATIENCE_SECONDS = 20.0

#: Stages in which a lag is told.
_FOLLOWING = frozenset({Stage.CATCHING_UP, Stage.RUNNING})


def silent_seconds(live: JobProgress | None, stage: Stage, now: float) -> float:
    """Return for how long a run has reported nothing, 0 if that is nothing unusual. `now`: as `ReportAges` says."""
    if stage not in _FOLLOWING or live is None or live.reported_at is None:
        return 0.0
    silent = now - live.reported_at
    return silent if silent > PATIENCE_SECONDS else 0.0


class ReportAges:
    """Tells the time since each job's last report, whatever becomes of the clock by which that says when it was made.

    A report that this process sees for the first time is as old as it says. From then on what counts is how long it has
    been the last. `steady` never goes back, `wall` are seconds since the epoch.
    """

    def __init__(self, steady: Callable[[], float], wall: Callable[[], float]) -> None:
        self._steady, self._wall = steady, wall
        self._since: dict[str, tuple[float, float]] = {}  # when the last was made, and since when there is no other

    def now(self, job_id: str, live: JobProgress | None) -> float:
        """Return the time to hold a job's report against."""
        if live is None or live.reported_at is None:
            return self._wall()
        made, steady = live.reported_at, self._steady()
        last = self._since.get(job_id)
        if last is None:
            last = made, steady - max(0.0, self._wall() - made)
        elif last[0] != made:
            last = made, steady
        self._since[job_id] = last
        return made + steady - last[1]

    def forget_all_but(self, job_ids: Collection[str]) -> None:
        self._since = {job_id: last for job_id, last in self._since.items() if job_id in job_ids}


def corrected(live: JobProgress | None, stage: Stage, now: float) -> JobProgress:
    """Correct the lag if the last report is stale, so the result depends on when it is called.

    `live` is None where the run has reported nothing since this node or NATS was started.
    """
    if live is None or not live.model_fields_set:
        return JobProgress(lag_ms=None, level=False) if stage in _FOLLOWING else JobProgress()
    silent = silent_seconds(live, stage, now)
    if not silent:
        return live
    return live.with_(level=False, lag_ms=max(int(silent * 1000), live.lag_ms or 0))
