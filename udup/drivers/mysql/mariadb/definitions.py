"""Definitions of one family's server as another's: CREATE TABLE of a copy, and statements of the log.

Everything is decided by the words of the text, without asking a server, at the target: the source sends what its
server printed. What is certain is mapped, what rows do not depend on is left out and told, all else is refused with
table and column. Between servers of one family only what an older one does not know changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from udup.drivers.mysql.ddl.sqltokens import UntokenizableError, Word, tokenize
from udup.drivers.mysql.mariadb import to_mariadb, to_mysql
from udup.drivers.mysql.mariadb.collations import Server as Server
from udup.drivers.mysql.mariadb.collations import renames_utf8mb3
from udup.drivers.mysql.mariadb.names_of_collations import Edit, fit_names
from udup.drivers.mysql.mariadb.parts import Item, added_columns, in_the_open, parts_of
from udup.drivers.mysql.mariadb.told import Fitted as Fitted
from udup.drivers.mysql.mariadb.told import Fitting
from udup.drivers.mysql.mariadb.told import Refusal as Refusal


def fit_table(schema: str, table: str, create_sql: str, source: Server, target: Server) -> Fitted:
    """Return SHOW CREATE TABLE of the source for the target."""
    return fit_statement(create_sql, 0, schema, source, target, table)


def fit_statement(
    sql: str,
    sql_mode: int,
    schema: str,
    source: Server,
    target: Server,
    table: str = "",
    of_utf8mb4: str = "",
    literals: str = "utf8mb4",
) -> Fitted:
    """Return a definition of the source's log for the target; `sql_mode` in MySQL's bits, the last two as `Fitting`."""
    if not needs_fitting(source, target):
        return Fitted(sql)
    fitting = Fitting(schema, table, source, target, of_utf8mb4=of_utf8mb4, literals=literals)
    text = in_the_open(sql, sql_mode, is_mariadbs=source.is_mariadb) if fitting.crosses else sql
    try:
        words = tokenize(text, sql_mode)
        parts = parts_of(text, sql_mode)
    except UntokenizableError:
        return Fitted(sql)  # the server says what it does not understand
    if not (source.is_mariadb or target.is_mariadb):
        return fitting.done(replaced(text, list(fit_names(words, fitting))))
    fitting.text, fitting.table = text, table or _table_of([word.text for word in words])
    rules = _rules_of(fitting)
    if rules is _TO_MYSQL:
        to_mysql.refuse_statement(words, fitting)
    if parts is None:
        return fitting.done(_of_no_table(text, words, fitting, rules))
    if rules is _TO_MARIADB:
        to_mariadb.refuse_keys(parts.items, fitting)
    for item in parts.items:
        columns = [item] if item.column else list(added_columns(item))
        for column in columns:
            column.edits += list(fit_names(column.words, fitting, column.column, says_all=True))
            rules.column(column, fitting)
        if not columns:
            item.edits += list(fit_names(item.words, fitting, says_all=True))
            rules.item(item, fitting)
    parts.tail.edits += list(fit_names(parts.tail.words, fitting, says_all=True))
    rules.options(parts.tail, fitting)
    return fitting.done(parts.text())


def needs_fitting(source: Server, target: Server) -> bool:
    """Return whether definitions have to be looked at: the families differ, or the target is an older server.

    Of two MySQL only names of collations are others.
    """
    older = target.version < source.version if source.is_mariadb else renames_utf8mb3(source, target)
    return source.is_mariadb is not target.is_mariadb or older


@dataclass(frozen=True)
class _Rules:
    """What makes a column, another item, and what stands behind them one of the target's."""

    column: Callable[[Item, Fitting], None]
    item: Callable[[Item, Fitting], None]
    options: Callable[[Item, Fitting], None]


_TO_MARIADB = _Rules(to_mariadb.fit_column, to_mariadb.fit_item, to_mariadb.without_options)
_TO_MYSQL = _Rules(to_mysql.fit_column, to_mysql.fit_item, to_mysql.without_options)
_TO_OLDER = _Rules(to_mariadb.fit_older_column, to_mariadb.fit_older_item, lambda item, fitting: None)


def _rules_of(fitting: Fitting) -> _Rules:
    if not fitting.crosses:
        return _TO_OLDER
    return _TO_MARIADB if fitting.target.is_mariadb else _TO_MYSQL


def _of_no_table(sql: str, words: list[Word], fitting: Fitting, rules: _Rules) -> str:
    """Return a statement about something else: of a schema, an index, a view, a routine …"""
    upper = [word.upper for word in words]
    of_schema = upper[1:2] in (["DATABASE"], ["SCHEMA"])
    edits = list(fit_names(words, fitting, says_all=of_schema))
    if of_schema and fitting.crosses:
        edits += _schema_options(words, fitting)
    elif "INDEX" in upper[1:3] and "ON" in upper:
        of_index = _of_index(words, fitting, rules)
        if of_index is None:
            return ""
        edits += of_index
    return replaced(sql, edits)


def _schema_options(words: list[Word], fitting: Fitting) -> list[Edit]:
    """Return what takes off a schema's options that the other family does not have."""
    foreign = "ENCRYPTION" if fitting.target.is_mariadb else "COMMENT"
    edits = []
    for at, word in enumerate(words):
        if word.upper == foreign and at > 2:
            start = words[at - 1].start if words[at - 1].upper == "DEFAULT" else word.start
            end = at + (2 if at + 1 < len(words) and words[at + 1].upper == "=" else 1)
            edits.append((start, words[min(end, len(words) - 1)].end, ""))
    return edits


def _of_index(words: list[Word], fitting: Fitting, rules: _Rules) -> list[Edit] | None:
    """Return what changes of CREATE INDEX or DROP INDEX, None where it is left out."""
    upper = [word.upper for word in words]
    how = _how(words) if fitting.crosses and fitting.target.is_mariadb else []
    if upper[0] == "CREATE":
        on = upper.index("ON")
        opened = next((at for at in range(on, len(words)) if upper[at] == "("), len(words))
        index = Item([*words[1:on], *words[opened:]])
        rules.item(index, fitting)
        return None if index.left_out else [*index.edits, *how]
    if upper[0] == "DROP" and fitting.crosses and fitting.target.is_mariadb and upper[2] != "IF":
        return [(words[1].end, words[1].end, " IF EXISTS"), *how]
    return how


def _how(words: list[Word]) -> list[Edit]:
    """Return what takes off how an index is to be made or dropped: ALGORITHM and LOCK, behind the table."""
    on = next((at for at, word in enumerate(words) if word.upper == "ON"), len(words))
    edits = []
    for at in range(on + 2, len(words)):
        if words[at].upper in ("ALGORITHM", "LOCK"):
            end = at + (2 if at + 1 < len(words) and words[at + 1].upper == "=" else 1)
            edits.append((words[at].start, words[min(end, len(words) - 1)].end, ""))
    return edits


def replaced(sql: str, edits: list[Edit]) -> str:
    """Return a text with parts of it replaced, which do not overlap."""
    for start, end, text in sorted(edits, reverse=True):
        sql = sql[:start] + text + sql[end:]
    return sql


def _table_of(words: list[str]) -> str:
    """Return the name of a statement's table, as far as it is one about a table."""
    upper = [word.upper() for word in words[:5]]
    if "TABLE" not in upper:
        return ""
    at = upper.index("TABLE") + 1
    while at < len(words) and words[at].upper() in ("IF", "NOT", "EXISTS"):
        at += 1
    while at + 2 < len(words) and words[at + 1] == ".":
        at += 2
    return words[at] if at < len(words) else ""
