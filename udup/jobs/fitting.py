"""The size of a job's record: it is one message of NATS, which takes so many bytes and no more.

What somebody has asked for (the document, the ledger of transactions that were passed over, the cut-over) is kept whole
or not taken at all. What only happened gives way to it, the least needed first, so that a run can always be noted.
"""

from __future__ import annotations

from collections.abc import Iterator

from udup.base.errors import Fault, Refused
from udup.jobs.record import JobRecord

#: Bytes of what was asked for: what happens to the job must fit into the same message.
RECORD_MAX = 4 << 20

#: Bytes of a whole record that the node's own NATS takes.
STORED_MAX = 8 << 20

#: Bytes that a record grows by at most when its passwords are sealed.
_SEALING = 64 << 10

_ASKED = ("document", "start", "skipped", "cutover")

#: Allocations and failures that are kept of a record with no room for more: those of the present tasks.
_FEWEST = 2


def fitting(record: JobRecord, stored: JobRecord | None, most: int = STORED_MAX) -> JobRecord:
    """Return the record as it can be stored in `most` bytes; `stored` is the one before it.

    Raise `Refused` if what was asked for has grown beyond its bound.
    """
    limit = min(RECORD_MAX, most // 2)
    if _asks_more(record, stored) and (size := _size_of_asked(record)) > limit:
        problem = f"what job {record.id} keeps would have {size:,} bytes, and the job store takes {limit:,}"
        raise Refused([Fault("Job", problem, _remedy(record, limit))])
    lesser = _lesser(record)
    while len(record.to_json()) > most - min(_SEALING, most // 10):
        smaller = next(lesser, None)
        if smaller is None:
            break  # the store says so
        record = smaller
    return record


def _asks_more(record: JobRecord, stored: JobRecord | None) -> bool:
    return stored is None or any(getattr(record, name) is not getattr(stored, name) for name in _ASKED)


def _size_of_asked(record: JobRecord) -> int:
    return len(record.model_dump_json(include=set(_ASKED)).encode())


def _remedy(record: JobRecord, limit: int) -> str:
    nats = "raise max_payload of your NATS server, or " if limit < RECORD_MAX else ""
    if record.skipped:
        return (
            f"{nats}keep its list of passed over transactions (udup job status {record.id}), delete the job and"
            " post it with Gtid where it stands"
        )
    return f"{nats}name whole schemas in its document, or make several jobs of it"


def _lesser(record: JobRecord) -> Iterator[JobRecord]:
    """Yield the record with less and less of what only happened."""
    while record.documents:
        record = record.model_copy(update={"documents": record.documents[1:]})
        yield record
    record = record.model_copy(update={"progress": record.progress.with_(tables=None)})
    yield record
    fewer = {name: getattr(record, name)[-_FEWEST:] for name in ("allocations", "evaluations", "restart_history")}
    yield record.model_copy(update=fewer)
