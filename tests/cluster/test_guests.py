"""A Src task on another node: what its owner and its host say to each other over a line that loses, delays and cuts."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from udup.base.errors import Failure, FailureKind
from udup.cluster.guest_words import (
    LETTER_BYTES,
    AskWhatIsExecuted,
    BeginExtract,
    Ended,
    Letter,
    Line,
    LookAtSource,
    Looked,
    Numbered,
    Reported,
    WhatIsExecuted,
    letters,
)
from udup.cluster.guests import GuestLost, GuestOrdered, GuestOver, GuestsAbroad, GuestSaid, GuestsHere

OWNER, HOST, DEAD, BEAT = "owner", "host", 3.0, 0.5
LOOK = LookAtSource(revision=5, incarnation="i", index=8)


@dataclass
class Pair:
    """Two nodes and the line between them; `loses` is the chance of a letter to be lost."""

    seed: int = 0
    loses: float = 0.0
    is_cut: bool = False
    may_be: bool | None = True
    now: float = 100.0
    abroad: GuestsAbroad = field(default_factory=lambda: GuestsAbroad(DEAD))
    here: GuestsHere = field(default_factory=lambda: GuestsHere(DEAD))
    told_owner: list[GuestSaid | GuestLost] = field(default_factory=list)
    told_host: list[GuestOrdered | GuestOver] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._under_way: list[tuple[float, int, bytes]] = []
        self._sent = 0

    def _post(self, sender: str, lines: Iterator[tuple[str, Line]], *, by_owner: bool) -> None:
        for letter in letters(sender, [line for _, line in lines], by_owner=by_owner):
            self._sent += 1
            if not self.is_cut and self._dice.random() >= self.loses:
                delay = self._dice.random() * 0.3
                heapq.heappush(self._under_way, (self.now + delay, self._sent, letter.encode()))

    def step(self, *, beat: bool) -> None:
        self.told_owner += self.abroad.look(self.now)
        self.told_host += self.here.look(self.now, lambda *_: self.may_be)
        self._post(OWNER, self.abroad.lines(beat=beat), by_owner=True)
        self._post(HOST, self.here.lines(beat=beat), by_owner=False)
        while self._under_way and self._under_way[0][0] <= self.now:
            letter = Letter.decode(heapq.heappop(self._under_way)[2])
            assert letter is not None
            if letter.by_owner:
                self.told_host += self.here.take(letter, self.now, lambda *_: self.may_be)
            else:
                self.told_owner += self.abroad.take(letter, self.now)

    def run(self, seconds: float) -> None:
        for number in range(round(seconds / 0.1)):
            self.now += 0.1
            self.step(beat=number % 5 == 0)

    def order(self, word: LookAtSource | BeginExtract | AskWhatIsExecuted, run: int = 7) -> None:
        self.abroad.tell("j", run, HOST, word, self.now)

    def ordered(self) -> list[object]:
        return [each.word for each in self.told_host if isinstance(each, GuestOrdered)]

    def said(self) -> list[object]:
        return [each.word for each in self.told_owner if isinstance(each, GuestSaid)]

    def over(self) -> list[int]:
        return [each.run for each in self.told_host if isinstance(each, GuestOver)]

    def lost(self) -> list[int]:
        return [each.run for each in self.told_owner if isinstance(each, GuestLost)]


@pytest.mark.parametrize("seed", range(20))
def test_each_word_comes_once_and_in_order_over_a_line_that_loses_and_turns_letters_round(seed: int) -> None:
    pair = Pair(seed, loses=0.15)
    orders = [LOOK, BeginExtract(start_after="u:1-5", copy_first=("t",)), AskWhatIsExecuted()]
    answers = [Looked(look=b"facts"), WhatIsExecuted(executed="u:1-9")]
    for order in orders:
        pair.order(order)
        pair.run(0.3)
    pair.run(5)
    for answer in answers:
        pair.here.say("j", 7, answer)
        pair.run(0.2)
    pair.run(20)
    assert (pair.ordered(), pair.said()) == (orders, answers)
    assert not pair.lost() and not pair.over()


def test_of_reports_that_were_not_heard_the_last_one_comes() -> None:
    pair = Pair()
    pair.order(LOOK)
    pair.run(1)
    pair.is_cut = True
    for number in range(5):
        pair.here.say("j", 7, Reported(report=str(number).encode(), at=pair.now))
        pair.run(0.2)
    pair.is_cut = False
    pair.run(2)
    assert [each.report for each in pair.said() if isinstance(each, Reported)] == [b"4"]


def test_a_line_that_is_cut_for_longer_than_a_node_may_be_silent_ends_both_parts_and_none_comes_back() -> None:
    pair = Pair()
    pair.order(LOOK)
    pair.run(1)
    pair.is_cut = True
    pair.run(2)
    assert not pair.lost() and not pair.over()
    pair.run(2.5)
    assert (pair.lost(), pair.over()) == ([7], [7])
    pair.is_cut = False
    pair.run(3)
    pair.order(LOOK, run=9)
    pair.run(2)
    assert pair.ordered() == [LOOK, LOOK] and pair.over() == [7] and pair.lost() == [7]


def test_a_cut_of_one_way_only_ends_both_parts_all_the_same() -> None:
    pair = Pair()
    pair.order(LOOK)
    pair.run(1)
    pair.abroad.take = lambda *_: iter(())  # type: ignore[method-assign] - nothing comes back
    pair.run(5)
    assert (pair.lost(), pair.over()) == ([7], [7]), "the owner gives up, and says so to who still hears it"


def test_a_run_that_has_ended_is_let_go_at_once_and_a_later_one_takes_its_place() -> None:
    pair = Pair()
    pair.order(LOOK)
    pair.run(1)
    pair.abroad.end("j", pair.now, 7)
    pair.run(0.5)
    assert pair.over() == [7]
    pair.order(LOOK, run=9)
    pair.run(1)
    pair.order(LOOK, run=11)  # its end is not waited for
    pair.run(1)
    assert pair.over() == [7, 9]
    late = Letter(sender=OWNER, by_owner=True, lines=(Line(job="j", run=9, words=(Numbered(number=1, word=LOOK),)),))
    assert not list(pair.here.take(late, pair.now, lambda *_: True)), "what comes late is of a run that is over"
    pair.run(2)
    assert not pair.lost()


def test_a_guest_is_hired_only_for_the_owner_that_this_node_knows_and_let_go_when_another_owns_the_job() -> None:
    pair = Pair(may_be=False)
    pair.order(LOOK)
    pair.run(2.5)
    assert not pair.told_host and not pair.lost(), "this node's copy may be behind: it says that it is there"
    pair.may_be = True
    pair.run(1)
    assert pair.ordered() == [LOOK]
    pair.may_be = None  # it is not known now: what runs goes on
    pair.run(5)
    assert not pair.over()
    pair.may_be = False
    pair.run(1)
    assert (pair.over(), pair.lost()) == ([7], [7])


def test_a_node_that_was_started_again_says_that_the_guest_is_not_there() -> None:
    pair = Pair()
    pair.order(LOOK)
    pair.run(1)
    pair.here = GuestsHere(DEAD)
    pair.run(1)
    assert pair.lost() == [7], "without waiting for its silence"


def test_who_was_paused_ends_its_guests_by_what_it_has_not_heard() -> None:
    pair = Pair()
    pair.order(LOOK)
    pair.run(1)
    over = list(pair.here.look(pair.now + 20, lambda *_: True))
    assert [each.run for each in over] == [7]


def test_many_guests_go_in_few_letters_and_none_is_larger_than_nats_takes() -> None:
    lines = [Line(job=f"job {number}", run=number) for number in range(1000)]
    assert len(letters(OWNER, lines, by_owner=True)) == 1
    big = Numbered(number=1, word=Looked(look=bytes(LETTER_BYTES // 2)))
    made = letters(HOST, [Line(job=str(number), run=1, words=(big,)) for number in range(5)], by_owner=False)
    assert [line.job for each in made for line in each.lines] == list("01234")
    assert all(len(each.encode()) <= 2 * LETTER_BYTES for each in made)


def test_what_is_no_letter_is_none_and_a_failure_travels_whole() -> None:
    assert Letter.decode(b"\x80") is None and Letter.decode(b"no letter") is None
    failure = Failure(FailureKind.UNAVAILABLE, "it is away", gtid="u:1")
    words = (Numbered(number=1, word=Ended(failure=failure)),)
    letter = Letter(sender=HOST, by_owner=False, lines=(Line(job="j", run=1, words=words),))
    assert Letter.decode(letter.encode()) == letter
