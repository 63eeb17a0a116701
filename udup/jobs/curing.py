"""What gets a job going again whose target stands against a transaction by its tables: commands, as they are typed."""

from __future__ import annotations

import shlex

from udup.base.errors import Contradicted
from udup.jobs.document.spec import JobSpec
from udup.jobs.record import JobRecord
from udup.jobs.words import Driver

#: What the commands begin with.
ROWS, TABLES = "put the rows right (udup job repair", "have the table loaded again (udup job reload"

#: Tables that are named; a transaction that names more is told without commands.
_MOST = 10

#: What stands for a table whose name on the source only the source knows.
_UNKNOWN = "SCHEMA.TABLE"


def cure(record: JobRecord, spec: JobSpec, contradicted: Contradicted | None) -> str:
    """Return the commands by which the job goes on without another copy of all, "" if there are none.

    A side job's tables are not its own to repair, and while tables are under way no others can be loaded.
    """
    if contradicted is None or record.part_of or spec.source.driver != Driver.MYSQL:
        return ""
    if len(contradicted.tables) > _MOST:
        return ""
    selection = spec.selection()
    folded = selection.folding(True)
    found = [selection.source_of(*each) or folded.source_of(*each) for each in contradicted.tables]
    whole = all(
        each is None or (selection.filters_of(*each) == ("",) and selection.columns_of(*each) == ((),))
        for each in found
    )
    tables = " ".join(shlex.quote(".".join(each)) if each else _UNKNOWN for each in found)
    job = shlex.quote(record.id)
    if contradicted.rows and whole and not spec.sql_filter():
        return (
            f"{ROWS} {job} {tables}), have the job go on (udup job resume {job}), and look whether they are equal"
            f" (udup job compare {job} {tables})"
        )
    if record.growth is not None or spec.fill_existing:
        return ""
    return f"{TABLES} {job} {tables}), by which the job goes on"
