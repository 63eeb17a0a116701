"""Ranges of a key: what was sent by which try, and what is missing."""

from __future__ import annotations

import json
import random

import pytest

from tests.drivers.mysql.telling.test_order import PLACE, A, B, _read
from udup.drivers.mysql.snapshot.chunks import Chunk
from udup.drivers.mysql.telling.order import Place, ReadRows, SnapshotOrder
from udup.drivers.mysql.telling.ranges import END, START, KeyRanges


def test_what_is_sent_is_no_gap() -> None:
    ranges = KeyRanges()
    ranges.mark(START, (10,), 0)
    ranges.mark((20,), (25,), 0)
    assert list(ranges.gaps()) == [((10,), (20,)), ((25,), END)]
    ranges.mark((10,), (20,), 1)
    ranges.mark((25,), END, 1)
    assert ranges.is_whole and ranges.tries == {0, 1}
    assert [ranges.at((key,)) for key in (-5, 10, 11, 20, 21, 25, 26)] == [0, 0, 1, 1, 0, 0, 1]
    assert KeyRanges(json.loads(json.dumps(ranges.kept()))).kept() == ranges.kept()


def test_ranges_of_one_try_that_meet_are_one() -> None:
    ranges = KeyRanges()
    for upper in range(1, 50):
        ranges.mark((upper - 1, 3), (upper, 3), 0)
    assert ranges.kept() == [((0, 3), None), ((49, 3), 0), (None, None)]


@pytest.mark.parametrize("seed", range(20))
def test_each_key_is_of_the_try_that_has_sent_it(seed: int) -> None:
    chance = random.Random(seed)
    ranges, wanted = KeyRanges(), dict.fromkeys(range(1, 101), None)
    sent: dict[int, int | None] = dict(wanted)
    for at in range(6):
        lower, upper = sorted(chance.sample(range(101), 2))
        ranges.mark((lower,), (upper,), at)
        sent.update(dict.fromkeys(range(lower + 1, upper + 1), at))
    assert {key: ranges.at((key,)) for key in sent} == sent
    missing = {key for lower, upper in ranges.gaps() for key in sent if lower < (key,) <= upper}
    assert missing == {key for key, at in sent.items() if at is None}


# ---- In a snapshot ----


def _order(state: str = "", key: str = "id", place: Place = PLACE) -> SnapshotOrder:
    return SnapshotOrder(3, [A, B], place, state=state, keys={A: [key]})


def _cut() -> str:
    """Return the state of a snapshot that was cut while two chunks of `a` were read."""
    order = _order()
    order.planned(Chunk(0, 0, "x", final=False), START, (100,))
    order.planned(Chunk(0, 1, "y", final=False), (100,), (200,))
    made = []
    for chunk, last in ((0, 40), (1, 150), (0, 70), (1, 180)):
        made += order.add(ReadRows(0, chunk, 0, 5, [b""], 17, False, (last,)))
    return made[-1].state  # with the rows up to 70: those behind wait for what follows them


def test_a_record_says_up_to_which_key_its_chunk_was_sent() -> None:
    wanted = _order(_cut()).wanted(0)
    assert wanted is not None and wanted.number == 2
    assert list(wanted.gaps) == [((70,), (100,)), ((150,), END)]


def test_a_table_that_several_tries_have_sent_is_split_until_the_end() -> None:
    later = _order(_cut(), place=Place("u:1-20"))
    for number, (lower, upper) in enumerate((((70,), (100,)), ((150,), END)), start=2):
        chunk = Chunk(0, number, "", final=upper == END)
        later.planned(chunk, lower, upper)
        assert list(later.done(chunk, 0)) == []
    _read(later, Chunk(1, 0, "", final=True))
    *_, end = later.end()
    kept = json.loads(end.state)
    assert kept["split"][0]["ranges"] == [[[70], 0], [[100], 1], [[150], 0], [None, 1]]
    assert kept["open"] == [] and _order(end.state).wanted(0) is None


def test_a_table_whose_key_is_another_by_now_is_read_from_its_beginning() -> None:
    later = _order(_cut(), key="other")
    wanted = later.wanted(0)
    assert wanted is not None and (wanted.number, wanted.rest, list(wanted.gaps)) == (0, "", [])


def test_a_table_of_which_nothing_was_sent_is_of_the_later_try() -> None:
    order = _order()
    order.planned(Chunk(0, 0, "x", final=False), START, (100,))
    assert json.loads(order.state())["open"] == []
