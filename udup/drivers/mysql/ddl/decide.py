"""Which statements of the binary log a job carries, passes over, or must stop at.

Rows are told by their TABLE_MAP; a statement has only its text. What cannot be told for certain is refused: a job
that stops with a reason loses nothing, a statement passed over by mistake makes two servers differ without a sign.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from udup.base.remedies import START_WITH_COPY
from udup.drivers.mysql.ddl.classify import classify, classify_query
from udup.drivers.mysql.ddl.sqlreader import ObjectName
from udup.drivers.mysql.ddl.statement import Kind, Statement
from udup.pipeline.selection.selection import Selection

__all__ = ["Kind", "ObjectName", "Outcome", "Statement", "StatementDecision", "classify", "classify_query", "decide"]


class Outcome(StrEnum):
    """What a job does with a statement."""

    CARRY = "carry"
    SKIP = "skip"
    REFUSE = "refuse"


@dataclass(frozen=True)
class StatementDecision:
    """What to do with a statement; `reason` is for people, and always there when it is refused.

    `outside` are objects of a carried list (DROP, RENAME) that are not in the job: it is carried without them.
    `if_exists` marks a DROP of what the target may not have, `numbers_rows` an ALTER TABLE that may only be carried if
    both servers keep the rows in the same order.
    """

    outcome: Outcome
    reason: str = ""
    outside: tuple[ObjectName, ...] = ()
    if_exists: bool = False
    numbers_rows: bool = False


_CARRY = StatementDecision(Outcome.CARRY)

#: Why statements of these kinds are not the job's business.
_SKIPPED = {
    Kind.BEGIN: "begins a transaction",
    Kind.COMMIT: "ends a transaction",
    Kind.TEMPORARY: "temporary tables belong to one session of the source",
    Kind.ACCOUNT: "accounts and grants are not carried",
    Kind.MAINTENANCE: "changes no data",
    Kind.SERVER_OBJECT: "belongs to the server, in no schema; a table that needs it says so when it is made",
}

#: Statements whose objects are a list, each for itself.
_LISTS = frozenset({"DROP TABLE", "DROP VIEW", "DROP SEQUENCE", "RENAME TABLE"})

#: What to do about a statement that is half in the job; the statement stays in the log, so the job needs a new copy.
_BOTH_IN = "have ReplicateDoDb choose both names and give the job another ID, so that it is copied again"


def decide(statement: Statement, selection: Selection, *, sequences: bool = False) -> StatementDecision:
    """Return whether the job carries the statement, passes over it, or must stop at it.

    `sequences`: the target has them.
    """
    kind = statement.kind
    if kind is Kind.SEQUENCE and not sequences:
        return StatementDecision(Outcome.SKIP, "the target has no sequences; what was taken from one is in the rows")
    if kind in _SKIPPED:
        return StatementDecision(Outcome.SKIP, _SKIPPED[kind])
    if kind in (Kind.ROLLBACK, Kind.SAVEPOINT):
        return _refuse(
            f"{statement.verb}: the source rolled back a transaction that had changed a non-transactional table; "
            "convert the tables to InnoDB"
        )
    match kind:
        case Kind.DML:
            return _decide_dml(statement, selection)
        case Kind.DATABASE_DDL:
            return _decide_database(statement, selection)
        case Kind.TABLE_DDL | Kind.VIEW_DDL | Kind.SEQUENCE:
            return _decide_tables(statement, selection)
        case Kind.TRIGGER_DDL:
            return _decide_trigger(statement, selection)
        case Kind.ROUTINE_DDL | Kind.EVENT_DDL:
            return _decide_by_schema(statement, selection)
    return _refuse(f"the statement is not understood ({statement.problem}), so it may concern the job")


def _refuse(reason: str) -> StatementDecision:
    return StatementDecision(Outcome.REFUSE, reason)


def _skip(statement: Statement) -> StatementDecision:
    return StatementDecision(Outcome.SKIP, f"{statement.verb} names nothing that is in the job")


def _decide_tables(statement: Statement, selection: Selection) -> StatementDecision:
    outside = [each for each in statement.objects if not selection.wants(*each)]
    if len(outside) == len(statement.objects):
        if below := [each for each in statement.merged if selection.wants(*each)]:
            return _refuse(
                f"{statement.verb} of the MERGE table {_listed(statement.objects)}, outside of the job, over "
                f"{_listed(below)}, in it: what is written through it is logged under its own name; {_BOTH_IN}"
            )
        return _skip(statement)
    crossing = [move for move in statement.moves if (move[0] in outside) != (move[1] in outside)]
    if crossing:
        return _refuse_crossing(statement, *crossing[0], selection)
    if outside and statement.verb not in _LISTS:
        inside = [each for each in statement.objects if each not in outside]
        return _refuse(
            f"{statement.verb} names {_listed(inside)}, in the job, together with {_listed(outside)}, outside of "
            f"it; {_BOTH_IN}"
        )
    foreign = [each for each in statement.sources if not selection.wants(*each)]
    if foreign:
        return _refuse(
            f"{statement.verb} of {_listed(statement.objects)} depends on {_listed(foreign)}, which is not in the "
            "job; add it to ReplicateDoDb"
        )
    if statement.moves_files:
        return _refuse(
            f"{statement.verb} of {_listed(statement.objects)} takes a tablespace file away or in, and files are not "
            f"carried; {START_WITH_COPY}, which has the table"
        )
    if statement.numbers_rows:
        if statement.reorders_rows:
            return _refuse(unlike_numbers(statement, "it names an engine or an order as well"))
        return StatementDecision(Outcome.CARRY, numbers_rows=True)
    return StatementDecision(Outcome.CARRY, outside=tuple(outside)) if outside else _CARRY


def unlike_numbers(statement: Statement, why: str) -> str:
    """Return why an AUTO_INCREMENT column that is added cannot be carried."""
    return (
        f"{statement.verb} of {_listed(statement.objects)} adds an AUTO_INCREMENT column, and {why}: each server "
        "numbers the rows in the order in which it keeps them, and the orders may differ; start the job again "
        "after it, with a new copy"
    )


def _refuse_crossing(statement: Statement, old: ObjectName, new: ObjectName, selection: Selection) -> StatementDecision:
    """Refuse a table that a rename brings into the job, or takes out of it."""
    if selection.wants(*new):
        return _refuse(
            f"{statement.verb} brings {old}, outside of the job, into it as {new}, and its rows are not on the target; "
            f"{_BOTH_IN}"
        )
    return _refuse(
        f"{statement.verb} takes {old} out of the job as {new}; its changes would no longer arrive, and the target "
        f"would keep a table {old} that the source does not have; {_BOTH_IN}"
    )


def _decide_database(statement: Statement, selection: Selection) -> StatementDecision:
    schema = statement.schemas[0]
    if not selection.wants_schema(schema):
        return _skip(statement)
    if selection.wants_whole_schema(schema) or statement.verb != "DROP DATABASE":
        return _CARRY  # the defaults of a partly chosen schema too: its new tables take theirs from it
    return _refuse(
        f"DROP DATABASE of {schema}, of which the job carries only some tables; the target may hold others in it: "
        "drop the tables on the target and start the job again without them"
    )


def _decide_trigger(statement: Statement, selection: Selection) -> StatementDecision:
    if statement.verb == "CREATE TRIGGER":
        return _CARRY if selection.wants(*statement.objects[0]) else _skip(statement)
    trigger = statement.objects[0]
    if selection.wants_whole_schema(trigger.schema) and not selection.maps_columns:
        return _CARRY
    if selection.wants_stored(
        trigger.schema
    ):  # of an ignored table, or one with a column map, the target has no trigger
        return StatementDecision(Outcome.CARRY, if_exists=True)
    if not selection.wants_schema(trigger.schema):
        return _skip(statement)
    return _refuse(
        f"{statement.verb} {trigger} does not say which table it was for, and only some tables of {trigger.schema} "
        "are in the job; put the whole schema in ReplicateDoDb"
    )


def _decide_by_schema(statement: Statement, selection: Selection) -> StatementDecision:
    whole = [each for each in statement.objects if selection.wants_stored(each.schema)]
    if not whole:
        return _skip(statement)
    if len(whole) < len(statement.objects):
        return _refuse(f"{statement.verb} moves {_listed(statement.objects)} into or out of the job's schemas")
    return _CARRY


def _decide_dml(statement: Statement, selection: Selection) -> StatementDecision:
    if statement.schemas and not any(selection.wants_schema(each) for each in statement.schemas):
        return _skip(statement)
    where = f" in {', '.join(statement.schemas)}" if statement.schemas else ""
    return _refuse(
        f"the source logged a {statement.verb}{where} as a statement, and statements may give other rows elsewhere; "
        f"set binlog_format=ROW on the source, for every session, and {START_WITH_COPY}"
    )


def _listed(names: Iterable[ObjectName]) -> str:
    return ", ".join(dict.fromkeys(str(each) for each in names))
