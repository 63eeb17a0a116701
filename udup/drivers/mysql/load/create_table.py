"""Takes the server's SHOW CREATE TABLE apart, so that a table can be made first and its indexes after the rows.

Loading rows into bare tables and building the indexes at the end, sorted, beats keeping them up row by row. The
text is cut at the commas of the outermost parentheses, with names, strings and nested parentheses skipped whole:
a comment or a default may hold anything. Every piece is used as the server wrote it.

All or nothing, so that the order of the indexes stays the source's: a table keeps them all if one cannot wait. That
is a table without a primary key (a unique key may be the clustered index), one whose AUTO_INCREMENT column needs
another index than the primary key, and one with an index on an expression, which ALTER TABLE puts behind the others.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.remedies import UNKNOWN
from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.dictionary.catalog import Table
from udup.drivers.mysql.dictionary.engines import MERGE, is_non_transactional
from udup.drivers.mysql.dictionary.float_digits import without_digits

_TOKEN = re.compile(r"`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|[(),]", re.DOTALL)
_NAME = r"`(?:[^`]|``)*`"
_PLAIN_INDEX = re.compile(rf"(?:UNIQUE |SPATIAL )?KEY {_NAME}")
_INDEX_NAME = re.compile(r"(?:\w+ )?KEY `((?:[^`]|``)*)`")
_FULLTEXT = re.compile(rf"FULLTEXT KEY {_NAME}")
_FOREIGN_KEY = re.compile(rf"CONSTRAINT {_NAME} FOREIGN KEY ")
_AUTO_COLUMN = re.compile(rf"({_NAME}) .*\bAUTO_INCREMENT\b", re.DOTALL)
_EXPRESSION_PART = re.compile(r"[(,]\(")
_QUOTED = re.compile(r"`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_IMPLIED_COLLATION = re.compile(rf"({_NAME} \w+(?:\((?:[^()']|'(?:[^'\\]|\\.|'')*')*\))?) COLLATE (\w+)", re.DOTALL)
_TABLE_COLLATION = re.compile(r" COLLATE=(\w+)")
_COLUMN_NAME = re.compile(_NAME)
_COUNTER = re.compile(r"(?<= ENGINE=ARCHIVE) AUTO_INCREMENT=\d+")

#: Types for which the server does not print DEFAULT NULL.
_WITHOUT_DEFAULT_NULL = frozenset(
    {"tinyblob", "blob", "mediumblob", "longblob", "tinytext", "text", "mediumtext", "longtext", "json", "geometry"}
    | {"point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geomcollection"}
)

_STRING = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"", re.DOTALL)


@dataclass(frozen=True)
class Definition:
    """A CREATE TABLE in parts: what stands in it, and what is added by ALTER TABLE … ADD after the rows."""

    body: tuple[str, ...]
    indexes: tuple[str, ...]
    fulltext: tuple[str, ...]
    foreign_keys: tuple[str, ...]
    options: str


def read_definition(table: Table) -> Definition:
    """The parts of `table.create_sql`. Raises `Unsupported` if it is not laid out as MySQL prints it."""
    items, options = split_definition(table)
    items = [_without_implied_collation(item, options) for item in items]
    foreign_keys = tuple(item for item in items if _FOREIGN_KEY.match(item))
    items = [item for item in items if not _FOREIGN_KEY.match(item)]
    if is_merge(table) or not _can_defer(items):
        return Definition(tuple(items), (), (), foreign_keys, options)
    indexes = tuple(item for item in items if _PLAIN_INDEX.match(item))
    fulltext = tuple(item for item in items if _FULLTEXT.match(item))
    body = tuple(item for item in items if item not in indexes and item not in fulltext)
    return Definition(body, indexes, fulltext, foreign_keys, options)


def is_merge(table: Table) -> bool:
    """A MERGE table can be opened only while those that it shows stand as they are to be."""
    return table.engine.lower() == MERGE


def is_converted(table: Table) -> bool:
    """Whether the source's table is of another engine than the one that the target is to have."""
    options = _QUOTED.sub("''", split_definition(table)[1])
    return is_non_transactional(table.engine) and " ENGINE=InnoDB" in options


def whole_statement(table: Table) -> str:
    """CREATE TABLE with everything that it has."""
    items, options = split_definition(table)
    return f"CREATE TABLE {qualified(table.schema, table.name)} (\n  " + ",\n  ".join(items) + f"\n){options}"


def create_statement(table: Table) -> str:
    """CREATE TABLE without foreign keys and, where that is possible, without secondary indexes."""
    parts = read_definition(table)
    loose = tuple(f"{quote(column.name)} " for column in table.columns if column.loose)
    body = ",\n  ".join(without_digits(item) if item.startswith(loose) else item for item in parts.body)
    # ARCHIVE takes no row whose number is below the counter; with the rows it gets one.
    options = _COUNTER.sub("", parts.options, count=1) if table.engine.lower() == "archive" else parts.options
    return f"CREATE TABLE {qualified(table.schema, table.name)} (\n  {body}\n){options}"


def digit_statements(table: Table) -> list[str]:
    """Gives FLOAT(M,D) and DOUBLE(M,D) columns their digits after the rows, whose bytes stay as they are."""
    items, _ = split_definition(table)
    loose = tuple(f"{quote(column.name)} " for column in table.columns if column.loose)
    changes = [f"MODIFY {item}" for item in items if item.startswith(loose)]
    if not changes:
        return []
    alter = f"ALTER TABLE {qualified(table.schema, table.name)} {', '.join(changes)}, ALGORITHM=INPLACE"
    return [alter, *default_statements(table)]


def index_statements(table: Table, there: Container[str] = ()) -> list[str]:
    """One ALTER for all plain indexes, then one for each FULLTEXT index: InnoDB builds only one at a time.

    `there` are names, in lower case, of indexes that have been built.
    """
    parts = read_definition(table)
    alter = f"ALTER TABLE {qualified(table.schema, table.name)} ADD "
    plain, fulltext = (
        [each for each in some if _name_of(each) not in there] for some in (parts.indexes, parts.fulltext)
    )
    return ([alter + ", ADD ".join(plain)] if plain else []) + [alter + index for index in fulltext]


def _name_of(index: str) -> str:
    """Return an index's name, in lower case."""
    found = _INDEX_NAME.match(index)
    return found[1].replace("``", "`").lower() if found else ""


def default_statements(table: Table) -> list[str]:
    """Takes from columns that may be NULL the default NULL, where they had been altered to have no default at all."""
    items, _ = split_definition(table)
    texts = {found.group(): _QUOTED.sub("''", item) for item in items if (found := _COLUMN_NAME.match(item))}
    dropped = [
        f"ALTER COLUMN {quote(column.name)} DROP DEFAULT"
        for column in table.columns
        if column.nullable and not column.generated and column.kind not in _WITHOUT_DEFAULT_NULL
        if " DEFAULT " not in texts.get(quote(column.name), " DEFAULT ")
    ]
    return [f"ALTER TABLE {qualified(table.schema, table.name)} " + ", ".join(dropped)] if dropped else []


def foreign_key_statements(table: Table) -> list[str]:
    """To be run with foreign_key_checks = 0: the rows are those of the source, and parents may come later."""
    keys = read_definition(table).foreign_keys
    if not keys:
        return []
    return [f"ALTER TABLE {qualified(table.schema, table.name)} ADD " + ", ADD ".join(keys)]


def split_definition(table: Table) -> tuple[list[str], str]:
    """The items between the outermost parentheses, and the table options behind them."""
    return split_text(table.schema, table.name, table.create_sql)


def split_text(schema: str, name: str, sql: str) -> tuple[list[str], str]:
    """The same of what SHOW CREATE TABLE prints."""
    head = f"CREATE TABLE {quote(name)} ("
    if not sql.startswith(head):
        raise Unsupported(f"cannot read the definition of {qualified(schema, name)}: {sql[:80]!r} …; {UNKNOWN}")
    items: list[str] = []
    start, depth = len(head), 1
    for token in _TOKEN.finditer(sql, start):
        text = token.group()
        depth += (text == "(") - (text == ")")
        if (text == "," and depth == 1) or depth == 0:
            items.append(sql[start : token.start()].strip())
            start = token.end()
        if depth == 0:
            return items, sql[start:]
    raise Unsupported(f"the definition of {qualified(schema, name)} has no end; {UNKNOWN}")


def _without_implied_collation(item: str, options: str) -> str:
    """A column that took its collation from the table without one of its own.

    The server prints such a column's collation where it is not its character set's default, and no character set.
    Made with that, the column would have both for its own.
    """
    of_table = _TABLE_COLLATION.search(_QUOTED.sub("''", options))
    of_column = _IMPLIED_COLLATION.match(item)
    if of_table and of_column and of_column[2] == of_table[1]:
        return of_column[1] + item[of_column.end() :]
    return item


def _can_defer(items: list[str]) -> bool:
    """Whether there is a primary key that serves the AUTO_INCREMENT column, and no index on an expression."""
    primary = next((item for item in items if item.startswith("PRIMARY KEY (")), "")
    auto = next((found[1] for item in items if (found := _AUTO_COLUMN.match(_STRING.sub("", item)))), "")
    indexes = [_QUOTED.sub("x", item) for item in items if _PLAIN_INDEX.match(item)]
    if any(_EXPRESSION_PART.search(index) for index in indexes):
        return False
    return bool(primary) and (not auto or primary.startswith(f"PRIMARY KEY ({auto}"))
