"""Operations of comparing a job's two servers, and of putting right what differs."""

from __future__ import annotations

from collections.abc import Iterator

from udup.web.openapi.operation import JOB_ID as _JOB_ID
from udup.web.openapi.operation import Operation
from udup.web.openapi.operation import both as _both
from udup.web.openapi.operation import changing as _changing
from udup.web.openapi.operation import reading as _reading


def comparisons() -> Iterator[Operation]:
    """Yield all of them."""
    yield from _compared()
    yield from _repaired()
    yield from _rows()


def _compared() -> Iterator[Operation]:
    """Yield how a comparison is begun, told and ended."""
    path = "/v1/job/{id}/compare"
    compare = _changing(
        "compare",
        "compareJob",
        "Begin to compare a job's two servers while it replicates",
        body="CompareRequest",
        errors=(301, 404, 409, 413),
        description="Answered when it is stored; 409 while one is under way. A GET tells how far it is.",
    )
    yield from _both(compare)
    yield _reading(path, "readComparison", "A job's last comparison", "jobs", "Comparison", *_JOB_ID)
    yield _changing(
        "compare",
        "stopComparison",
        "End the comparison that is under way",
        method="delete",
        errors=(301, 404, 409),
        description="`Success` is false when there is none.",
    )


def _repaired() -> Iterator[Operation]:
    """Yield how rows are put right."""
    repair = _changing(
        "repair",
        "repairJob",
        "Begin to put rows right on the target that a comparison has found",
        body="RepairRequest",
        errors=(301, 404, 409, 413),
        description="Answered when it is stored; 409 while a repair or a single comparison is under way. A continuous"
        " one goes on behind it. A GET of the comparison tells how far it is, and the ledger what was done."
        " With DryRun a RepairPlan is answered, and nothing is done.",
    )
    yield from _both(repair)


def _rows() -> Iterator[Operation]:
    """Yield what is told of rows that differ, and how long things take."""
    yield Operation(
        "get",
        "/v1/job/{id}/row",
        "readRow",
        "A row of the job's ledger as its two servers have it now, column by column",
        "jobs",
        "LedgerRowNow",
        (*_JOB_ID, "row_schema", "row_table", "row_key", "region", "pretty"),
        errors=(301, 404),
        description="A look at each side, no comparison. The setting console.show_values hides the values.",
    )
    yield Operation(
        "get",
        "/v1/job/{id}/estimate",
        "estimateAct",
        "About how long a copy, a comparison or a reload of a job's tables takes",
        "jobs",
        "ActEstimate",
        (*_JOB_ID, "estimated_act", "estimated_tables", "region", "pretty"),
        errors=(301, 404),
        description="By the source's estimates of their sizes, and by how fast the job was before.",
    )
    yield Operation(
        "get",
        "/v1/job/{id}/differences",
        "listDifferences",
        "The job's ledger, page by page: rows that differ, and rows that were repaired",
        "jobs",
        "Differences",
        (*_JOB_ID, "difference_after", "difference_limit", "region", "pretty"),
        errors=(301, 404),
        description="Asked of the target. `Next` is `after` of the next page.",
    )
