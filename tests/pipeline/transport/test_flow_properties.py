"""A window's fill is what was taken and not given back, whatever credits come, and however often."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from udup.pipeline.transport.flow import COPY_WINDOW_MAX, LOG_WINDOW_MAX, WINDOW_MIN, Window, Windows

_STEPS = st.lists(st.tuples(st.booleans(), st.integers(1, 60)), max_size=60)


@settings(max_examples=100, deadline=None)
@given(_STEPS, st.integers(1, 5), st.integers(50, 100))
def test_whatever_is_credited_and_how_often_what_is_under_way_is_right(
    steps: list[tuple[bool, int]], messages: int, size: int
) -> None:
    window = Window(messages, size)
    out: list[tuple[int, int]] = []
    number = 0
    for takes, amount in steps:
        fits = not out or (len(out) < messages and sum(each for _, each in out) + amount <= size)
        if takes and fits:  # else it would wait, as other tests show
            number += 1
            window.take(number, amount)
            out.append((number, amount))
        elif not takes:
            up_to = number - amount % 7
            window.credit(up_to)
            out = [each for each in out if each[0] > up_to]
        assert window.under_way == (len(out), sum(each for _, each in out))
        assert len(out) <= messages
    window.credit(number)
    assert window.under_way == (0, 0) and window.fill == 0.0


@given(st.integers(0, 1 << 40), st.integers(1, 64))
def test_what_a_job_may_have_under_way_is_shared_out_within_bounds(buffer_bytes: int, workers: int) -> None:
    windows = Windows.of(buffer_bytes, workers)
    assert WINDOW_MIN <= windows.log <= LOG_WINDOW_MAX and WINDOW_MIN <= windows.copy <= COPY_WINDOW_MAX
    roomy = buffer_bytes >= 2 * WINDOW_MIN * workers
    assert not roomy or windows.log + windows.copy * workers <= buffer_bytes
