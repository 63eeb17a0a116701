"""A job that is said to be level and of which nothing has been heard since: what its figures are worth by now.

The lag is told by DestApplier, so one that is frozen, or whose words do not come through, would stay level for ever. It
says when it reported (`reported_at`), and whoever reads its report judges that: one that is too old makes the lag grow.
"""

from __future__ import annotations

from typing import Any

from udup.jobs.words import Stage

#: Seconds without a report that are nothing unusual. A job at rest reports every 10 to 12 s, and what it says needs a
#: second to where it is read, on a busy machine some more.
PATIENCE_SECONDS = 20.0

#: Stages in which a lag is told.
_FOLLOWING = frozenset({Stage.CATCHING_UP, Stage.RUNNING})


def silent_seconds(live: dict[str, Any] | None, stage: Stage, now: float) -> float:
    """For how long nothing was heard of a run, 0 if that is nothing unusual. `now`: seconds since the epoch."""
    reported = live.get("reported_at") if live else None
    if stage not in _FOLLOWING or not isinstance(reported, (int, float)):
        return 0.0
    silent = now - reported
    return silent if silent > PATIENCE_SECONDS else 0.0


def judged(live: dict[str, Any] | None, stage: Stage, now: float) -> dict[str, Any]:
    """What is to be believed of a run's words by now; None: it has said nothing since this node or NATS was started."""
    if live is None:
        return {"lag_ms": None, "level": False} if stage in _FOLLOWING else {}
    silent = silent_seconds(live, stage, now)
    return {**live, "level": False, "lag_ms": max(int(silent * 1000), live.get("lag_ms") or 0)} if silent else live
