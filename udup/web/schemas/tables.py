"""A job's tables, each with where it stands."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import Field

from udup.jobs.table_pages import Compared
from udup.jobs.table_states import TableShown, TableState
from udup.pipeline.ports.inspect import TableSize
from udup.web.schemas.shape import Shape, rfc3339


class JobTable(Shape):
    """`Rows` and `Total` are of its copy, null where none is under way.

    `Inserted`, `Updated` and `Deleted` are rows that the job has changed since `ChangesSince`, as the source's log has
    them; null where that is not known. With `Uncounted` they are the least that it can be.
    """

    table: str = Field(description="SCHEMA.TABLE, as the source names it")
    state: str = Field(description=", ".join(TableState))
    reload: bool = Field(description="it is loaded again")
    percent: float | None = Field(description="of its rows, by the source's estimate")
    rows: int | None
    total: int | None
    position: str = Field(description="what the target has of it at least, as a GTID set; empty for none")
    differences: int = Field(ge=0, description="rows that differed when it was compared last")
    problem: str = Field(description="what keeps it from being live; empty for nothing")
    inserted: int | None
    updated: int | None
    deleted: int | None
    uncounted: int = Field(ge=0, description="events whose rows could not be counted, in fact none")
    last_change: str = Field(description="when the source committed the last of these changes; empty for none")
    last_gtid: str = Field(description="the transaction that it was in; empty for none")
    bytes: int | None = Field(description="about how many it has on the source, indexes too; null where it is not told")
    estimated_rows: int | None = Field(description="about how many it has on the source; null where it is not told")
    key: str = Field(description="primary, unique, none; empty where it is not told")
    compared: str = Field(description="when it was compared to its end last; empty for never, or not known")
    equal: bool | None = Field(description="whether it was equal then, and no row of it is known to differ since")


class JobTables(Shape):
    """A page of a job's tables, in the order of their names or as `sort` says.

    Sizes are told in answers to `offset`, `sort`, `state` or `q`, which may be 4 seconds old.
    """

    tables: list[JobTable]
    next: str = Field(description="`after` of the next page; empty with the last, and where pages are told by offset")
    matching: int = Field(ge=0, description="tables that match `state` and `q`")
    offset: int = Field(ge=0, description="how many of these come before this page")
    groups: dict[str, int] = Field(description="how many tables of the job are in trouble, moving, waiting, live")
    total: int = Field(ge=0, description="tables of the job")
    states: dict[str, int] = Field(description="how many tables of the job are in each state")
    changes_since: str = Field(description="since when changes are counted; empty where that is not known")
    changes_problem: str = Field(description="why the target could not be asked for them; empty if it was")


def moment_of(microseconds: int) -> str:
    """Return a time since the epoch as text, "" for 0."""
    if not microseconds:
        return ""
    return datetime.fromtimestamp(microseconds / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def table_of(shown: TableShown, size: TableSize | None = None, compared: Compared | None = None) -> JobTable:
    change = shown.change
    return JobTable(
        table=shown.name,
        state=shown.state.value,
        reload=shown.reloads,
        percent=shown.percent,
        rows=shown.rows,
        total=shown.total,
        position=shown.position,
        differences=shown.differences,
        problem=shown.problem,
        inserted=None if change is None else change.inserted,
        updated=None if change is None else change.updated,
        deleted=None if change is None else change.deleted,
        uncounted=0 if change is None else change.uncounted,
        last_change="" if change is None else moment_of(change.changed_us),
        last_gtid="" if change is None else change.gtid,
        bytes=None if size is None else size.bytes,
        estimated_rows=None if size is None else size.rows,
        key="" if size is None else size.key,
        compared="" if compared is None else rfc3339(compared.at_ns),
        equal=None if compared is None else compared.equal,
    )
