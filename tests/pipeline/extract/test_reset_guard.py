"""A source that has executed less than before is no longer the one that the job has followed."""

from __future__ import annotations

import pytest

from udup.base import runtime
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.pipeline.extract.reset_guard import COUNT_SECONDS, ResetGuard, not_counted

ONE, OTHER = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"


def sets(*texts: str) -> list[GtidSet]:
    return [GtidSet.parse(text) for text in texts]


def test_what_is_read_before_the_source_says_so_is_no_loss() -> None:
    guard = ResetGuard()
    for executed, read in (("1-5", "1-7"), ("1-6", "1-9"), ("1-9", "1-9"), ("1-20", "1-12")):
        guard.check(*sets(f"{ONE}:{executed}", f"{ONE}:{read}"))


def test_a_start_after_transactions_of_another_server_is_no_loss() -> None:
    guard = ResetGuard()
    for executed in ("1-5", "1-6"):
        guard.check(*sets(f"{ONE}:{executed}", f"{ONE}:1-5,{OTHER}:1-100"))


@pytest.mark.parametrize("executed", ["", f"{ONE}:1-4", f"{ONE}:1-3:5-90", f"{OTHER}:1-90"])
def test_what_the_source_has_forgotten_is_named(executed: str) -> None:
    guard = ResetGuard()
    guard.check(*sets(f"{ONE}:1-9", f"{ONE}:1-5"))
    with pytest.raises(Unsupported, match=f"no longer executed {ONE}:"):
        guard.check(*sets(executed, f"{ONE}:1-5"))


def test_what_was_said_before_the_log_was_opened_counts() -> None:
    guard = ResetGuard()
    executed, read, afterwards = sets(f"{ONE}:1-3", f"{ONE}:1-3", f"{ONE}:1")
    guard.check(executed, None)
    with pytest.raises(Unsupported, match=f"no longer executed {ONE}:2-3"):
        guard.check(afterwards, read)


def test_what_was_read_long_after_it_was_said_is_still_missed() -> None:
    guard = ResetGuard()
    for executed, read in (("1-9", "1-2"), ("1-9", "1-2")):
        guard.check(*sets(f"{ONE}:{executed}", f"{ONE}:{read}"))
    guard.check(*sets(f"{ONE}:1-2", f"{ONE}:1-2"))  # nothing of it was read
    with pytest.raises(Unsupported, match=f"no longer executed {ONE}:3-4"):
        guard.check(*sets(f"{ONE}:1-2", f"{ONE}:1-4"))


def test_what_was_sent_and_is_not_executed_for_long_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was read, and forgotten, between two answers of the source."""
    now = [100.0]
    monkeypatch.setattr(runtime, "now", lambda: now[0])
    guard = ResetGuard()
    guard.check(*sets(f"{ONE}:1-5", f"{ONE}:1-5,{OTHER}:1-3"))
    for n in range(6, 9):
        now[0] += COUNT_SECONDS - 1
        guard.check(*sets(f"{ONE}:1-{n}", f"{ONE}:1-{n + 1},{OTHER}:1-3"))
    guard.check(*sets(f"{ONE}:1-9", f"{ONE}:1-9,{OTHER}:1-3"))
    guard.check(*sets(f"{ONE}:1-9", f"{ONE}:1-12,{OTHER}:1-3"))
    now[0] += COUNT_SECONDS + 1
    overdue = guard.check(*sets(f"{ONE}:1-9", f"{ONE}:1-13,{OTHER}:1-3"))
    assert str(overdue) == f"{ONE}:10-12"
    assert f"has sent {ONE}:10-12 and has not executed it" in str(not_counted(overdue))


def test_a_source_with_a_reason_is_given_as_much_time_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(runtime, "now", lambda: now[0])
    guard, answer = ResetGuard(), sets(f"{ONE}:1-9", f"{ONE}:1-12")
    guard.check(*sets(f"{ONE}:1-9", f"{ONE}:1-9"))
    assert guard.check(*answer) is None
    for _ in range(3):
        now[0] += COUNT_SECONDS + 1
        assert guard.check(*answer) is not None
        guard.wait_longer()
        now[0] += COUNT_SECONDS - 1
        assert guard.check(*answer) is None
    now[0] += COUNT_SECONDS + 1
    assert guard.check(*sets(f"{ONE}:1-12", f"{ONE}:1-12")) is None, "it was acknowledged"


def test_an_answer_is_copied_only_if_something_was_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets may have tens of thousands of ranges, and an answer comes each second."""
    guard, copied = ResetGuard(), []
    real = GtidSet.copy

    def copy(self: GtidSet) -> GtidSet:
        copied.append(str(self))
        return real(self)

    monkeypatch.setattr(GtidSet, "copy", copy)
    for said in ("1-9", "1-10", "1-12"):
        guard.check(*sets(f"{ONE}:{said}"), None)
    assert copied == []
    guard.check(*sets(f"{ONE}:1-3"), None)
    assert copied == [f"{ONE}:1-12"]
    with pytest.raises(Unsupported, match=f"no longer executed {ONE}:4-12"):
        guard.check(*sets(f"{ONE}:1-3", f"{ONE}:1-12"))
