"""A comparison over HTTP: asked for by a body whose keys are checked, shown with what it has found, ended by DELETE."""

from __future__ import annotations

import re
from typing import Any

import pytest
from falcon.testing import TestClient

from tests.web.conftest import MemoryJobs
from tests.web.contract import JOB_RESPONSE
from udup.pipeline.ports.compare import DefinitionDifference, Kind, LedgerRow, TableCompared
from udup.pipeline.verify.settings import VerifyProgress
from udup.pipeline.verify.state import Comparison


@pytest.fixture
def path(client: TestClient, document: dict[str, Any]) -> str:
    client.simulate_post("/v1/jobs", json=document)
    return f"/v1/job/{document['ID']}/compare"


def test_what_is_asked_for_is_passed_on_and_what_it_finds_is_shown(
    client: TestClient, memory: MemoryJobs, path: str, document: dict[str, Any]
) -> None:
    assert client.simulate_get(path).status_code == 404
    body = {"Tables": ["shop.orders"], "RowsPerSecond": 500, "Continuous": True}
    answer = client.simulate_post(path, json=body)
    assert answer.status_code == 200 and set(answer.json) == JOB_RESPONSE
    job = str(document["ID"])
    comparison = memory.records[job].comparison
    assert comparison is not None and comparison.options.tables == ("shop.orders",)
    shown = client.simulate_get(path).json
    assert (shown["State"], shown["Equal"], shown["Round"], shown["RowsPerSecond"]) == ("running", False, 1, 500)
    unlike = (TableCompared("shop", "orders", 10, 2, unsearched=3), TableCompared("shop", "m", problem="MyISAM"))
    progress = VerifyProgress(1, 2, unlike, ("shop.orders 7 differs state",), 10, 2, ended=True)
    memory.change(job, comparison=comparison.at(progress))
    shown = client.simulate_get(path).json
    assert (shown["State"], shown["Equal"], shown["Differences"], shown["TablesCompared"]) == ("done", False, 2, 2)
    assert [(each["Name"], each["Differences"], each["Problem"]) for each in shown["Unlike"]] == [
        ("shop.orders", 5, ""),
        ("shop.m", 0, "MyISAM"),
    ]
    assert shown["Found"] == ["shop.orders 7 differs state"]


def test_a_comparison_is_ended_by_delete(client: TestClient, path: str) -> None:
    assert client.simulate_post(path).status_code == 200
    assert client.simulate_delete(path).status_code == 200
    assert client.simulate_get(path).json["State"] == "stopped"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"Tables": "shop.orders"}, "Tables"),
        ({"Tables": ["orders"]}, "Tables"),
        ({"RowsPerSecond": -1}, "RowsPerSecond"),
        ({"RowsPerSecond": True}, "RowsPerSecond"),
        ({"Continuous": 1}, "Continuous"),
        ({"Table": []}, "Table"),
        ([], "the request's body"),
    ],
)
def test_what_is_not_understood_is_refused(client: TestClient, path: str, body: Any, where: str) -> None:
    answer = client.simulate_post(path, json=body)
    assert answer.status_code == 400 and where in answer.text


def test_of_jobs_that_were_compared_the_metrics_tell(
    client: TestClient, memory: MemoryJobs, path: str, document: Any
) -> None:
    client.simulate_post(path)
    job = str(document["ID"])
    comparison = memory.records[job].comparison
    assert comparison is not None
    memory.change(job, comparison=comparison.at(VerifyProgress(1, 2, (), (), 10, 4, ended=True)))
    text = client.simulate_get("/metrics").text
    lines = [line for line in text.splitlines() if line.startswith("udup_job_differences{")]
    assert len(lines) == 1 and lines[0].endswith(" 4.0")
    assert any('state="done"' in line and line.endswith(" 1.0") for line in text.splitlines() if "job_compare{" in line)


def test_how_long_a_comparison_waits_or_takes_is_measured_while_it_is_under_way(
    client: TestClient, memory: MemoryJobs, path: str, document: Any
) -> None:
    client.simulate_post(path)
    job = str(document["ID"])

    def measured(comparison: Comparison) -> dict[str, float]:
        memory.change(job, comparison=comparison)
        found = re.findall(r"^(udup_job_compare\w+){.*} (\S+)$", client.simulate_get("/metrics").text, re.MULTILINE)
        return {name: float(value) for name, value in found}

    comparison = memory.records[job].comparison
    assert comparison is not None
    hour_ago = comparison.model_copy(update={"since_ns": comparison.since_ns - 3600 * 10**9})
    shown = measured(hour_ago.at(VerifyProgress(1, waits="the job does not follow its source now")))
    assert shown["udup_job_compare_waits"] == 1 and 3600 <= shown["udup_job_compared_age_seconds"] < 7000
    shown = measured(hour_ago.at(VerifyProgress(2)))
    assert shown["udup_job_compare_waits"] == 0 and shown["udup_job_compared_age_seconds"] < 3000
    shown = measured(hour_ago.at(VerifyProgress(2, ended=True)))
    assert not shown.keys() & {"udup_job_compare_waits", "udup_job_compared_age_seconds"}


def test_a_repair_is_asked_for_by_tables_or_for_all(client: TestClient, memory: MemoryJobs, document: Any) -> None:
    client.simulate_post("/v1/jobs", json=document)
    path = f"/v1/job/{document['ID']}/repair"
    assert client.simulate_post(path, json={"Tables": ["shop.orders"]}).status_code == 200
    comparison = memory.records[str(document["ID"])].comparison
    assert comparison is not None and comparison.options.repair and comparison.options.tables == ("shop.orders",)
    assert client.simulate_post(path, json={"All": True}).status_code == 200
    for body in ({}, {"All": True, "Tables": ["a.b"]}, {"All": 1}, {"Tables": ["a"]}, {"Continuous": True}):
        assert client.simulate_post(path, json=body).status_code == 400, body


def test_the_ledger_is_shown_page_by_page(client: TestClient, memory: MemoryJobs, document: Any) -> None:
    path = f"/v1/job/{document['ID']}/differences"
    assert client.simulate_get(path).status_code == 404
    client.simulate_post("/v1/jobs", json=document)
    memory.ledger = [
        LedgerRow(f"{at}", "shop", "orders", f"{at}", "differs", 1, False, ("state",), 1000, 1000, "u:1-9", 2000 * at)
        for at in range(3)
    ]
    first = client.simulate_get(path, params={"limit": "2"}).json
    assert [row["Key"] for row in first["Rows"]] == ["0", "1"] and first["Next"] == "1"
    assert [row["Repaired"] for row in first["Rows"]] == ["0001-01-01T00:00:00Z", "1970-01-01T00:00:02Z"]
    second = client.simulate_get(path, params={"limit": "2", "after": first["Next"]}).json
    assert [row["Key"] for row in second["Rows"]] == ["2"] and second["Next"] == ""
    assert client.simulate_get(path, params={"limit": "0"}).status_code == 400


def test_definitions_that_differ_are_told_and_what_only_the_target_has_does_not_count(
    client: TestClient, memory: MemoryJobs, path: str, document: Any
) -> None:
    client.simulate_post(path)
    job = str(document["ID"])
    mine = DefinitionDifference("shop.orders", "index mine", Kind.EXTRA, counts=False)
    lost = DefinitionDifference("shop.orders", "index by_state", Kind.MISSING, remedy="ALTER TABLE `shop`.`orders` …")
    for number, defined in enumerate(((mine,), (lost, mine))):
        comparison = memory.records[job].comparison
        assert comparison is not None
        progress = VerifyProgress(1, 2, (), (), 10, 0, definitions=number, defined=defined, ended=True)
        memory.change(job, comparison=comparison.at(progress))
        shown = client.simulate_get(path).json
        assert (shown["Equal"], shown["UnlikeDefinitions"]) == (not number, number)
    first = {"Text": "shop.orders: index by_state is not on the target", "Counts": True}
    assert shown["Definitions"] == [
        first | {"Remedy": "ALTER TABLE `shop`.`orders` …"},
        {"Text": "shop.orders: index mine is only on the target", "Counts": False, "Remedy": ""},
    ]
    text = client.simulate_get("/metrics").text
    assert [line[-4:] for line in text.splitlines() if line.startswith("udup_job_unlike_definitions{")] == [" 1.0"]
    memory.ledger = [LedgerRow("!a", "shop", "orders", "", "missing", 1, False, (), 1, 1, "", definition=str(lost))]
    [row] = client.simulate_get(f"/v1/job/{job}/differences").json["Rows"]
    assert (row["Definition"], row["Counts"]) == (str(lost), True)
