"""Both readers of rows, asked about changed events: `python -m tests.drivers.mysql.rowtext.fuzz COUNT [--seed N]`.

`--library PATH` takes another library than the one that is installed, such as one with sanitizers; `--room BYTES` gives
a call so little room for texts that most rows take several.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from tests.drivers.mysql.rowtext.comparing import OPTIONS, Case, case_of, compare, damaged_events, drawn, recorded
from udup.drivers.mysql.rowtext import compiled
from udup.drivers.mysql.rowtext.compiled import Library, library

#: Tables of any columns beside the recorded ones.
TABLES = 40

#: Events after which is said how far it is.
SHOWN = 50_000


def cases(used: Library, number: int, count: int = TABLES) -> list[Case]:
    found = [case_of(used, table, options, events) for table, events in recorded() for options in OPTIONS]
    return [case for case in found if case is not None] + drawn(used, count, number)


def fuzz(used: Library, count: int, number: int, tables: int = TABLES) -> Counter[str]:
    """Return what became of the events: as they were written, then so many changed ones."""
    every = cases(used, number, tables)
    told: Counter[str] = Counter()
    for case in every:
        for event in case.events:
            told[f"unchanged {compare(case, event)}"] += 1
    chance = random.Random(number)
    for done, (case, event) in enumerate(islice(damaged_events(every, chance), count), 1):
        told[compare(case, event)] += 1
        if done % SHOWN == 0:
            print(done, dict(told), flush=True)
    return told


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="fuzz")
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--tables", type=int, default=TABLES)
    parser.add_argument("--library", type=Path, default=None)
    parser.add_argument("--room", type=int, default=compiled.ROOM)
    told = parser.parse_args(arguments)
    compiled.ROOM = compiled.ROOM_KEPT_MAX = told.room
    used = Library(told.library) if told.library else library()
    if used is None:
        raise SystemExit("There is no compiled reader: install g++, and Udup again")
    number = told.seed if told.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {number}", flush=True)
    began = time.monotonic()
    print(dict(fuzz(used, told.count, number, told.tables)), f"in {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
