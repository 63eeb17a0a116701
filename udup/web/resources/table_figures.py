"""How a job's tables are, as metrics: how many are in each state, and the rows of those that change most.

A job may have ten thousand tables. What each of them has come to `GET /v1/job/ID/tables` tells; as time series there
are the busiest of the run alone, so that their number stays small.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from udup.jobs import JobRecord
from udup.jobs.table_progress import ChangedTable
from udup.jobs.table_states import states_of

_LABELS = ("job_id", "job_name")

_OPERATIONS = ("insert", "update", "delete")


def table_families(
    jobs: Sequence[tuple[tuple[str, str], JobRecord]],
) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
    """Of the jobs that have told anything of their tables."""
    text = "Tables of the job in this state, as far as is known without asking its servers."
    states = GaugeMetricFamily("udup_job_tables", text, labels=(*_LABELS, "state"))
    changed = GaugeMetricFamily(
        "udup_job_changed_tables", "Tables of which rows were changed in this run.", labels=_LABELS
    )
    text = "Rows of the tables that change most which were changed on the target in this run."
    rows = CounterMetricFamily("udup_job_table_changed_rows", text, labels=(*_LABELS, "table", "operation"))
    text = "When the source committed the last change of these tables."
    last = GaugeMetricFamily("udup_job_table_last_change_timestamp_seconds", text, labels=(*_LABELS, "table"))
    for labels, record in jobs:
        progress = record.progress
        if sum((found := states_of(record)).values()):
            for state, count in found.items():
                states.add_metric((*labels, state), count)
        if progress.changed_tables is not None:
            changed.add_metric(labels, progress.changed_tables)
        for name, table in (progress.busiest_tables or {}).items():
            told = name.encode("utf-8", "backslashreplace").decode()
            for operation, count in zip(_OPERATIONS, _counts(table), strict=True):
                rows.add_metric((*labels, told, operation), count)
            if changed_us := table.get("changed_us"):
                last.add_metric((*labels, told), changed_us / 1e6)
    yield from (states, changed, rows, last)


def _counts(table: ChangedTable) -> tuple[int, int, int]:
    return table.get("inserted") or 0, table.get("updated") or 0, table.get("deleted") or 0
