"""A subscription whose source lost the log is told to make a snapshot, and never to copy to a database."""

from __future__ import annotations

import pytest

from udup.base import remedies
from udup.base.endpoint import Endpoint
from udup.base.errors import Failure, FailureKind, Fault, Side
from udup.drivers.mysql.checks.retention import lost_log
from udup.jobs.beginning_again import check_of, failure_of
from udup.pipeline.checks import SRC, Check, Outcome

_OF_DATABASES = ("DropTableIfExists", "its tables", "new copy", "full copy", "copied again", "copy again")


@pytest.mark.parametrize("told", remedies.ALL)
def test_each_way_to_say_copy_again_becomes_a_snapshot(told: str) -> None:
    fault = Fault("Src s:1", f"it has purged the log; {told}", f"keep it longer, and {told}", SRC)
    text = f"Src s:1: the log ends; {told}"
    failure = failure_of("my events", Failure(FailureKind.REFUSED, text, side=Side.SOURCE, faults=(fault,)))
    [found] = failure.faults
    for text in (failure.text, found.problem, found.remedy):
        assert "udup job delete --purge 'my events'" in text and "new snapshot" in text
        assert not any(words.lower() in text.lower() for words in _OF_DATABASES)
    assert found.where == "Src s:1" and found.problem.startswith("it has purged the log; ")


def test_a_check_before_the_start_says_the_same() -> None:
    check = Check(SRC, "gtid_position", Outcome.FAIL, "purged", f"keep longer, and {remedies.COPY_AGAIN}")
    assert "new snapshot" in check_of("j", check).remedy


def test_what_the_source_says_of_a_purged_log_is_such_a_text() -> None:
    error = Failure.of(lost_log(Endpoint("s", 1, "u", ""), "error 1236: purged"))
    told = failure_of("j", error)
    assert "new snapshot" in told.text and "keep" not in told.text.lower()[:10]
    assert not any(words in told.text for words in _OF_DATABASES)


def test_other_failures_stay_as_they_are() -> None:
    failure = Failure(FailureKind.DIVERGENCE, "a row is missing", gtid="a:1")
    assert failure_of("j", failure) == failure
