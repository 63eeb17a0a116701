"""How the command line shows what a job waits for: which side is away, since when, why, when it tries next."""

from __future__ import annotations

import time
from typing import Any

from udup.cli.output import duration, local_time, number, shown

_NANOSECONDS = 1_000_000_000


#: What a job's cut-over is called in the place of its stage, by its state; one that is over is not shown there.
_CUTOVERS = {"running": "cutting over", "undoing": "undoing cut-over", "stopped": "cut-over stopped"}


#: How a job is shown where its stage does not say it.
_TROUBLE = frozenset({"diverged", "failed", "not_heard", "lagging", "differs", "reloading"})


def stage(job: dict[str, Any]) -> str:
    """Return the job's stage, or in its place what the node says of it: `reconnecting target`, `lagging`.

    A cut-over is told by its own word.
    """
    if (word := str(job.get("Shown"))) in _TROUBLE:
        return word.replace("_", " ")
    cutover = _CUTOVERS.get(str((job.get("Cutover") or {}).get("State")))
    if cutover and job.get("Stage") != "failed" and word != "reconnecting":
        return cutover
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
    away = [shown(each.get("side")) for each in _sides(waits)]
    return f"reconnecting {', '.join(away) or shown(waits.get('side'))}".rstrip()


def _sides(waits: dict[str, Any]) -> list[dict[str, Any]]:
    """Every side that is away."""
    return [each for each in waits.get("sides") or [] if isinstance(each, dict)]


def outage(job: dict[str, Any], now: float | None = None) -> str:
    """One line about what the job waits for, "" if it waits for nothing."""
    return "; and ".join(outages(job, now))


def outages(job: dict[str, Any], now: float | None = None) -> list[str]:
    """A line about each side that the job waits for, or about the lock."""
    waits = _of(job)
    if not waits:
        return []
    now = time.time() if now is None else now
    sides = _sides(waits)
    if not sides or waits.get("kind") == "Contended":
        return [_line(_waiting(job), waits, waits, now), *(_line(_named(each), each, waits, now) for each in sides)]
    return [_line(_named(each), each, waits, now) for each in sides]


def _named(side: dict[str, Any]) -> str:
    at = f" ({shown(side['to'])})" if side.get("to") else ""
    return f"reconnecting {shown(side.get('side'))}{at}"


def _line(what: str, side: dict[str, Any], waits: dict[str, Any], now: float) -> str:
    """What is away, since when, why, and when it is tried next."""
    since = side.get("since")
    began = f" since {local_time(int(since * _NANOSECONDS))}" if isinstance(since, (int, float)) else ""
    lasts = f" ({duration(max(0.0, now - since))})" if isinstance(since, (int, float)) else ""
    next_try = waits.get("next_try")
    left = next_try - now if isinstance(next_try, (int, float)) else 0.0
    again = f"next try in {duration(left)}" if left >= 0.5 else "trying now"
    tried = f"tried {number(waits.get('attempts'))} times, {again}"
    return f"{what}{began}{lasts}: {shown(side.get('why'))}; {tried}"


def _of(job: dict[str, Any]) -> dict[str, Any]:
    waits = (job.get("Progress") or {}).get("reconnecting")
    return waits if isinstance(waits, dict) else {}
