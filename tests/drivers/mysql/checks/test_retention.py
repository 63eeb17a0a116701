"""A log that is kept for less than a copy may take is warned of; one that was purged under a copy ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pymysql
import pytest

from udup.base.endpoint import Endpoint
from udup.base.errors import Refused
from udup.drivers.mysql.checks import retention
from udup.drivers.mysql.checks.pair import check_pair
from udup.drivers.mysql.checks.retention import KEEP_LONGER, check_kept, short_for_copy
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.client.privileges import Privileges
from udup.pipeline.selection.selection import Selection

FACTS = ServerFacts("h:1", "'u'@'%'", (8, 4, 0), "8.4.0", False, {}, Privileges(()), {}, frozenset())
HERE = Endpoint("h", 1, "u", "p")
UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562"


@pytest.mark.parametrize(
    ("seconds", "auto", "size", "warns"),
    [
        (3600, "ON", 100 << 30, True),  # some three hours
        (3600, "ON", 10 << 30, False),  # a quarter of one
        (30 * 86400, "ON", 100 << 30, False),
        (3600, "OFF", 100 << 30, False),  # nobody purges
        (0, "ON", 100 << 30, False),
    ],
)
def test_a_short_retention_is_warned_of_by_the_size_of_the_copy(
    seconds: int, auto: str, size: int, warns: bool
) -> None:
    variables = {"binlog_expire_logs_seconds": str(seconds), "binlog_expire_logs_auto_purge": auto}
    found = list(short_for_copy(replace(FACTS, variables=variables), size))
    assert bool(found) == warns
    assert all(KEEP_LONGER in finding.remedy and str(seconds) in finding.found for finding in found)


def test_a_source_that_would_need_long_to_tell_its_sizes_is_not_asked_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = replace(FACTS, variables={"binlog_expire_logs_seconds": "3600"})
    asked: list[str] = []

    def answer(error: int | None) -> Callable[..., list[tuple[str, str, int]]]:
        def query(_connection: object, sql: str) -> list[tuple[str, str, int]]:
            asked.append(sql)
            if error is not None:
                raise pymysql.err.OperationalError(error, "maximum statement execution time exceeded")
            return [("s", "t", 100 << 30)]

        return query

    monkeypatch.setattr(retention, "query", answer(None))
    [warning] = retention.copy_warnings(cast(Any, None), facts, Selection())
    assert KEEP_LONGER in warning and "MAX_EXECUTION_TIME(3000)" in asked[0]
    monkeypatch.setattr(retention, "query", answer(3024))
    assert retention.copy_warnings(cast(Any, None), facts, Selection()) == ()
    monkeypatch.setattr(retention, "query", answer(1142))
    with pytest.raises(pymysql.err.OperationalError):
        retention.copy_warnings(cast(Any, None), facts, Selection())


def test_what_was_purged_before_the_copy_is_of_no_account() -> None:
    check_kept(HERE, f"{UUID}:1-7", f"{UUID}:1-9")
    check_kept(HERE, "", f"{UUID}:1-9")
    with pytest.raises(Refused, match=r"has purged .*:10-11") as refusal:
        check_kept(HERE, f"{UUID}:1-11", f"{UUID}:1-9")
    assert KEEP_LONGER in refusal.value.faults[0].remedy and refusal.value.faults[0].task == "Src"


def test_a_setting_that_no_server_can_change_is_not_advised() -> None:
    source = replace(FACTS, variables={"lower_case_table_names": "0"})
    target = replace(FACTS, variables={"lower_case_table_names": "1"})
    [fault] = [each for each in check_pair(source, target) if "lower_case_table_names" in each.problem]
    assert "mysqld --initialize --lower-case-table-names=0" in fault.remedy
