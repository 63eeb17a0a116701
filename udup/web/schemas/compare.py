"""A comparison as answers show it, and as it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from udup.base.errors import Fault, Refused
from udup.pipeline.verify import state
from udup.web.schemas.shape import Shape, rfc3339

#: Tables that may be named in one request.
MOST_TABLES = 10_000


class ComparedTable(Shape):
    """A table that differs, or that could not be compared."""

    name: str = Field(description="schema.table, as on the source")
    differences: int
    problem: str = Field(description="why it could not be compared; empty if it was")


class Comparison(Shape):
    """How a job's last comparison is. Tables, rows and differences are those of its present round."""

    id: str
    state: str = Field(description=", ".join(state.CompareState))
    since: str
    ended: str = Field(description="0001-01-01T00:00:00Z while it is under way")
    tables: list[str] = Field(description="those that were asked for; empty for all of the job's")
    rows_per_second: int
    continuous: bool
    round: int = Field(description="counts from 1")
    tables_compared: int
    rows_compared: int
    differences: int = Field(description="rows that are missing, too much, or have other values")
    equal: bool = Field(description="all that was asked for was compared and is equal")
    unlike: list[ComparedTable] = Field(description="the first tables that are not equal")
    found: list[str] = Field(description="the first rows that differ; udup.difference on the target has all of them")
    failed_tries: int = Field(description="how often the two servers could not be seen at one transaction")
    last_round_ended: str = Field(description="of the round before this one")
    last_round_differences: int
    text: str = Field(description="what it waits for, or why it has failed")


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
        failed_tries=comparison.failed_tries,
        last_round_ended=rfc3339(comparison.last_ended_ns),
        last_round_differences=comparison.last_differences,
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


def _is_table(value: object) -> bool:
    return isinstance(value, str) and "." in value and len(value) <= 200
