"""Keys that a posted document may hold though nothing depends on them: each with the reason why that is harmless.

They are of three kinds: what Udup's own answers show of a job, so that a job which was read may be posted back;
settings of the original Udup and of dtle that only say how fast or by what steps they work; and a place for notes.
`docs/jobs.md` lists them, and a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Mapping

_SHOWN = "shown by answers; the server's own"
_NOTES = "the client's own notes; kept"
_COPY = "how the copy reads and writes is chosen by Udup"
_PACKED = "how transactions are packed together is said by MsgBytesLimit"
_ORDER = "which transactions may run beside each other is taken from the source's log"
_GH_OST = "of the original, which does not use it either"
_NOTED = "what the original notes of a table while it works"

#: What answers show of a job and of its tasks, and a document that is kept does not hold.
ANSWERED_JOB = (
    "Comparison",
    "Constraints",
    "CreateIndex",
    "Cutover",
    "Failure",
    "Group",
    "Growing",
    "ModifyIndex",
    "NeedsYou",
    "Progress",
    "Shown",
    "ShownSince",
    "Skipped",
    "Stage",
    "Start",
    "Status",
    "StatusDescription",
    "Waits",
)
ANSWERED_TASK = ("Constraints", "Leader", "Status")

JOB: Mapping[str, str] = {
    **dict.fromkeys(ANSWERED_JOB, _SHOWN),
    "Meta": _NOTES,
    "Orders": "of dtle: an accounting of its own",
}

TASK: Mapping[str, str] = {**dict.fromkeys(ANSWERED_TASK, _SHOWN), "Meta": _NOTES}

CONFIG: Mapping[str, str] = {
    "BigTxSrcQueue": "large transactions are bounded by Udup",
    **dict.fromkeys(("BulkInsert1", "BulkInsert2", "BulkInsert3", "DumpEntryLimit"), _COPY),
    **dict.fromkeys(("DependencyHistorySize", "UseMySQLDependency"), _ORDER),
    "ForeignKeyChecks": "each transaction is applied with the setting that its own session had",
    **dict.fromkeys(("GroupCount", "GroupMaxSize", "GroupTimeout"), _PACKED),
    "Meta": _NOTES,
    "RetryTxLimit": "MaxRetries says how often a run is begun again",
    "SkipPrivilegeCheck": "privileges are always checked; what is missing would end the job later",
    "SlaveNetWriteTimeout": "Udup sets the time-outs of its own sessions",
    "TimeZone": "every session has the time zone that the log names",
    "TrafficAgainstLimits": "what is under way is bounded by ReplChanBufferSize",
    **dict.fromkeys(
        (
            *("ConcurrentCountTableRows", "CountingRowsFlag", "CutOverLockTimeoutSeconds", "CutOverType"),
            *("MaxLagMillisecondsThrottleThreshold", "PostponeCutOverFlagFile", "RowsDeltaEstimate"),
            "SkipRenamedColumns",
        ),
        _GH_OST,
    ),
}

CONNECTION: Mapping[str, str] = {}

SCHEMA: Mapping[str, str] = {"TableSchemaScope": "of dtle, which does not use it either"}

TABLE: Mapping[str, str] = dict.fromkeys(("Counter", "RowsEstimate", "TableEngine", "TableType"), _NOTED)
