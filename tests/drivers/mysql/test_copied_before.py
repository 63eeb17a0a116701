"""Which rows of a table are there by the chunks that were loaded: none is taken for there that is not."""

from __future__ import annotations

import random

import pytest

from udup.drivers.mysql.dictionary.copied_before import (
    Chunk,
    Segment,
    decode_chunk,
    decode_segments,
    encode_segments,
    encode_span,
    gaps,
    with_chunks,
)

NEW = (Segment("s1", None, False),)


def test_chunks_that_are_there_stay_whatever_is_missing_between_them() -> None:
    chunks = [Chunk(0, None, (10,), True), Chunk(2, (20,), (30,), True), Chunk(3, (30,), (40,), True)]
    found = with_chunks(NEW, chunks)
    assert found == (
        Segment("s1", (10,)),
        Segment("s1", (20,), False),
        Segment("s1", (40,)),
        Segment("s1", None, False),
    )
    assert list(gaps(found)) == [((10,), (20,)), ((40,), None)]
    assert with_chunks(NEW, []) == NEW
    assert list(gaps(with_chunks(NEW, [*chunks, Chunk(1, (10,), (20,), True), Chunk(4, (40,), None, True)]))) == []


def test_a_chunk_that_ends_among_rows_of_the_same_numbers_has_them_with_the_next_one_alone() -> None:
    some = Chunk(0, None, (1, 5), False), Chunk(1, (1, 5), (1, 5), False), Chunk(2, (1, 5), (2, 0), False)
    assert list(gaps(with_chunks(NEW, some[:1]))) == [((1, 4), None)]
    assert list(gaps(with_chunks(NEW, some[:2]))) == [((1, 4), None)]
    assert list(gaps(with_chunks(NEW, [some[0], some[2]]))) == [((1, 4), (1, 5)), ((2, -1), None)]
    assert list(gaps(with_chunks(NEW, some))) == [((2, -1), None)]
    assert with_chunks(NEW, [some[1]]) == NEW


@pytest.mark.parametrize("seed", range(40))
def test_in_many_tries_each_row_is_there_once_and_of_one_snapshot(seed: int) -> None:
    """Keys are a number and a letter, of which only the number is told."""
    dice = random.Random(seed)
    keys = sorted({(dice.randrange(12), letter) for letter in "abcdefgh" for _ in range(dice.randrange(1, 12))})
    rows: dict[tuple[int, str], int] = {}  # on the target, with the try that has read it
    segments: tuple[Segment, ...] = NEW
    for attempt in range(1, 30):
        segments = decode_segments(
            encode_segments([each if each.read else Segment(str(attempt), each.up_to, False) for each in segments])
        )
        left = list(gaps(segments))
        for key in [each for each in rows if any(_within(each, one, other) for one, other in left)]:
            del rows[key]
        chunks = []
        for number, (first, last, chunk) in enumerate(_planned(keys, left, dice.randrange(1, 5))):
            if dice.random() < 0.5 or attempt == 29:
                for key in chunk:
                    assert key not in rows, "loaded twice"
                    rows[key] = attempt
                span = encode_span((first, last[0]), exact=last[1])
                chunks.append(decode_chunk(number, span))
        segments = with_chunks(segments, chunks)
        begin = None
        for each in segments:
            if each.read:
                assert all(rows.get(key) == int(each.position) for key in keys if _within(key, begin, each.up_to))
            begin = each.up_to
    assert list(gaps(segments)) == [] and sorted(rows) == keys


def _within(key: tuple[int, str], begin: tuple[int, ...] | None, end: tuple[int, ...] | None) -> bool:
    return (begin is None or key[:1] > begin) and (end is None or key[:1] <= end)


def _planned(keys, left, size):  # type: ignore[no-untyped-def]
    """As the reader plans: where a chunk ends, whether with all rows of that number, and its rows."""
    for begin, end in left:
        first, within = begin, [key for key in keys if _within(key, begin, end)]
        while len(within) >= size:
            chunk, within = within[:size], within[size:]
            yield first, (chunk[-1][:1], False), chunk
            first = chunk[-1][:1]
        yield first, (end, True), within
