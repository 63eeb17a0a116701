"""`udup selftest` before it asks a server: accounts, passwords, places; and what its exit code and report say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from udup.base.endpoint import Endpoint
from udup.cli import cli
from udup.cli.commands import ExitCode
from udup.selftest.case import Case
from udup.selftest.report import JSON_BELOW, Report, ServerSeen
from udup.selftest.run import SelfTest
from udup.selftest.verdict import Outcome, Verdict

Run = Callable[..., Result]

BOTH = ("--source", "root@db1", "--target", "app@db2:3307")
PASSWORDS = {"UDUP_SOURCE_PASSWORD": "one", "UDUP_TARGET_PASSWORD": "two"}


@pytest.fixture
def selftest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in an empty folder; a test that comes as far as a server fails."""

    def no_server(self: SelfTest) -> Report | None:
        raise AssertionError("a server would be asked")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(SelfTest, "run", no_server)
    cleared = dict.fromkeys((*PASSWORDS, "UDUP_TOKEN", "UDUP_CONFIG"))

    def run(*words: str, **environment: str) -> Result:
        return CliRunner().invoke(cli, ["selftest", *words], env={**cleared, **environment}, prog_name="udup")

    return run


def _carried(monkeypatch: pytest.MonkeyPatch, *outcomes: Outcome, ended: str = "") -> list[SelfTest]:
    """Have the self-test come to these outcomes; return those that were run."""
    run_before: list[SelfTest] = []
    case = Case(Path("a/b.sql"), "a/b", "", ("copy",), ())

    def carried(self: SelfTest) -> Report | None:
        run_before.append(self)
        seen = ServerSeen("MySQL", "8.4.0", "", {}, [])
        verdicts = [Verdict(case, "copy", "so it is", outcome) for outcome in outcomes]
        self.report = Report("1.0", "now", seen, seen, by_statements=False, verdicts=verdicts, ended=ended)
        return self.report

    monkeypatch.setattr(SelfTest, "run", carried)
    return run_before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--source USER@HOST[:PORT] and --target USER@HOST[:PORT] are needed"),
        (("--source", "root@db1"), "are needed"),
        (("--source", "db1", "--target", "root@db2"), "not of the form USER@HOST[:PORT]"),
        (("--source", "@db1", "--target", "root@db2"), "not of the form USER@HOST[:PORT]"),
        (("--source", "root@db1:x", "--target", "root@db2"), "not of the form USER@HOST[:PORT]"),
        (("--source", "root@db1:0", "--target", "root@db2"), "0 is no port"),
        (("--source", "root@db1:70000", "--target", "root@db2"), "70000 is no port"),
        (("--source", "root:pw@db1", "--target", "root@db2"), "seen by all users of this machine"),
        ((*BOTH, "--only", "nothing-like-it"), "udup selftest --list has them"),
        ((*BOTH, "--source-password", "secret"), "it must be a reference, env:NAME or file:PATH"),
        ((*BOTH, "--source-password", "env:NOT_THERE"), "--source-password names the variable 'NOT_THERE'"),
        (BOTH, "the source's password is needed: set UDUP_SOURCE_PASSWORD"),
    ],
)
def test_what_is_wrong_is_said_before_a_server_is_asked(selftest: Run, words: tuple[str, ...], said: str) -> None:
    result = selftest(*words)
    assert result.exit_code == ExitCode.USAGE, result.output
    assert said in " ".join(result.output.split())


def test_a_report_that_could_not_be_written_is_told_first(selftest: Run) -> None:
    result = selftest(*BOTH, "--report", "no/such/folder/x.txt", **PASSWORDS)
    assert result.exit_code == ExitCode.FAILED
    assert "cannot write the report no/such/folder/x.txt" in result.output


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("root@db1", Endpoint("db1", 3306, "root", "one")),
        ("app@srv@db1.example.com:3307", Endpoint("db1.example.com", 3307, "app@srv", "one")),
        ("root@[::1]:3307", Endpoint("::1", 3307, "root", "one")),
        ("root@::1", Endpoint("::1", 3306, "root", "one")),
    ],
)
def test_accounts_are_read(selftest: Run, monkeypatch: pytest.MonkeyPatch, text: str, endpoint: Endpoint) -> None:
    run = _carried(monkeypatch, Outcome.EQUAL)
    result = selftest("--source", text, "--target", "app@db2", **PASSWORDS)
    assert result.exit_code == ExitCode.OK, result.output
    assert run[0].plan.source == endpoint
    assert run[0].plan.target.password == "two"


def test_passwords_come_from_where_a_reference_says(
    selftest: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pw").write_text("three\n")
    run = _carried(monkeypatch, Outcome.EQUAL)
    words = ("--source-password", f"file:{tmp_path}/pw", "--target-password", "env:MINE")
    assert selftest(*BOTH, *words, **PASSWORDS, MINE="four").exit_code == ExitCode.OK
    assert (run[0].plan.source.password, run[0].plan.target.password) == ("three", "four")


@pytest.mark.parametrize(
    ("outcomes", "ended", "code"),
    [
        ((Outcome.EQUAL, Outcome.REFUSED, Outcome.SKIPPED), "", ExitCode.OK),
        ((Outcome.EQUAL, Outcome.DIFFERENT), "", ExitCode.FAILED),
        ((Outcome.EQUAL, Outcome.FAILED), "", ExitCode.FAILED),
        ((Outcome.EQUAL,), "the servers were lost", ExitCode.FAILED),
    ],
)
def test_the_exit_code_says_what_was_found(
    selftest: Run, monkeypatch: pytest.MonkeyPatch, outcomes: tuple[Outcome, ...], ended: str, code: ExitCode
) -> None:
    _carried(monkeypatch, *outcomes, ended=ended)
    result = selftest(*BOTH, "--report", "r.txt", **PASSWORDS)
    assert result.exit_code == code
    assert "The report is in r.txt" in result.output
    assert ended in Path("r.txt").read_text("utf-8")


def test_with_json_standard_output_is_the_report_alone(selftest: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    _carried(monkeypatch, Outcome.DIFFERENT)
    result = selftest(*BOTH, "--json", "--report", "r.txt", **PASSWORDS)
    told = json.loads(result.stdout)
    assert told == json.loads(Path("r.txt").read_text("utf-8").partition(JSON_BELOW)[2])
    assert told["Counts"]["DIFFERENT"] == 1


def test_an_interrupted_run_still_writes_its_report(selftest: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    carried = _carried(monkeypatch, Outcome.EQUAL, ended="interrupted")
    found = SelfTest.run

    def interrupted(self: SelfTest) -> Report | None:
        found(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(SelfTest, "run", interrupted)
    result = selftest(*BOTH, "--report", "r.txt", **PASSWORDS)
    assert carried and result.exit_code == ExitCode.INTERRUPTED
    assert "interrupted" in Path("r.txt").read_text("utf-8")


def test_the_cases_are_listed_without_a_server(selftest: Run) -> None:
    result = selftest("--list", "--only", "ddl_database/")
    assert result.exit_code == ExitCode.OK
    assert "ddl_database/drop" in result.stdout
    assert "it makes accounts" in result.stdout
    told = json.loads(selftest("--list", "--only", "ddl_database/", "--json").stdout)
    assert "ddl_database/accounts" in told["LeftOut"]
    assert {"copy", "incremental"} == set(told["Cases"][0]["Phases"])
