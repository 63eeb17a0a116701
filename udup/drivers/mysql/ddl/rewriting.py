"""Statements with the target's names in them, changed at the positions of the names and nowhere else.

A name without a schema stays without one: the statement's default schema is renamed with it, and a schema has one new
name. What names an object in a way that is not certainly understood is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.query import QueryEvent, with_statement
from udup.drivers.mysql.binlog.remedies import UNKNOWN
from udup.drivers.mysql.ddl.bodies import body_edits
from udup.drivers.mysql.ddl.classify import classify
from udup.drivers.mysql.ddl.decide import Outcome, StatementDecision
from udup.drivers.mysql.ddl.edits import Edit, edited, edited_bytes, name_edit
from udup.drivers.mysql.ddl.innodb import AsksEngine, innodb_edits
from udup.drivers.mysql.ddl.sqlreader import NameAt, ObjectName
from udup.drivers.mysql.ddl.sqltokens import codec_of, decoded, tokenize
from udup.drivers.mysql.ddl.statement import Kind, Statement
from udup.pipeline.selection.renames import Renaming

_AS_IT_IS = StatementDecision(Outcome.CARRY)

_WITH_BODY = frozenset({Kind.VIEW_DDL, Kind.ROUTINE_DDL, Kind.TRIGGER_DDL, Kind.EVENT_DDL})


def rewritten_query(
    event: bytes,
    query: QueryEvent,
    statement: Statement,
    renaming: Renaming,
    decision: StatementDecision = _AS_IT_IS,
    *,
    has_crc: bool,
    innodb: AsksEngine | None = None,
) -> bytes:
    """Return the Query event with the target's names, and without what the decision takes out of it.

    With `innodb`, tables without transactions become InnoDB tables.

    The very same bytes if nothing changes. Raise `Unsupported`.
    """
    variables = query.variables()
    client = codec_of(variables.charset.client) if variables.charset else "utf-8"
    text, encoding = decoded(query.sql, client)
    schema = query.schema.decode("utf-8", "surrogateescape")
    edits = [*_without(statement, decision.outside)]
    if decision.if_exists and not statement.conditional:
        edits.append(Edit(statement.names[0].start, statement.names[0].start, "IF EXISTS "))
    if renaming.active:
        edits += _edits(text, statement, renaming, schema, variables.sql_mode or 0, decision.outside)
    if innodb is not None:
        engine = innodb_edits(text, statement, variables.sql_mode or 0, innodb)
        # What goes with a foreign key needs no new name.
        edits = [each for each in edits if not any(gone.start <= each.start < gone.end for gone in engine)] + engine
    new_schema = renaming.schema(schema) if schema else schema
    if not edits and new_schema == schema:
        return event
    sql = edited_bytes(text, edits, encoding, client)
    return with_statement(event, new_schema.encode("utf-8", "surrogateescape"), sql, has_crc=has_crc)


def rewritten_text(sql: str, schema: str, renaming: Renaming, sql_mode: int = 0) -> str:
    """Return what SHOW CREATE printed of an object of `schema`, with the target's names. Raise `Unsupported`."""
    statement = classify(sql.encode(), schema, sql_mode=sql_mode, fold_names=renaming.selection.folds)
    if statement.kind is Kind.UNKNOWN:
        raise Unsupported(f"its definition is not understood ({statement.problem}); {UNKNOWN}")
    return edited(sql, _edits(sql, statement, renaming, schema, sql_mode))


def _edits(
    text: str,
    statement: Statement,
    renaming: Renaming,
    schema: str,
    sql_mode: int,
    outside: Collection[ObjectName] = (),
) -> list[Edit]:
    names = [each for each in statement.names if each.object not in outside]
    found = [edit for each in names for edit in _name_edits(each, renaming)]
    if statement.schema_at is not None:
        new = renaming.schema(statement.schemas[0])
        if new != statement.schemas[0]:
            found.append(name_edit(statement.schema_at, new))
    if statement.kind is Kind.TABLE_DDL:
        _refuse_qualified_columns(text, statement, renaming, sql_mode)
    elif statement.kind in _WITH_BODY and not statement.verb.startswith("DROP"):
        head = max(each.name_at.end for each in names)
        body = [word for word in tokenize(text, sql_mode) if word.start >= head]
        found += body_edits(body, renaming, schema or names[0].object.schema)
    return found


def _name_edits(place: NameAt, renaming: Renaming) -> Iterator[Edit]:
    schema, name = place.object
    new_schema, new_name = (renaming.schema(schema), name) if place.stored else renaming.table(schema, name)
    if place.schema_at is not None and new_schema != schema:
        yield name_edit(place.schema_at, new_schema)
    if new_name != name:
        yield name_edit(place.name_at, new_name)


def _refuse_qualified_columns(text: str, statement: Statement, renaming: Renaming, sql_mode: int) -> None:
    """A generated column or a CHECK may call its columns by their table, or by schema and table."""
    old = {
        part.lower()
        for schema, table in statement.objects
        for part, new in zip((schema, table), renaming.table(schema, table), strict=True)
        if part != new
    }
    if not old:
        return
    told = {place.name_at.start for place in statement.names}
    words = tokenize(text, sql_mode)
    for word, dot, column in zip(words, words[1:], words[2:], strict=False):
        if dot.upper == "." and not word.string and word.text.lower() in old and column.start not in told:
            raise Unsupported(
                f"{statement.verb} calls a column by {word.text}, which has another name on the target; leave it "
                "out, columns are found by their own name"
            )


def _without(statement: Statement, outside: Collection[ObjectName]) -> Iterator[Edit]:
    """Yield the edits that take objects out of the list of a DROP, or pairs out of that of a RENAME."""
    if not outside:
        return
    size = 2 if statement.verb == "RENAME TABLE" else 1
    units = [statement.names[at : at + size] for at in range(0, len(statement.names), size)]
    kept = [unit for unit in units if unit[0].object not in outside]
    yield from _gap(_start(units[0]), _start(kept[0]), "")
    for unit, following in pairwise(kept):
        if units.index(following) > units.index(unit) + 1:
            yield from _gap(_end(unit), _start(following), ", ")
    yield from _gap(_end(kept[-1]), _end(units[-1]), "")


def _gap(start: int, end: int, text: str) -> Iterator[Edit]:
    if end > start:
        yield Edit(start, end, text)


def _start(unit: Sequence[NameAt]) -> int:
    return unit[0].start


def _end(unit: Sequence[NameAt]) -> int:
    return unit[-1].name_at.end
