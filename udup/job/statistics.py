"""How a running task is doing, in the words that clients know: made from the progress that its job has reported."""

from __future__ import annotations

import time
from typing import Any

from udup.job.record import JobRecord
from udup.job.words import TaskType

_NO_MESSAGES = {"InMsgs": 0, "OutMsgs": 0, "InBytes": 0, "OutBytes": 0, "Reconnects": 0}
_NO_BUFFERS = {
    "ExtractorTxQueueSize": 0,
    "ApplierTxQueueSize": 0,
    "ApplierGroupTxQueueSize": 0,
    "SendByTimeout": 0,
    "SendBySizeFull": 0,
}


def task_statistics(record: JobRecord, task: str) -> dict[str, Any]:
    """The API's TaskStatistics of one task (`Src` or `Dest`) of a job."""
    progress = record.progress
    gtids = str(progress.get("source_gtid" if task == TaskType.SRC else "applied_gtid", ""))
    return {
        "CurrentCoordinates": {
            "File": "",
            "Position": 0,
            "GtidSet": gtids,
            "RelayMasterLogFile": "",
            "ReadMasterLogPos": 0,
            "RetrievedGtidSet": "",
            "ExecutedGtidSet": gtids,
        },
        "TableStats": None,
        "DelayCount": None,
        "RowsCount": int(progress.get("rows_copied", 0)),
        "ThroughputStat": None,
        "MsgStat": _NO_MESSAGES,
        "BufferStat": _NO_BUFFERS,
        "Status": "",
        "Timestamp": time.time_ns(),
    }
