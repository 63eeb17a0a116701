"""Allocations and evaluations as tables: those of all jobs in the order of their IDs, with the tables' indexes.

The index of a table is the last one that changed anything in it. Allocations go with their job, and what is left then
is the evaluation that took them away; so that one counts for the table of allocations too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from udup.jobs import JobRecord
from udup.jobs.allocation import Allocation, Evaluation
from udup.web.ports import JobReads
from udup.web.requests import has_prefix
from udup.web.schemas.allocations import allocation_of, evaluation_of, stub_of

Placed = tuple[JobRecord, Allocation]

#: Gives a node's ID and its datacenter: the one that is named, or for "" the one that has the job.
Place = Callable[[str, str, str], tuple[str, str]]


class Tables:
    """A moment's reading of both tables."""

    def __init__(self, reads: JobReads, places: Callable[[], Place]) -> None:
        """`places` gives what says where a job's task is, or the node that is named."""
        records, _ = reads.jobs("")
        self._place = places()
        self._placed: list[Placed] = [(record, kept) for record in records for kept in record.allocations]
        self._placed.sort(key=lambda placed: placed[1].id)
        evaluations = [kept for record in records for kept in record.evaluations] + list(reads.evaluations())
        self._evaluations = sorted({kept.id: kept for kept in evaluations}.values(), key=lambda kept: kept.id)

    # ---- Allocations ----

    @property
    def allocations_index(self) -> int:
        changed = [kept.modify_index for _, kept in self._placed] + [kept.modify_index for kept in self._evaluations]
        return max([1, *changed])

    def allocations(self, digits: str = "") -> list[Placed]:
        return [placed for placed in self._placed if has_prefix(placed[1].id, digits)]

    def allocations_of_job(self, job_id: str, *, every: bool) -> list[Placed]:
        """Those of the job, `every` also those of an earlier job of that ID."""
        return [
            (record, kept)
            for record, kept in self._placed
            if record.id == job_id and (every or kept.job_create_index in (0, record.create_index))
        ]

    def allocations_of_evaluation(self, eval_id: str) -> list[Placed]:
        return [placed for placed in self._placed if placed[1].eval_id == eval_id]

    def allocation(self, identity: str) -> Placed | None:
        return next((placed for placed in self._placed if placed[1].id == identity.lower()), None)

    def stubs(self, placed: Iterable[Placed]) -> list[dict[str, Any]]:
        return [stub_of(*each, self.place(each)[0]) for each in placed]

    def whole(self, placed: Placed) -> dict[str, Any]:
        return allocation_of(*placed, *self.place(placed))

    def place(self, placed: Placed) -> tuple[str, str]:
        """Return the node of an allocation, and its datacenter."""
        record, kept = placed
        return self._place(record.id, kept.node, kept.task)

    # ---- Evaluations ----

    @property
    def evaluations_index(self) -> int:
        return max([1, *(kept.modify_index for kept in self._evaluations)])

    def evaluations(self, digits: str = "", job_id: str | None = None) -> list[Evaluation]:
        return [
            kept
            for kept in self._evaluations
            if has_prefix(kept.id, digits) and (job_id is None or kept.job_id == job_id)
        ]

    def evaluation(self, identity: str) -> Evaluation | None:
        return next((kept for kept in self._evaluations if kept.id == identity.lower()), None)

    def shown(self, evaluations: Iterable[Evaluation]) -> list[dict[str, Any]]:
        return [evaluation_of(kept) for kept in evaluations]
