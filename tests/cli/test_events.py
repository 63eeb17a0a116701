"""`udup events` prints the stream, and `udup job logs` the time line."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Asking
from tests.web.conftest import NODE_ID, MemoryJobs
from udup.base.config import load_settings
from udup.cli import events
from udup.cli.client import _lines
from udup.cli.commands import ExitCode
from udup.cli.events import parsed
from udup.jobs import Stage
from udup.web.app import create_app
from udup.web.blocking import WaitingRoom
from udup.web.openapi.examples import job_document
from udup.web.serve import WebServer


def test_events_of_a_stream_are_told_from_its_comments() -> None:
    lines = [": hb", "", "event: jobs", "id: e-1", 'data: {"a": "b: c"}', "", "data: {}", "", "event: cut off"]
    assert list(parsed(lines)) == [("jobs", "e-1", '{"a": "b: c"}'), ("message", "", "{}")]


def test_an_event_stays_whole_whatever_its_text_holds_and_however_it_comes() -> None:
    said = 'event: error\ndata: {"Text":"a\u2028b\u0085c\u000b订"}\n\n'.encode()
    for size in (1, 3, 1000):
        pieces = [said[at : at + size] for at in range(0, len(said), size)]
        assert list(parsed(_lines(pieces))) == [("error", "", '{"Text":"a\u2028b\u0085c\u000b订"}')], size


def test_each_event_is_a_line_and_a_server_that_goes_for_good_ends_it(
    asking: Asking, jobs: MemoryJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "ABSENCE_SECONDS", 0.2)
    monkeypatch.setattr(events, "_PAUSE_SECONDS", 0.3)
    jobs.register(job_document(), None)
    room = WaitingRoom()
    settings = load_settings(flags={"ports.http": 0})
    web = WebServer(create_app(jobs, jobs, settings, NODE_ID, room), settings, before_stop=room.close)
    web.start()
    threading.Timer(1.5, web.stop).start()
    answer = asking("events", "--topics", "jobs,nodes", "--address", web.url)
    assert answer.exit_code == ExitCode.UNREACHABLE
    told = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [each["event"] for each in told] == ["hello", "jobs", "nodes"]
    assert told[1]["data"]["Jobs"][0]["ID"] == job_document()["ID"]
    assert "the stream has ended; trying again" in answer.stderr


def test_a_topic_that_there_is_not_is_told(asking: Asking) -> None:
    answer = asking("events", "--topics", "pods")
    assert answer.exit_code == ExitCode.FAILED
    assert "topics: 'pods' is no topic" in answer.stderr


def test_the_log_of_a_job_tells_its_time_line(asking: Asking, jobs: MemoryJobs, tmp_path: Path) -> None:
    document: dict[str, Any] = job_document()
    jobs.register(document, None)
    assert "Job   Job created" in asking("job", "logs", document["ID"]).stdout
    jobs.change(document["ID"], stage=Stage.RUNNING)
    assert "Job   The target has caught up" in asking("job", "logs", document["ID"]).stdout
    found = json.loads(asking("job", "logs", document["ID"], "--json").stdout)
    assert [each["Kind"] for each in found["Timeline"]] == ["document", "caught_up"]
