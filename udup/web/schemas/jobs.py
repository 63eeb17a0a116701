"""Jobs as answers show them. `udup.jobs.to_api` makes the objects; these describe them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from udup.base.causes import Cause
from udup.jobs.failing.acts import Act, Danger
from udup.jobs.shown import Group, Shown
from udup.pipeline.cutover.state import CutoverState
from udup.pipeline.verify.state import CompareState
from udup.web.schemas.shape import Shape


class Task(Shape):
    """One end of a job. `Config` is what was posted, with every password shown as `******`."""

    type: str
    node_id: str = Field(alias="NodeId")
    node_name: str
    driver: str
    config: dict[str, Any] | None
    leader: bool
    constraints: None = None


class SkippedTransaction(Shape):
    """A transaction that was passed over on purpose, and the failure that it was passed over for.

    `Confirmed` is false if it was asked for and it is not known whether the target has taken it.
    """

    gtid: str
    time: str = Field(description="RFC 3339")
    error: str
    table: str
    confirmed: bool


class JobStart(Shape):
    """Where a job begins that makes no copy, as it was decided when its document came."""

    at: str = Field(description="as the document says it: now, with a transaction, at a file and an offset")
    after: str = Field(description="the GTID set that comes before it in the source's log")
    server: str = Field(description="the server_uuid of the source that was asked")
    time: str = Field(description="RFC 3339")


class JobCutover(Shape):
    """How a job's last cut-over is; `/v1/job/ID/cutover` tells it step by step."""

    state: str = Field(description=", ".join(CutoverState))
    text: str = Field(description="what came of it so far, what is being done or left to do")


class JobComparison(Shape):
    """How a job's last comparison or repair is; `/v1/job/ID/compare` tells all of it."""

    state: str = Field(description=", ".join(CompareState))
    equal: bool = Field(description="all that was asked for was compared, and is equal")
    text: str = Field(description="what it waits for, or why it has failed")


class GrowingTable(Shape):
    """A table that a job gets, or loads again: `State` is waiting, copying or copied."""

    table: str = Field(description="as the source names it")
    state: str
    percent: float = Field(ge=0, description="of its rows, by the source's estimate")
    rows: int = Field(ge=0)
    total: int = Field(ge=0)


class Growing(Shape):
    """How a job's tables change while it goes on for the others."""

    state: str = Field(description="leaving, waiting, copying, catching up, joining, ending or failed")
    reload: bool = Field(description="tables are loaded again that the job has")
    percent: float | None = Field(description="of the rows that are copied; null while none are")
    since: str = Field(description="RFC 3339")
    problem: str = Field(description="why they are not joined, or cannot be copied; empty for none")
    tables: list[GrowingTable] = Field(description="as far as the copy has begun; 100 at most")


class Waits(Shape):
    """What a job waits for that heals by itself, or that somebody else can end."""

    for_: str = Field(alias="For", description="source, target, both, nats, node, lock, disk or sink")
    to: str = Field(description="where that is, host:port; empty where it is nowhere in particular")
    since: str = Field(description="RFC 3339; empty where not known")
    why: str
    next_try: str = Field(description="RFC 3339; empty where nothing is tried")
    attempts: int = Field(ge=0)
    kind: str = Field(description="Unavailable, Contended, or what of `waiting_for` in Progress")
    session: str = Field(description="who is in the way, and what it does")
    statement: str = Field(description="what waits")
    table: str
    hint: str


class FailureFault(Shape):
    """One thing that is wrong, with what to do about it."""

    where: str
    problem: str
    remedy: str
    task: str = Field(description="Src, Dest or empty")


class Remedy(Shape):
    """What can be done: `Command` does what a request of `Method` to `Path` with `Body` does."""

    act: str = Field(description=", ".join(Act))
    args: dict[str, Any] = Field(description="of the request: its body where there is one, else its query")
    danger: str = Field(description=", ".join(Danger))
    command: str = Field(description="as it is typed; of the act statement what is to be run on a server")
    text: str = Field(description="what it does to whom")
    recommended: bool = Field(description="true of one of a failure's remedies, which is the first")
    confirm: str = Field(description="what somebody is to type before it; empty for nothing")
    seconds: float | None = Field(description="how long it takes; null where not known")
    method: str = Field(description="empty for the act statement, which is no request")
    path: str = Field(description="with its query")
    body: dict[str, Any] | None = Field(description="null where there is none; of the act update it is a document")


class JobFailure(Shape):
    """Why a job does not go on by itself. `Kind` is a word that a client may translate, with `Params`."""

    kind: str = Field(description=", ".join(Cause))
    params: dict[str, str] = Field(description="what a sentence about it needs")
    text: str
    at: str = Field(description="RFC 3339; empty where not known")
    tries: int = Field(ge=0, description="failures in a row until it was given up; 0 where not known")
    gtid: str = Field(description="the transaction at which it stands")
    table: str = Field(description="on the target; several by commas")
    key: str = Field(description="of the row, where that is known")
    statement: str = Field(description="where it is about one")
    position: str = Field(description="in the source's log, as file:offset")
    source_keeps_until: str = Field(
        description="RFC 3339: until then at least the source has the log that the job needs next; empty: not known"
    )
    faults: list[FailureFault] = Field(description="of a start that was refused, one by one; 20 at most")
    remedies: list[Remedy] = Field(min_length=1, description="the best first")


class _Shown(Shape):
    """How a job is, in a word, and what is the matter with it."""

    shown: str = Field(description=f"of several that hold the first: {', '.join(Shown)}")
    shown_since: str = Field(description="RFC 3339; empty where not known")
    group: str = Field(description=", ".join(Group))
    needs_you: bool = Field(description="it does not go on unless somebody does something")
    waits: Waits | None = Field(description="null while it waits for nothing")
    failure: JobFailure | None = Field(description="null for a job that goes on by itself")


class Job(_Shown):
    """A job. `EndWhen`, `Failover`, `Compression`, `Verify`, `Stage`, `Start`, `Cutover`, `Growing`, `Skipped`,
    `Progress`, and what `Shown` begins are additions.

    They are when it ends, whether another node may take it, what goes from Src to Dest compressed, whether its servers
    are compared, where it is in its life, where it begins without a copy, its last cut-over, how its tables change,
    what was passed over, how far it is, and how it is in a word.
    """

    region: str
    id: str
    name: str
    type: str
    datacenters: list[str]
    constraints: None = None
    tasks: list[Task]
    status: str = Field(description="pending, running, pause, dead or complete")
    status_description: str
    enforce_index: bool
    create_index: int = Field(ge=0)
    modify_index: int = Field(ge=0)
    job_modify_index: int = Field(ge=0)
    failover: bool = Field(description="in a cluster: another node may take the job though its tasks name one")
    compression: str = Field(description="of what goes from Src to Dest: zstd, none, or empty: zstd between two nodes")
    verify: dict[str, Any] | None = Field(description="whether both servers are compared; null where it says nothing")
    end_when: str = Field(description="of a migration: level or finished; empty for a job that never ends")
    stage: str = Field(description="pending, copying, catching_up, running, paused, completed or failed")
    start: JobStart | None = Field(description="null for a job that copies, or begins after Gtid")
    cutover: JobCutover | None = Field(description="null where none was asked for")
    comparison: JobComparison | None = Field(description="null where none was asked for")
    growing: Growing | None = Field(description="null while the job's tables do not change")
    skipped: list[SkippedTransaction]
    progress: dict[str, Any]


class JobStub(_Shown):
    """An entry of the list of jobs; `JobSummary` is the whole job."""

    id: str
    name: str
    type: str
    status: str
    status_description: str
    job_summary: Job
    create_index: int = Field(ge=0)
    modify_index: int = Field(ge=0)
    job_modify_index: int = Field(ge=0)


class JobResponse(Shape):
    """The answer to every write of a job: `Success` is false when there was nothing to do (a second pause)."""

    index: int = Field(ge=0)
    known_leader: bool = False
    last_contact: int = 0
    success: bool


class WarnedJobResponse(JobResponse):
    """The answer to a write after which something is to be looked at."""

    warning: str


class SnapshotResponse(JobResponse):
    """The answer to a snapshot of single tables; how far they are says the `Progress` of the job (`tables`)."""

    tables: list[str] = Field(description="whose rows come once more, as the request names them")


class ReloadResponse(JobResponse):
    """The answer to a reload of tables; how far they are says `Growing` of the job."""

    tables: list[str] = Field(description="which are loaded again, as the request names them")
    warning: str = Field(description="of a paused job, that it begins with its resumption; else empty")


class EvaluatedJobResponse(JobResponse):
    """The answer to a job that was posted as `{"Job": …}`."""

    eval_id: str


class WarnedEvaluatedJobResponse(EvaluatedJobResponse):
    """The same where something is to be known of it: tables that the job leaves stay on the target."""

    warning: str


class LevelAnswer(Shape):
    """Whether the target has what was asked for. The three sets are GTID sets, whole."""

    level: bool
    wanted: str = Field(description="what the source had executed after the question came, or the set that was named")
    applied: str = Field(description="what the job's checkpoint on the target says; empty while there is none")
    missing: str = Field(description="what is wanted and not applied")
    stage: str = Field(description="the job's stage at that moment")
    why: str = Field(description="why it is not level, and what to do; empty when it is")


class Event(Shape):
    """A message of a subscription as it is in the sink; `Key` and `Value` are texts, so that no digit is lost."""

    subject: str = Field(description="the subject or the topic")
    key: str | None = Field(description="JSON; null for a table without a key")
    value: str | None = Field(description="JSON; null for a tombstone")
    id: str
    operation: str = Field(description="c, u, d, r or t; empty where the sink does not keep it beside the value")
    time: str = Field(description="when it was stored, RFC 3339")


class Events(Shape):
    """What was read of a sink, and where to go on."""

    events: list[Event]
    cursor: str = Field(description="for the next request: it begins behind these")
    end: bool = Field(description="nothing more was there; with follow=false: all is told that was there")


class CheckResult(Shape):
    """One thing that was looked at: what was found, and the statement that fixes it. Task "" is the job as a whole."""

    task: str
    check: str
    result: str = Field(description="pass, warn or fail")
    found: str
    remedy: str


class TaskCheck(Shape):
    """A group of checks of one task under the name that clients know; `Error` tells the failed ones."""

    success: bool
    error: str


class ValidationTask(Shape):
    """The checks of one task, summed up."""

    type: str
    connection: TaskCheck
    log_slave_updates: TaskCheck
    max_allowed_packet: TaskCheck
    privileges: TaskCheck
    gtid_mode: TaskCheck
    server_id: TaskCheck = Field(alias="ServerID")
    binlog: TaskCheck


class Validation(Shape):
    """What a job would meet if it were started now."""

    driver_config_validated: bool
    validation_tasks: list[ValidationTask]
    error: str = Field(description="every failed check, one a line; empty when the job can start")
    checks: list[CheckResult]
