"""What is the matter with a job, in the words of a list."""

from __future__ import annotations

from typing import Any

from udup.jobs import JobRecord, Stage

_SHOWN = {
    Stage.FAILED: ("failed", "needs_you"),
    Stage.PAUSED: ("paused", "paused"),
    Stage.COMPLETED: ("completed", "ended"),
    Stage.COPYING: ("copying", "under_way"),
    Stage.CATCHING_UP: ("catching_up", "under_way"),
    Stage.PENDING: ("pending", "under_way"),
    Stage.RUNNING: ("running", "running"),
}


def shown_of(record: JobRecord) -> dict[str, Any]:
    """Return `Shown` and what belongs to it."""
    word, group = _SHOWN[record.stage]
    if record.outage is not None:
        word, group = "reconnecting", "healing"
    failed = {"Kind": "failed", "SourceKeepsUntil": ""} if record.stage is Stage.FAILED else None
    needs_you = group == "needs_you"
    return {
        "Shown": word,
        "ShownSince": "",
        "Group": group,
        "NeedsYou": needs_you,
        "Waits": None,
        "Failure": failed,
    }
