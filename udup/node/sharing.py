"""What the processes of a node share: they are forked from one, and a page of memory is shared until one writes to it.

CPython writes where it only reads: the garbage collector into the head of every object, a lookup into its type, a
cache into what was in it before. Each such write costs a process 4 KiB, so it is made here once, before the fork.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: prctl's number for "merge equal pages of this process with others" (Linux 6.4), and where that is switched on.
_PR_SET_MEMORY_MERGE, _KSM_RUNS = 67, Path("/sys/kernel/mm/ksm/run")

#: glibc's number for "no more arenas than this", and how many: one more than what an engine's thread and others need.
_M_ARENA_MAX, _ARENAS = -8, 2


@contextmanager
def uncollected() -> Iterator[None]:
    """Have modules loaded without the collector of garbage: it takes a quarter of the time, and finds little.

    What there is of garbage stays until `share_memory` looks for it.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def share_memory() -> None:
    """Have the processes that are forked from this one share its memory for as long as they can.

    What was imported until now is left alone by the garbage collector; and the threads of a process take their memory
    from few arenas, since each arena keeps what was freed in it.
    """
    gc.unfreeze()
    gc.collect()
    _number_types()
    gc.freeze()
    ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def merge_memory() -> str:
    """Let Linux merge equal pages of this process and of those that it forks. Return why that cannot be, else nothing.

    Half of what a task writes to is the same in every other one: counts that are back at what they were.
    """
    if ctypes.CDLL(None).prctl(_PR_SET_MEMORY_MERGE, 1, 0, 0, 0) != 0:
        return "the kernel cannot merge the memory of a process (Linux 6.4 or newer with KSM can)"
    try:
        running = _KSM_RUNS.read_text().strip()
    except OSError:
        return ""  # not for this user to see
    return "" if running == "1" else f"{_KSM_RUNS} is {running}: nothing is merged until it is 1"


def _number_types() -> None:
    """Have every type numbered, and the cache of lookups emptied.

    A type is numbered when something is looked up in it for the first time, which writes to it and to its bases. The
    cache holds the names of what imports looked up; each that makes room for another one has its count written.
    """
    for each in gc.get_objects():
        if isinstance(each, type):
            with suppress(AttributeError):  # only the look counts
                type.__getattribute__(each, "udup_numbered")
    sys._clear_type_cache()
