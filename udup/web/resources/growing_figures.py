"""How tables are that jobs get, or load again, as metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily

from udup.jobs import JobRecord
from udup.jobs.growing_shown import STATES

_LABELS = ("job_id", "job_name")


def growing_families(jobs: Sequence[tuple[tuple[str, str], JobRecord]]) -> Iterator[GaugeMetricFamily]:
    """Of the jobs whose tables change."""
    text = "1 for the state that tables are in which the job gets, or loads again; absent while there are none."
    states = GaugeMetricFamily("udup_job_growing", text, labels=(*_LABELS, "state"))
    text = "Part of their rows that is copied, up to 1; absent while none are copied."
    ratio = GaugeMetricFamily("udup_job_growing_ratio", text, labels=_LABELS)
    for labels, record in jobs:
        if (growing := record.growing_shown) is not None:
            for state in STATES:
                states.add_metric((*labels, state), float(growing["State"] == state))
            if growing["Percent"] is not None:
                ratio.add_metric(labels, growing["Percent"] / 100)
    yield from (states, ratio)
