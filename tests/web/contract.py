"""The keys of the API's objects as clients know them: literally, so that a change of the models is noticed."""

from __future__ import annotations

from typing import Any


def keys(text: str) -> set[str]:
    return set(text.split())


JOB = keys(
    "Region ID Name Type Datacenters Constraints Tasks Status StatusDescription EnforceIndex CreateIndex ModifyIndex"
    " JobModifyIndex EndWhen Failover Compression Verify Stage Start Cutover Comparison Growing Skipped Progress"
    " Shown ShownSince Group NeedsYou Waits Failure"
)
TASK = keys("Type NodeId NodeName Driver Config Leader Constraints")
JOB_STUB = keys(
    "ID Name Type Status StatusDescription CreateIndex ModifyIndex JobModifyIndex JobSummary"
    " Shown ShownSince Group NeedsYou Waits Failure"
)
CUTOVER = keys(
    "ID State Since Switched SourceReadOnly WritesStopped EnableEvents Reverse DryRun Timeout Text Position WayBack"
    " Steps"
)
CUTOVER_STEP = keys("Step State Time Text")
JOB_RESPONSE = keys("Index KnownLeader LastContact Success")
ALLOCATION_STUB = keys(
    "ID EvalID Name NodeID JobID Task DesiredStatus DesiredDescription ClientStatus ClientDescription TaskStates"
    " CreateIndex ModifyIndex CreateTime"
)
ALLOCATION = ALLOCATION_STUB | keys("Job Metrics PreviousAllocation AllocModifyIndex")
METRICS = keys(
    "NodesEvaluated NodesFiltered NodesAvailable ClassFiltered ConstraintFiltered NodesExhausted ClassExhausted"
    " DimensionExhausted Scores AllocationTime CoalescedFailures"
)
TASK_STATE = keys("State Failed StartedAt FinishedAt Events")
TASK_EVENT = keys(
    "Type Time FailsTask RestartReason SetupError DriverError Message KillError KillReason FailedSibling"
    " TaskSignalReason TaskSignal DriverMessage ExitCode KillTimeout StartDelay DiskLimit"
)
EVALUATION = keys(
    "ID Type TriggeredBy JobID NodeID Status StatusDescription NextEval PreviousEval BlockedEval JobModifyIndex"
    " NodeModifyIndex SnapshotIndex CreateIndex ModifyIndex Wait FailedTGAllocs ClassEligibility EscapedComputedClass"
    " AnnotatePlan QueuedAllocations"
)
NODE_STUB = keys("ID Datacenter Name Status StatusDescription Drain CreateIndex ModifyIndex")
NODE = NODE_STUB | keys("HTTPAddr NatsAddr Attributes ComputedClass StatusUpdatedAt")
NODE_UPDATE = keys(
    "EvalIDs EvalCreateIndex NodeModifyIndex Index HeartbeatTTL LeaderRPCAddr NumNodes Servers LastContact KnownLeader"
)
MEMBER = keys("Name Addr Port Status Tags ProtocolMin ProtocolMax ProtocolCur DelegateMin DelegateMax DelegateCur")
CONFIG = keys(
    "Region Datacenter NodeName DataDir LogLevel PidFile LogFile BindAddr Ports Addresses AdvertiseAddrs Client Server"
    " Metric Network Profile LeaveOnInt LeaveOnTerm Consul Version Files HTTPAPIResponseHeaders"
)
TASK_STATISTICS = keys(
    "CurrentCoordinates TableStats DelayCount RowsCount ThroughputStat MsgStat BufferStat Status Timestamp"
)
READ_HEADERS = ("x-udup-index", "x-udup-knownleader", "x-udup-lastcontact")


def read_headers(headers: Any) -> list[str | None]:
    return [headers.get(name) for name in READ_HEADERS]
