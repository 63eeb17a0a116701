"""Privileges for definers are asked for where the source has objects of other accounts, and named with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.drivers.mysql.checks.test_binlog_access import PLAIN, _facts
from udup.drivers.mysql.checks.definers import StoredSide, stored_checks
from udup.drivers.mysql.dictionary import definers
from udup.drivers.mysql.dictionary.definers import Defined, KnownAccounts
from udup.pipeline.checks import Check, Outcome

OWN = Defined("VIEW", "shop", "mine", "u@%")
VIEW = Defined("VIEW", "shop", "v", "app@%")
LOST = Defined("EVENT", "shop", "e", "gone@%")
HIGH = Defined("PROCEDURE", "shop", "p", "root@localhost")
FUNCTION = Defined("FUNCTION", "shop", "f", "u@%")

ACCOUNTS = KnownAccounts(frozenset({"u@%", "app@%", "root@localhost"}), frozenset({"root@localhost"}))


def _side(*defined: Defined, privileges: tuple[str, ...] = (), **more: object) -> StoredSide:
    side = StoredSide(_facts(*privileges), list(defined), ACCOUNTS, copies=True)
    return replace(side, **more)  # type: ignore[arg-type]


def _found(side: StoredSide) -> list[tuple[str, str]]:
    """What is told of definers: how, and the remedy."""
    checks = [each for each in stored_checks(side) if each.name == "definer_privileges"]
    return [(each.outcome.value, each.remedy) for each in checks if each.outcome is not Outcome.PASS]


def _grant(privilege: str) -> str:
    return f"GRANT {privilege} ON *.* TO 'u'@'%'"


def test_without_objects_of_others_nothing_is_asked_for() -> None:
    for side in (_side(), _side(OWN, FUNCTION), _side(OWN, accounts=None)):
        assert _found(side) == []


def test_what_is_asked_for_follows_from_whose_the_objects_are() -> None:
    assert _found(_side(VIEW)) == [("fail", _grant("SET_ANY_DEFINER"))]
    assert _found(_side(VIEW, privileges=("SET_ANY_DEFINER",))) == []
    assert _found(_side(LOST, privileges=("SET_ANY_DEFINER",))) == [("fail", _grant("ALLOW_NONEXISTENT_DEFINER"))]
    assert _found(_side(HIGH, privileges=("SET_ANY_DEFINER",))) == [("fail", _grant("SYSTEM_USER"))]
    assert _found(_side(VIEW, LOST, privileges=("SUPER",))) == []
    assert _found(_side(HIGH, privileges=("SUPER",))) == [("fail", _grant("SYSTEM_USER"))]
    assert _found(_side(HIGH, privileges=("SUPER", "SYSTEM_USER"))) == []
    older = replace(_facts("SET_USER_ID"), version=(8, 0, 36))
    assert _found(_side(VIEW, LOST, facts=older)) == []
    assert _found(_side(VIEW, facts=replace(_facts(), version=(8, 0, 36)))) == [("fail", _grant("SET_USER_ID"))]


def test_triggers_that_the_target_does_not_get_ask_for_nothing() -> None:
    trigger = Defined("TRIGGER", "shop", "g", "root@localhost")
    logged = replace(_facts(), variables={"log_bin": "ON", "log_bin_trust_function_creators": "OFF"})
    assert {each.outcome for each in stored_checks(_side(trigger, facts=logged))} == {Outcome.FAIL}
    assert {each.outcome for each in stored_checks(_side(trigger, facts=logged, by_statements=True))} == {Outcome.PASS}


def test_where_the_targets_accounts_may_not_be_read_it_is_a_warning() -> None:
    found = _found(_side(VIEW, privileges=("SET_ANY_DEFINER",), accounts=None))
    assert found == [("warn", _grant("ALLOW_NONEXISTENT_DEFINER")), ("warn", _grant("SYSTEM_USER"))]


def test_a_job_that_copies_nothing_is_only_told() -> None:
    assert _found(_side(VIEW, copies=False)) == [("warn", _grant("SET_ANY_DEFINER"))]


def test_the_objects_are_named() -> None:
    (check,) = [each for each in stored_checks(_side(VIEW, OWN)) if each.name == "definer_privileges"]
    assert "view shop.v of app@%" in check.found and "mine" not in check.found


def _trust(side: StoredSide) -> Check:
    (check,) = [each for each in stored_checks(side) if each.name == "log_bin_trust_function_creators"]
    return check


def test_function_creators_are_looked_at_where_there_are_functions_or_triggers() -> None:
    logging = {**PLAIN, "log_bin": "ON", "log_bin_trust_function_creators": "OFF"}
    facts = _facts(variables=logging)
    assert _trust(_side(VIEW, HIGH, facts=facts)).outcome is Outcome.PASS
    for kind in ("FUNCTION", "TRIGGER"):
        made = Defined(kind, "shop", "f", "u@%")
        assert _trust(_side(made, facts=facts)).outcome is Outcome.FAIL
        assert _trust(_side(made, facts=facts, copies=False)).outcome is Outcome.WARN
        assert _trust(_side(made, facts=_facts("SUPER", variables=logging))).outcome is Outcome.PASS
        for harmless in ({"log_bin": "OFF"}, {"log_bin_trust_function_creators": "ON"}):
            assert _trust(_side(made, facts=_facts(variables={**logging, **harmless}))).outcome is Outcome.PASS


class _Asked:
    """A connection of this version; `_answers` notes what it is asked."""

    def __init__(self, version: tuple[int, int, int], *, is_mariadb: bool) -> None:
        self.version, self.is_mariadb = version, is_mariadb
        self.asked: list[str] = []


def _answers(connection: _Asked, sql: str) -> list[tuple[str, str]]:
    connection.asked.append(sql)
    return [("root", "%")]


@pytest.mark.parametrize(
    ("version", "is_mariadb", "system"),
    [((9, 7, 0), False, {"root@%"}), ((5, 7, 44), False, set()), ((10, 11, 6), True, set())],
)
def test_who_has_system_user_is_asked_where_there_is_such_a_privilege(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], is_mariadb: bool, system: set[str]
) -> None:
    """MariaDB's versions are higher, and it has no table mysql.global_grants."""
    monkeypatch.setattr(definers, "query", _answers)
    connection: Any = _Asked(version, is_mariadb=is_mariadb)
    assert definers.read_accounts(connection) == KnownAccounts(frozenset({"root@%"}), frozenset(system))
    assert any("global_grants" in sql for sql in connection.asked) is bool(system)
