"""`python -m tests.cluster FIRST COUNT`: simulated histories of a cluster's keepers; the first bad ones are told."""

from __future__ import annotations

import sys
from collections import Counter

from tests.cluster.histories import run
from tests.cluster.world import Violation

#: Bad histories that are told.
TOLD = 3


def main(first: int, count: int) -> int:
    happened: Counter[str] = Counter()
    bad = 0
    for seed in range(first, first + count):
        try:
            happened += run(seed)
        except Violation as violation:
            bad += 1
            if bad <= TOLD:
                print(violation)
    print(f"{bad} of {count} are bad;", ", ".join(f"{what} {times}" for what, times in sorted(happened.items())))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
