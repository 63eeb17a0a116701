"""A job in brief: what a list shows of it, in one small object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from udup.base.stamps import to_the_millisecond
from udup.jobs import JobRecord, JobType, Stage
from udup.jobs.describing import description
from udup.jobs.document.keys import canonical
from udup.jobs.document.spec import DOCUMENT
from udup.jobs.failing.failure import kind_of, params_of, source_keeps_until
from udup.jobs.series import Sample
from udup.jobs.shown import state_of
from udup.jobs.waiting import waits_of
from udup.jobs.words import Driver

#: Characters of a text that a list shows.
_TEXT_MAX = 300

#: What changes all the time; a change of these alone is not worth telling at once.
FIGURES = frozenset(
    {
        *("LagMs", "RowsPerSecond", "TransactionsPerSecond", "Percent", "EtaS", "CopiedRows", "TotalRows"),
        *("TablesCopied", "Position", "ModifyIndex", "SourceKeepsUntil"),
    }
)

#: The same inside `Waits`.
WAIT_FIGURES = frozenset({"NextTry", "Attempts"})


@dataclass(frozen=True)
class Outline:
    """What a job's document says of it, as far as a list shows that."""

    name: str
    type: str
    source: str
    target: str


def outline_of(record: JobRecord) -> Outline:
    """Return it, read leniently: a job that this version would not accept is shown as well."""
    document = canonical(record.document, DOCUMENT, "", [])
    tasks = {task.get("Type"): task for task in document.get("Tasks") or [] if isinstance(task, dict)}
    return Outline(
        name=str(document.get("Name") or ""),
        type=str(document.get("Type") or JobType.SYNCHRONOUS.value),
        source=_place(tasks.get("Src")),
        target=_place(tasks.get("Dest")),
    )


def _place(task: dict[str, Any] | None) -> str:
    """Return where one end of a job is: `host:port`, or for a sink what it is."""
    if task is None:
        return ""
    config = task.get("Config")
    server = config.get("ConnectionConfig") if isinstance(config, dict) else None
    if not isinstance(server, dict):
        return str(task.get("Driver") or Driver.MYSQL.value)
    host, port = str(server.get("Host") or ""), server.get("Port")
    return f"{f'[{host}]' if ':' in host else host}:{port}" if port else host


def sample_of(record: JobRecord) -> Sample:
    """Return the figures of a job that are kept for an hour."""
    told = record.progress
    rows = told.copy_rows_per_s if record.stage is Stage.COPYING else told.rows_per_s
    if rows is None:
        rows = told.events_per_s
    return Sample(told.lag_ms, rows, told.tx_per_s)


def brief_of(record: JobRecord, outline: Outline, node: str) -> dict[str, Any]:
    """Return a job as the list shows it; `node` is the name of its owner."""
    told, rates = record.progress, sample_of(record)
    state = record.shown or state_of(record)
    return {
        "ID": record.id,
        "Name": outline.name,
        "Type": outline.type,
        "Stage": record.stage.value,
        "Status": record.status.value,
        "Shown": state.word.value,
        "ShownSince": "" if state.since is None else to_the_millisecond(state.since),
        "Group": state.group.value,
        "NeedsYou": state.needs_you,
        "Waits": waits_of(record),
        "Reason": _line(description(record)),
        "FailureKind": kind_of(record),
        "FailureParams": params_of(record),
        "SourceKeepsUntil": source_keeps_until(record),
        "Source": outline.source,
        "Target": outline.target,
        "LagMs": told.lag_ms,
        "RowsPerSecond": rates.rows_per_s,
        "TransactionsPerSecond": rates.transactions_per_s,
        "Percent": _percent(record),
        "EtaS": told.eta_s if record.stage is Stage.COPYING else None,
        "CopiedRows": told.copied_rows,
        "TotalRows": told.copy_total_rows,
        "TablesCopied": told.copy_tables_complete,
        "Tables": told.copy_tables if told.copy_tables is not None else told.followed_tables,
        "Position": _line(told.applied_gtid or ""),
        "Node": node,
        "CreateIndex": record.create_index,
        "ModifyIndex": record.modify_index,
        "JobModifyIndex": record.job_modify_index,
    }


def words_of(brief: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a job is worth telling at once when it changes."""
    words = {key: value for key, value in brief.items() if key not in FIGURES}
    if words["Waits"]:
        words["Waits"] = {key: value for key, value in words["Waits"].items() if key not in WAIT_FIGURES}
    return words


def _percent(record: JobRecord) -> float | None:
    """Return how much of a copy is done, by the source's estimate; None while none is under way."""
    if record.stage is Stage.COPYING:
        total, rows = record.progress.copy_total_rows or 0, record.progress.copied_rows or 0
        return round(min(100.0, 100 * rows / total), 1) if total else 0.0
    growing = record.growing_shown
    percent = growing.get("Percent") if growing is not None else None
    return float(percent) if percent is not None else None


def _line(text: str) -> str:
    """Return the first line of a text, not too long."""
    line = text.strip().partition("\n")[0]
    return line if len(line) <= _TEXT_MAX else line[: _TEXT_MAX - 2] + " …"
