"""What became of a job's tasks, in the words that clients know: allocations, their events, and evaluations.

An *allocation* is one task of a job placed on this node; an *evaluation* is the decision that placed it or took it
away. Both are kept in the job's record. Field names are the API's in snake case.
"""

from __future__ import annotations

import operator
from enum import StrEnum
from typing import Any

from pydantic import Field

from udup.base.kept import Kept
from udup.jobs.words import DesiredState

#: Events kept of one task; the oldest go first.
MAX_EVENTS = 10

#: Evaluations kept of one job, and of deleted jobs together.
MAX_EVALUATIONS = 20

#: Allocations kept of one job: those of its last ten placements.
MAX_ALLOCATIONS = 20

#: What clients show for a time that never was.
NEVER = "0001-01-01T00:00:00Z"


class ClientStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"


class TaskLife(StrEnum):
    """TaskState.State."""

    PENDING = "pending"
    RUNNING = "running"
    DEAD = "dead"


class EventType(StrEnum):
    RECEIVED = "Received"
    STARTED = "Started"
    SETUP_FAILURE = "Setup Failure"
    DRIVER_FAILURE = "Driver Failure"
    TERMINATED = "Terminated"
    RESTARTING = "Restarting"
    NOT_RESTARTING = "Not Restarting"
    KILLING = "Killing"
    KILLED = "Killed"
    SIBLING_FAILED = "Sibling Task Failed"


class Trigger(StrEnum):
    """Evaluation.TriggeredBy."""

    REGISTER = "job-register"
    DEREGISTER = "job-deregister"
    PAUSE = "job-pause"
    RESUME = "job-resume"
    FINISH = "job-finish"
    NODE_UPDATE = "node-update"


class TaskEvent(Kept):
    """`time` in nanoseconds since the epoch; `fields` holds the API's further keys that are not empty."""

    type: EventType
    time: int
    fields: dict[str, Any] = {}


class TaskState(Kept):
    """`started_ns` and `finished_ns` are 0 for never."""

    state: TaskLife = TaskLife.PENDING
    failed: bool = False
    started_ns: int = 0
    finished_ns: int = 0
    events: tuple[TaskEvent, ...] = ()


class Allocation(Kept):
    """One task of a job on a node. `task` is `Src` or `Dest`; `job_create_index` tells jobs of one ID apart.

    `node` is "" on a node that is alone, and before one has taken the task. `previous` is the allocation on another
    node that this one replaces; `lost`: its node died, and it was replaced. What is not there is not written, so that a
    record without it stays as it is.
    """

    id: str
    eval_id: str
    task: str
    desired: DesiredState = DesiredState.RUN
    client: ClientStatus = ClientStatus.PENDING
    client_description: str = ""
    state: TaskState | None = None
    job_create_index: int = 0
    create_index: int = 0
    modify_index: int = 0
    create_time_ns: int = 0
    node: str = Field(default="", exclude_if=operator.not_)
    previous: str = Field(default="", exclude_if=operator.not_)
    lost: bool = Field(default=False, exclude_if=operator.not_)


class Evaluation(Kept):
    """`status` is `complete`: one node decides at once."""

    id: str
    job_id: str
    job_type: str
    triggered_by: Trigger
    status: str = "complete"
    status_description: str = ""
    job_modify_index: int = 0
    create_index: int = 0
    modify_index: int = 0
