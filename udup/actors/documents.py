"""What a document that comes makes of the record that its job has."""

from __future__ import annotations

from udup.actors.messages import RegisterJob
from udup.base.errors import Fault, Refused, Transient
from udup.jobs import IndexConflict, JobRecord, JobSpec
from udup.jobs.differences import is_same
from udup.jobs.fitting import RECORD_MAX
from udup.jobs.start import DecidedStart, kept_start
from udup.jobs.versions import with_replaced
from udup.pipeline.ports import StartPoint


def start_of(spec: JobSpec, stored: JobRecord | None, command: RegisterJob) -> DecidedStart | None:
    """Return where the job begins, as its record has it or as it was decided for this document.

    Raise `Transient` if that was decided beside another record than the job has now.
    """
    found = spec.begins_at if stored is None else kept_start(spec, stored.spec(), stored.start)
    if not isinstance(found, StartPoint):
        return found
    decided, incarnation = command.start, stored.incarnation if stored else ""
    if decided is None or decided.at != str(found) or command.beside != incarnation:
        raise Transient(
            f"job {spec.id} was changed or deleted while its source was asked where it begins; post it again"
        )
    return decided


def beside(record: JobRecord, stored: JobRecord) -> JobRecord:
    """Return the record with the documents of the job before it; one that says the same takes the place of the last."""
    if is_same(record.document, stored.document):
        kept = ("posted", "documents", "cutover", "comparison", "finish")
        return record.model_copy(update={key: getattr(stored, key) for key in kept})
    posted = record.posted.model_copy(update={"number": stored.posted.number + 1})
    return record.model_copy(update={"posted": posted, "documents": with_replaced(stored.documents, stored.replaced)})


def check_same_document(command: RegisterJob, stored: JobRecord) -> None:
    """Raise `IndexConflict` if the document was checked beside another one than the job is carried out by now."""
    if command.checked not in (None, stored.job_modify_index):
        problem = f"job {stored.id} was changed or resumed while the new document was checked; it goes on as it is now"
        remedy = f"look at it (udup job history {stored.id}), and post yours again if it is still to replace that"
        raise IndexConflict.by(Fault("Job", problem, remedy))


def with_room(record: JobRecord) -> JobRecord:
    """Return the record with as many of its earlier documents as it has room for; `Refused` if it has none at all."""
    size = len(record.to_json())
    while size > RECORD_MAX and record.documents:
        record = record.model_copy(update={"documents": record.documents[1:]})
        size = len(record.to_json())
    if size > RECORD_MAX:
        problem = f"has {size:,} bytes, and the job store takes {RECORD_MAX:,}"
        raise Refused([Fault("the job's document", problem, "name whole schemas, or make several jobs of it")])
    return record
