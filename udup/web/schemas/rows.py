"""A row of the ledger on both sides, what a repair would do, and how long things take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from udup.jobs.estimates import Estimate
from udup.pipeline.ports.compare import Kind, LedgerRow
from udup.pipeline.ports.rows import RowSeen
from udup.web.schemas.shape import Shape

#: Rows of a plan that are told one by one.
PLANNED_ROWS = 1000

#: What a repair does with a row, by how it differs.
_DOES = {Kind.MISSING.value: "insert", Kind.EXTRA.value: "delete", Kind.DIFFERS.value: "replace"}


class RowColumn(Shape):
    """A column of a row. Bytes are hexadecimal digits behind 0x; null is NULL, or where there is no row."""

    column: str
    type: str = Field(description="the source's")
    source: str | None
    target: str | None
    equal: bool
    computed: bool = Field(description="the target computes it by itself, so that no repair puts it right")
    cut: bool = Field(description="a value is longer than what is shown")


class LedgerRowNow(Shape):
    """A row of the ledger as the two servers have it now. With `Hidden` no values are told (`console.show_values`)."""

    columns: list[RowColumn]
    source_there: bool
    target_there: bool
    hidden: bool
    problem: str = Field(description="why the table cannot be looked at; empty if it was")


class PlannedRow(Shape):
    """A row that would be repaired."""

    schema_: str = Field(alias="Schema")
    table: str
    key: str
    kind: str = Field(description=", ".join(Kind))
    does: str = Field(description="insert, delete, replace: on the target, as the source has it then")


class RepairPlan(Shape):
    """What a repair would do; nothing was done."""

    dry_run: bool = Field(default=True, description="always true")
    total: int = Field(description="rows that would be repaired")
    inserts: int
    replaces: int
    deletes: int
    rows: list[PlannedRow] = Field(description=f"the first {PLANNED_ROWS}")
    note: str = Field(description="what is to be known of it; empty for nothing")


class ActEstimate(Shape):
    """About how long something takes; null where the source does not tell its sizes."""

    seconds: float | None
    rows: int | None
    bytes: int | None
    why: str = Field(description="what it goes by")


def row_of(seen: RowSeen, *, hidden: bool) -> dict[str, Any]:
    """Return the answer's object."""
    columns = [
        RowColumn(
            column=each.name,
            type=each.kind,
            source=None if hidden else each.source,
            target=None if hidden else each.target,
            equal=each.equal,
            computed=each.computed,
            cut=each.cut,
        )
        for each in seen.columns
    ]
    return LedgerRowNow(
        columns=columns,
        source_there=seen.source_there,
        target_there=seen.target_there,
        hidden=hidden,
        problem=seen.problem,
    ).to_json()


def plan_of_repair(rows: Sequence[LedgerRow], note: str) -> dict[str, Any]:
    """Return the answer's object."""
    does = [_DOES.get(row.kind, row.kind) for row in rows]
    planned = [
        PlannedRow(Schema=row.schema, table=row.table, key=row.key, kind=row.kind, does=what)
        for row, what in zip(rows[:PLANNED_ROWS], does, strict=False)
    ]
    return RepairPlan(
        total=len(rows),
        inserts=does.count("insert"),
        replaces=does.count("replace"),
        deletes=does.count("delete"),
        rows=planned,
        note=note,
    ).to_json()


def estimate_of(estimate: Estimate) -> dict[str, Any]:
    """Return the answer's object."""
    return ActEstimate(seconds=estimate.seconds, rows=estimate.rows, bytes=estimate.bytes, why=estimate.why).to_json()
