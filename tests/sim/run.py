"""Histories from the command line.

python -m tests.sim run CLASS FIRST COUNT     until the first that is bad, which is shrunk (--all: go on)
python -m tests.sim replay CLASS SEED         with its trace; or the path of a stored scenario
python -m tests.sim shrink CLASS SEED

--bug NAME    with a bug planted (`bugs.py`)        --lines N    of the trace that is shown
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections import Counter
from pathlib import Path

from tests.sim import bugs, scenario, shrink
from tests.sim.history import Outcome, run
from tests.sim.install import installed
from tests.sim.scenario import CLASSES, Scenario
from tests.sim.world import MS, S


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("command", choices=["run", "replay", "shrink"])
    parser.add_argument("what", help="a class, `every`, or the path of a scenario")
    parser.add_argument("first", type=int, nargs="?", default=1)
    parser.add_argument("count", type=int, nargs="?", default=1)
    parser.add_argument("--bug", default="", choices=["", *bugs.BUGS])
    parser.add_argument("--lines", type=int, default=100)
    parser.add_argument("--all", action="store_true")
    args = parser.parse_args()
    with installed(), bugs.planted(args.bug):
        if args.command == "run":
            classes = list(CLASSES) if args.what == "every" else [args.what]
            return max(_run(each, args.first, args.count, go_on=args.all, lines=args.lines) for each in classes)
        path = Path(args.what)
        found = Scenario.from_json(path.read_text()) if path.exists() else scenario.make(args.what, args.first)
        if args.command == "shrink":
            found = _shrink(found)
        show(found, args.lines)
    return 0


def _run(of: str, first: int, count: int, *, go_on: bool, lines: int) -> int:
    began, cpu, steps, transactions, bad, done = time.perf_counter(), time.process_time(), 0, 0, 0, 0
    counts: Counter[str] = Counter()
    digest = hashlib.blake2b(digest_size=8)
    for seed in range(first, first + count):
        outcome = run(scenario.make(of, seed))
        done += 1
        steps += outcome.steps
        transactions += outcome.transactions
        counts += outcome.counts
        digest.update(outcome.digest.encode())
        if outcome.problem:
            bad += 1
            print(f"seed {seed} ({of}) after {time.perf_counter() - began:.1f} s: {outcome.problem[:1500]}", flush=True)
            if not go_on:
                show(_shrink(scenario.make(of, seed)), lines)
                break
    took, busy = time.perf_counter() - began, time.process_time() - cpu
    print(
        f"{of}: {done} histories, {bad} bad, {took:.1f} s, {done / took:.1f}/s, {done / busy:.1f}/s of a core,"
        f" {steps // done} steps and {transactions // done} transactions each, digest {digest.hexdigest()}"
    )
    print("  " + ", ".join(f"{name} {number}" for name, number in sorted(counts.items())), flush=True)
    return 1 if bad else 0


def _shrink(found: Scenario) -> Scenario:
    began = time.perf_counter()
    small, tries = shrink.shrink(found)
    print(
        f"shrunk in {tries} tries, {time.perf_counter() - began:.1f} s: {len(small.log)} transactions,"
        f" {len(small.faults)} faults, {small.workers} workers"
    )
    print(small.to_json())
    return small


def show(found: Scenario, lines: int = 100) -> Outcome:
    """Carry it out and print what happened."""
    outcome = run(found, trace=True)
    print(f"seed {found.seed} ({found.of}): {outcome.problem or 'holds'}")
    print(f"{outcome.steps} steps, {outcome.now / S:.1f} s, digest {outcome.digest}")
    for entry in scenario.numbered(found):
        what = entry.get("sql") or ",".join(entry["keys"])
        print(
            f"  log {entry['number']:3} {entry['kind']:11} {what} sequence {entry['sequence']} needs"
            f" {entry['needs']}{' (new file)' if entry['rotate'] else ''} at {entry['at'] / MS:.0f} ms"
        )
    for at, who, what in outcome.trace[-lines:] if lines else ():
        print(f"{at / MS:12.3f} ms  {who:12} {what}")
    sys.stdout.flush()
    return outcome
