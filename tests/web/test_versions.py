"""A job's documents through the API: listed with their changes, given back, and checked before a job runs by one."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from falcon.testing import TestClient

from tests.web.conftest import MOMENT, MemoryJobs
from udup.base.errors import Fault
from udup.web.ports import WouldNotStart
from udup.web.schemas.versions import MAX_CHANGES

JSON = {"Accept": "application/json"}


def _changed(document: dict[str, Any], **config: Any) -> dict[str, Any]:
    made = copy.deepcopy(document)
    made["Tasks"][1]["Config"].update(config)
    return made


def test_documents_are_listed_with_what_each_changed(client: TestClient, document: dict[str, Any]) -> None:
    client.simulate_post("/v1/jobs", json=document)
    other = _changed(document, ParallelWorkers=7)
    other["Tasks"][0]["Config"]["ConnectionConfig"]["Password"] = "another-secret"
    client.simulate_post("/v1/jobs", json=other)
    answer = client.simulate_get("/v1/job/one/history")
    first, second = answer.json
    assert first == {
        "Changes": [], "How": "posted", "MoreChanges": 0, "Number": 1, "Present": False, "Time": MOMENT,
    }  # fmt: skip
    assert second["Present"] and second["Changes"] == [
        {"After": "******", "Before": "******", "Key": "Tasks[Src].Config.ConnectionConfig.Password"},
        {"After": "7", "Before": "", "Key": "Tasks[Dest].Config.ParallelWorkers"},
    ]
    assert "secret" not in answer.text and "rootroot" not in answer.text
    assert answer.headers["x-udup-index"] == str(client.simulate_get("/v1/job/one").json["ModifyIndex"])


def test_more_changes_than_anybody_reads_are_counted(client: TestClient, document: dict[str, Any]) -> None:
    client.simulate_post("/v1/jobs", json=document)
    tables = [{"TableName": f"t{number}"} for number in range(MAX_CHANGES + 7)]
    for chosen in (tables[:1], tables):
        other = copy.deepcopy(document)
        other["Tasks"][0]["Config"]["ReplicateDoDb"] = [{"TableSchema": "s", "Tables": chosen}]
        client.simulate_post("/v1/jobs", json=other)
    last = client.simulate_get("/v1/job/one/history").json[-1]
    assert (len(last["Changes"]), last["MoreChanges"]) == (MAX_CHANGES, 6)


def test_a_document_is_given_back_by_number_or_the_one_before(
    client: TestClient, document: dict[str, Any], memory: MemoryJobs
) -> None:
    for workers in (4, 5, 6):
        client.simulate_post("/v1/jobs", json=_changed(document, ParallelWorkers=workers))
    answer = client.simulate_put("/v1/job/one/revert")
    assert (answer.status_code, set(answer.json)) == (200, {"Index", "KnownLeader", "LastContact", "Success"})
    assert memory.records["one"].spec().parallel_workers == 5
    assert client.simulate_post("/v1/job/one/revert", query_string="to=1&check=false").status_code == 200
    assert memory.records["one"].spec().parallel_workers == 4
    assert memory.checked == [True, True, True, True, False]
    assert memory.records["one"].spec().source_endpoint().password == "rootroot"


@pytest.mark.parametrize("number", ["x", "0", "-1", "1.5", "9" * 30, "١"])
def test_a_number_that_is_none_is_refused(client: TestClient, document: dict[str, Any], number: str) -> None:
    client.simulate_post("/v1/jobs", json=document)
    answer = client.simulate_put("/v1/job/one/revert", params={"to": number})
    assert answer.status_code == 400 and answer.text.startswith("to: must be a whole number")


def test_what_is_not_there_is_404_and_what_reads_never_writes(client: TestClient, document: dict[str, Any]) -> None:
    assert client.simulate_get("/v1/job/none/history").status_code == 404
    assert client.simulate_put("/v1/job/none/revert").status_code == 404
    client.simulate_post("/v1/jobs", json=document)
    assert client.simulate_put("/v1/job/one/revert").status_code == 404
    assert client.simulate_get("/v1/job/one/revert").status_code == 405
    assert client.simulate_put("/v1/job/one/history").status_code == 405


def test_a_document_is_checked_unless_that_is_not_wanted(
    client: TestClient, document: dict[str, Any], memory: MemoryJobs
) -> None:
    for query in ("", "check=true", "check=nonsense", "check=false", "check=0"):
        client.simulate_post("/v1/jobs", json=document, query_string=query)
    assert memory.checked == [True, True, True, False, False]


def test_what_could_not_start_is_a_conflict_with_every_fault(
    client: TestClient, document: dict[str, Any], memory: MemoryJobs
) -> None:
    faults = [Fault("Src h:1", "no entry", "grant it"), Fault("Dest h:2", "is away")]
    memory.fail_with = WouldNotStart("one", faults)
    answer = client.simulate_post("/v1/jobs", json=document, headers=JSON)
    assert answer.status_code == 409
    assert answer.json["details"] == [
        {"field": "Src h:1", "problem": "no entry -- grant it"},
        {"field": "Dest h:2", "problem": "is away"},
    ]
    memory.fail_with = WouldNotStart("one", faults)
    text = client.simulate_post("/v1/jobs", json=document).text
    assert text == answer.json["error"]
    assert text.startswith("job one goes on by the document that it has") and "?check=false" in text
    assert "* Src h:1: no entry -- grant it\n* Dest h:2: is away" in text
    assert text.endswith("udup job run --no-check")
    memory.fail_with = WouldNotStart("one", faults, "udup job revert one 3")
    assert client.simulate_put("/v1/job/one/revert").text.endswith("?check=false, udup job revert one 3 --no-check")
