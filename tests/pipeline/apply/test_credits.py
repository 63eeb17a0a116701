"""The sender is told of what is done with: all of it, once, in order, and neither too early nor too late."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udup.pipeline.apply.credits import DUE_BYTES, DUE_MESSAGES, DUE_SHARE, Credits


def test_a_message_is_credited_when_all_of_its_records_are_done_with() -> None:
    credits_ = Credits(1)
    credits_.received(1, 10, 2)
    credits_.finished(1)
    assert credits_.due(late=True) is None and not credits_.owed
    credits_.finished(1)
    assert credits_.due(late=True) == 1
    assert credits_.due(late=True) is None, "it is said once"


def test_a_message_that_ends_early_waits_for_those_before_it() -> None:
    credits_ = Credits(1)
    for number in (1, 2, 3):
        credits_.received(number, 10, 1)
    credits_.finished(3)
    credits_.finished(2)
    assert credits_.due(late=True) is None
    credits_.finished(1)
    assert credits_.due() == 3


@pytest.mark.parametrize(("window", "due_at"), [(1, 1), (80, 10), (DUE_MESSAGES * DUE_SHARE * 4, DUE_MESSAGES)])
def test_it_is_said_when_a_good_part_of_the_window_is_free(window: int, due_at: int) -> None:
    credits_ = Credits(window)
    for number in range(1, due_at + 1):
        assert credits_.due() is None
        credits_.received(number, 1, 1)
        credits_.finished(number)
    assert credits_.due() == due_at


def test_one_large_message_is_a_good_part() -> None:
    credits_ = Credits(10_000)
    credits_.received(1, DUE_BYTES, 1)
    credits_.finished(1)
    assert credits_.due() == 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=25), st.randoms(use_true_random=False), st.integers(1, 200))
def test_whatever_ends_first_no_message_is_credited_before_all_up_to_it_are_done_with(
    records: list[int], dice: object, window: int
) -> None:
    credits_ = Credits(window)
    left = dict(enumerate(records, start=1))
    for number, count in left.items():
        credits_.received(number, 1000, count)
    ends = [number for number, count in left.items() for _ in range(count)]
    dice.shuffle(ends)  # type: ignore[attr-defined]
    told = [0]
    for place, number in enumerate(ends):
        credits_.finished(number)
        left[number] -= 1
        due = credits_.due(late=place % 3 == 0)
        if due is not None:
            assert due > told[-1] and not any(left[each] for each in range(1, due + 1))
            told.append(due)
    credits_.due(late=True)
    assert not credits_.owed and not any(left.values())


def test_heartbeats_are_credited_together_and_nobody_waits_for_them() -> None:
    credits_ = Credits(800)
    credited = []
    for number in range(1, 11):
        credits_.received(number, 100, 1, beat=True)
        credits_.finished(number)
        assert not credits_.owed, "no timer is set for them"
        credited.append(credits_.due(late=True))
    assert [each for each in credited if each] == [2, 4, 6, 8, 10]
    credits_.received(11, 100, 1, beat=True)
    credits_.finished(11)
    credits_.received(12, 100, 1)
    credits_.finished(12)
    assert credits_.owed and credits_.due() is None and credits_.due(late=True) == 12
