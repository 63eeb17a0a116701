"""A job's documents as answers list them: when each came and what it changed, with secrets masked."""

from __future__ import annotations

from itertools import islice
from typing import Any

from pydantic import Field

from udup.jobs import JobRecord
from udup.jobs.differences import Difference, differences
from udup.web.schemas.shape import Shape

#: Changes of one document that are told one by one.
MAX_CHANGES = 50


class DocumentChange(Shape):
    """A key that has another value than in the document before; "" for an absent one. Secrets are `******`."""

    key: str
    before: str
    after: str


class JobDocument(Shape):
    """A document of a job. `Changes` is what it has otherwise than the one before, as far as that is kept."""

    number: int = Field(ge=1)
    time: int = Field(ge=0, description="nanoseconds since the epoch; 0 where it is not known")
    how: str = Field(description="posted, or reverted to N")
    present: bool = Field(description="whether the job goes by it")
    changes: list[DocumentChange]
    more_changes: int = Field(ge=0, description="changes that are not told")


def versions_of(record: JobRecord) -> list[dict[str, Any]]:
    """Return the documents of a job, the oldest first, the present one last."""
    kept = record.all_documents
    shown = []
    for place, each in enumerate(kept):
        found = differences(kept[place - 1].document, each.document) if place else iter(())
        told = [_change(difference) for difference in islice(found, MAX_CHANGES)]
        document = JobDocument(
            number=each.number,
            time=each.time_ns,
            how=each.how,
            present=place == len(kept) - 1,
            changes=told,
            more_changes=sum(1 for _ in found),
        )
        shown.append(document.to_json())
    return shown


def _change(difference: Difference) -> DocumentChange:
    return DocumentChange(key=difference.path, before=difference.before, after=difference.after)
