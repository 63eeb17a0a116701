"""The API's indexes: they are made of the positions at which the job store has its writes, the same for whoever reads.

A write at position p gives the job the index 2p + 2, and an evaluation that comes with it 2p + 3. The supervisor, which
orders a write, does not know its position: until it is told, it writes negative numbers in their place that name the
order, by its ticket. The StoreKeeper puts the indexes in as it writes, so that none of these is ever stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from udup.base.kept import Kept
from udup.jobs.record import JobRecord

_K = TypeVar("_K", bound=Kept)

_FIELDS = ("create_index", "modify_index", "job_modify_index", "job_create_index")


def ordered(ticket: int) -> int:
    """Return what stands for the job's index of an ordered write; the next higher number is its evaluation's."""
    return -(2 * ticket + 1)


def last_index(position: int) -> int:
    """Return the highest index that a write at this position, or one before it, has given."""
    return 2 * position + 3


def position_of(index: int) -> int:
    """Return the first position whose indexes are not below this one."""
    return max(0, (index - 2) // 2)


def placed(record: JobRecord, ticket: int, position: int, earlier: Mapping[int, int] | None = None) -> JobRecord:
    """Return the record with the indexes of an ordered write, and of those before it, by their tickets.

    What was ordered before and never stored gets the indexes of this write: it is stored by that.
    """
    known = {**(earlier or {}), ticket: position}
    allocations = tuple(with_indexes(each, ticket, known) for each in record.allocations)
    evaluations = tuple(with_indexes(each, ticket, known) for each in record.evaluations)
    if allocations != record.allocations or evaluations != record.evaluations:
        record = record.model_copy(update={"allocations": allocations, "evaluations": evaluations})
    return with_indexes(record, ticket, known)


def with_indexes(kept: _K, ticket: int, known: Mapping[int, int]) -> _K:
    """Return a part of a record with its indexes; itself if there is nothing to be put in."""
    update = {}
    for name in _FIELDS:
        number = getattr(kept, name, 0)
        if number < 0 and -number // 2 <= ticket:
            position = known.get(-number // 2, known[ticket])
            update[name] = 2 * position + (2 if number % 2 else 3)
    return kept.model_copy(update=update) if update else kept
