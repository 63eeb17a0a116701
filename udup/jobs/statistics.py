"""How a running task is doing, in the words that clients know: made from the progress that its job has reported.

The keys from CurrentCoordinates to Timestamp are those of the API; those after them came with later versions of it.
`Progress` is the job's own, whose keys docs/statistics.md describes. What a task has no part in is null.
"""

from __future__ import annotations

import time
from typing import Any

from udup.jobs.progress import JobProgress, Number
from udup.jobs.record import JobRecord
from udup.jobs.words import Stage, TaskType


def task_statistics(record: JobRecord, task: str) -> dict[str, Any]:
    """Return the API's TaskStatistics of one task (`Src` or `Dest`) of a job."""
    progress = record.progress
    source = task == TaskType.SRC
    return {
        "CurrentCoordinates": _coordinates(progress, source),
        "TableStats": None if source else _table_stats(progress),
        "DelayCount": _delay(progress),
        "RowsCount": _whole(progress.copy_read_rows if source else progress.copied_rows),
        "ThroughputStat": None if source else {"Num": round(progress.rows_per_s or 0), "Time": 1},
        "MsgStat": _messages(progress, source),
        "BufferStat": _buffers(progress, source),
        "Status": record.stage.value,
        "Timestamp": time.time_ns(),
        "Stage": record.stage.value,
        "ProgressPct": _percent(record),
        "ETA": _time_to_go(record),
        "Backlog": str(_whole(progress.waiting)),
        "ReadMasterRowCount": _whole(progress.copy_total_rows),
        "ReadMasterTxCount": _whole(progress.extracted_transactions),
        "ExecMasterRowCount": _whole(progress.copied_rows),
        "ExecMasterTxCount": _whole(progress.transactions),
        "Progress": progress.as_dict(),
    }


def _whole(value: Number | None) -> int:
    return int(value or 0)


def _coordinates(progress: JobProgress, source: bool) -> dict[str, Any]:
    """Return up to where the log is read, as file and position; where in it an executed set ends is not known."""
    file, position = progress.binlog_file or "", _whole(progress.binlog_position)
    extracted, applied = progress.extracted_gtid or "", progress.applied_gtid or ""
    return {
        "File": file if source else "",
        "Position": position if source else 0,
        "GtidSet": extracted if source else applied,
        "RelayMasterLogFile": file,
        "ReadMasterLogPos": position,
        "RetrievedGtidSet": extracted,
        "ExecutedGtidSet": applied,
    }


def _table_stats(progress: JobProgress) -> dict[str, int]:
    """Return the rows that were changed on the target after the copy, by kind."""
    counts = {"InsertCount": progress.inserts, "UpdateCount": progress.updates, "DelCount": progress.deletes}
    return {name: _whole(count) for name, count in counts.items()}


def _delay(progress: JobProgress) -> dict[str, int] | None:
    """Return the transactions that wait, and the lag in seconds; None while that is not known."""
    if progress.lag_ms is None:
        return None
    return {"Num": _whole(progress.waiting), "Time": _whole(progress.lag_ms) // 1000}


def _messages(progress: JobProgress, source: bool) -> dict[str, int]:
    """Count messages of the log; on the source's side also those of copied rows, which go to the workers directly."""
    sent = _whole(progress.sent_messages) + _whole(progress.copy_sent_messages)
    size = _whole(progress.sent_bytes) + _whole(progress.copy_sent_bytes)
    return {
        "InMsgs": 0 if source else _whole(progress.received_messages),
        "OutMsgs": sent if source else 0,
        "InBytes": 0 if source else _whole(progress.received_bytes),
        "OutBytes": size if source else 0,
        "Reconnects": _whole(progress.restarts),
    }


def _buffers(progress: JobProgress, source: bool) -> dict[str, int]:
    """`SendByTimeout`: messages that went because nothing more was waiting; there is no waiting for time to pass."""
    sent, full = _whole(progress.sent_messages), _whole(progress.sent_full)
    return {
        "ExtractorTxQueueSize": _whole(progress.buffer_messages) if source else 0,
        "ApplierTxQueueSize": 0 if source else _whole(progress.waiting),
        "ApplierGroupTxQueueSize": 0 if source else _whole(progress.groups),
        "SendByTimeout": max(0, sent - full) if source else 0,
        "SendBySizeFull": full if source else 0,
    }


def _percent(record: JobRecord) -> str:
    """Return how much of the full copy is done."""
    total, rows = _whole(record.progress.copy_total_rows), _whole(record.progress.copied_rows)
    if record.stage in (Stage.PENDING, Stage.COPYING):
        return f"{100 * min(1.0, rows / total):.1f}" if total else "0.0"
    return "100.0"


def _time_to_go(record: JobRecord) -> str:
    """Return the time that the full copy still needs; "N/A" while nobody can say."""
    if record.stage not in (Stage.PENDING, Stage.COPYING):
        return "0s"
    eta = record.progress.eta_s
    return "N/A" if eta is None else f"{round(eta)}s"
