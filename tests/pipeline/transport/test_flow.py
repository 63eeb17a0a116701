"""The sender waits for the receiver: a window never holds more than it may, and it ends with an error, not silence."""

from __future__ import annotations

import random
import threading
import time

import pytest

from udup.base import runtime
from udup.base.errors import Transient
from udup.pipeline.transport.flow import Window


def _taking(window: Window, number: int, size: int) -> tuple[threading.Thread, list[BaseException]]:
    errors: list[BaseException] = []

    def take() -> None:
        try:
            window.take(number, size)
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            errors.append(error)

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    return thread, errors


def _waits(thread: threading.Thread) -> bool:
    thread.join(0.1)
    return thread.is_alive()


def test_a_full_window_blocks_until_credit_comes() -> None:
    window = Window(2, 1000)
    window.take(1, 10)
    window.take(2, 10)
    thread, errors = _taking(window, 3, 10)
    assert _waits(thread)
    window.credit(1)
    thread.join(5)
    assert not thread.is_alive() and not errors


def test_bytes_fill_it_as_messages_do() -> None:
    window = Window(100, 1000)
    window.take(1, 600)
    assert window.fill == 0.6
    thread, _ = _taking(window, 2, 600)
    assert _waits(thread)
    window.credit(1)
    thread.join(5)
    assert not thread.is_alive() and window.fill == 0.6


def test_one_message_larger_than_the_window_passes_alone() -> None:
    window = Window(10, 100)
    window.take(1, 5000)
    thread, _ = _taking(window, 2, 1)
    assert _waits(thread)
    window.credit(1)
    thread.join(5)
    assert not thread.is_alive()


def test_a_credit_covers_everything_before_it_and_may_come_twice() -> None:
    window = Window(10, 1000)
    for number in range(1, 6):
        window.take(number, 100)
    window.credit(3)
    assert window.fill == 0.2
    window.credit(3)
    window.credit(1)
    assert window.fill == 0.2
    window.credit(99)
    assert window.fill == 0.0


def test_abort_wakes_the_sender_with_the_reason_and_no_more_is_sent() -> None:
    window = Window(1, 1000)
    window.take(1, 1)
    thread, errors = _taking(window, 2, 1)
    assert _waits(thread)
    window.abort(Transient("the run has ended"))
    thread.join(5)
    assert not thread.is_alive()
    assert isinstance(errors[0], Transient) and "the run has ended" in str(errors[0])
    with pytest.raises(Transient):
        window.take(3, 1)


def test_a_wait_is_told_for_as_long_as_it_lasts() -> None:
    window = Window(1, 1000)
    window.take(1, 1)
    assert window.waited == 0
    thread, errors = _taking(window, 2, 1)
    assert _waits(thread)
    first = window.waited
    assert 0 < first <= window.waited
    window.credit(1)
    thread.join(5)
    assert not errors and window.waited == 0


def test_it_tells_how_long_nothing_was_sent_while_something_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(runtime, "now", lambda: now)
    window = Window(10, 1000)
    assert window.quiet == 0
    window.take(1, 1)
    now = 107.0
    assert window.quiet == 7
    window.take(2, 1)
    assert window.quiet == 0
    now = 110.0
    window.credit(1)
    assert window.quiet == 3
    window.credit(2)
    assert window.quiet == 0


def test_under_any_load_no_more_is_out_than_allowed() -> None:
    dice = random.Random(3)
    window = Window(5, 1000)
    sizes = [dice.randint(1, 400) for _ in range(400)]
    out: list[int] = []
    lock = threading.Lock()
    worst = [0, 0]

    def send() -> None:
        for number, size in enumerate(sizes, 1):
            window.take(number, size)
            with lock:
                out.append(number)
                worst[0] = max(worst[0], len(out))
                worst[1] = max(worst[1], sum(sizes[each - 1] for each in out))

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    end = time.monotonic() + 20
    done = 0
    while done < len(sizes):
        assert time.monotonic() < end
        with lock:
            if out:
                done = out[dice.randrange(len(out))]
                out[:] = [number for number in out if number > done]
                window.credit(done)
    sender.join(5)
    assert worst[0] <= 5 and worst[1] <= 1000


def test_heartbeats_need_room_and_are_not_shown() -> None:
    window = Window(3, 1000)
    window.take(1, 100)
    window.take(2, 10, beat=True)
    window.take(3, 10, beat=True)
    assert window.under_way == (1, 100) and window.fill == pytest.approx(1 / 3)
    thread, _ = _taking(window, 4, 1)
    assert _waits(thread), "what is out is bounded, whatever it is"
    window.credit(2)
    thread.join(5)
    assert not thread.is_alive() and window.under_way == (1, 1)
