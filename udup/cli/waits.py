"""What a job waits for, in one line."""

from __future__ import annotations

import time
from typing import Any

from udup.cli.output import duration, shown

#: How each kind of wait is told; `{side}` is where what is waited for is. The words are those of the API's `what`.
_SENTENCES = {
    "row lock": "for a row lock on the {side}",
    "metadata lock": "for a metadata lock on the {side}",
    "global read lock": "for the global read lock of the {side} (FLUSH TABLES WITH READ LOCK, or read_only being set)",
    "table lock": "for a table lock on the {side} (LOCK TABLES)",
    "backup lock": "for the backup lock of the {side} (LOCK INSTANCE FOR BACKUP)",
    "full disk": "for room on the disk of the {side}",
    "statement": "for a statement on the {side}",
    "checkpoint": "for the checkpoint to be written on the {side}",
    "connection": "for the {side} to answer",
    "sink": "for the {side} to store what is under way, which takes nothing now",
    "take-over": "for the job's place on the {side}",
    "prepared transactions": "for prepared XA transactions of the {side} to end",
    "credits": "for the {side}, which applies changes more slowly than the source makes them",
    "copy credits": "for the {side}, which loads rows more slowly than the source gives them",
    "target tables": "for the {side} to make the tables of the copy",
    "source": "for the {side}, of which nothing is heard",
}


def waiting_line(progress: dict[str, Any], now: float | None = None) -> str:
    """Return what a job waits for, for how long, and who is in the way; "" if it waits for nothing."""
    wait = progress.get("waiting_for")
    if not isinstance(wait, dict) or not isinstance(wait.get("since"), (int, float)):
        return ""
    lasted = max(0.0, (time.time() if now is None else now) - wait["since"])
    what = str(wait.get("what") or "")
    sentence = _SENTENCES.get(what, f"for {what}").format(side=wait.get("side") or "target")
    about = [str(wait[key]) for key in ("table", "gtid") if wait.get(key)]
    if wait.get("worker"):
        about.append(f"worker {wait['worker']}")
    line = f"waiting {duration(lasted)} {sentence}"
    line += f" ({', '.join(about)})" if about else ""
    line += f": {wait['statement']}" if wait.get("statement") else ""
    other, hint = wait.get("blocked_by"), wait.get("hint")
    if isinstance(other, dict):
        line += f"; {_in_the_way(other)}"
    elif hint:
        line += f"; {hint}"
    return shown(line)


def _in_the_way(other: dict[str, Any]) -> str:
    seconds = duration(other.get("seconds"))
    said = other.get("statement") or ""
    if other.get("idle"):
        doing = f"idle in transaction for {seconds}" + (f", its last statement: {said}" if said else "")
    else:
        doing = f"running for {seconds}: {said}" if said else f"for {seconds}"
    return f"session {other.get('session')} ({other.get('user')}) holds it, {doing}"
