"""The command line's HTTP client against the API's own server: tokens, and errors that are worth another try."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import NODE_ID, MemoryJobs
from udup.base.config import Settings, load_settings
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.cli.client import Answered, Api, Unreachable, job_path
from udup.cli.watch import patiently
from udup.cli.where import Flags, find
from udup.sandbox.api import job_document
from udup.sandbox.ports import free_port
from udup.web.app import create_app
from udup.web.ports import NotReady
from udup.web.serve import WebServer

TOKEN = "0123456789abcdefghij"


@pytest.fixture
def jobs() -> MemoryJobs:
    return MemoryJobs()


@pytest.fixture
def server(jobs: MemoryJobs) -> Iterator[WebServer]:
    """Asks for the token."""
    web = _started(jobs, load_settings(flags={"ports.http": 0, "api.token": TOKEN}))
    yield web
    web.stop()


def _api(server: WebServer, home: Path, **environment: str) -> Api:
    return Api(find(Flags(address=server.url), environment, home))


def test_the_token_is_brought_or_it_is_told_how(server: WebServer, tmp_path: Path) -> None:
    for environment in (
        {"UDUP_TOKEN": TOKEN},
        {"UDUP_API_TOKEN": TOKEN},
        {"UDUP_HTTP_AUTH": f"anyone:{TOKEN}"},
        {"UDUP_TOKEN": TOKEN, "UDUP_HTTP_AUTH": "anyone:else"},
    ):
        assert _api(server, tmp_path, **environment).get("/v1/jobs") == []
    for wrong in ("", "another-token-altogether"):
        with pytest.raises(Answered, match="--token-file, UDUP_TOKEN or") as told:
            _api(server, tmp_path, UDUP_TOKEN=wrong).get("/v1/jobs")
        assert told.value.status == 401 and TOKEN not in str(told.value)


def test_a_get_is_asked_again_while_the_server_starts_and_a_write_is_not(
    server: WebServer, jobs: MemoryJobs, tmp_path: Path
) -> None:
    api = _api(server, tmp_path, UDUP_TOKEN=TOKEN)
    jobs.fail_with = NotReady("not yet")
    assert api.get("/v1/jobs") == []
    jobs.fail_with = NotReady("not yet")
    with pytest.raises(Answered, match="not yet") as told:
        api.send("DELETE", "/v1/job/x")
    assert told.value.status == 503


def test_what_answers_but_is_no_udup_server_is_told(server: WebServer, tmp_path: Path) -> None:
    api = _api(server, tmp_path, UDUP_TOKEN=TOKEN)
    with pytest.raises(UdupError, match="did not answer JSON; is a Udup server there"):
        api.get("/metrics")
    with pytest.raises(Unreachable, match="Start one with `udup server`"):
        Api(find(Flags(address=f"127.0.0.1:{free_port()}"), {}, tmp_path)).get("/v1/jobs")


@pytest.mark.slow
def test_a_server_that_is_away_for_a_while_is_waited_for(jobs: MemoryJobs, tmp_path: Path) -> None:
    settings = load_settings(flags={"ports.http": free_port()})
    api = Api(find(Flags(address=f"127.0.0.1:{settings.ports.http}"), {}, tmp_path))
    asked: list[WebServer | None] = []

    def question() -> Any:
        asked.append(_started(jobs, settings) if len(asked) == 2 else None)
        return api.get("/v1/jobs")

    assert patiently(question) == []
    assert [web is not None for web in asked] == [False, False, True]
    for web in filter(None, asked):
        web.stop()
    with pytest.raises(Unreachable):
        patiently(question, 0)


def _started(jobs: MemoryJobs, settings: Settings) -> WebServer:
    web = WebServer(create_app(jobs, jobs, settings, NODE_ID), settings)
    web.start()
    return web


@pytest.mark.parametrize("job_id", ["..", "x/pause", "//a", "a&b=c?/"])
def test_a_job_whose_id_no_path_can_name_is_reached_all_the_same(
    server: WebServer, jobs: MemoryJobs, tmp_path: Path, job_id: str
) -> None:
    source, target = (Endpoint("10.0.0.1", port, "root", "") for port in (3306, 3307))
    jobs.register(job_document("one", source, target, []) | {"ID": "one"}, None)
    jobs.records[job_id] = jobs.records.pop("one").model_copy(update={"id": job_id})
    api = _api(server, tmp_path, UDUP_TOKEN=TOKEN)
    assert api.get(job_path(job_id))["ID"] == job_id
    api.send("DELETE", job_path(job_id), purge="true")
    assert jobs.records == {} and jobs.purged == [job_id]
