"""What a MariaDB target's account may do, and what follows where it may not; no server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.drivers.mysql.checks.test_binlog_access import PLAIN, _facts
from udup.drivers.mysql.checks.target import check_target, is_admin, target_checks
from udup.drivers.mysql.client.facts import ServerFacts
from udup.pipeline.checks import Outcome
from udup.pipeline.selection.selection import Selection

_NEEDED = ("BINLOG REPLAY", "BINLOG ADMIN")


def _mariadb(*privileges: str, version: tuple[int, int, int] = (11, 8, 9), **variables: str) -> ServerFacts:
    facts = _facts(*_NEEDED, *privileges, variables={**PLAIN, "log_bin": "ON", **variables})
    text = f"{'.'.join(map(str, version))}-MariaDB"
    return replace(facts, is_mariadb=True, version=version, version_text=text)


@pytest.mark.parametrize(
    ("privileges", "version", "is_one"),
    [
        ((), (11, 8, 9), False),
        (("READ_ONLY ADMIN",), (11, 8, 9), True),
        (("READ_ONLY ADMIN",), (10, 5, 23), True),
        (("SUPER",), (10, 5, 23), True),
        (("SUPER",), (10, 11, 18), False),
    ],
)
def test_who_writes_to_a_read_only_mariadb(
    privileges: tuple[str, ...], version: tuple[int, int, int], is_one: bool
) -> None:
    facts = _mariadb(*privileges, version=version, read_only="ON")
    assert is_admin(facts) is is_one
    told = [fault.remedy for fault in check_target(facts, Selection()) if "read_only is ON" in fault.problem]
    assert told == (
        [] if is_one else ["GRANT READ_ONLY ADMIN ON *.* TO 'u'@'%', or " + facts.setting("read_only = OFF")]
    )


def test_an_account_that_may_not_see_the_log_is_told_what_it_cannot_know() -> None:
    def warned(facts: ServerFacts) -> list[str]:
        checks = target_checks(facts, Selection())
        return [each.remedy for each in checks if each.outcome is Outcome.WARN and "BINLOG MONITOR" in each.found]

    assert warned(_mariadb()) == ["GRANT BINLOG MONITOR ON *.* TO 'u'@'%'"]
    assert warned(_mariadb("BINLOG MONITOR")) == []
    assert warned(_mariadb(log_bin="OFF")) == [], "there is none to be seen"
