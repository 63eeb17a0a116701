"""How a running task is doing, in the words that clients know: made from the progress that its job has reported.

The keys from CurrentCoordinates to Timestamp are those of the API; those after them came with later versions of it.
`Progress` is the job's own, whose keys docs/statistics.md describes. What a task has no part in is null.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from udup.jobs.record import JobRecord
from udup.jobs.words import Stage, TaskType


def task_statistics(record: JobRecord, task: str) -> dict[str, Any]:
    """The API's TaskStatistics of one task (`Src` or `Dest`) of a job."""
    progress = record.progress
    source = task == TaskType.SRC
    return {
        "CurrentCoordinates": _coordinates(progress, source),
        "TableStats": None if source else _table_stats(progress),
        "DelayCount": _delay(progress),
        "RowsCount": _number(progress, "copy_read_rows" if source else "copied_rows"),
        "ThroughputStat": None if source else {"Num": round(_float(progress, "rows_per_s")), "Time": 1},
        "MsgStat": _messages(progress, source),
        "BufferStat": _buffers(progress, source),
        "Status": record.stage.value,
        "Timestamp": time.time_ns(),
        "Stage": record.stage.value,
        "ProgressPct": _percent(record),
        "ETA": _time_to_go(record),
        "Backlog": f"{_number(progress, 'waiting')}",
        "ReadMasterRowCount": _number(progress, "copy_total_rows"),
        "ReadMasterTxCount": _number(progress, "extracted_transactions"),
        "ExecMasterRowCount": _number(progress, "copied_rows"),
        "ExecMasterTxCount": _number(progress, "transactions"),
        "Progress": dict(progress),
    }


def _number(progress: Mapping[str, Any], key: str) -> int:
    value = progress.get(key)
    return int(value) if isinstance(value, (int, float)) else 0


def _float(progress: Mapping[str, Any], key: str) -> float:
    value = progress.get(key)
    return float(value) if isinstance(value, (int, float)) else 0.0


def _coordinates(progress: Mapping[str, Any], source: bool) -> dict[str, Any]:
    """File and position are those up to which the binary log is read; where in it an executed set ends is not known."""
    file, position = str(progress.get("binlog_file", "")), _number(progress, "binlog_position")
    extracted, applied = str(progress.get("extracted_gtid", "")), str(progress.get("applied_gtid", ""))
    return {
        "File": file if source else "",
        "Position": position if source else 0,
        "GtidSet": extracted if source else applied,
        "RelayMasterLogFile": file,
        "ReadMasterLogPos": position,
        "RetrievedGtidSet": extracted,
        "ExecutedGtidSet": applied,
    }


def _table_stats(progress: Mapping[str, Any]) -> dict[str, int]:
    """Rows that were changed on the target after the copy."""
    counts = {"InsertCount": "inserts", "UpdateCount": "updates", "DelCount": "deletes"}
    return {name: _number(progress, key) for name, key in counts.items()}


def _delay(progress: Mapping[str, Any]) -> dict[str, int] | None:
    """Transactions that wait, and the lag in seconds; null while that is not known."""
    if progress.get("lag_ms") is None:
        return None
    return {"Num": _number(progress, "waiting"), "Time": _number(progress, "lag_ms") // 1000}


def _messages(progress: Mapping[str, Any], source: bool) -> dict[str, int]:
    """Messages of the log; on the source's side also those of copied rows, which go to the workers directly."""
    sent = _number(progress, "sent_messages") + _number(progress, "copy_sent_messages")
    size = _number(progress, "sent_bytes") + _number(progress, "copy_sent_bytes")
    return {
        "InMsgs": 0 if source else _number(progress, "received_messages"),
        "OutMsgs": sent if source else 0,
        "InBytes": 0 if source else _number(progress, "received_bytes"),
        "OutBytes": size if source else 0,
        "Reconnects": _number(progress, "restarts"),
    }


def _buffers(progress: Mapping[str, Any], source: bool) -> dict[str, int]:
    """`SendByTimeout`: messages that went because nothing more was waiting; there is no waiting for time to pass."""
    sent, full = _number(progress, "sent_messages"), _number(progress, "sent_full")
    return {
        "ExtractorTxQueueSize": _number(progress, "buffer_messages") if source else 0,
        "ApplierTxQueueSize": 0 if source else _number(progress, "waiting"),
        "ApplierGroupTxQueueSize": 0 if source else _number(progress, "groups"),
        "SendByTimeout": max(0, sent - full) if source else 0,
        "SendBySizeFull": full if source else 0,
    }


def _percent(record: JobRecord) -> str:
    """Of the full copy."""
    total, rows = _number(record.progress, "copy_total_rows"), _number(record.progress, "copied_rows")
    if record.stage in (Stage.PENDING, Stage.COPYING):
        return f"{100 * min(1.0, rows / total):.1f}" if total else "0.0"
    return "100.0"


def _time_to_go(record: JobRecord) -> str:
    """Of the full copy; "N/A" while nobody can say."""
    if record.stage not in (Stage.PENDING, Stage.COPYING):
        return "0s"
    eta = record.progress.get("eta_s")
    return "N/A" if eta is None else f"{round(eta)}s"
