"""Operations of jobs: documents, what is done with a job, and what is asked of its servers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from udup.web.openapi.compare_operations import comparisons
from udup.web.openapi.live_operations import live
from udup.web.openapi.operation import JOB_ID as _JOB_ID
from udup.web.openapi.operation import WRITE as _WRITE
from udup.web.openapi.operation import WRITTEN as _WRITTEN
from udup.web.openapi.operation import Operation
from udup.web.openapi.operation import both as _both
from udup.web.openapi.operation import changing as _changing
from udup.web.openapi.operation import reading as _reading

_TABLES_ASKED = ("table_after", "table_offset", "limit", "table_sort", "table_state", "table_search")

_ANY_ID = "The ID in the path is not looked at, the body decides which job is written."

#: A document that is posted.
_REGISTER = Operation(
    "put",
    "/v1/jobs",
    "register",
    "Create a job, or replace the one with its ID",
    "jobs",
    "JobResponse",
    ("check", *_WRITE),
    _WRITTEN,
    body="Registration",
    errors=(409, 413),
    description=(
        "The new settings of a running job are applied at a transaction boundary, after both servers were asked "
        "whether it could start by them: 409 with every fault if not, and the job goes on as it was."
    ),
)


def _registered() -> Iterator[Operation]:
    """Yield the list of jobs, and how one is written."""
    asked = ("job_prefix", "brief", "offset", "jobs_limit", "q")
    listed = _reading("/v1/jobs", "listJobs", "All jobs, in the order of their IDs", "jobs", "[JobStub]", *asked)
    told = (
        "With `brief` each job is a small object; X-Udup-Total is there then, and ETag: 304 where that is the client's."
    )
    yield replace(listed, headers=(*listed.headers, "X-Udup-Total", "ETag"), description=told)
    yield from _both(_REGISTER)


def _one() -> Iterator[Operation]:
    """Yield what is done with one job as a whole."""
    one = replace(
        _REGISTER,
        path="/v1/job/{id}",
        name="registerAt",
        parameters=(*_JOB_ID, "check", *_WRITE),
        errors=(301, 404, 409, 413),
        description=_ANY_ID,
    )
    yield from _both(one)
    yield _reading("/v1/job/{id}", "readJob", "One job", "jobs", "Job", *_JOB_ID)
    yield Operation(
        "delete",
        "/v1/job/{id}",
        "deleteJob",
        "Stop a job and forget it",
        "jobs",
        "JobResponse",
        (*_JOB_ID, "purge", *_WRITE),
        _WRITTEN,
        errors=(301, 404, 409),
        description="A success also for a job that is not there. What is on the target stays.",
    )


def _states() -> Iterator[Operation]:
    """Yield what has a job run or stand still."""
    for part, summary in (
        ("pause", "Stop a job at a transaction boundary, to be resumed"),
        ("resume", "Carry on a paused job, or a failed one"),
        ("finish", "End a migration that stays level until it is told to"),
    ):
        yield from _both(
            _changing(
                part,
                f"{part}Job",
                summary,
                errors=(301, 404, 409),
                description="`Success` is false and `Index` 0 when there is nothing to do."
                " 409 where the job's cut-over is in the way.",
            )
        )


def _watched() -> Iterator[Operation]:
    """Yield what is waited for at a job: that it is level, and messages of a subscription."""
    yield Operation(
        "get",
        "/v1/job/{id}/level",
        "readLevel",
        "Whether the target has all that the source has executed, asked of both now",
        "jobs",
        "LevelAnswer",
        (*_JOB_ID, "wanted_gtid", "level_timeout", "region", "pretty"),
        errors=(301, 404),
        description="Waits until it has, and is answered 200 both ways. A job that has ended is answered at once.",
    )
    yield Operation(
        "get",
        "/v1/job/{id}/events",
        "readEvents",
        "The messages that a subscription has put into its sink",
        "jobs",
        "Events",
        (*_JOB_ID, "events_from", "cursor", "table", "follow", "events_timeout", "region", "pretty"),
        errors=(301, 404),
        description="Waits until there is one, and is answered 200 both ways; `Cursor` says where the next request goes"
        " on. 400 for a job that is no subscription, and where the sink has no such stream, topic or transaction.",
    )


def _answered() -> Iterator[Operation]:
    """Yield what somebody says to a job that has stopped: whether a transaction is there, or an earlier document."""
    settle = _changing(
        "settle",
        "settleJob",
        "Say whether the rows of the transaction in question are on the target, and carry on",
        asked=("gtid", "applied"),
        errors=(301, 404, 409),
        description="Of a job that stopped since it cannot know; its `StatusDescription` names the transaction.",
    )
    yield from _both(settle)
    revert = _changing(
        "revert",
        "revertJob",
        "Give a job an earlier document back",
        asked=("to", "check"),
        errors=(301, 404, 409),
        description="Checked and applied as if that document were posted, with the passwords that it had.",
    )
    yield from _both(revert)
    path = "/v1/job/{id}/history"
    summary = "The job's last documents, and what each has changed"
    yield _reading(path, "listJobDocuments", summary, "jobs", "[JobDocument]", *_JOB_ID)


def _loaded() -> Iterator[Operation]:
    """Yield what has rows of tables come once more."""
    snapshot = _changing(
        "snapshot",
        "snapshotTables",
        "Have a subscription deliver all rows of tables once more, while its changes go on",
        "SnapshotResponse",
        asked=("snapshot_tables",),
        errors=(301, 404),
        description="The rows are reads marked incremental, each where it stands in the stream. 400 for a job that is"
        " no subscription, and for tables that it or its source does not have.",
    )
    yield from _both(snapshot)
    reload = _changing(
        "reload",
        "reloadTables",
        "Load tables of a job again while it goes on for all others",
        "ReloadResponse",
        asked=("snapshot_tables",),
        errors=(301, 404, 503),
        description="The job lets go of the tables, which are dropped on the target, copied, followed and joined to it"
        " again. 400 for tables that the job does not have and for a subscription; 503 while other tables of it are"
        " under way. The same is POST /v1/job/ID/tables/SCHEMA.TABLE/reload, for one table.",
    )
    yield from _both(reload)


def _listed() -> Iterator[Operation]:
    """Yield what is known of tables, and how those under way are given up."""
    yield _changing(
        "reload",
        "giveUpTables",
        "Have a job go on without the tables that it loads again, or gets",
        "WarnedJobResponse",
        method="delete",
        errors=(301, 404, 503),
        description="The document becomes one that chooses the tables that the job has meanwhile: new ones are left"
        " out, and those that were to be loaded again are in ReplicateIgnoreDb. What was copied of them stays on the"
        " target, as Warning says. Success is false where no tables are under way; 503 where they are nearly the"
        " job's own.",
    )
    yield Operation(
        "get",
        "/v1/job/{id}/tables",
        "listJobTables",
        "Where each table of a job stands",
        "jobs",
        "JobTables",
        (*_JOB_ID, *_TABLES_ASKED, "region", "pretty"),
        errors=(301, 404, 503),
        description="In the order of their names, page by page. The source is asked which tables it has: 503 where it"
        " cannot be. With offset, sort, state or q the answer is of a listing that is some seconds old at most.",
    )


def _skipped() -> Iterator[Operation]:
    """Yield how a transaction is passed over."""
    skip = _changing(
        "skip",
        "skipTransaction",
        "Pass over the transaction at which a failed job stands, and carry on",
        "WarnedJobResponse",
        asked=("gtid",),
        errors=(301, 404, 409),
        description="Nothing of it is applied, so the target differs from the source then. `Skipped` of the job keeps"
        " it for ever. 409 where the job does not stand at this transaction.",
    )
    yield from _both(skip)


def _cut_over() -> Iterator[Operation]:
    """Yield a job's cut-over."""
    path = "/v1/job/{id}/cutover"
    cutover = _changing(
        "cutover",
        "cutOverJob",
        "Begin to cut a job over to its target, or carry on what has stopped",
        body="CutoverRequest",
        errors=(301, 404, 409, 413),
        description="Answered when it is stored; `Success` is false while one is under way. A GET tells how far it is.",
    )
    yield from _both(cutover)
    yield _reading(path, "readCutover", "A job's last cut-over, step by step", "jobs", "Cutover", *_JOB_ID)
    yield _changing(
        "cutover",
        "abortCutover",
        "Undo a job's cut-over; behind the switch give up what is left of it",
        "WarnedJobResponse",
        method="delete",
        errors=(301, 404, 409),
        description="`Success` is false when there is nothing to undo. 409 when all of it is done. Behind the switch"
        " nothing is undone: `Warning` says so, who may write where, what is left to do and what carries that on."
        " It is empty otherwise.",
    )


def _asked() -> Iterator[Operation]:
    """Yield what is asked of servers before there is a job."""
    yield from _both(
        Operation(
            "put",
            "/v1/validate/job",
            "validateJob",
            "Look at both servers as the job's start would, and start nothing",
            "jobs",
            "Validation",
            _WRITE,
            body="Registration",
            errors=(413,),
        )
    )
    yield from _both(
        Operation(
            "put",
            "/v1/grants",
            "listGrants",
            "The statements that make the accounts of a job on its two servers",
            "jobs",
            "JobGrants",
            ("source_version", "target_version", *_WRITE),
            body="Registration",
            errors=(413,),
            description="Just what the job needs, for the schemas and tables that it names. It need not have passwords"
            " yet. Nothing is written on the servers; one whose version is not named is asked for it.",
        )
    )
    yield from _both(
        Operation(
            "put",
            "/v1/inspect",
            "inspectServer",
            "Look at a server as it is typed, before there is a job",
            "jobs",
            "Inspected",
            _WRITE,
            body="InspectRequest",
            errors=(413,),
            description="What it is, its schemas, and the tables of one of them, page by page. One that cannot be"
            " reached is answered 200, with `Reachable` false. Nothing is stored, and nothing is written there.",
        )
    )


def jobs() -> Iterator[Operation]:
    """Yield all of them."""
    yield from _registered()
    yield from _one()
    yield from _states()
    yield from _watched()
    yield from _answered()
    yield from _loaded()
    yield from _listed()
    yield from _skipped()
    yield from _cut_over()
    yield from comparisons()
    yield from live()
    path = "/v1/job/{id}/allocations"
    yield _reading(path, "listJobAllocations", "A job's tasks", "jobs", "[AllocationStub]", *_JOB_ID, "all")
    path = "/v1/job/{id}/evaluations"
    yield _reading(path, "listJobEvaluations", "The decisions about a job", "jobs", "[Evaluation]", *_JOB_ID)
    yield from _asked()
