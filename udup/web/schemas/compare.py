"""A comparison as answers show it, and as it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import falcon
from pydantic import Field

from udup.base.errors import Fault, Refused
from udup.pipeline.ports.compare import Kind, LedgerRow
from udup.pipeline.verify import state
from udup.web.schemas.shape import Shape, rfc3339

#: Rows of the ledger in one answer: by default, and at most.
PAGE, MOST_PAGE = 100, 1000

#: Tables that may be named in one request.
MOST_TABLES = 10_000


class ComparedTable(Shape):
    """A table that differs, or that could not be compared."""

    name: str = Field(description="schema.table, as on the source")
    differences: int
    problem: str = Field(description="why it could not be compared; empty if it was")


class UnlikeDefinition(Shape):
    """Something that is not defined on the target as the job means it to be there."""

    text: str = Field(description="table, part, and how it is defined on each side")
    counts: bool = Field(description="false for what only the target has and does no harm: it is told, no more")
    remedy: str = Field(description="a statement for the target, or a command; empty if nothing has to be done")


class Comparison(Shape):
    """How a job's last comparison is. Tables, rows and differences are those of its present round."""

    id: str
    state: str = Field(description=", ".join(state.CompareState))
    since: str
    ended: str = Field(description="0001-01-01T00:00:00Z while it is under way")
    tables: list[str] = Field(description="those that were asked for; empty for all of the job's")
    rows_per_second: int
    continuous: bool
    repair: bool = Field(description="rows of the ledger are put right, and RowsCompared says how many")
    round: int = Field(description="counts from 1")
    tables_compared: int
    rows_compared: int
    differences: int = Field(description="rows that are missing, too much, or have other values")
    equal: bool = Field(description="all that was asked for was compared and is equal")
    unlike: list[ComparedTable] = Field(description="the first tables that are not equal")
    found: list[str] = Field(description="the first rows that differ; udup.difference on the target has all of them")
    unlike_definitions: int = Field(description="parts of definitions that are missing or not as they are to be")
    definitions: list[UnlikeDefinition] = Field(description="the first of them, and of what is told beside")
    failed_tries: int = Field(description="how often the two servers could not be seen at one transaction")
    last_round_ended: str = Field(description="of the round before this one")
    last_round_differences: int
    last_round_unlike_definitions: int
    text: str = Field(description="what it waits for, or why it has failed")


class Difference(Shape):
    """A row of the ledger: one that differs, or that was repaired; or a definition that differs."""

    schema_: str = Field(alias="Schema", description="the names of schema and table are the source's")
    table: str
    key: str = Field(description="what the row is told by")
    kind: str = Field(description=", ".join(Kind))
    count: int = Field(description="how often a row of a table without a key is missing, or too much")
    columns: list[str] = Field(description="those that differ")
    computed: bool = Field(description="it differs only in what the target computes by itself")
    first_seen: str
    last_seen: str
    position: str = Field(description="where both servers stood when it was seen last, or repaired")
    repaired: str = Field(description="0001-01-01T00:00:00Z for one that was not")
    definition: str = Field(description="what of a definition differs; empty for a row")
    counts: bool = Field(description="false for what only the target has and does no harm: it is told, no more")
    remedy: str = Field(description="of a definition: a statement for the target, or a command")


class Differences(Shape):
    """A page of the ledger."""

    rows: list[Difference]
    next: str = Field(description="`after` of the next page; empty if this is the last")


class RepairRequest(Shape):
    """Which rows of the ledger are put right: those of some tables, or all."""

    tables: list[str] = Field(default=[], max_length=MOST_TABLES, description="schema.table, as on the source")
    all: bool = Field(default=False, description="those of every table")
    dry_run: bool = Field(default=False, description="tell what would be done (RepairPlan), and do nothing")


class CompareRequest(Shape):
    """What is to be compared; without a body all tables, once, as fast as the servers answer."""

    tables: list[str] = Field(default=[], max_length=MOST_TABLES, description="schema.table, as on the source")
    rows_per_second: int = Field(default=0, ge=0, description="rows that are read of each side; 0 for no bound")
    continuous: bool = Field(default=False, description="begin again when the last table was compared")


def comparison_of(comparison: state.Comparison) -> dict[str, Any]:
    """Return the answer's object."""
    options = comparison.options
    return Comparison(
        id=comparison.id,
        state=comparison.state.value,
        since=rfc3339(comparison.since_ns),
        ended=rfc3339(comparison.ended_ns),
        tables=list(options.tables),
        rows_per_second=options.rows_per_second,
        continuous=options.continuous,
        repair=options.repair,
        round=comparison.round,
        tables_compared=comparison.tables,
        rows_compared=comparison.rows,
        differences=comparison.differences,
        equal=comparison.equal,
        unlike=[
            ComparedTable(name=each.name, differences=each.differences, problem=each.problem)
            for each in comparison.unlike
        ],
        found=list(comparison.found),
        unlike_definitions=comparison.definitions,
        definitions=[
            UnlikeDefinition(text=each.text, counts=each.counts, remedy=each.remedy) for each in comparison.defined
        ],
        failed_tries=comparison.failed_tries,
        last_round_ended=rfc3339(comparison.last_ended_ns),
        last_round_differences=comparison.last_differences,
        last_round_unlike_definitions=comparison.last_definitions,
        text=comparison.text,
    ).to_json()


def compare_options_of(body: object) -> state.CompareOptions:
    """Return what a request's body asks for; `Refused` with every fault of it."""
    if not isinstance(body, Mapping):
        raise Refused([Fault("the request's body", "must be a JSON object", 'as {"Tables": ["shop.orders"]}')])
    faults: list[Fault] = []
    said: dict[str, Any] = {}
    for key, value in body.items():
        match key:
            case "Tables" if isinstance(value, list) and len(value) <= MOST_TABLES and all(map(_is_table, value)):
                said["tables"] = tuple(value)
            case "Tables":
                faults.append(Fault(key, "must be a list of schema.table", 'as "Tables": ["shop.orders"]'))
            case "RowsPerSecond" if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40:
                said["rows_per_second"] = value
            case "RowsPerSecond":
                faults.append(Fault(key, f"must be a whole number, got {str(value)[:80]!r}", f'as "{key}": 50000'))
            case "Continuous" if isinstance(value, bool):
                said["continuous"] = value
            case "Continuous":
                faults.append(Fault(key, f"must be true or false, got {str(value)[:80]!r}", f'write "{key}": true'))
            case _:
                known = "Tables, RowsPerSecond, Continuous"
                faults.append(Fault(str(key)[:80], "is no key of a comparison", f"known are {known}"))
    if faults:
        raise Refused(faults)
    return state.CompareOptions(**said)


def repair_options_of(body: object) -> tuple[state.CompareOptions, bool]:
    """Return what a request's body asks to be repaired, and whether only to be told; `Refused` with every fault."""
    said = dict(body) if isinstance(body, Mapping) else {}
    everything, dry_run = said.pop("All", False), said.pop("DryRun", False)
    for key, value in (("All", everything), ("DryRun", dry_run)):
        if not isinstance(value, bool):
            raise Refused([Fault(key, "must be true or false", f'write "{key}": true')])
    more = sorted(str(key)[:80] for key in said if key != "Tables")
    if more:
        raise Refused([Fault(key, "is no key of a repair", "known are Tables, All, DryRun") for key in more])
    options = compare_options_of(said)
    if bool(options.tables) == everything:
        raise Refused([Fault("Tables", "name the tables, or all of them", 'write "Tables": [...], or "All": true')])
    return options.model_copy(update={"repair": True}), dry_run


def differences_of(rows: Sequence[LedgerRow], limit: int) -> dict[str, Any]:
    """Return the answer's object."""
    shown = [
        Difference(
            Schema=row.schema,
            table=row.table,
            key=row.key,
            kind=row.kind,
            count=row.count,
            columns=list(row.columns),
            computed=row.computed,
            first_seen=rfc3339(row.first_seen * 1_000_000),
            last_seen=rfc3339(row.last_seen * 1_000_000),
            position=row.position,
            repaired=rfc3339(row.repaired * 1_000_000),
            definition=row.definition,
            counts=row.counts,
            remedy=row.remedy,
        )
        for row in rows
    ]
    return Differences(rows=shown, next=rows[-1].at if len(rows) == limit else "").to_json()


def read_limit(req: falcon.Request) -> int:
    """Return how many rows a request asks for."""
    try:
        limit = int(req.get_param("limit", default=str(PAGE)))
    except ValueError:
        limit = 0
    if not 1 <= limit <= MOST_PAGE:
        raise Refused([Fault("limit", f"must be a whole number up to {MOST_PAGE}", f"write limit={PAGE}")])
    return limit


def _is_table(value: object) -> bool:
    return isinstance(value, str) and "." in value and len(value) <= 200
