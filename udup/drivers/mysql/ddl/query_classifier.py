"""What a Query event means for the job: the assembler's question to the DDL classifier.

Almost every Query event is the BEGIN of a transaction, which is told by its bytes; the rest is tokenized.
"""

from __future__ import annotations

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.query import QueryEvent, parse_query
from udup.drivers.mysql.binlog.xa import is_xa
from udup.drivers.mysql.ddl import decide as ddl
from udup.drivers.mysql.ddl.decide import Kind, ObjectName, Statement
from udup.drivers.mysql.ddl.innodb import AsksEngine
from udup.drivers.mysql.ddl.query_action import Action, Judge, Verdict
from udup.drivers.mysql.ddl.rewriting import rewritten_query
from udup.drivers.mysql.snapshot.accounts import is_carried
from udup.drivers.mysql.stream.row_order import RowOrder
from udup.pipeline.selection.renames import Renaming
from udup.pipeline.selection.selection import Selection
from udup.pipeline.selection.sqlfilter import SqlFilter

_BEGIN = Verdict(Action.BEGIN)
_COMMIT = Verdict(Action.COMMIT)

#: How much of a statement a summary or an error shows, in characters.
_SHOWN = 300


#: Definitions, which SqlFilter may leave out.
_DEFINITIONS = frozenset(
    {Kind.DATABASE_DDL, Kind.TABLE_DDL, Kind.VIEW_DDL, Kind.ROUTINE_DDL, Kind.TRIGGER_DDL, Kind.EVENT_DDL}
)


def judge_for(
    selection: Selection,
    fold_names: bool,
    renaming: Renaming | None = None,
    sql_filter: SqlFilter | None = None,
    kept_users: frozenset[str] | None = None,
    row_order: RowOrder | None = None,
    innodb: AsksEngine | None = None,
) -> Judge:
    """A judge of the job's Query events. `fold_names`: the source stores names in lower case, its SQL may not.

    `kept_users`: accounts are carried, but for these users'. `row_order` asks the source how it numbered rows.
    `innodb`: tables without transactions become InnoDB ones.
    """
    names = renaming or Renaming(selection)
    left_out = sql_filter or SqlFilter()

    def judge(event: bytes, has_crc: bool) -> Verdict:
        query = parse_query(event, has_crc=has_crc)
        if query.sql == b"BEGIN":
            return _BEGIN
        if query.sql == b"COMMIT":
            return _COMMIT
        if is_xa(query.sql):
            return Verdict(Action.XA, query.sql.decode("ascii", "replace"))
        statement = ddl.classify_query(query, fold_names=fold_names)
        if statement.kind is Kind.ACCOUNT and kept_users is not None:
            return _judge_account(query, statement, kept_users)
        shown = _shown(query)
        verdict, decision = _judge_statement(statement, names.selection, left_out, shown)
        if verdict.action not in (Action.CARRY, Action.CREATE):
            return verdict
        if decision.numbers_rows:
            unknown = "the source cannot be asked for its engine"
            why = unknown if row_order is None else row_order(statement.objects[0], query.timestamp)
            if why:
                raise Unsupported(f"{ddl.unlike_numbers(statement, why)}: {shown}")
        try:
            _note_names(statement, names, decision.outside)
            rewritten = rewritten_query(event, query, statement, names, decision, has_crc=has_crc, innodb=innodb)
        except Unsupported as error:
            raise Unsupported(f"{error}: {shown}") from error
        return Verdict(verdict.action, shown, rewritten)

    return judge


def _judge_account(query: QueryEvent, statement: Statement, kept_users: frozenset[str]) -> Verdict:
    """By its verb only, since its text holds a password's hash."""
    try:
        carried = is_carried(query, kept_users)
    except Unsupported as error:
        raise Unsupported(f"{statement.verb}: {error}") from error
    return Verdict(Action.CARRY if carried else Action.SKIP, statement.verb)


def _shown(query: QueryEvent) -> str:
    text = query.sql.decode("utf-8", "replace")
    return text if len(text) <= _SHOWN else text[:_SHOWN] + " …"


def _judge_statement(
    statement: Statement, selection: Selection, left_out: SqlFilter, shown: str
) -> tuple[Verdict, ddl.Decision]:
    """The verdict, and for a statement to be carried what is to be changed of it."""
    decision = ddl.decide(statement, selection)
    if statement.kind is Kind.BEGIN:
        return _BEGIN, decision
    if statement.kind is Kind.COMMIT:
        return _COMMIT, decision
    if statement.kind is Kind.SAVEPOINT and not statement.verb.startswith("ROLLBACK"):
        return Verdict(Action.IGNORE), decision
    skipped = decision.action is ddl.Action.SKIP
    try:
        if not skipped and statement.kind in _DEFINITIONS:
            skipped = left_out.drops(statement.verb, statement.actions)
    except Unsupported as error:
        raise Unsupported(f"{error}: {shown}") from error
    if skipped:
        # Inside a transaction (statement-format changes of another schema, CREATE … SELECT) its commit still comes.
        inside = statement.kind is Kind.DML or statement.atomic_select
        return Verdict(Action.IGNORE if inside else Action.SKIP, shown), decision
    if decision.action is ddl.Action.REFUSE:
        raise Unsupported(f"{decision.reason}: {shown}")
    return Verdict(Action.CREATE if statement.atomic_select else Action.CARRY, shown), decision


def _note_names(statement: Statement, names: Renaming, outside: tuple[ObjectName, ...]) -> None:
    """What the statement makes and takes away, so that two names never become one on the target."""
    inside = [each for each in statement.objects if each not in outside]
    match statement.verb:
        case "CREATE TABLE" | "CREATE VIEW":
            for each in inside:
                names.enter(*each, made=True)
        case "DROP TABLE" | "DROP VIEW":
            for each in inside:
                names.leave(*each)
        case "CREATE DATABASE":
            names.enter(statement.schemas[0], made=True)
        case "DROP DATABASE":
            names.leave(statement.schemas[0])
    for old, new in statement.moves:
        if old not in outside:
            names.leave(*old)
            names.enter(*new, made=True)
