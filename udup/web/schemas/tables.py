"""A job's tables, each with where it stands."""

from __future__ import annotations

from pydantic import Field

from udup.jobs.table_states import TableShown, TableState
from udup.web.schemas.shape import Shape


class JobTable(Shape):
    """`Rows` and `Total` are of its copy, null where none is under way."""

    table: str = Field(description="SCHEMA.TABLE, as the source names it")
    state: str = Field(description=", ".join(TableState))
    reload: bool = Field(description="it is loaded again")
    percent: float | None = Field(description="of its rows, by the source's estimate")
    rows: int | None
    total: int | None
    position: str = Field(description="what the target has of it at least, as a GTID set; empty for none")
    differences: int = Field(ge=0, description="rows that differed when it was compared last")
    problem: str = Field(description="what keeps it from being live; empty for nothing")


class JobTables(Shape):
    """A page of a job's tables, in the order of their names."""

    tables: list[JobTable]
    next: str = Field(description="`after` of the next page; empty with the last")
    total: int = Field(ge=0, description="tables of the job")
    states: dict[str, int] = Field(description="how many tables of the job are in each state")


def table_of(shown: TableShown) -> JobTable:
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
    )
