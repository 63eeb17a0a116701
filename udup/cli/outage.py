"""How the command line shows what a job waits for: which side is away, since when, why, when it tries next."""

from __future__ import annotations

import time
from typing import Any

from udup.cli.output import duration, local_time, number, shown

_NANOSECONDS = 1_000_000_000


def stage(job: dict[str, Any]) -> str:
    """The job's stage, or what it waits for in its place: `reconnecting target`, `waiting for a lock`."""
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
    return (
        f"{stage(job)}{began}{lasts}: {shown(waits.get('why'))}; tried {number(waits.get('attempts'))} times, {again}"
    )


def _of(job: dict[str, Any]) -> dict[str, Any]:
    waits = (job.get("Progress") or {}).get("reconnecting")
    return waits if isinstance(waits, dict) else {}
