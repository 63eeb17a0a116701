"""The self-test of an Oracle server, on the database in memory: what it makes, what it finds, what it leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.drivers.oracle.fake_oracle import FakeOracle
from tests.drivers.oracle.fake_sql import FakeSql
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.cli import cli
from udup.drivers.oracle import log as log_module
from udup.drivers.oracle.session import Place
from udup.selftest import oracle
from udup.selftest.oracle import OracleSelfTest
from udup.selftest.oracle_cases import CASES, NOT_COVERED

#: What the database in memory can carry out.
_CARRIED = ("changes/each_kind", "changes/empty_text", "transactions/", "definitions/truncate", "definitions/modify")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeOracle:
    monkeypatch.setattr(log_module, "LAST_SECONDS", 0.0)
    monkeypatch.setattr(log_module, "IDLE_SECONDS", 0.0)
    monkeypatch.setattr(oracle, "CASE_SECONDS", 2.0)
    server = FakeOracle()
    server.sql = FakeSql(server)
    return server


def selftest(server: FakeOracle, only: str = "") -> OracleSelfTest:
    place = Place(Endpoint("ora", 1521, "repl", "secret"), "ORCL")
    return OracleSelfTest(place, lambda text: None, lambda: server, only)


@pytest.mark.parametrize("only", _CARRIED)
def test_what_came_is_compared_with_what_is_written_down(server: FakeOracle, only: str) -> None:
    found = selftest(server, only).run()
    assert found and [each.problem for each in found] == [""] * len(found)
    assert not server.tables


def test_what_came_otherwise_is_told(server: FakeOracle, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that shows an undo as a change of its own."""
    show = server.show_change
    monkeypatch.setattr(server, "show_change", lambda xid, change, rollback=False: show(xid, change))
    [found] = selftest(server, "transactions/savepoint").run()
    assert "the log shows" in found.problem and "i 5, behind" in found.problem
    assert not server.tables


def test_tables_that_are_there_are_left_alone_until_they_are_to_be_dropped(server: FakeOracle) -> None:
    server.create("REPL", "UDUP_SELFTEST_3", [], [])
    with pytest.raises(UdupError, match="UDUP_SELFTEST_3 already"):
        selftest(server).run()
    assert selftest(server).clean() == ["UDUP_SELFTEST_3"]
    assert not server.tables


def test_a_report_names_the_checks_and_what_no_case_covers(server: FakeOracle) -> None:
    test = selftest(server, "changes/each_kind")
    checks = test.checks()
    assert {"archivelog", "redo_threads", "container"} <= {each.name for each in checks}
    test.run()
    report = oracle.told(test, checks, "")
    assert json.dumps(report)
    assert report["Cases"] == [{"Case": "changes/each_kind", "Problem": ""}]
    assert len(report["NotCovered"]) == len(NOT_COVERED)


def test_the_list_says_what_is_run_and_what_is_not() -> None:
    said = CliRunner().invoke(cli, ["selftest-oracle", "--list"], env={"COLUMNS": "200"}).output
    assert all(case.name in said for case in CASES)
    assert "RAC, Data Guard" in said


@pytest.mark.parametrize(
    "words", [[], ["--source", "u@h"], ["--source", "h/ORCL"], ["--source", "u@h/ORCL", "--only", "nothing"]]
)
def test_wrong_usage_is_told(words: list[str], tmp_path: Path) -> None:
    assert CliRunner().invoke(cli, ["selftest-oracle", *words], env={"UDUP_SOURCE_PASSWORD": "x"}).exit_code == 2
