"""What jobs wait for that is away: as metrics, and in the node's health."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily

from udup.base.errors import Side
from udup.jobs import DesiredState, JobRecord
from udup.jobs.outage import Outage
from udup.jobs.words import Stage

#: What has a series of its own for each job: what a job's tasks have connections to.
SIDES = (Side.SOURCE, Side.TARGET, Side.NATS)

_LABELS = ("job_id", "job_name", "side")

_ENDED = frozenset({Stage.PAUSED, Stage.COMPLETED, Stage.FAILED})

#: For a failure that is nobody's in particular.
_LOCK = "lock"


def outage_families(jobs: Sequence[tuple[tuple[str, str], JobRecord]], now: float) -> Iterator[GaugeMetricFamily]:
    """Of the jobs that are to be carried out now. `now`: seconds since the epoch."""
    text = "0 while the job waits for this side, else 1; of jobs that are carried out."
    connected = GaugeMetricFamily("udup_job_connected", text, labels=_LABELS)
    text = "For how long the job has waited for this side; 0 while it does not."
    disconnected = GaugeMetricFamily("udup_job_disconnected_seconds", text, labels=_LABELS)
    for labels, record in jobs:
        if record.desired != DesiredState.RUN or record.stage in _ENDED:
            continue
        since = {each.side: each.since for each in record.outage.all_away} if record.outage is not None else {}
        for side in SIDES:
            connected.add_metric((*labels, side.value), float(side not in since))
            disconnected.add_metric((*labels, side.value), max(0.0, now - since[side]) if side in since else 0.0)
    yield connected
    yield disconnected


def reconnecting(records: Iterable[JobRecord]) -> dict[str, int]:
    """Return how many jobs wait, by what they wait for: a side, `lock`, or `server` where nobody knows which.

    A job whose two servers are away counts for both.
    """
    counts: Counter[str] = Counter()
    for record in records:
        if record.outage is not None:
            counts.update(_waits_for(record.outage))
    return dict(sorted(counts.items()))


def _waits_for(outage: Outage) -> list[str]:
    if outage.side is None and outage.away and not outage.sides:
        return ["server"]
    return [side.value for side in outage.away] or [_LOCK]
