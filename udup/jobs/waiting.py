"""`Waits` of the API's Job: what it waits for now that goes by itself, or that somebody else can end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from udup.base.errors import FailureKind, Side
from udup.base.stamps import to_the_millisecond
from udup.jobs.progress import BlockedBy, Reconnecting, WaitingFor
from udup.jobs.words import DesiredState, Stage
from udup.pipeline.waits import WaitKind

if TYPE_CHECKING:
    from udup.jobs.record import JobRecord

#: What is waited for, where it is not a side of the job.
LOCK, DISK, SINK, BOTH = "lock", "disk", "sink", "both"

_FOR = {
    WaitKind.ROW_LOCK: LOCK,
    WaitKind.METADATA_LOCK: LOCK,
    WaitKind.GLOBAL_READ_LOCK: LOCK,
    WaitKind.TABLE_LOCK: LOCK,
    WaitKind.BACKUP_LOCK: LOCK,
    WaitKind.FULL_DISK: DISK,
    WaitKind.SINK: SINK,
}

_NOTHING: dict[str, Any] = dict.fromkeys(
    ("For", "To", "Since", "Why", "NextTry", "Kind", "Session", "Statement", "Table", "Hint"), ""
) | {"Attempts": 0}


def waits_of(record: JobRecord) -> dict[str, Any] | None:
    """Return it as the API has it, None for a job that waits for nothing; `record` has the progress that is shown."""
    if record.stage in (Stage.FAILED, Stage.COMPLETED, Stage.PAUSED) or record.desired is not DesiredState.RUN:
        return None
    told = record.progress
    if told.reconnecting is not None:
        return {**_NOTHING, **_reconnecting(told.reconnecting), **_blocking(told.waiting_for)}
    if told.waiting_for is not None:
        return {**_NOTHING, **_waiting(told.waiting_for)}
    if record.stage is Stage.PENDING and record.status_description:
        return {**_NOTHING, "For": Side.NODE.value, "Why": record.status_description}
    return None


def _reconnecting(waits: Reconnecting) -> dict[str, Any]:
    sides = [each.side for each in waits.sides or ()] or ([waits.side] if waits.side else [])
    servers = {Side.SOURCE.value, Side.TARGET.value}
    whom = LOCK if waits.kind == FailureKind.CONTENDED else (sides[0] if sides else BOTH)
    if servers <= set(sides):
        whom = BOTH
    return {
        "For": whom,
        "To": ", ".join(each.to for each in waits.sides or () if each.to),
        "Since": _stamp(waits.since),
        "Why": "; and ".join(dict.fromkeys(each.why or "" for each in waits.sides or ())) or waits.why or "",
        "NextTry": _stamp(waits.next_try),
        "Attempts": waits.attempts or 0,
        "Kind": waits.kind or "",
    }


def _waiting(wait: WaitingFor) -> dict[str, Any]:
    what = wait.what or ""
    side = wait.side or Side.TARGET.value
    known = {kind.value: word for kind, word in _FOR.items()}
    return {
        "For": known.get(what, side),
        "Since": _stamp(wait.since),
        "Why": f"{what} on the {side}",
        "Kind": what,
        **_blocking(wait),
    }


def _blocking(wait: WaitingFor | None) -> dict[str, Any]:
    """Return what waits, and which session is in the way."""
    if wait is None:
        return {}
    return {
        "Session": _session(wait.blocked_by),
        "Statement": wait.statement or "",
        "Table": wait.table or "",
        "Hint": wait.hint or "",
    }


def _session(other: BlockedBy | None) -> str:
    """Return who is in the way and what it does, for people."""
    if other is None or other.session is None:
        return ""
    said = f": {other.statement}" if other.statement else ""
    doing = "idle in transaction" if other.idle else "running"
    return f"{other.session} ({other.user or '?'}), {doing} for {other.seconds or 0} s{said}"


def _stamp(seconds: float | None) -> str:
    return "" if not seconds else to_the_millisecond(seconds)
