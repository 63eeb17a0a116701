"""`Failure` of the API's Job: why it stopped, with all that is known beside the sentence, and what can be done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from udup.base.causes import Cause
from udup.base.errors import FailureKind
from udup.base.stamps import to_the_millisecond
from udup.jobs.failing.remedies import remedies_of
from udup.jobs.stopped import TEXT_MAX, Stopped
from udup.jobs.words import Stage

if TYPE_CHECKING:
    from udup.jobs.record import JobRecord


def stopped_of(record: JobRecord) -> Stopped | None:
    """Return by what a job stands that does not go on by itself, None for one that does.

    A job runs whose tables that are under way have failed: that is told of it all the same, since somebody has to act.
    """
    if record.stage is Stage.FAILED:
        return record.stopped or Stopped(time_ns=0, kind=FailureKind.INTERNAL, text=record.status_description)
    if record.not_understood and record.carried_out:
        return _other(Cause.NOT_UNDERSTOOD, record.status_description)
    growing = record.growing_shown or {}
    if growing.get("State") == "failed":
        return _other(Cause.TABLES_FAILED, str(growing.get("Problem") or ""), _tables(growing))
    return None


def _other(cause: Cause, text: str, params: dict[str, str] | None = None) -> Stopped:
    told = text[:TEXT_MAX]
    return Stopped(time_ns=0, kind=FailureKind.REFUSED, text=told, cause=cause.value, params=params or {})


def _tables(growing: dict[str, Any]) -> dict[str, str]:
    named = ", ".join(each["Table"] for each in growing.get("Tables") or ())
    return {"tables": named} if named else {}


def kind_of(record: JobRecord) -> str:
    """Return the word of what is the matter, "" for a job that goes on by itself."""
    stopped = stopped_of(record)
    return "" if stopped is None else stopped.what


def params_of(record: JobRecord) -> dict[str, str]:
    """Return what a sentence about the failure names: its parameters, the table and the row; empty for none."""
    stopped = stopped_of(record)
    if stopped is None:
        return {}
    known = {"table": stopped.table, "key": stopped.key} | _params(record, stopped)
    return {name: value for name, value in known.items() if value}


def failure_of(record: JobRecord) -> dict[str, Any] | None:
    """Return it as the API has it, None for a job that goes on by itself."""
    stopped = stopped_of(record)
    if stopped is None:
        return None
    return {
        "Kind": stopped.what,
        "Params": _params(record, stopped),
        "Text": stopped.text,
        "At": to_the_millisecond(stopped.time_ns / 1e9) if stopped.time_ns else "",
        "Tries": stopped.tries,
        "Gtid": stopped.gtid,
        "Table": stopped.table,
        "Key": stopped.key,
        "Statement": stopped.statement,
        "Position": _position(record),
        "SourceKeepsUntil": source_keeps_until(record),
        "Faults": [
            {"Where": each.where, "Problem": each.problem, "Remedy": each.remedy, "Task": each.task}
            for each in stopped.faults
        ],
        "Remedies": [each.to_api() for each in remedies_of(record, stopped)],
    }


def _params(record: JobRecord, stopped: Stopped) -> dict[str, str]:
    known = {"job": record.id, "gtid": stopped.gtid, "table": stopped.table}
    return {name: value for name, value in known.items() if value} | stopped.params


def _position(record: JobRecord) -> str:
    """Return where the job stands in the source's log, as file and offset; "" where that is not known."""
    told = record.progress
    return f"{told.binlog_file}:{told.binlog_position or 0}" if told.binlog_file else ""


def source_keeps_until(record: JobRecord) -> str:
    """Return when the source may begin to purge what the job needs next of its log, "" where that is not known.

    A server removes a file of its log by the time of its last event, so what was committed after `current_until` is
    there at least for as long from then on as logs are kept.
    """
    told = record.progress
    if record.stopped is not None and record.stopped.what in (Cause.SOURCE_PURGED, Cause.SOURCE_RESET):
        return ""  # it has none
    if not told.source_log_kept_s or told.current_until is None or told.level or record.stage is Stage.COMPLETED:
        return ""
    return to_the_millisecond(told.current_until + told.source_log_kept_s)
