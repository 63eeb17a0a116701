"""What is measured of each job, as Prometheus metrics: a table of names, units and where they come from.

The labels are `job_id` and `job_name` (`job` is Prometheus' own label for what it scrapes). Figures of one table carry
its name too, and are there only while it is copied, so that the number of time series stays small.

Counters count from the beginning of a run and start again at 0 with the next, as Prometheus expects of counters.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

from udup.base.errors import Side
from udup.jobs import JobRecord
from udup.jobs.document.keys import Level, canonical
from udup.jobs.shown import state_of
from udup.jobs.words import JobType, Stage
from udup.pipeline.waits import WaitKind
from udup.web.resources.compare_figures import compare_families
from udup.web.resources.cutover_figures import cutover_families
from udup.web.resources.growing_figures import growing_families
from udup.web.resources.outage_figures import outage_families
from udup.web.resources.subscription_figures import subscription_families
from udup.web.resources.table_figures import table_families

Family: TypeAlias = CounterMetricFamily | GaugeMetricFamily | InfoMetricFamily

LABELS = ("job_id", "job_name")

_OUTLINE = Level({"Name", "Type"})

#: The values of the labels of waits: no other becomes a time series.
_WAIT_WORDS, _SIDES = frozenset(kind.value for kind in WaitKind), frozenset(side.value for side in Side)

#: Stages in which a run is under way: what it says of this moment is true. What is left of an ended run is not shown.
_LIVE = frozenset({Stage.COPYING, Stage.CATCHING_UP, Stage.RUNNING})

#: Tables that have figures of their own while a job copies, at most.
TABLES_MAX = 100


@dataclass(frozen=True)
class _Figure:
    """`key` is a field of `JobProgress`, times `factor`; `live`: of this moment, so only while a run is under way."""

    name: str
    help: str
    key: str
    factor: float = 1
    live: bool = True


_GAUGES = (
    _Figure("lag_seconds", "How far the target is behind the source; absent while not known.", "lag_ms", 0.001),
    _Figure(
        "level",
        "1 when the target had, at the last report, all that the source had said to have executed.",
        "level",
    ),
    _Figure("waiting_transactions", "Transactions that have come and wait to be applied.", "waiting"),
    _Figure("running_groups", "Groups of transactions that are being applied.", "groups"),
    _Figure("buffer_fill_ratio", "How full the window between source and target is, 0 to 1.", "buffer_fill"),
    _Figure("buffer_messages", "Messages of the log that were sent and are not done with.", "buffer_messages"),
    _Figure("buffer_bytes", "Bytes of the log that were sent and are not done with.", "buffer_bytes"),
    _Figure("copied_rows", "Rows that the full copy has loaded.", "copied_rows", live=False),
    _Figure("copy_expected_rows", "Rows that the full copy will load: an estimate, then a count.", "copy_total_rows"),
    _Figure("copy_eta_seconds", "Time that the full copy's rows still need; absent while not known.", "eta_s"),
    _Figure("copy_tables", "Tables of the full copy.", "copy_tables"),
    _Figure("copy_complete_tables", "Tables whose rows are all loaded.", "copy_tables_complete"),
)

_COUNTERS = (
    _Figure("applied_transactions", "Transactions that were committed on the target.", "transactions", live=False),
    _Figure("applied_definitions", "DDL statements carried out since the checkpoint.", "definitions", live=False),
    _Figure("extracted_transactions", "Transactions of the job read from the source.", "extracted_transactions"),
    _Figure("skipped_transactions", "Transactions read that hold nothing of the job's.", "skipped_transactions"),
    _Figure("sent_messages", "Messages of the log that were sent.", "sent_messages"),
    _Figure("sent_bytes", "Bytes of the log that were sent.", "sent_bytes"),
    _Figure("received_messages", "Messages of the log that were received.", "received_messages"),
    _Figure("received_bytes", "Bytes of the log that were received.", "received_bytes"),
    _Figure("copy_sent_messages", "Messages of copied rows that were sent.", "copy_sent_messages"),
    _Figure("copy_sent_bytes", "Bytes of copied rows that were sent.", "copy_sent_bytes"),
    _Figure("restarts", "Runs that were begun again after a failure.", "restarts", live=False),
)

_OPERATIONS = {"insert": "inserts", "update": "updates", "delete": "deletes"}


def printable(text: object) -> str:
    """For a label: what JSON can hold and UTF-8 cannot (half of a surrogate pair) would spoil the whole answer."""
    return str(text).encode("utf-8", "backslashreplace").decode()


def job_families(records: Sequence[JobRecord]) -> Iterator[Family]:
    """Everything of these jobs."""
    labelled = [(_labels(record), record) for record in sorted(records, key=lambda each: each.id)]
    yield _info(labelled)
    yield _stages(labelled)
    yield _shown(labelled)
    for figure in _GAUGES:
        yield _filled(GaugeMetricFamily(f"udup_job_{figure.name}", figure.help, labels=LABELS), figure, labelled)
    for figure in _COUNTERS:
        yield _filled(CounterMetricFamily(f"udup_job_{figure.name}", figure.help, labels=LABELS), figure, labelled)
    yield _rows(labelled)
    yield _last_failures(labelled)
    yield _passed_over(labelled)
    yield _waiting(labelled)
    yield from cutover_families(labelled)
    yield from compare_families(labelled)
    yield from growing_families(labelled)
    yield from outage_families(labelled, time.time())
    yield from subscription_families(labelled)
    yield from _tables(labelled)
    yield from table_families(labelled)


_Labelled: TypeAlias = list[tuple[tuple[str, str], JobRecord]]


def _labels(record: JobRecord) -> tuple[str, str]:
    return printable(record.id), printable(canonical(record.document, _OUTLINE, "", []).get("Name", ""))


def _filled(family: Any, figure: _Figure, jobs: _Labelled) -> Family:
    for labels, record in jobs:
        value = getattr(record.progress, figure.key)
        if isinstance(value, (int, float)) and (record.stage in _LIVE or not figure.live):
            family.add_metric(labels, value * figure.factor)
    made: Family = family
    return made


def _info(jobs: _Labelled) -> Family:
    family = InfoMetricFamily("udup_job", "What a job is.", labels=LABELS)
    for labels, record in jobs:
        kind = canonical(record.document, _OUTLINE, "", []).get("Type") or JobType.SYNCHRONOUS.value
        family.add_metric(labels, {"type": printable(kind)})
    return family


def _stages(jobs: _Labelled) -> Family:
    family = GaugeMetricFamily("udup_job_stage", "1 for the stage that the job is in.", labels=(*LABELS, "stage"))
    for labels, record in jobs:
        for stage in Stage:
            family.add_metric((*labels, stage.value), float(record.stage == stage))
    return family


def _shown(jobs: _Labelled) -> Family:
    """Return one series a job: others would be fourteen."""
    text = "1 for the word in which the job is shown, its trouble first; the others are absent."
    family = GaugeMetricFamily("udup_job_shown", text, labels=(*LABELS, "state"))
    for labels, record in jobs:
        word = (record.shown or state_of(record)).word
        family.add_metric((*labels, word.value), 1.0)
    return family


def _rows(jobs: _Labelled) -> Family:
    text = "Rows that were changed on the target after the full copy."
    family = CounterMetricFamily("udup_job_applied_rows", text, labels=(*LABELS, "operation"))
    for labels, record in jobs:
        for operation, key in _OPERATIONS.items():
            count = getattr(record.progress, key)
            if count is not None:
                family.add_metric((*labels, operation), float(count))
    return family


def _last_failures(jobs: _Labelled) -> Family:
    text = "When a run of the job failed last, in seconds since 1970; absent if none did."
    family = GaugeMetricFamily("udup_job_last_failure_timestamp_seconds", text, labels=LABELS)
    for labels, record in jobs:
        if record.restart_history:
            family.add_metric(labels, record.restart_history[-1].time_ns / 1e9)
    return family


def _waiting(jobs: _Labelled) -> Family:
    text = "How long the job has been waiting for something; absent while it waits for nothing."
    family = GaugeMetricFamily("udup_job_waiting_seconds", text, labels=(*LABELS, "side", "what"))
    now = time.time()
    for labels, record in jobs:
        wait = record.progress.waiting_for
        if wait is not None and wait.since is not None and wait.what in _WAIT_WORDS:
            side = wait.side if wait.side in _SIDES else ""
            family.add_metric((*labels, side or "", wait.what or ""), max(0.0, now - wait.since))
    return family


def _passed_over(jobs: _Labelled) -> Family:
    text = "Transactions that were passed over on purpose (udup job skip); the target lacks them."
    family = GaugeMetricFamily("udup_job_passed_over_transactions", text, labels=LABELS)
    for labels, record in jobs:
        family.add_metric(labels, float(len(record.skipped)))
    return family


def _tables(jobs: _Labelled) -> Iterator[Family]:
    """Only while copying, and of tables whose rows are under way."""
    names = (*LABELS, "table")
    rows = GaugeMetricFamily("udup_job_table_copied_rows", "Rows of a table that are loaded.", labels=names)
    expected = GaugeMetricFamily("udup_job_table_expected_rows", "Rows of a table, as far as known.", labels=names)
    for labels, record in jobs:
        if record.stage != Stage.COPYING:
            continue
        tables = record.progress.tables or {}
        under_way = [(name, counts) for name, counts in tables.items() if not counts.get("complete")]
        for name, counts in under_way[:TABLES_MAX]:
            rows.add_metric((*labels, printable(name)), float(counts.get("rows") or 0))
            expected.add_metric((*labels, printable(name)), float(counts.get("total") or 0))
    yield rows
    yield expected
