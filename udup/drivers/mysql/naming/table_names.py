"""Which tables a statement of the log may leave with other columns, keys or names than they had."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from udup.drivers.mysql.binlog.query import parse_query
from udup.drivers.mysql.ddl.alter_action import AlterAction
from udup.drivers.mysql.ddl.classify import classify_query
from udup.drivers.mysql.ddl.statement import Kind, Statement
from udup.pipeline.selection.renames import Name

#: Kinds of statements after which every table is what it was.
_HARMLESS = frozenset(Kind) - {Kind.TABLE_DDL, Kind.DATABASE_DDL, Kind.UNKNOWN}

#: Actions of an ALTER TABLE that leave the columns before them as they are.
_APPENDING = frozenset({AlterAction.ADD_COLUMN, AlterAction.NONE})

#: Words, wherever they stand, by which a column may come elsewhere than behind the others, or the key be another.
_NOT_APPENDING = re.compile(rb"\b(?:FIRST|AFTER|PRIMARY|UNIQUE|KEY|SERIAL|RENAME|PARTITION)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Touched:
    """`tables` and all tables of `schemas`; `everything` where a statement is not understood.

    `appends`: it has only put columns behind those that were there, or made an index that is no key.
    """

    tables: frozenset[Name] = frozenset()
    schemas: frozenset[str] = frozenset()
    everything: bool = False
    appends: bool = False

    def __bool__(self) -> bool:
        return bool(self.tables or self.schemas or self.everything)

    def __contains__(self, name: object) -> bool:
        return self.everything or name in self.tables or (isinstance(name, tuple) and name[0] in self.schemas)


NOTHING = Touched()


def touched_by(query: bytes, *, has_crc: bool, fold_names: bool) -> Touched:
    """Return what the statement of a Query event may have changed."""
    event = parse_query(query, has_crc=has_crc)
    if event.sql in (b"BEGIN", b"COMMIT"):
        return NOTHING
    statement = classify_query(event, fold_names=fold_names)
    if statement.kind in _HARMLESS or statement.verb == "TRUNCATE TABLE":
        return NOTHING
    named = [*statement.objects, *(name for move in statement.moves for name in move)]
    if statement.kind is Kind.UNKNOWN or statement.problem or not (named or statement.schemas):
        return Touched(everything=True)
    fold: Callable[[str], str] = str.lower if fold_names else str
    tables = frozenset((fold(each.schema), fold(each.name)) for each in named)
    return Touched(tables, frozenset(map(fold, statement.schemas)), appends=_appends(statement, event.sql))


def _appends(statement: Statement, sql: bytes) -> bool:
    if _NOT_APPENDING.search(sql) or statement.kind is not Kind.TABLE_DDL:
        return False
    altered = statement.verb == "ALTER TABLE" and bool(statement.actions) and set(statement.actions) <= _APPENDING
    return altered or statement.verb == "CREATE INDEX"
