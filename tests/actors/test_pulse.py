"""A supervisor that hangs is told from one that is slow, that has nothing to do, or whose machine stood still."""

from __future__ import annotations

from udup.actors.pulse import END_SECONDS, HANGS_SECONDS, Pulse, PulseWatch


class Watched:
    """A supervisor that is looked at each second."""

    def __init__(self) -> None:
        self.now = self.pulse = 100.0
        self.watch = PulseWatch(self.pulse, self.now)
        self.questions = 0
        self.takes_questions = True

    def run(self, seconds: int, handles_each: int = 0) -> float:
        silent = 0.0
        for second in range(1, seconds + 1):
            if self.watch.asks and self.takes_questions:
                self.watch.asked()
                self.questions += 1
            self.now += 1
            if handles_each and second % handles_each == 0:
                self.pulse = self.now
            silent = self.watch.look(self.pulse, self.now)
        return silent


def test_one_that_handles_a_message_from_time_to_time_works_however_long_its_queue_is() -> None:
    watched = Watched()
    assert watched.run(600, handles_each=10) < HANGS_SECONDS


def test_one_that_handles_nothing_hangs_and_is_asked_again_meanwhile() -> None:
    watched = Watched()
    assert watched.run(int(HANGS_SECONDS) - 1) < HANGS_SECONDS
    assert HANGS_SECONDS <= watched.run(2) < END_SECONDS
    assert watched.questions >= 3, "one may be lost"
    assert watched.run(10) >= END_SECONDS
    assert watched.run(1, handles_each=1) == 0


def test_one_that_was_asked_nothing_does_not_hang() -> None:
    watched = Watched()
    watched.takes_questions = False
    assert watched.run(600) == 0


def test_a_machine_that_stood_still_counts_for_a_moment() -> None:
    watched = Watched()
    watched.run(3)
    watched.now += 3600
    assert watched.run(1) < HANGS_SECONDS / 2


def test_a_pulse_is_when_the_last_message_was_handled() -> None:
    pulse = Pulse()
    assert pulse.at() == 0
    pulse.beat()
    assert pulse.at() > 0
