"""A cut-over over HTTP: asked for by a body whose keys are checked, shown step by step, undone by DELETE."""

from __future__ import annotations

from typing import Any

import pytest
from falcon.testing import TestClient

from tests.web.conftest import MemoryJobs
from tests.web.contract import CUTOVER, CUTOVER_STEP, JOB_RESPONSE, read_headers


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
    assert [set(step) for step in shown.json["Steps"]] == [CUTOVER_STEP] * 8
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


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_job_has_none(client: TestClient, method: str) -> None:
    answer = client.simulate_request(method, _path("none"))
    assert (answer.status_code, answer.text) == (404, "job not found")
