"""Definitions of tables without transactions as those of InnoDB tables, for a job whose Engine is InnoDB.

Changed are the engine's name and what InnoDB refuses or would take for something else; everything else stays as it was
written. MyISAM passes over foreign keys and InnoDB would enforce them, so each becomes the index that it comes with.
BLACKHOLE stays: as InnoDB the table would hold rows that the source has not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from udup.base.errors import Unsupported
from udup.drivers.mysql.ddl.edits import Edit, edited
from udup.drivers.mysql.ddl.sqlreader import ObjectName
from udup.drivers.mysql.ddl.sqltokens import Word, tokenize
from udup.drivers.mysql.ddl.statement import Kind, Statement
from udup.drivers.mysql.dictionary.catalog import Catalog, Table
from udup.drivers.mysql.dictionary.engines import MERGE, engine_named, is_non_transactional

#: Asks the source whether a table there is transactional now.
AsksEngine = Callable[[ObjectName], bool]

_INNODB = "InnoDB"

#: An option that says what is so anyway, in the place of one that InnoDB has not: a list keeps its commas.
_NOTHING = "MIN_ROWS=0"

_MERGE_REASON = (
    "is a MERGE table, which shows MyISAM tables and can show no InnoDB ones: drop it on the source, where a view with "
    "UNION ALL shows the same"
)

_ACTIONS = {"CASCADE": 1, "RESTRICT": 1, "SET": 2, "NO": 2}

_AUTO_COLUMN = re.compile(r"^  (`(?:[^`]|``)*`) .*\bAUTO_INCREMENT\b", re.MULTILINE)
_STRING = re.compile(r"'(?:[^'\\]|\\.|'')*'", re.DOTALL)


# ---- The full copy ----


def innodb_catalog(catalog: Catalog) -> Catalog:
    """Tables keep the source's engine as `engine`. Raise `Unsupported` naming all that cannot be InnoDB tables."""
    problems: list[str] = []
    tables = tuple(_table(table, problems) for table in catalog.tables)
    if problems:
        raise Unsupported('the job says "Engine": "InnoDB", and that cannot be: ' + "; ".join(problems))
    return replace(catalog, tables=tables)


def _table(table: Table, problems: list[str]) -> Table:
    name = f"{table.schema}.{table.name}"
    if not is_non_transactional(table.engine):
        return table
    if engine_named(table.engine) == MERGE:
        problems.append(f"{name} {_MERGE_REASON}")
        return table
    if column := _auto_column_behind(table.create_sql):
        problems.append(
            f"{name} numbers {column} within groups (AUTO_INCREMENT begins no key): add such a key "
            f"on the source, ALTER TABLE {name} ADD KEY ({column})"
        )
    words = tokenize(table.create_sql)
    return replace(table, create_sql=edited(table.create_sql, _create_edits(words)))


def _auto_column_behind(create_sql: str) -> str:
    """Return the AUTO_INCREMENT column if no key begins with it, as SHOW CREATE TABLE prints both."""
    plain = _STRING.sub("''", create_sql)
    found = _AUTO_COLUMN.search(plain)
    return found[1] if found and f"KEY ({found[1]}" not in re.sub(r"KEY `(?:[^`]|``)*` \(", "KEY (", plain) else ""


# ---- The log ----


def innodb_edits(text: str, statement: Statement, sql_mode: int, is_transactional: AsksEngine) -> list[Edit]:
    """Return what is to be changed of a statement of the log. Raise `Unsupported`."""
    if statement.kind is not Kind.TABLE_DDL or statement.verb not in ("CREATE TABLE", "ALTER TABLE"):
        return []
    words = tokenize(text, sql_mode)
    named = [engine_named(word.text) for word in _engine_words(words)]
    if statement.merged or MERGE in named:
        raise Unsupported(f"{statement.objects[0]} {_MERGE_REASON}")
    if statement.verb == "CREATE TABLE":
        if _is_like(words, statement):
            return []
        if not named:
            end = _end_of_columns(words)
            return [Edit(end, end, f" ENGINE={_INNODB}")]
        return _create_edits(words) if is_non_transactional(named[-1]) else []
    if statement.sources and not any(is_transactional(each) for each in statement.objects):
        raise Unsupported(
            f"ALTER TABLE of {statement.objects[0]} names a foreign key, which its engine on the source passes over "
            "and InnoDB would enforce; start the job again with a new copy, which takes the table as it is"
        )
    return [*_engines(words), *_options(words)]


def _is_like(words: Sequence[Word], statement: Statement) -> bool:
    """CREATE TABLE a LIKE b, or a (LIKE b): it is of the engine that b has on the target."""
    behind = [word.upper for word in words if word.start >= statement.names[0].name_at.end][:2]
    return "LIKE" in behind and behind[0] in ("LIKE", "(")


def _create_edits(words: Sequence[Word]) -> list[Edit]:
    """Of a CREATE TABLE that names an engine without transactions."""
    return [*_engines(words), *_options(words), *_foreign_keys(words)]


def _engine_words(words: Sequence[Word]) -> Iterator[Word]:
    """Yield the words that name an engine: behind ENGINE of the table's options. Columns may be called so, too."""
    depth = 0
    for at, word in enumerate(words):
        depth += (word.upper == "(") - (word.upper == ")")
        if word.upper == "ENGINE" and depth == 0 and at + 1 < len(words):
            behind = words[at + 1 : at + 3]
            named = behind[-1] if behind[0].upper == "=" else behind[0]
            column = at and words[at - 1].upper in ("COLUMN", "ADD", "DROP", "MODIFY", "CHANGE", "TO", "AFTER", "ALTER")
            if not column:
                yield named


def _engines(words: Sequence[Word]) -> Iterator[Edit]:
    for word in _engine_words(words):
        if is_non_transactional(word.text):
            yield Edit(word.start, word.end, _INNODB)


def _options(words: Sequence[Word]) -> Iterator[Edit]:
    """Options that InnoDB refuses, or that mean files of MyISAM."""
    depth = 0
    for at, word in enumerate(words):
        depth += (word.upper == "(") - (word.upper == ")")
        if depth:
            continue
        value = _value_at(words, at + 1)
        if word.upper == "ROW_FORMAT" and value and value.upper == "FIXED":
            yield Edit(value.start, value.end, "DEFAULT")
        elif word.upper == "KEY_BLOCK_SIZE" and value:
            yield Edit(word.start, value.end, _NOTHING)
        elif word.upper in ("DATA", "INDEX") and at + 1 < len(words) and words[at + 1].upper == "DIRECTORY":
            value = _value_at(words, at + 2)
            if value and value.string:
                yield Edit(word.start, value.end, _NOTHING)


def _value_at(words: Sequence[Word], at: int) -> Word | None:
    behind = words[at : at + 2]
    if not behind:
        return None
    return behind[-1] if behind[0].upper == "=" else behind[0]


def _foreign_keys(words: Sequence[Word]) -> Iterator[Edit]:
    """FOREIGN KEY (a) REFERENCES … becomes KEY (a); a column's own REFERENCES goes."""
    depth, item = 0, 0
    at = 0
    while at < len(words):
        word = words[at].upper
        depth += (word == "(") - (word == ")")
        if depth == 1 and word in ("(", ","):
            item = at + 1
        if depth == 1 and word == "FOREIGN" and words[at + 1].upper == "KEY":
            opens = next(place for place in range(at, len(words)) if words[place].upper == "(")
            yield Edit(words[item].start, words[opens].start, "KEY ")
            at = _closing(words, opens)
        elif depth == 1 and word == "REFERENCES":
            end = _end_of_reference(words, at)
            yield Edit(words[at].start, words[end].end, "")
            at = end
        at += 1


def _end_of_reference(words: Sequence[Word], at: int) -> int:
    """Return the place of the last word of REFERENCES table (columns) MATCH … ON DELETE … ON UPDATE …"""
    end = at + 1
    while end + 1 < len(words) and words[end + 1].upper == ".":
        end += 2
    while end + 1 < len(words):
        following = words[end + 1].upper
        if following == "(":
            end = _closing(words, end + 1)
        elif following == "MATCH":
            end += 2
        elif following == "ON" and end + 3 < len(words) and words[end + 2].upper in ("DELETE", "UPDATE"):
            end += 2 + _ACTIONS.get(words[end + 3].upper, 1)
        else:
            break
    return end


def _closing(words: Sequence[Word], opens: int) -> int:
    """Return the place of the parenthesis that closes this one."""
    depth = 0
    for at in range(opens, len(words)):
        depth += (words[at].upper == "(") - (words[at].upper == ")")
        if not depth:
            return at
    raise Unsupported("a parenthesis is not closed")


def _end_of_columns(words: Sequence[Word]) -> int:
    """Return where the list of columns ends, and the options may begin."""
    opens = next((at for at, word in enumerate(words) if word.upper == "("), None)
    return words[-1].end if opens is None else words[_closing(words, opens)].end
