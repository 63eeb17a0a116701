"""Operations that follow jobs: their series and time lines, and the stream."""

from __future__ import annotations

from collections.abc import Iterator

from udup.web.openapi.operation import JOB_ID as _JOB_ID
from udup.web.openapi.operation import Operation

_SHARED = ("region", "pretty")


def live() -> Iterator[Operation]:
    """Yield all of them."""
    yield from _of_a_job()
    yield from _of_all()


def _of_a_job() -> Iterator[Operation]:
    yield Operation(
        "get",
        "/v1/job/{id}/series",
        "readSeries",
        "How far behind a job was over the last hour, and how fast",
        "jobs",
        "JobSeries",
        (*_JOB_ID, "points", *_SHARED),
        errors=(301, 404),
        description="Kept by this node in memory since it was started; what nobody told is null.",
    )
    yield Operation(
        "get",
        "/v1/job/{id}/timeline",
        "readTimeline",
        "What happened to a job, in the order of time",
        "jobs",
        "JobTimeline",
        (*_JOB_ID, "entries_after", "entries_limit", "entry_kind", *_SHARED),
        errors=(301, 404),
        description="The newest entries, or those behind `after`, the newest last. Numbers hold over a start of the"
        " node and at other nodes, which tell what the job's record keeps; what none keeps is told where it was seen.",
    )


def _of_all() -> Iterator[Operation]:
    yield Operation(
        "get",
        "/v1/series",
        "listSeries",
        "The lags of all jobs over the last hour",
        "jobs",
        "AllSeries",
        ("points", *_SHARED),
    )
    yield Operation(
        "get",
        "/v1/events",
        "followEvents",
        "A stream of what changes, as server-sent events",
        "events",
        "stream",
        ("topics", "stream_table", "rate", "last_event_id", "region"),
        description="Events: hello; jobs, the changed ones in brief, all of them at first; nodes; of a job: job,"
        " timeline, series; of a tail: message; error; reset, when Last-Event-ID is of another process or too old."
        " A comment every 5 s. 503 with Retry-After while as many streams are open as there may be.",
    )
