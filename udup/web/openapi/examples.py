"""Examples of what is posted and of what is answered, made by the same code as real answers."""

from __future__ import annotations

from functools import cache
from typing import Any

from udup.jobs import JobProgress, JobRecord, Stage, skipping, to_api, to_stub
from udup.jobs.allocation import (
    Allocation,
    ClientStatus,
    Evaluation,
    EventType,
    TaskEvent,
    TaskLife,
    TaskState,
    Trigger,
)
from udup.jobs.statistics import task_statistics
from udup.jobs.versions import EarlierDocument, Posted
from udup.pipeline.cutover.state import Cutover, Options, StepState
from udup.pipeline.ports.compare import LedgerRow
from udup.pipeline.ports.inspect import Grants, Inspected, OptionalGrant, SchemaFound, ServerFound
from udup.pipeline.verify.state import CompareOptions, Comparison
from udup.web.ports import Consumer, ConsumerCredentials
from udup.web.schemas.allocations import allocation_of, evaluation_of, stub_of
from udup.web.schemas.compare import comparison_of, differences_of
from udup.web.schemas.cutover import cutover_of
from udup.web.schemas.grants import grants_of
from udup.web.schemas.inspect import inspected_of
from udup.web.schemas.jobs import (
    EvaluatedJobResponse,
    Event,
    Events,
    JobResponse,
    LevelAnswer,
    ReloadResponse,
    SnapshotResponse,
    WarnedJobResponse,
)
from udup.web.schemas.nats import credentials_of, user_of
from udup.web.schemas.versions import versions_of

NODE_ID = "1eda45f8-df9b-4541-9009-83952e7b672a"
ALLOCATION_ID = "aa2e54d2-5ad1-4c0b-8f6e-3c9c4a2d1b01"
EVALUATION_ID = "0b6d5d43-22c7-4d8c-9f0c-6a1f3b9d8e02"
JOB_ID = "shop-to-replica"

#: 2026-01-02T03:04:05Z.
_MOMENT_NS = 1_767_323_045_000_000_000


_DIFFERENCE = LedgerRow(
    *("0", "shop", "orders", "1007", "differs", 1, False, ("state",)),
    *(_MOMENT_NS // 1_000_000, _MOMENT_NS // 1_000_000, "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-99"),
)


def _task(kind: str, host: str, **config: Any) -> dict[str, Any]:
    connection = {"Host": host, "Port": 3306, "User": "udup", "Password": "a password"}
    return {"Type": kind, "Driver": "MySQL", "Config": {"ConnectionConfig": connection, **config}}


def job_document() -> dict[str, Any]:
    """A job as it is posted."""
    return {
        "ID": JOB_ID,
        "Name": "shop-to-replica",
        "Type": "synchronous",
        "Tasks": [
            _task("Src", "10.0.0.5", ReplicateDoDb=[{"TableSchema": "shop", "Tables": [{"TableName": "orders"}]}]),
            _task("Dest", "10.0.0.6", ParallelWorkers=4),
        ],
    }


@cache
def _record() -> JobRecord:
    events = tuple(
        TaskEvent(type=kind, time=_MOMENT_NS + at) for at, kind in enumerate((EventType.RECEIVED, EventType.STARTED))
    )
    state = TaskState(state=TaskLife.RUNNING, started_ns=_MOMENT_NS, events=events)
    allocation = Allocation(
        id=ALLOCATION_ID,
        eval_id=EVALUATION_ID,
        task="Src",
        client=ClientStatus.RUNNING,
        state=state,
        job_create_index=6,
        create_index=8,
        modify_index=10,
        create_time_ns=_MOMENT_NS,
    )
    evaluation = Evaluation(
        id=EVALUATION_ID,
        job_id=JOB_ID,
        job_type="synchronous",
        triggered_by=Trigger.REGISTER,
        job_modify_index=6,
        create_index=7,
        modify_index=9,
    )
    document = job_document() | {"Region": "global", "Datacenters": ["dc1"]}
    before = document | {"Name": "shop", "Tasks": [_task("Src", "10.0.0.5"), _task("Dest", "10.0.0.6")]}
    return JobRecord(
        id=JOB_ID,
        document=document,
        posted=Posted(number=2, time_ns=_MOMENT_NS),
        documents=(EarlierDocument(document=before, time_ns=_MOMENT_NS),),
        stage=Stage.RUNNING,
        create_index=6,
        modify_index=12,
        job_modify_index=6,
        allocations=(allocation,),
        evaluations=(evaluation,),
        progress=JobProgress(lag_ms=3),
    )


def _cutover() -> Cutover:
    options = Options(source_read_only=True, enable_events=True, reverse=True)
    first, *others = Cutover.asked(options).steps
    begun = first.model_copy(update={"state": StepState.DOING, "time_ns": _MOMENT_NS})
    way_back = f"{JOB_ID}-back"
    return Cutover(id=EVALUATION_ID, options=options, since_ns=_MOMENT_NS, steps=(begun, *others), way_back=way_back)


def _events() -> dict[str, Any]:
    gtid = "3e11fa47-71ca-11e1-9e33-c80aa9429562:17"
    event = Event(
        subject="shop1.shop.orders",
        key='{"id":7}',
        value='{"before":null,"after":{"id":7,"state":"new"},"op":"c"}',
        id=f"{gtid}:shop.orders:0",
        operation="c",
        time="2026-01-02T03:04:05Z",
    )
    return Events(events=[event], cursor="eJyrVspLrSgpVrIyMqsFABr0A9M=", end=True).to_json()


def _inspected() -> dict[str, Any]:
    uuid, account = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "'udup'@'%'"
    server = ServerFound("MySQL", "8.4.6", True, "TLSv1.3", False, uuid, "ON", -3, 2_592_000, account)
    schema = SchemaFound("shop", 12, 212_400_000, 34 << 30, ("1 table without a primary or unique key",))
    return inspected_of(Inspected(server=server, schemas=(schema,)), 14)


def _grants() -> dict[str, Any]:
    account = "'udup'@'%'"
    create = f"CREATE USER {account} IDENTIFIED BY 'put the password here'"
    read = f"GRANT SELECT, TRIGGER ON `shop`.`orders` TO {account}"
    log = f"GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO {account}"
    apply = f"GRANT REPLICATION_APPLIER ON *.* TO {account}"
    xa = OptionalGrant(f"GRANT XA_RECOVER_ADMIN ON *.* TO {account}", "a copy while XA transactions are prepared")
    source = Grants(account, (create, log, read), (xa,), "8.4.6")
    return grants_of(source, Grants(account, (create, apply), version="8.4.6"))


def _user() -> dict[str, Any]:
    return user_of(Consumer("reports", ("SHOP1",), (), _MOMENT_NS)).to_json()


def _credentials() -> dict[str, Any]:
    consumer = Consumer("reports", ("SHOP1",), ("SHOP1",), _MOMENT_NS)
    made = ConsumerCredentials(consumer, "43 random characters", "nats://127.0.0.1:8193", "wss://10.0.0.7:8194")
    return credentials_of(made).to_json()


@cache
def by_schema() -> dict[str, Any]:
    """An example of each schema that is worth one."""
    record = _record()
    (allocation,), (evaluation,) = record.allocations, record.evaluations
    return {
        "Registration": job_document(),
        "JobResponse": JobResponse(index=7, success=True).to_json(),
        "WarnedJobResponse": WarnedJobResponse(index=7, success=True, warning=skipping.WARNING).to_json(),
        "ReloadResponse": ReloadResponse(index=7, success=True, tables=["shop.orders"], warning="").to_json(),
        "SnapshotResponse": SnapshotResponse(index=7, success=True, tables=["shop.orders"]).to_json(),
        "EvaluatedJobResponse": EvaluatedJobResponse(index=7, success=True, eval_id=EVALUATION_ID).to_json(),
        "LevelAnswer": LevelAnswer(
            level=False,
            wanted="3e11fa47-71ca-11e1-9e33-c80aa9429562:1-17",
            applied="3e11fa47-71ca-11e1-9e33-c80aa9429562:1-15",
            missing="3e11fa47-71ca-11e1-9e33-c80aa9429562:16-17",
            stage=record.stage.value,
            why="2 transactions are not in the target yet",
        ).to_json(),
        "Events": _events(),
        "Job": to_api(record),
        "Cutover": cutover_of(_cutover()),
        "Comparison": comparison_of(Comparison(id=EVALUATION_ID, options=CompareOptions(), since_ns=_MOMENT_NS)),
        "Differences": differences_of([_DIFFERENCE], 2),
        "RepairRequest": {"Tables": ["shop.orders"]},
        "CompareRequest": {"Tables": ["shop.orders"], "RowsPerSecond": 50000},
        "CutoverRequest": {"SourceReadOnly": True, "EnableEvents": True, "Reverse": True, "Timeout": 60},
        "JobStub": to_stub(record),
        "JobDocument": versions_of(record)[-1],
        "AllocationStub": stub_of(record, allocation, NODE_ID),
        "Allocation": allocation_of(record, allocation, NODE_ID, "dc1"),
        "Evaluation": evaluation_of(evaluation),
        "AllocationStatistics": {"Tasks": {"Src": task_statistics(record, "Src") | {"Timestamp": _MOMENT_NS}}},
        "InspectRequest": {"Side": "Src", "ConnectionConfig": _task("Src", "10.0.0.5")["Config"]["ConnectionConfig"]},
        "Inspected": _inspected(),
        "JobGrants": _grants(),
        "NatsUser": _user(),
        "NatsUserRequest": {"Name": "reports", "Streams": ["SHOP1"]},
        "NatsCredentials": _credentials(),
        "Joined": {"error": "", "num_joined": 1},
        "Health": {"Live": True, "Ready": True, "Problems": [], "Reconnecting": {"target": 1}},
        "Live": {"Live": True},
        "string": "127.0.0.1:8190",
        "text": 'Thread 1234 (idle): "MainThread"\n',
    }
