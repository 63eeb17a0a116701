"""What is kept about a job: its document, what is wanted of it and how far it has come; and how the API shows that."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from typing import Any, Self

from pydantic import Field, field_serializer

from udup.base.errors import Fault, UdupError
from udup.base.kept import Kept
from udup.base.stamps import to_the_millisecond, to_the_second
from udup.jobs.allocation import Allocation, Evaluation
from udup.jobs.describing import description
from udup.jobs.document.keys import Level, canonical
from udup.jobs.document.passwords import masked
from udup.jobs.document.spec import DEFAULT_DATACENTER, DEFAULT_REGION, JobSpec, parse_job
from udup.jobs.document.tasks import TaskSpec
from udup.jobs.failing.failure import failure_of
from udup.jobs.growth import Growth
from udup.jobs.outage import Outage
from udup.jobs.progress import FailedRun, JobProgress
from udup.jobs.shown import ShownState, state_of
from udup.jobs.skipped import SkippedTransaction
from udup.jobs.staleness import at_this_moment
from udup.jobs.start import DecidedStart
from udup.jobs.stopped import Stopped
from udup.jobs.versions import EarlierDocument, Posted
from udup.jobs.waiting import waits_of
from udup.jobs.wishing import SnapshotWish
from udup.jobs.words import STATUS_OF_STAGE, DesiredState, Driver, EndWhen, JobType, Stage, Status, TaskType
from udup.pipeline.cutover.state import Cutover
from udup.pipeline.verify.state import Comparison

#: A document's keys down to the tasks; what is inside Config is shown as it was given.
_OUTLINE = Level(JobSpec.key_names(), {"Tasks": Level(TaskSpec.key_names())})


#: The form of a record. Fields that an older version may pass over need no other one: it keeps them. It is raised for
#: what an older version would do wrong by not knowing it, for the records that say that.
FORMAT = 2

#: That of a job whose tables change, and of its side job: an older version would carry both on as they stand.
GROWING = 2

#: Failures kept in a job's restart history.
MAX_RESTARTS = 20


class IndexConflict(UdupError):
    """The job is not, or no longer, as the request takes it to be: above all another JobModifyIndex was enforced."""

    def __init__(self, text: str = "", *, faults: Sequence[Fault] = (), gtid: str = "", table: str = "") -> None:
        super().__init__(text, gtid=gtid, table=table)
        self.faults = tuple(faults)

    @classmethod
    def by(cls, fault: Fault) -> Self:
        """Return it for one fault; its text is the fault's without the place."""
        return cls(f"{fault.problem} -- {fault.remedy}", faults=(fault,))


class UnknownJob(UdupError):
    """There is no job of the ID that was named."""


class Restart(Kept):
    """A failure that ended a run: when, in nanoseconds since the epoch, and why."""

    time_ns: int
    error: str


class JobRecord(Kept):
    """A job and its state. Immutable: `record.model_copy(update={…})` makes the next one.

    Holds the passwords in its document, so neither its repr nor its errors show that.
    """

    id: str
    document: dict[str, Any] = Field(repr=False)
    desired: DesiredState = DesiredState.RUN
    stage: Stage = Stage.PENDING
    #: A migration was told to finish: it ends as soon as it is level.
    finish: bool = False
    #: For people: why the job is where it is, above all why it failed.
    status_description: str = ""
    #: The store's index when the job came, when anything of it last changed, when its document last changed.
    create_index: int = 0
    modify_index: int = 0
    job_modify_index: int = 0
    #: New for each registration of a job that was not there.
    incarnation: str = ""
    #: The tasks as they were placed, newest last, and the decisions about them.
    allocations: tuple[Allocation, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    #: How often a run was begun again after a failure, and the last failures; both outlive the server.
    restarts: int = 0
    restart_history: tuple[Restart, ...] = ()
    #: Whether its last failure counts: nobody has started the job since, and no run has applied or copied anything.
    failing: bool = False
    #: Why it has failed; None unless it has.
    stopped: Stopped | None = None
    #: When and how the document came, and those before it, the oldest first.
    posted: Posted = Posted()
    documents: tuple[EarlierDocument, ...] = ()
    #: Where it begins, if it makes no copy and its document does not say a GTID set.
    start: DecidedStart | None = None
    #: Transactions that were passed over on purpose, oldest first; kept for as long as the job is.
    skipped: tuple[SkippedTransaction, ...] = ()
    #: Snapshots of single tables that it was asked for, the newest last.
    wishes: tuple[SnapshotWish, ...] = ()
    #: What it waits for that time heals; None while it waits for nothing.
    outage: Outage | None = None
    #: The last cut-over that was asked for.
    cutover: Cutover | None = None
    #: The last comparison that was asked for.
    comparison: Comparison | None = None
    #: A run has followed the log: the target has its tables, and a checkpoint.
    has_followed: bool = False
    #: How its tables change; None while they do not. Of a side job (`growth.py`): whose tables it has.
    growth: Growth | None = None
    part_of: str = ""
    #: Never stored: `growing_shown.py` makes it where the side job's record is known too.
    growing_shown: dict[str, Any] | None = Field(default=None, exclude=True)
    #: Never stored: how a `shown.Watch` has seen it last, and that this version does not understand it.
    shown: ShownState | None = Field(default=None, exclude=True)
    not_understood: bool = Field(default=False, exclude=True)
    #: A record of a higher one is not read by this version (`unread.py`).
    format: int = 1
    #: As the last run has left it.
    progress: JobProgress = JobProgress()

    @field_serializer("progress")
    def _told(self, progress: JobProgress) -> dict[str, Any]:
        return progress.as_dict()

    @property
    def status(self) -> Status:
        """Return the API's word. A pause shows as soon as it is wanted; a job that has ended stays ended."""
        if self.desired == DesiredState.PAUSE and self.stage not in (Stage.COMPLETED, Stage.FAILED):
            return Status.PAUSE
        return STATUS_OF_STAGE[self.stage]

    @property
    def carried_out(self) -> bool:
        """Whether it is to be carried out now."""
        return self.desired == DesiredState.RUN and self.stage not in (Stage.FAILED, Stage.COMPLETED)

    @property
    def all_documents(self) -> tuple[EarlierDocument, ...]:
        """The documents that are kept, the oldest first, the present one last."""
        return (*self.documents, self.replaced)

    @property
    def replaced(self) -> EarlierDocument:
        """The present document, as it is kept when another one takes its place."""
        return EarlierDocument(document=self.document, **self.posted.model_dump())

    def shown_progress(self, live: JobProgress | None = None, now: float | None = None) -> JobProgress:
        """Return the progress as the API shows it: what a run says now, or else said last, and the failures until now.

        The lag grows where the last report is stale or nobody follows the source, so it depends on when it is called.
        `now`: as `staleness.ReportAges` says, None for the time of this machine.
        """
        history = [
            FailedRun(time=_stamp(each.time_ns), time_ns=each.time_ns, error=each.error)
            for each in self.restart_history
        ]
        counts = self.failing or self.stage == Stage.FAILED
        last = history[-1] if history and counts else FailedRun(error="")
        shown = at_this_moment(self.progress, live, self.stage, self.outage, time.time() if now is None else now)
        waits = None if self.outage is None else self.outage.shown(None if live is None else live.reconnecting)
        return shown.with_(
            restarts=self.restarts,
            last_error=last.error,
            last_error_time=last.time,
            restart_history=history,
            reconnecting=waits,
        )

    def spec(self) -> JobSpec:
        """Return the document as Udup understands it; raise `Refused` if this version does not.

        A side job goes by the document of its job, under an ID of its own.
        """
        spec = parse_job(self.document)
        return spec.model_copy(update={"id": self.id}) if self.part_of else spec

    @property
    def has_begun(self) -> bool:
        """Whether its target has a checkpoint, as far as the record tells: versions before did not note that."""
        follows = self.stage in (Stage.CATCHING_UP, Stage.RUNNING)
        return self.has_followed or follows or bool(self.progress.applied_gtid)

    def growing(self, growth: Growth | None) -> JobRecord:
        """Return the record with what becomes of the job's tables."""
        return self.model_copy(update={"growth": growth, "format": GROWING if growth or self.part_of else 1})

    def to_json(self) -> bytes:
        """Return it for the store: passwords included."""
        # As versions that knew none of it write it, where there is nothing to say.
        empty = {name for name in ("has_followed", "growth", "part_of", "comparison") if not getattr(self, name)}
        first = {"format"} if self.format == 1 else set()
        return self.model_dump_json(exclude=first | empty).encode()

    @classmethod
    def from_json(cls, data: bytes | str) -> JobRecord:
        return cls.model_validate_json(data)


def _stamp(time_ns: int) -> str:
    return to_the_second(time_ns // 1_000_000_000)


def check_enforced_index(enforced: int | None, job_id: str, stored: JobRecord | None) -> None:
    """Raise `IndexConflict` unless the job is as the client believes: 0 = not there yet, else its JobModifyIndex.

    Clients look for "Enforcing job modify index" in the text.
    """
    if enforced is None:
        return
    if enforced == ((stored.job_modify_index or None) if stored else 0):
        return
    remedy = f"look at what it is now (udup job history {shlex.quote(job_id)}), and post yours with its JobModifyIndex"
    if stored is None:
        problem, remedy = "job does not exist", "post it with JobModifyIndex 0, or without EnforceIndex"
    elif enforced == 0:
        problem = "job already exists"
    else:
        problem = f"job exists with conflicting job modify index: {stored.job_modify_index}"
    text = f"Enforcing job modify index {enforced}: {problem}"
    raise IndexConflict(text, faults=[Fault("JobModifyIndex", text, remedy)])


def to_api(record: JobRecord) -> dict[str, Any]:
    """Return the API's Job: every key, Config as given with its passwords masked, and Udup's Stage and Progress.

    Reads the document leniently, so that a job stays visible that this version would not accept.
    """
    document = canonical(masked(record.document), _OUTLINE, "", [])
    tasks = document.get("Tasks")
    return {
        "Region": document.get("Region") or DEFAULT_REGION,
        "ID": record.id,
        "Name": document.get("Name", ""),
        "Type": document.get("Type", JobType.SYNCHRONOUS.value),
        "Datacenters": document.get("Datacenters") or [DEFAULT_DATACENTER],
        "Constraints": None,
        "Tasks": [_task_to_api(task) for task in tasks or [] if isinstance(task, dict)],
        "Status": record.status.value,
        "StatusDescription": description(record),
        "EnforceIndex": False,
        "CreateIndex": record.create_index,
        "ModifyIndex": record.modify_index,
        "JobModifyIndex": record.job_modify_index,
        "EndWhen": _end_when(document),
        "Failover": document.get("Failover") is True,
        "Compression": str(document.get("Compression") or "").lower(),
        "Verify": document.get("Verify") if isinstance(document.get("Verify"), dict) else None,
        "Stage": record.stage.value,
        "Start": _start_to_api(record),
        "Cutover": _cutover_to_api(record),
        "Comparison": _comparison_to_api(record),
        "Growing": record.growing_shown,
        "Skipped": [_skipped_to_api(each) for each in record.skipped],
        "Progress": record.progress.as_dict(),  # names of tables in it may well hold the word password
        **shown_to_api(record),
    }


def shown_to_api(record: JobRecord) -> dict[str, Any]:
    """Return how a job is, in a word, and what is the matter with it: a part of the API's Job and of its stub."""
    state = record.shown or state_of(record)
    return {
        "Shown": state.word.value,
        "ShownSince": "" if state.since is None else to_the_millisecond(state.since),
        "Group": state.group.value,
        "NeedsYou": state.needs_you,
        "Waits": waits_of(record),
        "Failure": failure_of(record),
    }


def _end_when(document: dict[str, Any]) -> str:
    """Return when a migration ends, "" for a job that never does."""
    migrates = document.get("Type") == JobType.MIGRATION
    return str(document.get("EndWhen") or EndWhen.LEVEL.value) if migrates else ""


def _start_to_api(record: JobRecord) -> dict[str, Any] | None:
    """Return where the job begins without a copy, as it was decided."""
    start = record.start
    if start is None:
        return None
    return {"At": start.at, "After": start.position, "Server": start.server_uuid, "Time": _stamp(start.time_ns)}


def _cutover_to_api(record: JobRecord) -> dict[str, Any] | None:
    """Return how the job's last cut-over is; its own path tells all of it."""
    cutover = record.cutover
    return None if cutover is None else {"State": cutover.state.value, "Text": cutover.told}


def _comparison_to_api(record: JobRecord) -> dict[str, Any] | None:
    """Return how the job's last comparison is; its own path tells all of it."""
    comparison = record.comparison
    if comparison is None:
        return None
    return {"State": comparison.state.value, "Equal": comparison.equal, "Text": comparison.text}


def _skipped_to_api(entry: SkippedTransaction) -> dict[str, Any]:
    return {
        "Gtid": entry.gtid,
        "Time": _stamp(entry.time_ns),
        "Error": entry.error,
        "Table": entry.table,
        "Confirmed": entry.confirmed,
    }


def to_stub(record: JobRecord) -> dict[str, Any]:
    """Return the API's JobListStub, with the whole job as JobSummary."""
    job = to_api(record)
    return {
        "ID": record.id,
        "Name": job["Name"],
        "Type": job["Type"],
        "Status": job["Status"],
        "StatusDescription": job["StatusDescription"],
        "JobSummary": job,
        **{name: job[name] for name in ("Shown", "ShownSince", "Group", "NeedsYou", "Waits", "Failure")},
        "CreateIndex": record.create_index,
        "ModifyIndex": record.modify_index,
        "JobModifyIndex": record.job_modify_index,
    }


def _task_to_api(task: dict[str, Any]) -> dict[str, Any]:
    task_type = task.get("Type", "")
    return {
        "Type": task_type,
        "NodeId": task.get("NodeId", ""),
        "NodeName": task.get("NodeName", ""),
        "Driver": task.get("Driver", Driver.MYSQL.value),
        "Config": task.get("Config"),
        "Leader": task_type == TaskType.DEST,
        "Constraints": None,
    }
