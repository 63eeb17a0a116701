"""What gets a job going again whose target stands against a transaction by its tables: commands, as they are typed."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from udup.base.errors import Contradicted
from udup.jobs.document.spec import JobSpec
from udup.jobs.words import Driver

if TYPE_CHECKING:
    from udup.jobs.record import JobRecord

#: What the commands begin with.
ROWS, TABLES = "put the rows right (udup job repair", "have the table loaded again (udup job reload"

#: Tables that are named; a transaction that names more is told without commands.
_MOST = 10

#: What stands for a table whose name on the source only the source knows.
_UNKNOWN = "SCHEMA.TABLE"


@dataclass(frozen=True)
class Cure:
    """Tables by their names on the source, None for one whose name only the source knows; `by_rows`: repair them.

    Otherwise they are loaded again.
    """

    found: tuple[tuple[str, str] | None, ...]
    by_rows: bool

    @property
    def tables(self) -> tuple[str, ...]:
        """Return them as a request names them; none where one is not known."""
        known = [each for each in self.found if each is not None]
        return tuple(".".join(each) for each in known) if len(known) == len(self.found) else ()


def cure_of(record: JobRecord, spec: JobSpec, contradicted: Contradicted | None) -> Cure | None:
    """Return by what the job goes on without another copy of all, None if there is nothing.

    A side job's tables are not its own to repair, and while tables are under way no others can be loaded.
    """
    if contradicted is None or record.part_of or spec.source.driver != Driver.MYSQL:
        return None
    if len(contradicted.tables) > _MOST or spec.delivers:
        return None
    selection = spec.selection()
    folded = selection.folding(True)
    found = tuple(selection.source_of(*each) or folded.source_of(*each) for each in contradicted.tables)
    whole = all(
        each is None or (selection.filters_of(*each) == ("",) and selection.columns_of(*each) == ((),))
        for each in found
    )
    if contradicted.rows and whole and not spec.sql_filter():
        return Cure(found, by_rows=True)
    if record.growth is not None or spec.fill_existing:
        return None
    return Cure(found, by_rows=False)


def cure(record: JobRecord, spec: JobSpec, contradicted: Contradicted | None) -> str:
    """Return the commands of `cure_of`, "" if there are none."""
    found = cure_of(record, spec, contradicted)
    if found is None:
        return ""
    tables = " ".join(shlex.quote(".".join(each)) if each else _UNKNOWN for each in found.found)
    job = shlex.quote(record.id)
    if found.by_rows:
        return (
            f"{ROWS} {job} {tables}), have the job go on (udup job resume {job}), and look whether they are equal"
            f" (udup job compare {job} {tables})"
        )
    return f"{TABLES} {job} {tables}), by which the job goes on"
