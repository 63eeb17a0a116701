"""`udup job compare` and `udup job repair`: what people read, what programs get, and with which code they end."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Asking
from tests.web.conftest import MemoryJobs
from udup.cli import job_compare
from udup.cli.commands import ExitCode
from udup.jobs import Stage
from udup.jobs.record import IndexConflict
from udup.pipeline.ports.compare import LedgerRow
from udup.pipeline.verify.state import CompareOptions, CompareState, Comparison, UnlikeTable
from udup.web.openapi.examples import job_document
from udup.web.ports import Written


class _Jobs(MemoryJobs):
    """A job of which each comparison comes to the same."""

    found = Comparison.asked(CompareOptions()).model_copy(update={"state": CompareState.DONE})
    rows: tuple[LedgerRow, ...] = ()

    def has(self, stage: Stage = Stage.RUNNING, **found: object) -> None:
        self.register(job_document() | {"ID": "shop"}, None)
        self.found = self.found.model_copy(update=found)
        self.change("shop", stage=stage, comparison=self.found)

    def compare(self, job_id: str, options: CompareOptions | None) -> Written:
        self.change(job_id, comparison=self.found.model_copy(update={"options": options or CompareOptions()}))
        return Written(0, job_id, "")

    def differences(self, job_id: str, after: str, limit: int) -> list[LedgerRow]:
        return [row for row in self.rows if row.at > after][:limit]


@pytest.fixture
def jobs() -> _Jobs:
    return _Jobs()


def _row(key: str, table: str = "orders") -> LedgerRow:
    return LedgerRow(key, "shop", table, key, "missing", 1, False, (), 0, 0, "u:1")


def test_of_ten_thousand_rows_that_differ_the_first_are_shown_and_the_others_counted(
    jobs: _Jobs, asking: Asking
) -> None:
    shown = tuple(f"shop.orders {number} missing" for number in range(20))
    unlike = (UnlikeTable(name="shop.orders", differences=9_999), UnlikeTable(name="shop.items", differences=1))
    jobs.has(found=shown, differences=10_000, unlike=unlike, tables=1_000, rows=2_000_000)
    told = asking("job", "compare", "shop")
    assert told.exit_code == ExitCode.FAILED and len(told.stdout.splitlines()) == 24, told.stdout
    assert "… and 9,980 rows more" in told.stdout and "shop.items: 1 row differs" in told.stdout
    assert told.stdout.splitlines()[-1] == "done: 1,000 tables, 2,000,000 rows, 10,000 differ"
    assert json.loads(asking("job", "compare", "shop", "--json").stdout)["Differences"] == 10_000


def test_no_key_or_name_of_a_table_does_anything_to_a_terminal(jobs: _Jobs, asking: Asking) -> None:
    evil = "\x1b[2J\x07"
    unlike = (UnlikeTable(name=f"shop.{evil}", problem=evil),)
    jobs.has(found=(f"shop.t {evil} missing",), differences=1, unlike=unlike, text=evil, state=CompareState.FAILED)
    jobs.rows = (_row(evil, evil),)
    for words in (("compare", "shop"), ("compare", "shop", "--show"), ("repair", "shop", "--all", "--dry-run")):
        assert "\x1b" not in asking("job", *words).stdout, words


def test_ctrl_c_ends_the_command_and_says_that_the_comparison_goes_on(
    jobs: _Jobs, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(job_compare.time, "sleep", interrupt)
    jobs.has(state=CompareState.RUNNING, text="the job is paused")
    told = asking("job", "compare", "shop")
    assert told.exit_code == ExitCode.INTERRUPTED
    assert "waits: the job is paused" in told.stdout
    assert "udup job compare shop --show" in told.stderr and "--stop" in told.stderr


def test_a_repair_tells_what_it_would_do_then_does_it_and_programs_read_one_object(jobs: _Jobs, asking: Asking) -> None:
    jobs.has(rows=1)
    nothing = asking("job", "repair", "shop", "shop.a b")
    assert nothing.exit_code == ExitCode.OK and "udup job compare shop 'shop.a b'" in nothing.stdout
    jobs.rows = (_row("1"),)
    plan = asking("job", "repair", "shop", "--all", "--dry-run")
    assert plan.stdout.splitlines() == ["shop.orders 1: would be inserted", "1 row would be repaired"]
    done = asking("job", "repair", "shop", "--all")
    assert done.exit_code == ExitCode.OK and done.stdout.splitlines()[-1] == "equal", done.output
    assert json.loads(asking("job", "repair", "shop", "--all", "--json").stdout)["Equal"] is True


def test_of_a_job_that_has_stopped_nothing_is_known_before_its_repair(jobs: _Jobs, asking: Asking) -> None:
    jobs.has(Stage.FAILED, rows=2)
    plan = asking("job", "repair", "shop", "shop.orders", "--dry-run")
    assert plan.exit_code == ExitCode.FAILED and "job shop does not run" in plan.stderr
    done = asking("job", "repair", "shop", "shop.orders")
    assert done.stdout.splitlines() == [
        "repaired: 2 rows; shop.orders is as the source has it now",
        "now have the job go on: udup job resume shop",
    ]
    assert asking("job", "repair", "shop").exit_code == ExitCode.USAGE
    assert asking("job", "repair", "shop", "shop.t", "--all").exit_code == ExitCode.USAGE


def test_a_repair_beside_a_comparison_that_goes_on_and_on_leaves_the_comparing_to_it(
    jobs: _Jobs, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs.has()
    jobs.rows = (_row("1"),)
    compare = jobs.compare

    def goes_on(job_id: str, options: CompareOptions | None) -> Written:
        if options is None or options.repair:
            return compare(job_id, options)
        jobs.change(job_id, comparison=Comparison.asked(CompareOptions(continuous=True)))
        raise IndexConflict("a comparison of job shop is under way")

    monkeypatch.setattr(jobs, "compare", goes_on)
    told = asking("job", "repair", "shop", "--all")
    assert told.exit_code == ExitCode.OK and "the comparison goes on" in told.stdout, told.output


def test_an_end_that_ends_nothing_is_told(jobs: _Jobs, asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs.has()
    monkeypatch.setattr(jobs, "compare", lambda job_id, _options: Written(0, job_id, "", changed=False))
    assert asking("job", "compare", "shop", "--stop").stdout == "no comparison of job shop is under way\n"
