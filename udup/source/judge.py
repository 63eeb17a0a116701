"""What a Query event means for the job: the assembler's question to the DDL classifier.

Almost every Query event is the BEGIN of a transaction, which is told by its bytes; the rest is tokenized.
"""

from __future__ import annotations

from udup.binlog.query import QueryEvent, parse_query
from udup.binlog.xa import is_xa
from udup.errors import Unsupported
from udup.mysql.selection import Selection
from udup.source import ddl
from udup.source.assembly import Action, Judge, Verdict
from udup.source.ddl import Kind

_BEGIN = Verdict(Action.BEGIN)
_COMMIT = Verdict(Action.COMMIT)

#: How much of a statement a summary or an error shows, in characters.
_SHOWN = 300


def judge_for(selection: Selection, fold_names: bool) -> Judge:
    """A judge of the job's Query events. `fold_names`: the source stores names in lower case, its SQL may not."""

    def judge(event: bytes, has_crc: bool) -> Verdict:
        query = parse_query(event, has_crc=has_crc)
        if query.sql == b"BEGIN":
            return _BEGIN
        if query.sql == b"COMMIT":
            return _COMMIT
        if is_xa(query.sql):
            return Verdict(Action.XA, query.sql.decode("ascii", "replace"))
        return _judge_statement(query, selection, fold_names)

    return judge


def _judge_statement(query: QueryEvent, selection: Selection, fold_names: bool) -> Verdict:
    statement = ddl.classify_query(query, fold_names=fold_names)
    text = query.sql.decode("utf-8", "replace")
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + " …"
    if statement.kind is Kind.BEGIN:
        return _BEGIN
    if statement.kind is Kind.COMMIT:
        return _COMMIT
    if statement.kind is Kind.SAVEPOINT and not statement.verb.startswith("ROLLBACK"):
        return Verdict(Action.IGNORE)
    decision = ddl.decide(statement, selection)
    if decision.action is ddl.Action.REFUSE:
        raise Unsupported(f"{decision.reason}: {shown}")
    if decision.action is ddl.Action.SKIP:
        # Inside a transaction (statement-format changes of another schema, CREATE … SELECT) its commit still comes.
        inside = statement.kind is Kind.DML or statement.atomic_select
        return Verdict(Action.IGNORE if inside else Action.SKIP, shown)
    return Verdict(Action.CREATE if statement.atomic_select else Action.CARRY, shown)
