"""A cut-over over HTTP: asked for by a body whose keys are checked, shown step by step, undone by DELETE."""

from __future__ import annotations

from typing import Any

import pytest
from falcon.testing import TestClient

from tests.web.conftest import MemoryJobs
from tests.web.contract import CUTOVER, CUTOVER_STEP, JOB_RESPONSE, read_headers
from udup.actors.commands import _reason
from udup.actors.cutover_rules import CutoverConflict, check_no_cutover
from udup.actors.messages import Rejected
from udup.base.errors import Failure
from udup.node.service import _error_of
from udup.pipeline.cutover.state import Cutover, Options, StepName, StepState
from udup.web.openapi.operations import OPERATIONS

OPERATIONS_BY = {(each.method, each.path): each for each in OPERATIONS}


@pytest.fixture
def posted(client: TestClient, document: dict[str, Any]) -> str:
    """The ID of a job that is there."""
    client.simulate_post("/v1/jobs", json=document)
    return str(document["ID"])


def _path(job: str) -> str:
    return f"/v1/job/{job}/cutover"


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_what_is_asked_for_is_passed_on_and_shown(
    client: TestClient, memory: MemoryJobs, posted: str, method: str
) -> None:
    assert client.simulate_get(_path(posted)).status_code == 404
    body = {"SourceReadOnly": True, "EnableEvents": True, "Reverse": True, "DryRun": True, "Timeout": 5}
    answer = client.simulate_request(method, _path(posted), json=body)
    assert answer.status_code == 200 and set(answer.json) == JOB_RESPONSE
    [(job, options)] = memory.cut_over_by
    assert options is not None and (job, options.timeout_s) == (posted, 5.0)
    asked = (options.source_read_only, options.writes_stopped, options.enable_events, options.reverse, options.dry_run)
    assert asked == (True, False, True, True, True)
    shown = client.simulate_get(_path(posted))
    assert set(shown.json) == CUTOVER and None not in read_headers(shown.headers)
    assert [set(step) for step in shown.json["Steps"]] == [CUTOVER_STEP] * 9
    assert shown.json["State"] == "running" and shown.json["Switched"].startswith("0001-01-01")


def test_without_a_body_nothing_is_asked_for_but_the_cut_over(
    client: TestClient, memory: MemoryJobs, posted: str
) -> None:
    assert client.simulate_post(_path(posted)).status_code == 200
    options = memory.cut_over_by[-1][1]
    assert options is not None and options.timeout_s == 60.0 and not options.source_read_only


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"SourceReadonly": True}, "SourceReadonly: is no key"),
        ({"Reverse": "yes"}, "Reverse: must be true or false"),
        ({"Timeout": 0}, "Timeout: must be seconds"),
        ({"Timeout": True}, "Timeout: must be seconds"),
        ([], "must be a JSON object"),
    ],
)
def test_what_is_not_understood_is_refused(
    client: TestClient, memory: MemoryJobs, posted: str, body: Any, told: str
) -> None:
    answer = client.simulate_post(_path(posted), json=body)
    assert answer.status_code == 400 and told in answer.text
    assert not memory.cut_over_by


def test_it_is_undone_by_delete_and_the_job_stays(client: TestClient, memory: MemoryJobs, posted: str) -> None:
    assert client.simulate_delete(_path(posted)).status_code == 200
    assert memory.cut_over_by == [(posted, None)] and posted in memory.records


def test_an_abort_that_came_too_late_is_answered_with_what_that_means(
    client: TestClient, memory: MemoryJobs, posted: str
) -> None:
    assert client.simulate_delete(_path(posted)).json["Warning"] == ""
    memory.change(posted, cutover=Cutover.asked(Options()).with_(switched_ns=1, text="the abort came after the switch"))
    assert client.simulate_delete(_path(posted)).json["Warning"] == "the abort came after the switch"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_job_has_none(client: TestClient, method: str) -> None:
    answer = client.simulate_request(method, _path("none"))
    assert (answer.status_code, answer.text) == (404, "job not found")


def test_how_it_is_stands_beside_the_job_in_a_line(client: TestClient, memory: MemoryJobs, posted: str) -> None:
    assert client.simulate_get(f"/v1/job/{posted}").json["Cutover"] is None
    client.simulate_post(_path(posted), json={"SourceReadOnly": True})
    assert client.simulate_get(f"/v1/job/{posted}").json["Cutover"] == {"State": "running", "Text": ""}
    cutover = memory.records[posted].cutover
    assert cutover is not None
    memory.change(posted, cutover=cutover.noted(StepName.LEVEL, StepState.DOING, "3 transactions are missing"))
    [stub] = client.simulate_get("/v1/jobs").json
    assert stub["JobSummary"]["Cutover"] == {"State": "running", "Text": "level: 3 transactions are missing"}
    assert client.simulate_post("/v1/jobs", json=client.simulate_get(f"/v1/job/{posted}").json).status_code == 200


@pytest.mark.parametrize(
    ("method", "part"),
    [
        *(("PUT", part) for part in ("/pause", "/resume", "/finish", "/cutover")),
        ("DELETE", ""),
        ("DELETE", "/cutover"),
    ],
)
def test_a_cut_over_that_is_in_the_way_is_a_conflict(
    client: TestClient, memory: MemoryJobs, posted: str, method: str, part: str
) -> None:
    """What the supervisor refuses so comes out of `Control` as an `IndexConflict`, and the description says 409."""
    running = memory.records[posted].model_copy(update={"cutover": Cutover.asked(Options())})
    with pytest.raises(CutoverConflict) as caught:
        check_no_cutover(running, "pause")
    rejected = Rejected(_reason(caught.value), Failure.of(caught.value))
    memory.fail_with = _error_of(rejected)
    answer = client.simulate_request(method, f"/v1/job/{posted}{part}")
    assert (answer.status_code, "udup job cutover one --abort" in answer.text) == (409, True)
    memory.fail_with = _error_of(rejected)
    told = client.simulate_request(method, f"/v1/job/{posted}{part}", headers={"Accept": "application/json"}).json
    assert told == {"error": answer.text, "details": [{"field": "Cutover", "problem": answer.text}]}
    described = OPERATIONS_BY[(method.lower(), "/v1/job/{id}" + part)]
    assert 409 in described.errors
