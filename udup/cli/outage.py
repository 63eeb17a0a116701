"""How the command line shows what a job waits for: which side is away, since when, why, when it tries next."""

from __future__ import annotations

import time
from typing import Any

from udup.cli.output import duration, local_time, number, shown

_NANOSECONDS = 1_000_000_000


#: What a job's cut-over is called in the place of its stage, by its state; one that is over is not shown there.
_CUTOVERS = {"running": "cutting over", "undoing": "undoing cut-over", "stopped": "cut-over stopped"}


def stage(job: dict[str, Any]) -> str:
    """The job's stage, or in its place a cut-over that is under way, or what it waits for: `reconnecting target`."""
    if job.get("Stage") != "failed" and (word := _CUTOVERS.get(str((job.get("Cutover") or {}).get("State")))):
        return word
    return _waiting(job)


def cutover(job: dict[str, Any]) -> str:
    """One line about the job's last cut-over, "" if there was none."""
    last = job.get("Cutover") or {}
    return f"{shown(last.get('State'))}: {shown(last.get('Text'))}".rstrip(": ") if last else ""


def _waiting(job: dict[str, Any]) -> str:
    """What it waits for, `waiting for a lock`; its stage if that is nothing."""
    waits = _of(job)
    if not waits:
        return str(job.get("Stage", ""))
    if waits.get("kind") == "Contended":
        return "waiting for a lock"
    return f"reconnecting {shown(waits.get('side'))}".rstrip()


def outage(job: dict[str, Any], now: float | None = None) -> str:
    """One line about what the job waits for, "" if it waits for nothing."""
    waits = _of(job)
    if not waits:
        return ""
    now = time.time() if now is None else now
    since = waits.get("since")
    began = f" since {local_time(int(since * _NANOSECONDS))}" if isinstance(since, (int, float)) else ""
    lasts = f" ({duration(max(0.0, now - since))})" if isinstance(since, (int, float)) else ""
    next_try = waits.get("next_try")
    left = next_try - now if isinstance(next_try, (int, float)) else 0.0
    again = f"next try in {duration(left)}" if left >= 0.5 else "trying now"
    tried = f"tried {number(waits.get('attempts'))} times, {again}"
    return f"{_waiting(job)}{began}{lasts}: {shown(waits.get('why'))}; {tried}"


def _of(job: dict[str, Any]) -> dict[str, Any]:
    waits = (job.get("Progress") or {}).get("reconnecting")
    return waits if isinstance(waits, dict) else {}
