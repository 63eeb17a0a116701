"""The job's vocabulary: what a client may ask for, the words of its life, and what is kept about it. Nothing else.

A *document* is the JSON object as the client gave it; it is kept whole, harmless keys included, and given back.
A *spec* is what Udup understood of it, complete and checked. A *record* is the document with the job's state.

    document --accept--> spec + document to keep --> record --to_api--> the answer, passwords masked
"""

from udup.base.secrets import MASK
from udup.jobs.document.acceptance import accept
from udup.jobs.document.config import Config, ConnectionConfig
from udup.jobs.document.passwords import masked, merge_passwords
from udup.jobs.document.replicate import ReplicateDoDb, ReplicatedTable
from udup.jobs.document.spec import JobSpec, parse_job
from udup.jobs.document.submission import Submission, document_id, unwrap
from udup.jobs.document.tasks import TaskSpec
from udup.jobs.progress import JobProgress
from udup.jobs.record import IndexConflict, JobRecord, UnknownJob, check_enforced_index, to_api, to_stub
from udup.jobs.unread import UnreadRecord
from udup.jobs.words import DesiredState, Driver, EndWhen, JobType, Stage, Status, TaskType

__all__ = [
    "MASK",
    "Config",
    "ConnectionConfig",
    "DesiredState",
    "Driver",
    "EndWhen",
    "IndexConflict",
    "JobProgress",
    "JobRecord",
    "JobSpec",
    "JobType",
    "ReplicateDoDb",
    "ReplicatedTable",
    "Stage",
    "Status",
    "Submission",
    "TaskSpec",
    "TaskType",
    "UnknownJob",
    "UnreadRecord",
    "accept",
    "check_enforced_index",
    "document_id",
    "masked",
    "merge_passwords",
    "parse_job",
    "to_api",
    "to_stub",
    "unwrap",
]
