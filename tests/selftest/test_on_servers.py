"""A self-test on real servers: what it makes goes at the end, whatever the end is, and nothing else is touched."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from rich.console import Console

from tests.managed import managed_account
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.client.names import quote
from udup.sandbox.server import MysqlServer
from udup.selftest import run as running
from udup.selftest.journal import JOB, NOTES, SCHEMA, Journal
from udup.selftest.on_servers import NodeJobs
from udup.selftest.run import Plan, SelfTest
from udup.selftest.verdict import Outcome, Verdict

STRANGE = "udup_selftest_of_somebody"


def _schemas(endpoint: Endpoint) -> set[str]:
    with closing(connect(endpoint)) as connection:
        return {str(name) for (name,) in query(connection, "SHOW DATABASES")}


def _run_sql(endpoint: Endpoint, *statements: str) -> None:
    with closing(connect(endpoint)) as connection:
        for statement in statements:
            query(connection, statement)


def _test(
    source: Endpoint, target: Endpoint, *phases: str, only: str = "", agreed: Callable[[str], bool] = lambda _: True
) -> SelfTest:
    return SelfTest(Plan(source, target, phases or ("copy",), only), Console(file=io.StringIO()), agreed)


@pytest.fixture
def servers(source: MysqlServer, target: MysqlServer) -> Iterator[tuple[Endpoint, Endpoint]]:
    """Both servers, which must have the same schemas afterwards as before."""
    before = [_schemas(server.endpoint) for server in (source, target)]
    yield source.endpoint, target.endpoint
    assert [_schemas(server.endpoint) for server in (source, target)] == before


class _NoNode(NodeJobs):
    """Says of both servers what the test wants, and carries nothing."""

    checks: list[dict[str, Any]] = []

    def validate(self, document: dict[str, Any]) -> list[dict[str, Any]]:
        return self.checks


@pytest.fixture
def no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def node(_: SelfTest) -> Iterator[NodeJobs]:
        yield _NoNode(None)  # type: ignore[arg-type]

    monkeypatch.setattr(SelfTest, "_node", node)
    monkeypatch.setattr(_NoNode, "checks", [{"Task": "Src", "Check": "version", "Result": "pass", "Found": "9"}])


@pytest.mark.timeout(240)
def test_cases_are_carried_and_all_that_was_made_goes(servers: tuple[Endpoint, Endpoint]) -> None:
    """Rows go by BINLOG, then by statements; a run before the first was killed."""
    source, target = servers
    killed = Journal(source, "source")
    killed.begin("killed")
    killed.note(SCHEMA, ["udup_selftest_c1_left"])
    killed.close()
    _run_sql(source, "CREATE DATABASE udup_selftest_c1_left")
    report = _test(source, target, "copy", "incremental", only="ddl_database/d").run()
    assert report is not None and not report.ended
    assert {(each.phase, each.outcome) for each in report.verdicts} == {
        ("copy", Outcome.EQUAL),
        ("incremental", Outcome.EQUAL),
    }


@pytest.mark.timeout(240)
def test_a_target_without_binlog_has_its_rows_by_statements(
    servers: tuple[Endpoint, Endpoint], target: MysqlServer
) -> None:
    with managed_account(target) as account:
        report = _test(servers[0], account, "incremental", only="generated/").run()
    assert report is not None and report.by_statements and not report.ended
    assert len(report.verdicts) > 2
    assert {each.outcome for each in report.verdicts} == {Outcome.EQUAL}, report.text()


def test_whoever_does_not_agree_finds_nothing_made(servers: tuple[Endpoint, Endpoint]) -> None:
    asked: list[str] = []
    test = _test(*servers, agreed=lambda text: bool(asked.append(text)))
    assert test.run() is None
    assert test.report is None
    assert "udup_selftest_" in asked[0]


@pytest.mark.usefixtures("no_node")
def test_an_interrupted_run_leaves_nothing(servers: tuple[Endpoint, Endpoint], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(suite: Any, group: Any, phase: str) -> Any:
        for journal in suite.journals:
            journal.note_schemas(["udup_selftest_c1_x"])
            _run_sql(journal.endpoint, "CREATE DATABASE udup_selftest_c1_x")
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "_verdicts", interrupted)
    test = _test(*servers)
    with pytest.raises(KeyboardInterrupt):
        test.run()
    assert test.report is not None and test.report.ended == "interrupted"


@pytest.mark.usefixtures("no_node")
def test_a_run_whose_servers_are_lost_gives_up_and_reports(
    servers: tuple[Endpoint, Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_suite: Any, group: Any, phase: str) -> Any:
        return [Verdict(case, phase, "gone away", Outcome.FAILED) for case in group], True

    monkeypatch.setattr(running, "_verdicts", lost)
    report = _test(*servers).run()
    assert report is not None and "gone away" in report.ended
    assert 0 < len(report.verdicts) < 100


@pytest.mark.usefixtures("no_node")
def test_servers_between_which_no_job_could_start_are_reported(
    servers: tuple[Endpoint, Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = {"Task": "Dest", "Check": "read_only", "Result": "fail", "Found": "it is read-only", "Remedy": "end that"}
    monkeypatch.setattr(_NoNode, "checks", [fault])
    report = _test(*servers).run()
    assert report is not None and "no job could start" in report.ended
    assert not report.verdicts
    assert "it is read-only" in report.text()


def test_source_and_target_are_two(servers: tuple[Endpoint, Endpoint]) -> None:
    with pytest.raises(UdupError, match="the same server"):
        _test(servers[0], servers[0]).run()


def test_a_schema_of_somebody_elses_is_refused_and_stays(servers: tuple[Endpoint, Endpoint]) -> None:
    for name in (STRANGE, NOTES):
        _run_sql(servers[1], f"CREATE DATABASE {name}", f"CREATE TABLE {name}.mine (id INT)")
        try:
            with pytest.raises(UdupError, match=f"target has .*{name}"):
                _test(*servers).run()
            assert name in _schemas(servers[1])
        finally:
            _run_sql(servers[1], f"DROP DATABASE {name}")


def test_a_schema_that_could_not_be_dropped_is_made_again(servers: tuple[Endpoint, Endpoint]) -> None:
    """What is noted is the self-test's own; what is not, and is there, has come from somebody else meanwhile."""
    with closing(Journal(servers[1], "target")) as journal:
        journal.begin("run")
        try:
            journal.note_schemas(["udup_selftest_c1_x"])
            _run_sql(servers[1], "CREATE DATABASE udup_selftest_c1_x")
            journal.note_schemas(["udup_selftest_c1_x"])
            assert "udup_selftest_c1_x" not in _schemas(servers[1])
            _run_sql(servers[1], f"CREATE DATABASE {STRANGE}")
            with pytest.raises(UdupError, match=STRANGE):
                journal.note_schemas([STRANGE])
        finally:
            journal.clean()
    assert STRANGE in _schemas(servers[1])
    _run_sql(servers[1], f"DROP DATABASE {STRANGE}")


def test_a_connection_that_was_cut_is_opened_again_with_its_lock(servers: tuple[Endpoint, Endpoint]) -> None:
    with closing(Journal(servers[1], "target")) as journal:
        journal.hold()
        with closing(connect(servers[1])) as killer:
            number = query(killer, "SELECT IS_USED_LOCK('udup_selftest')")[0][0]
            query(killer, f"KILL {number}")
            assert journal.look() is None
            assert query(killer, "SELECT IS_USED_LOCK('udup_selftest')")[0][0] not in (None, number)


def test_two_self_tests_do_not_meet(servers: tuple[Endpoint, Endpoint]) -> None:
    with closing(Journal(servers[1], "target")) as other:
        other.hold()
        with pytest.raises(UdupError, match="another self-test is at work on the target"):
            _test(*servers).run()


def test_an_account_that_may_make_no_schema_is_told_the_grant(servers: tuple[Endpoint, Endpoint]) -> None:
    name = f"poor{uuid.uuid4().hex[:8]}"
    _run_sql(servers[0], f"CREATE USER {name} IDENTIFIED BY 'x'", f"GRANT REPLICATION CLIENT ON *.* TO {name}")
    poor = Endpoint(servers[0].host, servers[0].port, name, "x")
    try:
        with pytest.raises(UdupError, match=rf"GRANT ALL ON `udup\\_selftest%`\.\* TO '{name}'"):
            _test(poor, servers[1]).run()
    finally:
        _run_sql(servers[0], f"DROP USER {name}")


def test_cleaning_removes_what_is_noted_alone(servers: tuple[Endpoint, Endpoint]) -> None:
    """Of Udup's own schema the rows of the self-test's jobs; all of it only where they alone needed it."""
    _, target = servers
    kept = f"udup_selftest{uuid.uuid4().hex[:8]}"  # without the second underscore
    journal = Journal(target, "target")
    journal.begin("killed")
    journal.note(SCHEMA, ["udup_selftest_c1_x", "udup_selftest_c1_never_made"])
    journal.note(JOB, ["udup_selftest_ab_c1"])
    journal.close()
    there = "udup" in _schemas(target)
    _run_sql(
        target,
        f"CREATE DATABASE {kept}",
        "CREATE DATABASE udup_selftest_c1_x",
        "CREATE DATABASE IF NOT EXISTS udup",
        "CREATE TABLE udup.of_a_test (job VARCHAR(60))",
        "INSERT INTO udup.of_a_test VALUES ('udup_selftest_ab_c1'), ('somebodys'), ('udupXselftestX')",
    )
    try:
        _test(*servers).clean()
        assert kept in _schemas(target)
        assert not {NOTES, "udup_selftest_c1_x"} & _schemas(target)
        with closing(connect(target)) as connection:
            rows = query(connection, "SELECT job FROM udup.of_a_test ORDER BY job")
        assert rows == [("somebodys",), ("udupXselftestX",)]
    finally:
        _run_sql(target, f"DROP DATABASE {quote(kept)}", "DROP TABLE udup.of_a_test")
        if not there:
            _run_sql(target, "DROP DATABASE udup")
