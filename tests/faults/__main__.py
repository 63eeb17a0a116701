"""Every n of every phase: `python -m tests.faults [--phase copy] [--place target] [--every 1] [--mariadb 11.8]`."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

from tests.faults.proxy import Wrong
from tests.faults.sweep import CODES, Phase, Place, Trial, bench, places
from udup.sandbox.provision import provision, provision_mariadb


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phase", choices=[each.value for each in Phase])
    parser.add_argument("--place", choices=[each.value for each in Place])
    parser.add_argument("--every", type=int, default=1, help="take each nth step only")
    parser.add_argument("--from", type=int, default=1, dest="first")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mariadb", metavar="SERIES", help="with a MariaDB of this series as the target")
    asked = parser.parse_args()
    dice = random.Random(asked.seed)
    wrongs, failed = list(Wrong), 0
    numbers = count()
    end = time.monotonic() + asked.seconds
    programs = provision(print)
    of_target = provision_mariadb(asked.mariadb, print) if asked.mariadb else programs
    with tempfile.TemporaryDirectory(prefix="udup-faults-") as folder, bench(programs, Path(folder), of_target) as it:
        for phase in [each for each in Phase if asked.phase in (None, each.value)]:
            for place in [each for each in places(phase) if asked.place in (None, each.value)]:
                steps = it.steps(phase, place)
                print(f"== {phase.value}, {place.value}: {steps} steps", flush=True)
                for nth in range(asked.first, steps + 1, asked.every):
                    if time.monotonic() > end:
                        return min(failed, 1)
                    trial = Trial(phase, place, nth, wrongs[next(numbers) % len(wrongs)], dice.choice(CODES))
                    try:
                        print(it.run(trial), flush=True)
                    except AssertionError as error:
                        failed += 1
                        print(f"FAILED {error}", flush=True)
    print(f"{failed} failed")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
