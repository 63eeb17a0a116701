"""Jobs in brief, their series and time lines, and what a stream tells."""

from __future__ import annotations

from pydantic import Field

from udup.jobs.record_events import Kind
from udup.jobs.shown import Group, Shown
from udup.jobs.timeline import Entry
from udup.web.schemas.jobs import Waits
from udup.web.schemas.shape import Shape, rfc3339


class TimelineEntry(Shape):
    """Something that happened to a job."""

    number: int = Field(description="milliseconds since the epoch, greater than that of the entry before")
    time: str = Field(description="RFC 3339")
    kind: str = Field(description=", ".join(Kind))
    text: str
    params: dict[str, str] = Field(description="what a translated text needs, by the kind")
    by: str = Field(description="who did it; empty where that is not known")
    gtid: str = Field(description="the transaction that it is about; empty for none")
    table: str = Field(description="the table that it is about; empty for none")


class JobTimeline(Shape):
    """A page of what happened to a job, the newest last."""

    entries: list[TimelineEntry]
    next: int = Field(ge=0, description="`after` of the next page: the number of the last entry of this one")
    oldest: int = Field(ge=0, description="the number of the oldest entry that is kept; 0 where there is none")


class JobSeries(Shape):
    """A job's figures over the last hour; null where nobody told one. `Step`: seconds of a point."""

    step: int
    end: str = Field(description="where the last point ends; up to a step ahead")
    lag_ms: list[float | None] = Field(description="the greatest lag of each point")
    rows_per_second: list[float | None] = Field(description="applied, or copied while a copy is under way")
    transactions_per_second: list[float | None]


class AllSeries(Shape):
    """The lags of all jobs over the last hour."""

    step: int
    end: str
    jobs: dict[str, list[float | None]] = Field(description="the greatest lag of each point, in ms, by the job's ID")


class JobBrief(Shape):
    """A job as a list shows it, in one small object. Figures that nobody has told are null."""

    id: str
    name: str
    type: str
    stage: str = Field(description="pending, copying, catching_up, running, paused, completed or failed")
    status: str = Field(description="pending, running, pause, dead or complete")
    shown: str = Field(description=", ".join(Shown))
    shown_since: str = Field(description="since when; RFC 3339, empty where that is not known")
    group: str = Field(description=", ".join(Group))
    needs_you: bool = Field(description="it goes on only when somebody does something")
    waits: Waits | None = Field(description="what it waits for")
    reason: str = Field(description="why it is where it is, in a line; empty for a job that goes on")
    failure_kind: str = Field(description="why it has stopped, in a word; empty for a job that has not")
    failure_params: dict[str, str] = Field(
        description="what a sentence about that names: `table`, `key`, `gtid` and others"
    )
    source_keeps_until: str = Field(description="until when the source keeps what the job needs; empty if not known")
    source: str = Field(description="host:port, or what it is")
    target: str = Field(description="host:port, or what it is: NATS, Kafka")
    lag_ms: float | None
    rows_per_second: float | None = Field(description="applied, or copied while a copy is under way")
    transactions_per_second: float | None
    percent: float | None = Field(description="of the rows of a copy, by the source's estimate; null while none is")
    eta_s: float | None = Field(description="seconds that the copy still needs")
    copied_rows: int | None
    total_rows: int | None
    tables_copied: int | None
    tables: int | None
    position: str = Field(description="what the target has of the source, as a GTID set that may be cut")
    node: str = Field(description="the name of the node that has it; empty for none")
    create_index: int = Field(ge=0)
    modify_index: int = Field(ge=0)
    job_modify_index: int = Field(ge=0)


def entry_of(entry: Entry) -> TimelineEntry:
    what = entry.what
    return TimelineEntry(
        number=entry.number,
        time=rfc3339(what.time_ns),
        kind=what.kind.value,
        text=what.text,
        params=dict(what.params),
        by="",
        gtid=what.gtid,
        table=what.table,
    )
