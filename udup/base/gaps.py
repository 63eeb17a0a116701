"""Fills the gaps in a process's memory that others are forked from.

A page of memory is shared until one writes to it. What a child makes goes where there is room: into gaps between what
it has inherited, a few bytes on each of hundreds of pages, each of which is its own from then on. Filled here, once,
the gaps cost some hundred kilobytes in all, and what children make lies together, on pages that are new anyway.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

#: CPython's own allocator has pools for objects of one size, up to so many bytes, in steps.
_LARGEST, _STEP = 512, 16

#: Objects are made by so many bytes at a time, until these lie on so many pages at most: then there were no gaps for
#: them. They would fit on eight, and a pool that has begun is no gap.
_TRIED_BYTES, _PAGE_BYTES, _PAGES_AT_MOST = 32 << 10, 4096, 12

#: Bytes of an object that has none of its own, and of one that has so many bytes of its own.
_SMALLEST, _BYTES_HEAD = 16, 33

#: Sizes that the C library's allocator is asked for, in steps. Larger gaps are of whole pages, which cost nothing more.
_FIRST_BLOCK, _LAST_BLOCK = 24, 4096

#: A block that is in no gap but at the end of the heap.
_END_BYTES = 64 << 10

#: Tries for one size, and blocks of one size, at most, where an allocator is another one than is thought here.
_MOST_TRIES, _MOST_BLOCKS = 100, 50_000

_filling: list[list[object]] = []


def fill_gaps() -> None:
    """Fill them, on the only thread. What fills them is never given back."""
    for size in range(_SMALLEST, _LARGEST + 1, _STEP):
        _fill_pools(size)
    _fill_heap()


def _fill_pools(size: int) -> None:
    for _ in range(_MOST_TRIES):
        made = [_made(size) for _ in range(_TRIED_BYTES // size)]
        _filling.append(made)
        if len({id(each) // _PAGE_BYTES for each in made}) <= _PAGES_AT_MOST:
            return


def _made(size: int) -> object:
    if size == _SMALLEST:
        return object()
    return complex(1.0) if size <= _BYTES_HEAD else bytes(size - _BYTES_HEAD)


def _fill_heap() -> None:
    """Take blocks, from the largest on, until they come from the heap's end."""
    take: Callable[[int], int | None] = ctypes.CDLL(None).malloc
    take.restype = ctypes.c_void_p  # type: ignore[attr-defined]
    end = take(_END_BYTES) or 0
    for size in range(_LAST_BLOCK, _FIRST_BLOCK - 1, -_STEP):
        for _ in range(_MOST_BLOCKS):
            if (take(size) or end) >= end:
                break
