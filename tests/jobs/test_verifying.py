"""Whether a job's servers are compared, as its document says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.jobs.documents import refused, seed, with_source
from udup.jobs import parse_job


def test_a_job_says_whether_it_is_compared() -> None:
    assert parse_job(seed()).verify.options() is None
    said = {"mode": "Continuous", "RowsPerSecond": "500", "tables": ["sbtest.orders"]}
    options = parse_job(seed() | {"Verify": said}).verify.options()
    assert options is not None and options.continuous
    assert (options.rows_per_second, options.tables) == (500, ("sbtest.orders",))
    once = parse_job(seed() | {"Verify": {"Mode": "once"}}).verify.options()
    assert once is not None and not once.continuous


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"Mode": "always"}, "Verify.Mode"),
        ({"Mode": "once", "Tables": ["orders"]}, "Verify.Tables[0]"),
        ({"Mode": "once", "RowsPerSecond": -1}, "Verify.RowsPerSecond"),
        ({"Mode": "once", "Tables": ["sbtest.t", "shop.t"]}, "Verify.Tables[1]"),
        ({"Mode": "once", "Tables": ["sbtest."]}, "Verify.Tables[0]"),
    ],
)
def test_a_comparison_that_is_not_understood_is_refused(said: dict[str, Any], where: str) -> None:
    assert list(refused(seed() | {"Verify": said})) == [where]


def test_a_job_that_leaves_changes_out_is_not_compared() -> None:
    document = with_source(SqlFilter=["NoDMLDelete"])
    assert parse_job(document | {"Verify": {"Mode": "off"}})
    assert "Verify" in refused(document | {"Verify": {"Mode": "once"}})
    assert "Verify" in refused(with_source(SkipIncrementalCopy=True) | {"Verify": {"Mode": "once"}})
