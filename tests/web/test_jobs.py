"""The jobs' routes, through the WSGI application."""

from __future__ import annotations

import json
from typing import Any

import pytest
from falcon.testing import TestClient

from tests.web.conftest import MemoryJobs
from udup.base.errors import Side, Transient, UdupError
from udup.jobs import MASK, JobRecord
from udup.jobs.outage import Outage
from udup.web.ports import NotReady

JSON = {"Accept": "application/json"}


def test_posting_a_job_answers_four_keys_in_order(client: TestClient, document: dict[str, Any]) -> None:
    answer = client.simulate_post("/v1/jobs", json=document)
    assert answer.status_code == 200
    assert answer.text == '{"Index":7,"KnownLeader":false,"LastContact":0,"Success":true}'
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["x-udup-index"], answer.headers["x-udup-job-id"]) == ("7", "one")
    assert "x-udup-knownleader" not in answer.headers


def test_pretty_indents_by_four_and_ends_the_line(client: TestClient, document: dict[str, Any]) -> None:
    expected = '{\n    "Index": 7,\n    "KnownLeader": false,\n    "LastContact": 0,\n    "Success": true\n}\n'
    assert client.simulate_put("/v1/jobs", query_string="pretty", json=document).text == expected


@pytest.mark.parametrize(("query", "pretty"), [("pretty=", 1), ("pretty=false", 1), ("pretty=0", 0), ("", 0)])
def test_pretty_with_anything_but_0(client: TestClient, query: str, pretty: int) -> None:
    text = client.simulate_get("/v1/health", query_string=query).text
    assert (text[-1] == "\n") == bool(pretty)


def test_a_job_without_an_id_gets_one_that_a_header_tells(client: TestClient, document: dict[str, Any]) -> None:
    del document["ID"]
    job_id = client.simulate_post("/v1/jobs", json=document).headers["x-udup-job-id"]
    assert client.simulate_get(f"/v1/job/{job_id}").json["Name"] == "first"


def test_a_posted_job_is_shown_with_its_passwords_masked(client: TestClient, document: dict[str, Any]) -> None:
    client.simulate_post("/v1/jobs", json=document)
    answer = client.simulate_get("/v1/job/one")
    assert "rootroot" not in answer.text
    assert answer.json["Tasks"][0]["Config"]["ConnectionConfig"]["Password"] == MASK
    assert (answer.json["Status"], answer.json["Stage"]) == ("pending", "pending")
    headers = [answer.headers[f"x-udup-{name}"] for name in ("index", "knownleader", "lastcontact")]
    assert headers == [str(answer.json["ModifyIndex"]), "true", "0"]


def test_a_job_that_is_read_and_posted_back_keeps_its_passwords(
    client: TestClient, document: dict[str, Any], memory: Any
) -> None:
    client.simulate_post("/v1/jobs", json=document)
    job = client.simulate_get("/v1/job/one").json
    assert client.simulate_put("/v1/job/one", json=job).status_code == 200
    assert memory.records["one"].spec().source_endpoint().password == "rootroot"


def test_jobs_are_listed_in_order_of_their_ids(client: TestClient, document: dict[str, Any]) -> None:
    assert client.simulate_get("/v1/jobs").text == "[]"
    for job_id in ("b", "a/x", "é", "B", "a"):
        client.simulate_post("/v1/jobs", json=document | {"ID": job_id})
    answer = client.simulate_get("/v1/jobs")
    assert [stub["ID"] for stub in answer.json] == ["B", "a", "a/x", "b", "é"]
    assert answer.json[0]["JobSummary"]["ID"] == "B"
    assert answer.headers["x-udup-index"] == "15"
    found = client.simulate_get("/v1/jobs", query_string="prefix=a").json
    assert [stub["ID"] for stub in found] == ["a", "a/x"]


@pytest.mark.parametrize("job_id", ["é", "a/x", "50%", "a?b", "作业", "#1"])
def test_an_id_of_any_characters_works_in_paths_and_headers(
    client: TestClient, document: dict[str, Any], job_id: str
) -> None:
    from urllib.parse import quote, unquote

    told = client.simulate_post("/v1/jobs", json=document | {"ID": job_id}).headers["x-udup-job-id"]
    assert unquote(told) == job_id
    assert client.simulate_get("/v1/job/" + quote(job_id)).json["ID"] == job_id


def test_an_unknown_job_is_not_found(client: TestClient) -> None:
    answer = client.simulate_get("/v1/job/none")
    assert (answer.status_code, answer.text) == (404, "job not found")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-udup-index"] == "5"


def test_deleting_is_a_success_also_of_what_is_not_there(client: TestClient, document: dict[str, Any]) -> None:
    client.simulate_post("/v1/jobs", json=document)
    for _ in range(2):
        answer = client.simulate_delete("/v1/job/one")
        assert (answer.status_code, answer.json["Success"]) == (200, True)
        assert client.simulate_get("/v1/job/one").status_code == 404
    assert client.simulate_delete("/v1/job/").status_code == 400


def test_the_body_decides_which_job_is_written(client: TestClient, document: dict[str, Any]) -> None:
    assert client.simulate_post("/v1/job/other", json=document).headers["x-udup-job-id"] == "one"
    assert client.simulate_post("/v1/job/", json=document).status_code == 200


def test_a_wrapped_job_is_answered_with_an_eval_id(client: TestClient, document: dict[str, Any]) -> None:
    answer = client.simulate_put("/v1/jobs", json={"Job": document})
    assert list(answer.json) == ["EvalID", "Index", "KnownLeader", "LastContact", "Success"]


def test_an_enforced_index_that_does_not_hold_is_a_conflict(client: TestClient, document: dict[str, Any]) -> None:
    enforced = document | {"EnforceIndex": True}
    answer = client.simulate_post("/v1/jobs", json=enforced | {"JobModifyIndex": 99})
    assert (answer.status_code, answer.text) == (409, "Enforcing job modify index 99: job does not exist")
    [detail] = client.simulate_post("/v1/jobs", json=enforced | {"JobModifyIndex": 99}, headers=JSON).json["details"]
    assert detail["field"] == "JobModifyIndex" and "post it with JobModifyIndex 0" in detail["problem"]
    assert client.simulate_post("/v1/jobs", json=enforced).status_code == 200
    answer = client.simulate_post("/v1/jobs", json=enforced)
    assert answer.text == "Enforcing job modify index 0: job already exists"
    current = client.simulate_get("/v1/job/one").json["JobModifyIndex"]
    answer = client.simulate_put("/v1/jobs", json={"Job": document, "EnforceIndex": True, "JobModifyIndex": 1})
    assert answer.text.endswith(f"job exists with conflicting job modify index: {current}")
    assert client.simulate_post("/v1/jobs", json=enforced | {"JobModifyIndex": current}).status_code == 200


def test_faults_are_bare_text_or_json_when_asked_for(client: TestClient, document: dict[str, Any]) -> None:
    document["Tasks"][0]["Config"]["ConnectionConfig"]["Port"] = 70000
    where, problem = "Tasks[0].Config.ConnectionConfig.Port", "must be 1…65535, got 70000"
    answer = client.simulate_post("/v1/jobs", json=document)
    assert (answer.status_code, answer.text) == (400, f"{where}: {problem}")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    document |= {"Name": "", "ID": "one"}
    answer = client.simulate_post("/v1/jobs", json=document)
    assert answer.text.startswith("2 errors occurred:\n\n* Name: Missing job name")
    answer = client.simulate_post("/v1/jobs", json=document, headers=JSON)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["details"][1] == {"field": where, "problem": problem}
    assert f"{where}: {problem}" in answer.json["error"]


@pytest.mark.parametrize(
    ("accept", "is_json"),
    [
        ("application/json", True),
        ("text/html, Application/JSON;q=0.5", True),
        ("application/json;q=0", False),
        ("application/*", True),
        ("application/vnd.udup+json, */*;q=0.1", True),
        ("application/xml", False),
        ("*/*", False),
        ("garbage;;,", False),
    ],
)
def test_errors_are_json_only_when_accept_names_it(client: TestClient, accept: str, is_json: bool) -> None:
    answer = client.simulate_get("/v1/job/none", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith("application/json" if is_json else "text/plain")
    assert (answer.text == '{"error":"job not found","details":[]}') == is_json


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "EOF"),
        (b"  ", "EOF"),
        (b"{", "not JSON"),
        (b"{Name: 1}", "not JSON"),
        (b"null", "got null"),
        (b"[]", "got a list"),
        (b'"job"', "got text"),
        (b"7", "got the number 7"),
        (b'{"Name": NaN}', "NaN"),
        (b'{"Name": 1e999}', "too large"),
        (b'{"Name": ' + b"1" * 5000 + b"}", "not JSON"),
        (b'{"Name": "\xff"}', "not UTF-8"),
        (b'{"Name": "\\ud800"}', "surrogate"),
        (b'{"\\ud800": 1}', "surrogate"),
        (b"[" * 100, "not JSON"),
        (b"[" * 100 + b"]" * 100, "nested deeper"),
        (b"[" * 100_000 + b"]" * 100_000, "nested deeper"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "nested deeper"),
        (b'{"Job": 7}', "Job: must be an object"),
        (b'{"Name": 7, "Tasks": "x"}', "Tasks: must be a list, got text"),
    ],
)
def test_bodies_that_are_no_job_are_told_clearly(client: TestClient, body: bytes, text: str) -> None:
    answer = client.simulate_post("/v1/jobs", body=body)
    assert answer.status_code == 400
    assert text in answer.text


def test_a_body_is_json_whatever_is_said_of_it_and_ends_with_its_first_value(
    client: TestClient, document: dict[str, Any]
) -> None:
    body = b"\xef\xbb\xbf " + json.dumps(document).encode() + b" trailing"
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "nonsense"):
        assert client.simulate_post("/v1/jobs", body=body, content_type=content_type).status_code == 200


def test_a_body_over_the_limit_is_too_large(client: TestClient) -> None:
    answer = client.simulate_post("/v1/jobs", body=b" " * ((1 << 20) + 1))
    assert answer.status_code == 413
    assert "larger than 1048576 bytes" in answer.text


def test_another_region_is_turned_away(client: TestClient, document: dict[str, Any]) -> None:
    assert client.simulate_get("/v1/jobs", query_string="region=global").status_code == 200
    for answer in (
        client.simulate_get("/v1/jobs", query_string="region=mars"),
        client.simulate_get("/v1/job/one", query_string="region=mars"),
        client.simulate_post("/v1/jobs", json=document | {"region": "mars"}),
    ):
        assert (answer.status_code, "No path to region" in answer.text) == (400, True)


def test_what_may_work_later_is_503(client: TestClient, memory: Any, document: dict[str, Any]) -> None:
    for error in (NotReady("the supervisor did not answer within 5 s"), Transient("NATS is away")):
        memory.fail_with = error
        answer = client.simulate_post("/v1/jobs", json=document)
        assert (answer.status_code, answer.text, answer.headers["retry-after"]) == (503, str(error), "1")


def test_our_own_faults_are_500_and_tell_no_secrets(client: TestClient, memory: Any) -> None:
    memory.fail_with = ValueError("password=rootroot")
    answer = client.simulate_get("/v1/jobs")
    assert (answer.status_code, answer.text) == (500, "internal error; the server's log tells more")
    memory.fail_with = UdupError("the store is closed")
    answer = client.simulate_get("/v1/jobs", headers=JSON)
    assert (answer.status_code, answer.json) == (500, {"error": "the store is closed", "details": []})


def test_a_job_that_this_version_would_refuse_is_still_shown(client: TestClient, memory: Any) -> None:
    memory.records["old"] = JobRecord(id="old", document={"name": "old", "tasks": [None, {"type": "X"}]})
    assert client.simulate_get("/v1/job/old").json["Tasks"][0]["Config"] is None
    assert len(client.simulate_get("/v1/jobs").json) == 1


def test_health_tells_whether_the_node_can_work(client: TestClient, memory: Any) -> None:
    good = {"Live": True, "Ready": True, "Problems": [], "Reconnecting": {}}
    assert client.simulate_get("/v1/health").json == good
    memory.unready = ["NATS does not answer"]
    answer = client.simulate_get("/v1/health/ready")
    assert (answer.status_code, answer.json["Problems"]) == (503, ["NATS does not answer"])
    assert client.simulate_get("/v1/health/live").status_code == 200


def test_a_job_whose_server_is_away_leaves_the_node_ready_and_is_counted(
    client: TestClient, memory: MemoryJobs, document: dict[str, Any]
) -> None:
    client.simulate_post("/v1/jobs", json=document)
    waits = Outage(side=Side.TARGET, why="error 2003", since=5.0, next_try=9.0, attempts=3)
    memory.records["one"] = memory.records["one"].model_copy(update={"outage": waits})
    answer = client.simulate_get("/v1/health/ready")
    assert (answer.status_code, answer.json["Reconnecting"]) == (200, {"target": 1})


@pytest.mark.parametrize("job_id", [".", "..", "../x", "//a", "x/pause", "a b"])
def test_a_job_whose_id_no_path_can_name_is_read_and_deleted_by_a_query(
    client: TestClient, memory: MemoryJobs, document: dict[str, Any], job_id: str
) -> None:
    client.simulate_post("/v1/jobs", json=document)
    memory.records[job_id] = memory.records.pop("one").model_copy(update={"id": job_id})
    params = {"id": job_id}
    assert client.simulate_get("/v1/job/", params=params).json["ID"] == job_id
    assert client.simulate_delete("/v1/job/", params=params).status_code == 200
    assert client.simulate_get("/v1/job/", params=params).status_code == 404
    assert not memory.records


def test_a_deletion_that_names_no_job_deletes_none(client: TestClient, document: dict[str, Any]) -> None:
    client.simulate_post("/v1/jobs", json=document)
    assert client.simulate_delete("/v1/job/").status_code == 400
    assert client.simulate_delete("/v1/job/", params={"id": ""}).status_code == 400
    assert client.simulate_delete("/v1/job/other", params={"id": "one"}).status_code == 200
    assert client.simulate_get("/v1/job/one").status_code == 200, "a path that names a job is what counts"
