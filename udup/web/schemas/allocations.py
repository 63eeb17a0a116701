"""Allocations and evaluations as answers show them, made from what a job's record keeps."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from udup.jobs import DesiredState, JobProgress, JobRecord, Stage, TaskType, allocation, to_api
from udup.web.schemas.jobs import Job
from udup.web.schemas.shape import Shape, rfc3339

#: The client status of a task whose node died, and which another has instead.
_LOST = "lost"

#: One node looks at itself and takes the task: what the choice of a node cost, in the words that clients know.
_NODES = 1


class TaskEvent(Shape, extra="ignore"):
    """Something that happened to a task; which of the fields are filled depends on `Type`."""

    type: str
    time: int = Field(description="nanoseconds since the epoch")
    fails_task: bool = False
    restart_reason: str = ""
    setup_error: str = ""
    driver_error: str = ""
    message: str = ""
    kill_error: str = ""
    kill_reason: str = ""
    failed_sibling: str = ""
    task_signal_reason: str = ""
    task_signal: str = ""
    driver_message: str = ""
    exit_code: int = 0
    kill_timeout: int = Field(default=0, description="nanoseconds")
    start_delay: int = Field(default=0, description="nanoseconds")
    disk_limit: int = 0


class TaskState(Shape):
    """How a task is, with its last ten events."""

    state: str
    failed: bool
    started_at: str
    finished_at: str
    events: list[TaskEvent]


class Metrics(Shape):
    """What it took to place a task."""

    nodes_evaluated: int = _NODES
    nodes_filtered: int = 0
    nodes_available: dict[str, int]
    class_filtered: dict[str, int] | None = None
    constraint_filtered: dict[str, int] | None = None
    nodes_exhausted: int = 0
    class_exhausted: dict[str, int] | None = None
    dimension_exhausted: dict[str, int] | None = None
    scores: dict[str, float] | None = None
    allocation_time: int = Field(default=0, description="nanoseconds")
    coalesced_failures: int = 0


class AllocationStub(Shape):
    """One task of a job on a node, as lists show it."""

    id: str
    eval_id: str
    name: str = Field(description="the job's name, a dot, the task")
    node_id: str
    job_id: str
    task: str
    desired_status: str
    desired_description: str = ""
    client_status: str
    client_description: str
    task_states: dict[str, TaskState] | None
    create_index: int = Field(ge=0)
    modify_index: int = Field(ge=0)
    create_time: int = Field(description="nanoseconds since the epoch")


class Allocation(AllocationStub):
    """One task of a job on a node, whole: with the job as it was when it was placed."""

    job: Job
    metrics: Metrics
    previous_allocation: str = ""
    alloc_modify_index: int = Field(ge=0)


class Evaluation(Shape):
    """A decision about a job's tasks."""

    id: str
    type: str
    triggered_by: str
    job_id: str
    job_modify_index: int = Field(ge=0)
    node_id: str = ""
    node_modify_index: int = 0
    status: str
    status_description: str
    wait: int = Field(default=0, description="nanoseconds")
    next_eval: str = ""
    previous_eval: str = ""
    blocked_eval: str = ""
    failed_tg_allocs: dict[str, Metrics] | None = None
    class_eligibility: dict[str, bool] | None = None
    escaped_computed_class: bool = False
    annotate_plan: bool = False
    queued_allocations: dict[str, int] | None
    snapshot_index: int = Field(ge=0)
    create_index: int = Field(ge=0)
    modify_index: int = Field(ge=0)


def stub_of(record: JobRecord, kept: allocation.Allocation, node_id: str) -> dict[str, Any]:
    stub = AllocationStub(
        id=kept.id,
        eval_id=kept.eval_id,
        name=f"{_job_name(record)}.{kept.task}",
        node_id=node_id,
        job_id=record.id,
        task=kept.task,
        desired_status=kept.desired.value,
        client_status=_LOST if kept.lost else kept.client.value,
        client_description=kept.client_description,
        task_states=None if kept.state is None else {kept.task: _state(kept.state)},
        create_index=kept.create_index,
        modify_index=kept.modify_index,
        create_time=kept.create_time_ns,
    )
    return stub.to_json()


def allocation_of(record: JobRecord, kept: allocation.Allocation, node_id: str, datacenter: str) -> dict[str, Any]:
    """The whole allocation; its job is shown as it is when a task is placed: pending, without progress."""
    placed = {"stage": Stage.PENDING, "desired": DesiredState.RUN, "status_description": "", "progress": JobProgress()}
    return stub_of(record, kept, node_id) | {
        "Job": to_api(record.model_copy(update=placed)),
        "Metrics": Metrics(nodes_available={datacenter: _NODES}).to_json(),
        "PreviousAllocation": kept.previous,
        "AllocModifyIndex": kept.modify_index,
    }


def evaluation_of(kept: allocation.Evaluation) -> dict[str, Any]:
    shown = Evaluation(
        id=kept.id,
        type=kept.job_type,
        triggered_by=kept.triggered_by.value,
        job_id=kept.job_id,
        job_modify_index=kept.job_modify_index,
        status=kept.status,
        status_description=kept.status_description,
        queued_allocations={task.value: 0 for task in TaskType},
        snapshot_index=kept.create_index,
        create_index=kept.create_index,
        modify_index=kept.modify_index,
    )
    return shown.to_json()


def _job_name(record: JobRecord) -> object:
    return next((value for key, value in record.document.items() if key.lower() == "name"), "")


def _state(kept: allocation.TaskState) -> TaskState:
    return TaskState(
        state=kept.state.value,
        failed=kept.failed,
        started_at=rfc3339(kept.started_ns),
        finished_at=rfc3339(kept.finished_ns),
        events=[
            TaskEvent.model_validate({**event.fields, "Type": event.type.value, "Time": event.time})
            for event in kept.events
        ],
    )
