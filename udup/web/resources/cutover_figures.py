"""How jobs' cut-overs are, as metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily

from udup.jobs import JobRecord
from udup.pipeline.cutover.state import CutoverState

_LABELS = ("job_id", "job_name", "state")


def cutover_families(jobs: Sequence[tuple[tuple[str, str], JobRecord]]) -> Iterator[GaugeMetricFamily]:
    """Of the jobs that one was asked for."""
    text = "1 for the state that the job's last cut-over is in; absent where none was asked for."
    family = GaugeMetricFamily("udup_job_cutover", text, labels=_LABELS)
    for labels, record in jobs:
        if record.cutover is not None:
            for state in CutoverState:
                family.add_metric((*labels, state.value), float(record.cutover.state is state))
    yield family
