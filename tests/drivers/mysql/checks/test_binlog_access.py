"""Whether rows may be applied by BINLOG is told by privileges alone, and a privilege is asked for where it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from udup.drivers.mysql.checks.binlog_access import binlog_access, setting_needs
from udup.drivers.mysql.checks.target import check_target
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.client.privileges import parse_grants
from udup.pipeline.selection.selection import Selection

#: What a server is that needs nothing special.
PLAIN: Mapping[str, str] = {
    "gtid_mode": "ON",
    "max_allowed_packet": str(64 << 20),
    "binlog_rows_query_log_events": "OFF",
    "sql_require_primary_key": "OFF",
    "sql_generate_invisible_primary_key": "OFF",
    "explicit_defaults_for_timestamp": "ON",
}

_TABLES = "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES, CREATE VIEW, SHOW VIEW,"
_STATIC = f"{_TABLES} CREATE ROUTINE, ALTER ROUTINE, TRIGGER, EVENT ON *.* TO `u`@`%`"


def _facts(*privileges: str, variables: Mapping[str, str] = PLAIN) -> ServerFacts:
    lines = [_STATIC, *(f"GRANT {each} ON *.* TO `u`@`%`" for each in privileges)]
    return ServerFacts(
        address="there:3306",
        account="'u'@'%'",
        version=(8, 4, 0),
        version_text="8.4.0",
        is_mariadb=False,
        variables=variables,
        privileges=parse_grants(lines),
        collations={},
        charsets=frozenset(),
    )


@pytest.mark.parametrize(
    "privileges",
    [
        ("REPLICATION_APPLIER",),
        ("BINLOG_ADMIN", "SESSION_VARIABLES_ADMIN"),
        ("BINLOG_ADMIN", "SYSTEM_VARIABLES_ADMIN"),
        ("SUPER",),
    ],
)
def test_binlog_is_allowed_by_each_of_these(privileges: tuple[str, ...]) -> None:
    access = binlog_access(_facts(*privileges))
    assert (access.is_allowed, access.note, access.remedy) == (True, "", "")
    assert check_target(_facts(*privileges), Selection()) == []


@pytest.mark.parametrize(
    "privileges", [(), ("SESSION_VARIABLES_ADMIN",), ("REPLICATION_SLAVE_ADMIN",), ("BINLOG_ENCRYPTION_ADMIN",)]
)
def test_binlog_is_not_allowed_without_and_the_note_says_what_follows(privileges: tuple[str, ...]) -> None:
    access = binlog_access(_facts(*privileges))
    assert not access.is_allowed
    assert "may not apply rows by BINLOG" in access.note and "REPLICATION_APPLIER, BINLOG_ADMIN" in access.note
    assert "INSERT, UPDATE and DELETE" in access.note
    assert access.remedy == "GRANT REPLICATION_APPLIER ON *.* TO 'u'@'%'"
    (fault,) = check_target(_facts(*privileges), Selection())
    assert "REPLICATION_APPLIER" in fault.problem and fault.remedy == access.remedy


def test_binlog_alone_is_not_enough_where_a_definition_cannot_run_once() -> None:
    access = binlog_access(_facts("BINLOG_ADMIN"))
    assert [need.privilege for need in access.missing] == ["REPLICATION_APPLIER"]
    assert "gtid_next" in access.missing[0].use
    assert access.remedy == "GRANT REPLICATION_APPLIER ON *.* TO 'u'@'%'"


def test_a_privilege_for_session_variables_is_asked_for_where_one_differs() -> None:
    assert list(setting_needs(_facts("REPLICATION_APPLIER"))) == []
    differing = {**PLAIN, "sql_require_primary_key": "ON", "binlog_rows_query_log_events": "ON"}
    needs = list(setting_needs(_facts("REPLICATION_APPLIER", variables=differing)))
    assert [need.setting for need in needs] == ["binlog_rows_query_log_events = OFF", "sql_require_primary_key = OFF"]
    (one, other) = check_target(_facts("REPLICATION_APPLIER", variables=differing), Selection())
    for fault, need in ((one, needs[0]), (other, needs[1])):
        assert fault.remedy == f"GRANT SESSION_VARIABLES_ADMIN ON *.* TO 'u'@'%', or SET PERSIST {need.setting}"
    for setter in ("SESSION_VARIABLES_ADMIN", "SYSTEM_VARIABLES_ADMIN", "SUPER"):
        assert list(setting_needs(_facts("REPLICATION_APPLIER", setter, variables=differing))) == []


def test_a_variable_that_no_session_sets_or_that_may_stay_asks_for_nothing() -> None:
    """The first is a target's own; the second costs time and nothing else; the third takes no privilege."""
    for name, value in (("innodb_strict_mode", "OFF"), ("max_error_count", "0"), ("sql_mode", "ANSI")):
        assert list(setting_needs(_facts("REPLICATION_APPLIER", variables={**PLAIN, name: value}))) == []


def test_rows_go_by_statements_to_a_server_whose_literals_have_time_zones() -> None:
    """The remedy is the GRANT by which they go as events."""
    old = replace(_facts(), version=(8, 0, 18), version_text="8.0.18")
    (fault,) = check_target(old, Selection(), by_statements=True)
    assert "8.0.19" in fault.problem and "GRANT REPLICATION_APPLIER" in fault.remedy
    assert check_target(replace(old, version=(8, 0, 19)), Selection(), by_statements=True) == []
