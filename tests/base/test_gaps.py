"""What is made behind filled gaps lies together: a child that makes it has few pages of its own."""

from __future__ import annotations

import os

import pytest

from udup.base.gaps import fill_gaps

PAGE = 4096

#: Of one size, as CPython's allocator sees it, by the bytes of each: its head has 33.
MADE, SIZE = 300, 144


def _pages() -> int:
    """Return on how many pages so many new objects lie; they are gone afterwards."""
    return len({id(each) // PAGE for each in [bytes(SIZE - 33) for _ in range(MADE)]})


def _in_a_child() -> tuple[int, int]:
    """Return the pages before and after, in a process whose memory has gaps: of many objects each tenth is gone."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            there = [bytes(SIZE - 33) for _ in range(20 * MADE)]
            del there[::10]
            before = _pages()
            fill_gaps()
            os.write(writes, f"{before} {_pages()}".encode())
        finally:
            os._exit(0)
    os.close(writes)
    with os.fdopen(reads) as told:
        before, after = told.read().split()
    os.waitpid(child, 0)
    return int(before), int(after)


def test_what_is_made_behind_filled_gaps_lies_together() -> None:
    before, after = _in_a_child()
    if before < MADE // 6:
        pytest.skip("this Python's allocator leaves no such gaps")
    assert after <= 2 * (MADE * SIZE // PAGE), (before, after)
