"""The documents that a job had before its present one: kept so that a change can be looked at and taken back."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from udup.base.kept import Kept

#: Documents of a job that are kept, the present one among them.
MAX_DOCUMENTS = 10

#: Bytes of all earlier documents of a job but the last: they are read and written with every record.
MAX_BYTES = 1 << 20

POSTED = "posted"
GIVEN_UP = "without tables that were given up"


class Posted(Kept):
    """When a document came (nanoseconds since the epoch; 0: not known) and how; `number` counts a job's documents."""

    number: int = 1
    time_ns: int = 0
    how: str = POSTED


class EarlierDocument(Posted):
    """A document that was replaced. It holds its passwords, as the record's own does."""

    document: dict[str, Any] = Field(repr=False)

    @property
    def size(self) -> int:
        return len(self.model_dump_json())


def with_replaced(earlier: tuple[EarlierDocument, ...], replaced: EarlierDocument) -> tuple[EarlierDocument, ...]:
    """Return the earlier documents of a job after one more was replaced: the newest, as many as are kept."""
    kept, left = [replaced], MAX_BYTES
    for each in reversed(earlier[-(MAX_DOCUMENTS - 2) :]):
        left -= each.size
        if left < 0:
            break
        kept.append(each)
    return tuple(reversed(kept))
