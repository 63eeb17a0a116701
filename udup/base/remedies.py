"""What to do where a source's log cannot be gone on with: a new copy, in the words in which errors say so.

Whoever raises such an error speaks of a target database. The target of a subscription is no such thing, and is not
copied to: its job's room puts what to do there in the place of these sentences (`jobs/beginning_again.py`).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

#: Of a position that the source's log does not hold, or that its server has never executed.
COPY_AGAIN = (
    "copy again: give the job another ID and no Gtid, or delete it with its checkpoint (udup job delete --purge ID) "
    "and post it again"
)

#: Of changes that the log has not, or has without a GTID.
NEW_COPY = (
    "only a new copy has them: delete the job with its checkpoint (udup job delete --purge), remove its tables from "
    "the target, or set DropTableIfExists, and post it again"
)

#: Of a log that ends before the place of a run.
COPIED_AGAIN = (
    "give the job another ID (or delete it with its checkpoint and post it again), with DropTableIfExists: it is "
    "copied again"
)

#: Of a source whose log is another one than was read.
PURGE_AND_COPY = (
    "A new copy is needed: delete the job with its checkpoint (DELETE /v1/job/ID?purge=true), and post it again with "
    "DropTableIfExists"
)

#: The same, seen while it was followed.
COMPARE_AND_COPY = "Compare both sides, then start the job again under another ID, with a new copy"

#: Of a source that was set back.
FULL_COPY = "start the job again with a full copy"

#: Of a statement that cannot be carried.
START_WITH_COPY = "start the job again with a new copy"

_COMMAND = re.compile(r"\b(udup job [a-z]+(?: --[a-z-]+)*) ID\b")

#: The longer ones first: none is a part of one that comes later.
ALL = (COPY_AGAIN, NEW_COPY, COPIED_AGAIN, PURGE_AND_COPY, COMPARE_AND_COPY, FULL_COPY, START_WITH_COPY)


def reload_of(tables: Iterable[str]) -> str:
    """Return the command that loads tables of a job again, with ID for the job: see `for_job`."""
    return f"udup job reload ID {shlex.join(tables)}"


def for_job(text: str, job: str) -> str:
    """Return a text whose commands have a job's ID where they say ID: as they are typed."""
    return _COMMAND.sub(lambda found: f"{found[1]} {shlex.quote(job)}", text)
