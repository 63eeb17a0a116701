"""What a Query event means for the job: the assembler's question to the DDL classifier.

Almost every Query event is the BEGIN of a transaction, which is told by its bytes; the rest is tokenized.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from udup.base.causes import Cause, reason
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.query import QueryEvent, parse_query
from udup.drivers.mysql.binlog.xa import is_xa
from udup.drivers.mysql.columns.ddl import concerns_no_mapped_column, map_problem
from udup.drivers.mysql.ddl.ahead import less_what_is_ahead
from udup.drivers.mysql.ddl.decide import (
    Kind,
    ObjectName,
    Outcome,
    Statement,
    StatementDecision,
    classify_query,
    decide,
    unlike_numbers,
)
from udup.drivers.mysql.ddl.filtered import filter_problem
from udup.drivers.mysql.ddl.held import check_not_held, check_not_held_for_a_reload
from udup.drivers.mysql.ddl.innodb import AsksEngine
from udup.drivers.mysql.ddl.query_action import Action, QueryDecision
from udup.drivers.mysql.ddl.rewriting import rewritten_query
from udup.drivers.mysql.snapshot.accounts import is_carried
from udup.drivers.mysql.stream.row_order import RowOrder
from udup.pipeline.ports import Apart
from udup.pipeline.positions import AheadPart
from udup.pipeline.selection.renames import Renaming
from udup.pipeline.selection.selection import Selection
from udup.pipeline.selection.sqlfilter import SqlFilter

_BEGIN = QueryDecision(Action.BEGIN)
_COMMIT = QueryDecision(Action.COMMIT)

#: How much of a statement a summary or an error shows, in characters.
_SHOWN = 300

#: What stands beside tables and is not told by their names alone.
_BESIDE_TABLES = frozenset({Kind.ACCOUNT, Kind.TRIGGER_DDL})

#: Definitions, which SqlFilter may leave out.
_DEFINITIONS = frozenset(
    {Kind.DATABASE_DDL, Kind.TABLE_DDL, Kind.VIEW_DDL, Kind.ROUTINE_DDL, Kind.TRIGGER_DDL, Kind.EVENT_DDL}
    | {Kind.SEQUENCE}
)


class QueryClassifier:
    """Decides on a job's Query events, in the order of the log: it follows which names there are."""

    def __init__(
        self,
        selection: Selection,
        fold_names: bool,
        renaming: Renaming | None = None,
        sql_filter: SqlFilter | None = None,
        kept_users: frozenset[str] | None = None,
        row_order: RowOrder | None = None,
        innodb: AsksEngine | None = None,
        sequences: bool = False,
        left_out: Callable[[], AheadPart | None] = lambda: None,
        apart: Callable[[], Apart | None] = lambda: None,
        tied: Callable[[Sequence[str]], Sequence[str]] = tuple,
    ) -> None:
        """`fold_names`: the source stores names in lower case, its SQL may not.

        `kept_users`: accounts are carried, but for these users'. `row_order` asks the source how it numbered rows.
        `innodb`: tables without transactions become InnoDB tables. `sequences`: the target has them. `left_out` says
        what the target has already of the transaction that is read. `apart`: of what the job is a part. `tied`: with
        which tables some are loaded again.
        """
        self._tied = tied
        self._ahead = left_out
        self._apart = apart
        self._fold_names = fold_names
        self._names = renaming or Renaming(selection)
        self._left_out = sql_filter or SqlFilter()
        self._kept_users = kept_users
        self._row_order = row_order
        self._innodb = innodb
        self._sequences = sequences

    def decide(self, event: bytes, has_crc: bool) -> QueryDecision:
        """Return what to do with a Query event. Raise `Unsupported` for what cannot be carried."""
        query = parse_query(event, has_crc=has_crc)
        if query.sql == b"BEGIN":
            return _BEGIN
        if query.sql == b"COMMIT":
            return _COMMIT
        if is_xa(query.sql):
            return QueryDecision(Action.XA, query.sql.decode("ascii", "replace"))
        statement = classify_query(query, fold_names=self._fold_names)
        part = self._ahead()
        if part is not None and part.objects and statement.kind in _BESIDE_TABLES:
            return QueryDecision(Action.SKIP, statement.verb)
        if statement.kind is Kind.ACCOUNT and self._kept_users is not None:
            return _decide_account(query, statement, self._kept_users)
        shown = _shown(query)
        try:
            return self._decided(event, has_crc, query, statement, part, shown)
        except Unsupported as error:
            error.because(reason(Cause.UNSUPPORTED, statement=shown))
            raise

    def _decided(
        self, event: bytes, has_crc: bool, query: QueryEvent, statement: Statement, part: AheadPart | None, shown: str
    ) -> QueryDecision:
        """Return what to do with a statement about objects."""
        selection, apart = self._names.selection, self._apart()
        if part is not None:
            try:
                selection = less_what_is_ahead(statement, selection, part, shown, self._tied)
            except Unsupported as error:
                check_not_held_for_a_reload(error, apart)
                raise
        if apart is not None:
            apart = apart.folding(selection.folds)
            check_not_held(statement, selection, apart, shown, sequences=self._sequences)
        decision, details = _decide_statement(statement, selection, self._left_out, shown, sequences=self._sequences)
        if decision.action not in (Action.CARRY, Action.CREATE):
            return decision
        if details.numbers_rows:
            self._check_row_order(query, statement, shown)
        return QueryDecision(decision.action, shown, self._rewritten(event, has_crc, query, statement, details, shown))

    def _check_row_order(self, query: QueryEvent, statement: Statement, shown: str) -> None:
        """Raise `Unsupported` if the target may number the rows in another order."""
        why = "the source cannot be asked for its engine"
        if self._row_order is not None:
            why = self._row_order(statement.objects[0], query.timestamp, query.lasted)
        if why:
            raise Unsupported(f"{unlike_numbers(statement, why)}: {shown}")

    def _rewritten(
        self,
        event: bytes,
        has_crc: bool,
        query: QueryEvent,
        statement: Statement,
        details: StatementDecision,
        shown: str,
    ) -> bytes:
        """Return the event as it runs on the target, and follow the names that it makes and takes away."""
        names = self._names
        try:
            _note_names(statement, names, details.outside)
            return rewritten_query(event, query, statement, names, details, has_crc=has_crc, innodb=self._innodb)
        except Unsupported as error:
            raise Unsupported(f"{error}: {shown}") from error


def _decide_account(query: QueryEvent, statement: Statement, kept_users: frozenset[str]) -> QueryDecision:
    """Decide on an account statement, which is shown by its verb only: its text holds a password's hash."""
    try:
        carried = is_carried(query, kept_users)
    except Unsupported as error:
        raise Unsupported(f"{statement.verb}: {error}") from error
    return QueryDecision(Action.CARRY if carried else Action.SKIP, statement.verb)


def _shown(query: QueryEvent) -> str:
    text = query.sql.decode("utf-8", "replace")
    return text if len(text) <= _SHOWN else text[:_SHOWN] + " …"


def _decide_statement(
    statement: Statement, selection: Selection, left_out: SqlFilter, shown: str, *, sequences: bool
) -> tuple[QueryDecision, StatementDecision]:
    """Return what to do, and for a statement to be carried what is to be changed of it."""
    details = decide(statement, selection, sequences=sequences)
    if statement.kind is Kind.BEGIN:
        return _BEGIN, details
    if statement.kind is Kind.COMMIT:
        return _COMMIT, details
    if statement.kind is Kind.SAVEPOINT and not statement.verb.startswith("ROLLBACK"):
        return QueryDecision(Action.IGNORE), details
    skipped = details.outcome is Outcome.SKIP
    if not skipped and (problem := filter_problem(statement, selection)):
        raise Unsupported(f"{problem}: {shown}")
    try:
        if not skipped and statement.kind in _DEFINITIONS:
            skipped = left_out.drops(statement.verb, statement.actions)
    except Unsupported as error:
        raise Unsupported(f"{error}: {shown}") from error
    skipped = skipped or concerns_no_mapped_column(statement, selection)
    if not skipped and (problem := map_problem(statement, selection)):
        raise Unsupported(f"{problem}: {shown}")
    if skipped:
        # Inside a transaction (statement-format changes of another schema, CREATE … SELECT) its commit still comes.
        inside = statement.kind is Kind.DML or statement.atomic_select
        return QueryDecision(Action.IGNORE if inside else Action.SKIP, shown), details
    if details.outcome is Outcome.REFUSE:
        raise Unsupported(f"{details.reason}: {shown}")
    return QueryDecision(Action.CREATE if statement.atomic_select else Action.CARRY, shown), details


def _note_names(statement: Statement, names: Renaming, outside: tuple[ObjectName, ...]) -> None:
    """Follow what the statement makes and takes away, so that two names never become one on the target."""
    inside = [each for each in statement.objects if each not in outside]
    match statement.verb:
        case "CREATE TABLE" | "CREATE VIEW" | "CREATE SEQUENCE":
            for each in inside:
                names.enter(*each, made=True)
        case "DROP TABLE" | "DROP VIEW" | "DROP SEQUENCE":
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
