"""Every operation of the API: its path, what it takes, what it answers. `document` makes the description of it.

A test compares this list with the routes of the application, so that neither has more than the other.
"""

from __future__ import annotations

from collections.abc import Iterator

from udup.web.openapi.job_operations import jobs
from udup.web.openapi.node_operations import OF_NODES
from udup.web.openapi.operation import COMMON_ERRORS, Operation
from udup.web.openapi.operation import UUID as _UUID
from udup.web.openapi.operation import reading as _reading

__all__ = ["COMMON_ERRORS", "OPERATIONS", "Operation"]


def _tables() -> Iterator[Operation]:
    tag = "allocations"
    yield _reading(
        "/v1/allocations", "listAllocations", "All tasks of all jobs", tag, "[AllocationStub]", "uuid_prefix"
    )
    yield _reading("/v1/allocation/{id}", "readAllocation", "One task, whole", tag, "Allocation", *_UUID)
    yield Operation(
        "get",
        "/v1/agent/allocation/{id}/stats",
        "readStatistics",
        "How a running task is doing",
        tag,
        "AllocationStatistics",
        (*_UUID, "task", "pretty"),
        errors=(301, 404),
    )
    tag = "evaluations"
    yield _reading("/v1/evaluations", "listEvaluations", "All decisions about jobs", tag, "[Evaluation]", "uuid_prefix")
    yield _reading("/v1/evaluation/{id}", "readEvaluation", "One decision", tag, "Evaluation", *_UUID)
    path = "/v1/evaluation/{id}/allocations"
    yield _reading(path, "listEvaluationAllocations", "The tasks that it placed", tag, "[AllocationStub]", *_UUID)


OPERATIONS = (*jobs(), *_tables(), *OF_NODES)
