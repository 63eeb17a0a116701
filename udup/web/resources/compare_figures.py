"""How jobs' comparisons are, as metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily

from udup.base import runtime
from udup.jobs import JobRecord
from udup.pipeline.verify.state import CompareState

_LABELS = ("job_id", "job_name")


def compare_families(jobs: Sequence[tuple[tuple[str, str], JobRecord]]) -> Iterator[GaugeMetricFamily]:
    """Of the jobs that were compared."""
    text = "1 for the state that the job's last comparison is in; absent where none was asked for."
    states = GaugeMetricFamily("udup_job_compare", text, labels=(*_LABELS, "state"))
    text = "Rows that differ, by the last round of the job's last comparison, or the present one if it has more."
    differences = GaugeMetricFamily("udup_job_differences", text, labels=_LABELS)
    rows = GaugeMetricFamily("udup_job_compared_rows", "Rows compared in the present round.", labels=_LABELS)
    text = "Parts of definitions that are missing on the target or not as they are to be, of the same round."
    definitions = GaugeMetricFamily("udup_job_unlike_definitions", text, labels=_LABELS)
    text = "1 while a comparison cannot go on, and tries again; absent where none is under way."
    waits = GaugeMetricFamily("udup_job_compare_waits", text, labels=_LABELS)
    text = (
        "Seconds since a comparison under way had all tables compared last, or began; absent where none is under way."
    )
    ages = GaugeMetricFamily("udup_job_compared_age_seconds", text, labels=_LABELS)
    for labels, record in jobs:
        if (comparison := record.comparison) is not None:
            for state in CompareState:
                states.add_metric((*labels, state.value), float(comparison.state is state))
            differences.add_metric(labels, max(comparison.differences, comparison.last_differences))
            definitions.add_metric(labels, max(comparison.definitions, comparison.last_definitions))
            rows.add_metric(labels, comparison.rows)
            if comparison.is_active:
                waits.add_metric(labels, float(bool(comparison.text)))
                since = max(comparison.since_ns, comparison.last_ended_ns)
                ages.add_metric(labels, max(0.0, (runtime.wall_ns() - since) / 1e9))
    yield from (states, differences, definitions, rows, waits, ages)
