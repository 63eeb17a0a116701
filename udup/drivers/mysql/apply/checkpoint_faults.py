"""Why a job does not go on by the checkpoint that the target has of it, and what to do."""

from __future__ import annotations

import shlex

from udup.base.errors import Fault

#: A job that goes on takes new tables in beside the others (`jobs/growth.py`).
CHOSEN_AS_BEFORE = (
    "post the job with both as they were (udup job revert {job}), and once it runs with other tables: they are copied"
    " then while it goes on; or give the job another ID"
)


def other_selection(job: str) -> Fault:
    return Fault(
        "ReplicateDoDb",
        f"is not what it was when job {job!r} made its checkpoint on the target, or ReplicateIgnoreDb is not; what "
        "came new would not be copied, and what has a new name is there under the old one",
        CHOSEN_AS_BEFORE.format(job=shlex.quote(job)),
    )


def notes_lost(job: str, table: str) -> Fault:
    return Fault(
        "Dest",
        f"the checkpoint of job {job!r} says that some tables are ahead of it, and {table} has"
        " nothing about them any more: what they have would be applied once more",
        f"restore the table's rows on the target; or have the job copy again: udup job delete --purge {job}, drop its"
        " tables on the target and post it",
        "Dest",
    )


def half_copied(job: str) -> Fault:
    return Fault(
        "Dest",
        f"a full copy of job {job!r} has not ended, so what it has made on the target is not complete; the job is to"
        " begin without a copy now, and would go on with that",
        "leave the start out of the document: it is copied again; or run"
        f" udup job delete --purge {job}, load the tables by hand and post the job again",
        "Dest",
    )
