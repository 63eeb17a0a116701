"""A subscription in `udup job list` and `udup job status`: events and its sink, no tables that were applied."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import Asking
from tests.jobs.subscriptions import to_kafka, to_nats
from tests.web.conftest import MemoryJobs
from udup.cli.jobs import sink
from udup.jobs import JobProgress, Stage
from udup.web.openapi.examples import job_document

_PROGRESS = {
    "lag_ms": 5,
    "events": {"c": 1200, "u": 0, "d": 3, "r": 0, "t": 0, "tombstone": 3, "other": 1},
    "events_per_s": 40.5,
    "events_by_table": {"shop.a": 5, "shop.b": 1198},
    "delivered_bytes": 2048,
    "decoder": "python",
    "tables": {"shop.a": {"rows": 1, "total": 1}},
}


def _posted(jobs: MemoryJobs, document: dict[str, Any], stage: Stage = Stage.RUNNING) -> None:
    jobs.register(document, None)
    jobs.change(document["ID"], stage=stage, progress=JobProgress.of(_PROGRESS))


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (to_nats({"Stream": "SHOP1"}), "NATS stream SHOP1"),
        (to_nats(Prefix="shop.one"), "NATS stream UDUP_shop_one"),
        (to_nats({"Url": "nats.example:4222"}), "NATS stream UDUP_shop1 at nats.example:4222"),
        (to_kafka(), "Kafka 127.0.0.1:9092 prefix shop1"),
        (to_kafka({"Brokers": "a:1,b:2"}), "Kafka a:1,b:2 prefix shop1"),
        (job_document(), ""),
        ({}, ""),
    ],
)
def test_a_sink_is_named(document: dict[str, Any], told: str) -> None:
    assert sink(document) == told


def test_the_status_tells_events_and_the_sink(jobs: MemoryJobs, asking: Asking) -> None:
    _posted(jobs, to_nats({"Stream": "SHOP1"}))
    found = asking("job", "status", "events")
    assert found.exit_code == 0, found.output
    facts = dict(line.split("= ", 1) for line in found.output.splitlines() if " = " in line)
    facts = {name.strip(): said for name, said in facts.items()}
    assert facts["Sink"] == "NATS stream SHOP1" and "Target" not in facts and "Changed" not in facts
    assert facts["Events"] == "40.5/s" and facts["Delivered"] == "1,200 create, 3 delete, 3 tombstone, 1 other"
    assert facts["Size"] == "2.0 KiB" and facts["Most of"] == "shop.b (1,198), shop.a (5)"
    assert "install a C++ compiler" in facts["Reader"] and "Snapshot" in found.output


def test_tables_that_are_read_while_the_log_goes_on_are_told(jobs: MemoryJobs, asking: Asking) -> None:
    _posted(jobs, to_nats({"Stream": "SHOP1"}))
    record = jobs.records["events"]
    tables = {
        "shop.new": {"rows": 1200, "total": 5000, "complete": False},
        "shop.old": {"rows": 7, "total": 7, "complete": True},
    }
    told = record.progress.overlaid(JobProgress.of({"copy_phase": "rows", "tables": tables}))
    jobs.records["events"] = record.model_copy(update={"progress": told})
    found = asking("job", "status", "events").output
    assert "Reading" in found and "shop.new (1,200 of about 5,000 rows)" in found and "shop.old (" not in found


def test_a_snapshot_of_tables_says_where_to_look(jobs: MemoryJobs, asking: Asking) -> None:
    _posted(jobs, to_nats({"Stream": "SHOP1"}))
    told = asking("job", "snapshot", "events", "shop.a").output
    assert "the rows of shop.a come again" in told and "udup job status events" in told
    assert '"shop.a"' in asking("job", "snapshot", "events", "shop.a", "--json").output
    jobs.records["events"] = jobs.records["events"].model_copy(update={"stage": Stage.PAUSED})
    assert "when it is carried on: it is paused" in asking("job", "snapshot", "events", "shop.a").output


def test_the_list_has_further_columns_where_there_are_subscriptions(jobs: MemoryJobs, asking: Asking) -> None:
    _posted(jobs, job_document())
    assert "Sink" not in asking("job", "list").output
    _posted(jobs, to_kafka())
    title, *rows = asking("job", "list").output.splitlines()
    assert title.split()[-2:] == ["events/s", "Sink"]
    assert next(row for row in rows if row.startswith("events")).endswith("40.5  Kafka 127.0.0.1:9092 prefix shop1")
    assert "Kafka" not in next(row for row in rows if not row.startswith("events"))
