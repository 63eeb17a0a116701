"""What the commands say of a job that goes wrong: once, with its time, the remedy on a line of its own."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from udup.cli import watch
from udup.cli.job_logs import Entry, _events, _restarts
from udup.cli.options import Session
from udup.cli.output import Output
from udup.cli.progress import TableProgress, View
from udup.cli.reasons import brief, reasons, title
from udup.cli.validate import _show
from udup.cli.watch import PlainLines, line
from udup.cli.where import Flags

TEXT = (
    "Src 10.0.0.1:3306: gtid_mode is OFF, not ON -- SET PERSIST gtid_mode = 'ON'; "
    "Dest 10.0.0.2:3306: super_read_only is ON -- SET PERSIST super_read_only = OFF"
)


def _job(stage: str = "failed", **progress: Any) -> dict[str, Any]:
    described = TEXT if stage == "failed" else ""
    return {"ID": "shop", "Stage": stage, "StatusDescription": described, "Progress": progress}


def test_each_fault_has_its_lines_with_the_remedy_and_the_command_that_goes_on() -> None:
    assert reasons(_job(last_error=TEXT, restart_history=[{"error": TEXT}])) == [
        "  Src 10.0.0.1:3306: gtid_mode is OFF, not ON",
        "    -> SET PERSIST gtid_mode = 'ON'",
        "  Dest 10.0.0.2:3306: super_read_only is ON",
        "    -> SET PERSIST super_read_only = OFF",
        "  When that is fixed: udup job resume shop",
    ]


def test_what_is_wrong_in_the_document_is_posted_again() -> None:
    text = "Src 10.0.0.1:3306: access denied -- look at Password in this ConnectionConfig"
    assert reasons(_job() | {"StatusDescription": text})[-1] == (
        "  When that is fixed: udup job resume shop; when it was in the document: udup job run FILE"
    )


def test_a_reason_that_ends_with_the_command_is_not_followed_by_it_again() -> None:
    text = "u:7: a row is not there; udup job resume shop when that is repaired, or udup job skip shop --gtid u:7"
    assert reasons(_job() | {"StatusDescription": text}) == [f"  {text}"]


def test_a_failure_that_is_history_is_not_told() -> None:
    assert reasons(_job("running", last_error="", last_error_time=None, restart_history=[{"error": TEXT}])) == []


def test_an_error_that_a_job_tries_to_get_over_is_told_with_its_time() -> None:
    job = _job("running", last_error="no route", last_error_time="2026-11-26T03:00:00Z")
    assert reasons(job) == ["  no route"]
    assert title(job).startswith("Last error (2026-11-2")
    assert title(_job("running", last_error="no route")) == "Last error"


def test_on_a_terminal_long_reasons_are_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "50")
    job = _job() | {"StatusDescription": "a few words " * 100 + "-- " + "do this " * 30}
    lines = reasons(job)
    assert len(lines) > 20 and max(map(len, lines)) <= 50
    assert [each for each in lines if "->" in each] == [next(each for each in lines if each.startswith("    -> do"))]


def test_what_is_shown_again_and_again_is_short() -> None:
    assert brief(TEXT) == "Src 10.0.0.1:3306: gtid_mode is OFF, not ON"
    assert len(brief("x" * 1500)) == 160


def _view(**more: Any) -> View:
    return View("copying", 1.0, (TableProgress("s.t", 5, 10, 0.0, None),), **more)


def test_a_line_says_nothing_of_what_is_not_known() -> None:
    assert "ETA" not in line(_view()) and "lag" not in line(View("running", 1.0))
    assert "ETA 7 s" in line(_view(eta_s=7.0)) and "lag 3 ms" in line(View("running", 1.0, lag_ms=3.0))


def test_the_same_line_is_not_said_every_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(watch.time, "monotonic", lambda: clock[0])
    said = io.StringIO()
    lines = PlainLines(Console(file=said, width=1000))
    for second in range(25):
        clock[0] = 100.0 + second
        lines.show(View("copying", float(second), last_error="no route"))
    assert len(said.getvalue().splitlines()) == 3
    clock[0] += 1
    lines.show(View("running", 26.0))
    assert len(said.getvalue().splitlines()) == 4


def test_the_log_is_in_the_order_of_nanoseconds_and_tells_an_error_once() -> None:
    job = {"Progress": {"restart_history": [{"time": "1970-01-01T00:00:05Z", "time_ns": 5_000_000_200, "error": "no"}]}}
    restarts = list(_restarts(job))
    assert restarts == [Entry(5_000_000_200, "Job", "Run ended: no")]
    events = [
        {"Type": "Started", "Time": 5_000_000_100},
        {"Type": "Terminated", "Time": 5_000_000_200, "Message": "no", "ExitCode": 1},
        {"Type": "Terminated", "Time": 6_000_000_000, "Message": "other", "ExitCode": 1},
        {"Type": "Killing", "Time": 7_000_000_000},
        {"Type": "Killed", "Time": 8_000_000_000},
    ]
    told = _events([{"TaskStates": {"Src": {"Events": events}}}], {each.at for each in restarts})
    assert [each.what for each in sorted([*restarts, *told], key=lambda each: each.at)] == [
        "Started",
        "Run ended: no",
        "Terminated: exit code 1",
        "Terminated: other, exit code 1",
        "Ending at a transaction boundary",
        "Ended",
    ]


def test_a_server_of_an_older_version_tells_seconds() -> None:
    job = {"Progress": {"restart_history": [{"time": "1970-01-01T00:00:05Z", "error": "no"}, {"time": "?"}]}}
    assert [each.at for each in _restarts(job)] == [5_000_000_000, 0]


def _check(result: str, name: str) -> dict[str, str]:
    return {"Result": result, "Task": "Src", "Check": name, "Found": f"found {name}", "Remedy": f"fix {name}"}


@pytest.mark.parametrize("verbose", [False, True])
def test_a_validation_ends_with_what_is_wrong(capsys: pytest.CaptureFixture[str], verbose: bool) -> None:
    checks = [_check("fail", "a"), *(_check("pass", f"p{number}") for number in range(45)), _check("warn", "b")]
    session = Session(Flags(), Output())
    _show(session, {"Checks": checks, "Error": "a"}, verbose)
    said = capsys.readouterr().out
    lines = said.splitlines()
    assert ("found p7" in said) == verbose and ("45 checks passed" in said) != verbose
    warned = next(at for at, each in enumerate(lines) if "found b" in each)
    assert "found a" in lines[warned + 1]
    assert lines[-1] == "The job would not start: 1 fault" and "fix a" in said and "fix p7" not in said
