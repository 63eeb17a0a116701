"""`udup job cutover` follows what was asked for and nothing else; list and status show one that is under way."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Asking
from tests.web.conftest import MemoryJobs
from udup.base.errors import UdupError
from udup.cli.commands import ExitCode
from udup.cli.outage import cutover, stage
from udup.jobs import Stage
from udup.pipeline.cutover.state import Cutover, CutoverState, Options, StepName, StepState
from udup.web.openapi.examples import job_document
from udup.web.ports import Written


class _Jobs(MemoryJobs):
    """A job that has a cut-over, and takes no other one."""

    def has(self, cutover: Cutover) -> None:
        self.register(job_document() | {"ID": "shop"}, None)
        self.change("shop", stage=Stage.RUNNING, cutover=cutover)

    def cut_over(self, job_id: str, options: Options) -> Written:
        self.cut_over_by.append((job_id, options))
        return Written(0, job_id, "", changed=False)


@pytest.fixture
def jobs() -> _Jobs:
    return _Jobs()


def _done(options: Options) -> Cutover:
    return Cutover.asked(options).with_(state=CutoverState.DONE, text="job shop is cut over")


def test_another_one_than_was_asked_for_is_told_and_not_followed(jobs: _Jobs, asking: Asking) -> None:
    jobs.has(Cutover.asked(Options(source_read_only=True, reverse=True)))
    result = asking("job", "cutover", "shop", "--source-read-only", "--enable-events", "--yes")
    assert result.exit_code == ExitCode.FAILED
    assert "EnableEvents is false, asked for is true, Reverse is true, asked for is false" in result.stderr
    assert "udup job cutover shop --show" in result.stderr


def test_a_dry_run_does_not_follow_the_real_one(jobs: _Jobs, asking: Asking) -> None:
    jobs.has(Cutover.asked(Options(source_read_only=True)))
    result = asking("job", "cutover", "shop", "--source-read-only", "--dry-run")
    assert result.exit_code == ExitCode.FAILED and "DryRun is false, asked for is true" in result.stderr


@pytest.mark.parametrize("timeout", [(), ("--timeout", "5")])
def test_the_one_that_was_asked_for_is_followed(jobs: _Jobs, asking: Asking, timeout: tuple[str, ...]) -> None:
    jobs.has(_done(Options(source_read_only=True, timeout_s=5.0)))
    result = asking("job", "cutover", "shop", "--source-read-only", "--yes", *timeout)
    assert result.exit_code == ExitCode.OK and "done: job shop is cut over" in result.stdout


def test_what_was_given_up_is_no_success(jobs: _Jobs, asking: Asking) -> None:
    jobs.has(_done(Options()).with_(switched_ns=1, state=CutoverState.STOPPED, text="not done: reverse"))
    result = asking("job", "cutover", "shop", "--abort")
    assert result.exit_code == ExitCode.JOB_FAILED and "stopped: not done: reverse" in result.stdout


@pytest.mark.parametrize(
    "words",
    [("--show", "--abort"), ("--abort", "--dry-run"), ("--show", "--dry-run"), ("--show", "--abort", "--dry-run")],
)
def test_what_excludes_each_other_is_an_error_of_usage(jobs: _Jobs, asking: Asking, words: tuple[str, ...]) -> None:
    jobs.has(_done(Options()))
    result = asking("job", "cutover", "shop", *words)
    assert result.exit_code == ExitCode.USAGE and "exclude each other" in result.stderr
    assert jobs.cut_over_by == []


def test_status_and_list_show_one_that_is_under_way(jobs: _Jobs, asking: Asking) -> None:
    running = Cutover.asked(Options()).noted(StepName.LEVEL, StepState.DOING, "3 transactions are missing")
    jobs.has(running)
    assert "running: level: 3 transactions are missing" in asking("job", "status", "shop").stdout
    assert "cutting over" in asking("job", "list").stdout
    jobs.change("shop", cutover=running.with_(state=CutoverState.UNDONE, text="it was undone"))
    assert "undone: it was undone" in asking("job", "status", "shop").stdout
    listed = asking("job", "list").stdout
    assert "cutting" not in listed and "running" in listed


def test_the_words_of_a_list_are_those_of_what_is_under_way() -> None:
    assert stage({"Stage": "running", "Cutover": {"State": "undoing", "Text": ""}}) == "undoing cut-over"
    assert stage({"Stage": "completed", "Cutover": {"State": "stopped", "Text": ""}}) == "cut-over stopped"
    assert stage({"Stage": "failed", "Cutover": {"State": "stopped", "Text": ""}}) == "failed"
    assert cutover({"Stage": "running"}) == cutover({"Stage": "running", "Cutover": None}) == ""


def test_a_server_that_refuses_is_told(jobs: _Jobs, asking: Asking) -> None:
    jobs.has(_done(Options()))
    jobs.fail_with = UdupError("no")
    assert asking("job", "cutover", "shop", "--show").exit_code == ExitCode.FAILED
