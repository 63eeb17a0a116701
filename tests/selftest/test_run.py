"""What a self-test does when servers are not as they should be: no server is needed to know."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from udup.base.endpoint import Endpoint
from udup.base.errors import Fault, Transient, UdupError
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.client.privileges import Privileges
from udup.drivers.mysql.client.session_setup import SessionRefused
from udup.drivers.mysql.client.sessions import Session
from udup.selftest import client as of_client
from udup.selftest import run as running
from udup.selftest.case import Case, Step
from udup.selftest.client import Client, NotRun
from udup.selftest.journal import Journal
from udup.selftest.run import Plan, SelfTest
from udup.selftest.verdict import Outcome, Verdict

SOURCE, TARGET = Endpoint("db1", 3306, "root", "x"), Endpoint("db2", 3306, "root", "y")
CASE = Case(Path("a/b.sql"), "a/b", "", ("copy",), (Step("SELECT 1", "main", False, 0, 3),))


class _Suite:
    """Raises these, one a run, then carries all."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def run(self, cases: list[Case], phase: str) -> list[Verdict]:
        if self.errors:
            raise self.errors.pop(0)
        return [Verdict(case, phase) for case in cases]


def test_a_group_that_was_lost_is_tried_once_more() -> None:
    suite: Any = _Suite(Transient("gone away"))
    assert running._verdicts(suite, [CASE], "copy") == ([Verdict(CASE, "copy")], False)


def test_a_group_that_is_lost_twice_has_failed_with_the_reason() -> None:
    suite: Any = _Suite(Transient("gone away"), OSError("cut off"))
    assert running._verdicts(suite, [CASE], "copy") == ([Verdict(CASE, "copy", "cut off", Outcome.FAILED)], True)


def _facts(version_text: str, uuid: str) -> ServerFacts:
    return ServerFacts(
        address="db:3306",
        account="'root'@'%'",
        version=(8, 0, 0),
        version_text=version_text,
        is_mariadb="MariaDB" in version_text,
        variables={"server_uuid": uuid},
        privileges=Privileges(()),
        collations={},
        charsets=frozenset(),
    )


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        (_facts("8.0.11-TiDB-v8.5.1", "a"), _facts("8.0.36", "b"), "the source is TiDB: it has no MySQL binary log"),
        (_facts("8.0.36", "a"), _facts("8.0.11-TiDB-v8.5.1", "b"), "the target is TiDB: "),
        (_facts("8.0.36", "a"), _facts("8.0.36", "a"), "the same server"),
    ],
)
def test_servers_that_can_be_no_pair_are_refused_before_anything_is_asked_of_the_user(
    monkeypatch: pytest.MonkeyPatch, source: ServerFacts, target: ServerFacts, said: str
) -> None:
    monkeypatch.setattr(running, "_facts", lambda side, _: source if side == "source" else target)
    test = SelfTest(Plan(SOURCE, TARGET, ("copy",)), Console(file=io.StringIO()), lambda _: pytest.fail("asked"))
    with pytest.raises(UdupError, match=said):
        test.run()


class _Connection:
    def close(self) -> None: ...


def test_a_case_has_the_servers_own_session_where_the_server_insists(monkeypatch: pytest.MonkeyPatch) -> None:
    """MySQL 5.6 takes explicit_defaults_for_timestamp at its start alone."""
    tried: list[Session] = []

    def connect(endpoint: Endpoint, session: Session, database: str) -> _Connection:
        tried.append(session)
        if "explicit_defaults_for_timestamp" in session.own:
            raise SessionRefused([Fault("explicit_defaults_for_timestamp", "is read only", "set it")])
        return _Connection()

    monkeypatch.setattr(of_client, "connect", connect)
    monkeypatch.setattr(of_client, "_send", lambda session, sql: None)
    Client(SOURCE, CASE, "s").run(late=False)
    assert len(tried) == 2
    assert tried[1].own["time_zone"] == tried[0].own["time_zone"]


def test_a_case_is_not_run_where_no_session_is_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(endpoint: Endpoint, session: Session, database: str) -> _Connection:
        raise SessionRefused([Fault("sql_mode", "cannot be set", "grant it")])

    monkeypatch.setattr(of_client, "connect", connect)
    with pytest.raises(NotRun, match=r"a/b.sql, line 3: .*cannot be set"):
        Client(SOURCE, CASE, "s").run(late=False)


def test_servers_that_replicate_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the notes have come over yet says little: a replica may be late, and stops at a schema that it has."""
    facts = {"source": _facts("8.0.36", "a"), "target": _facts("8.0.36", "b")}
    monkeypatch.setattr(running, "_facts", lambda side, _: facts[side])
    monkeypatch.setattr(running, "connect", lambda endpoint: _Connection())
    monkeypatch.setattr(running, "query", lambda connection, sql: [("Waiting for source", "db1", None, "a")])
    test = SelfTest(Plan(SOURCE, TARGET, ("copy",)), Console(file=io.StringIO()), lambda _: pytest.fail("asked"))
    with pytest.raises(UdupError, match="the target replicates from the source"):
        test.run()


def test_nothing_is_dropped_that_has_not_the_name_of_a_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """The notes are a table that others may write."""
    sent: list[str] = []

    def ask(self: Journal, sql: str, *args: object) -> list[tuple[object, ...]]:
        sent.append(sql)
        return []

    monkeypatch.setattr(Journal, "_ask", ask)
    with pytest.raises(UdupError, match="a schema shop, which no self-test makes"):
        Journal(SOURCE, "source").drop(["udup_selftest_c1", "shop"])
    assert [sql for sql in sent if "DROP" in sql] == ["DROP DATABASE IF EXISTS `udup_selftest_c1`"]
