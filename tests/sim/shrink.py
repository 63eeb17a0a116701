"""Makes a scenario that fails smaller, as long as it fails in the same way.

First faults are left out, then entries of the log (an XA end goes with its beginning), both again; then fewer workers,
then simpler entries. Because chance comes from named streams, what is left out does not move what stays.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from tests.sim.history import run
from tests.sim.scenario import Entry, Scenario

#: Seconds of real time.
_BUDGET = 60.0


def shrink(scenario: Scenario, budget: float = _BUDGET) -> tuple[Scenario, int]:
    """The smallest that was found, and the number of tries."""
    wanted, tries, end = run(scenario).kind, 0, time.perf_counter() + budget

    def fails(candidate: Scenario) -> bool:
        nonlocal tries
        if time.perf_counter() > end:
            return False
        tries += 1
        return run(candidate).kind == wanted

    best = scenario
    for _ in range(2):
        best = replace(best, faults=_fewer(best.faults, partial(_fails_with, fails, best, "faults")))
        best = replace(best, log=_fewer(best.log, partial(_fails_with, fails, best, "log"), _closed))
    for workers in range(1, best.workers):
        if fails(smaller := replace(best, workers=workers)):
            best = smaller
            break
    if best.second is not None and fails(smaller := replace(best, second=None)):
        best = smaller
    for at, entry in enumerate(best.log):
        for simple in _simpler(entry):
            candidate = replace(best, log=[*best.log[:at], simple, *best.log[at + 1 :]])
            if simple != entry and fails(candidate):
                best = candidate
                break
    return best, tries


def _fails_with(fails: Callable[[Scenario], bool], scenario: Scenario, name: str, items: list[dict[str, Any]]) -> bool:
    return bool(items or name == "faults") and fails(replace(scenario, **{name: items}))


def _fewer(
    items: list[dict[str, Any]],
    fails: Callable[[list[dict[str, Any]]], bool],
    closed: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = lambda items: items,
) -> list[dict[str, Any]]:
    """Delta debugging: leave out halves, quarters, and at last single ones, until none can go."""
    size = max(1, len(items) // 2)
    while items:
        at, removed = 0, False
        while at < len(items):
            candidate = closed(items[:at] + items[at + size :])
            if fails(candidate):
                items, removed = candidate, True
            else:
                at += size
        if size == 1 and not removed:
            break
        size = max(1, size // 2) if not removed or size > 1 else 1
    return items


def _closed(log: list[Entry]) -> list[Entry]:
    """An end needs its beginning, and the other way round."""
    begun = {entry["xid"] for entry in log if entry["kind"] == "xa prepare"}
    ended = {entry["xid"] for entry in log if entry["kind"] in ("xa commit", "xa rollback")}
    return [entry for entry in log if "xid" not in entry or entry["xid"] in begun & ended]


def _simpler(entry: Entry) -> list[Entry]:
    """Plain rows at once; else the same at once."""
    same = {**entry, "at": 1, "rotate": False, "loose": True, "pad": 0}
    plain = {"kind": "tx", "keys": entry["keys"], "at": 1, "rotate": False, "loose": True, "pad": 0}
    return [plain, same] if entry["kind"] in ("large", "ddl", "skip") else [same]
