"""Words of MariaDB's statements that MySQL does not have, and what stands in their place there.

How long to wait for a lock, and ONLINE, are left out: a definition comes to the same without. IF EXISTS and IF NOT
EXISTS are decided by what the target has, which at this place of the log is what the source had. All else is refused in
words (`to_mysql.py`).
"""

from __future__ import annotations

from dataclasses import replace

from udup.drivers.mysql.binlog.query import QueryEvent
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.ddl.sqlreader import ObjectName
from udup.drivers.mysql.ddl.sqltokens import UntokenizableError, Word, codec_of, decoded, tokenize
from udup.drivers.mysql.ddl.statement import Kind, Statement
from udup.drivers.mysql.mariadb.parts import Item, parts_of

_COLUMN, _INDEX = (
    "SELECT 1 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND COLUMN_NAME = %s",
    "SELECT 1 FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND INDEX_NAME = %s",
)

#: What an ALTER TABLE does to a thing that its condition is about.
_VERBS = frozenset({"ADD", "DROP", "MODIFY", "CHANGE", "ALTER", "RENAME"})
_KINDS_OF_INDEX = frozenset({"UNIQUE", "FULLTEXT", "SPATIAL"})


def without_own_words(connection: Connection, event: QueryEvent, statement: Statement) -> QueryEvent | None:
    """Return a definition for a MySQL target without such words; None if nothing of it is left to be done."""
    if statement.kind is not Kind.TABLE_DDL:
        return event
    variables = event.variables()
    mode = variables.sql_mode or 0
    text, exact = decoded(event.sql, codec_of(variables.charset.client) if variables.charset else "utf-8")
    try:
        made: str | None = _without_waits(text, mode, {each.name_at.end for each in statement.names})
        if statement.verb in ("CREATE INDEX", "DROP INDEX"):
            made = _index_decided(connection, made or "", mode, statement.objects[0])
        elif statement.verb == "ALTER TABLE":
            made = _actions_decided(connection, _without_if(made or "", mode, "TABLE"), mode, statement.objects[0])
        elif statement.verb == "RENAME TABLE":
            made = _without_if(made or "", mode, "TABLE")
    except UntokenizableError:
        return event  # the server says what it does not understand
    if made is None:
        return None
    return event if made == text else replace(event, sql=made.encode(exact))


def _without_waits(text: str, mode: int, ends: set[int]) -> str:
    """Take off WAIT n and NOWAIT, which stand behind a name or before ON, and ONLINE."""
    words = tokenize(text, mode)
    gone: list[tuple[int, int]] = []
    for at, word in enumerate(words):
        last = at + (word.upper == "WAIT")
        if at == 1 and word.upper == "ONLINE" and words[0].upper == "ALTER":
            gone.append((word.start, word.end))
        elif word.upper in ("WAIT", "NOWAIT") and last < len(words):
            before_on = last + 1 < len(words) and words[last + 1].upper == "ON"
            is_number = word.upper == "NOWAIT" or words[last].text.isdigit()
            if is_number and at > 1 and (words[at - 1].end in ends or before_on):
                gone.append((word.start, words[last].end))
    return _cut(text, gone)


def _without_if(text: str, mode: int, noun: str) -> str:
    """Take off IF EXISTS behind a noun: what it names is there, else the statement was left out."""
    words = tokenize(text, mode)
    at = next((place for place, word in enumerate(words[:4]) if word.upper == noun), len(words))
    if _upper(words, at + 1) == "IF" and _upper(words, at + 2) == "EXISTS":
        return _cut(text, [(words[at + 1].start, words[at + 2].end)])
    return text


def _index_decided(connection: Connection, text: str, mode: int, table: ObjectName) -> str | None:
    words = tokenize(text, mode)
    at = next((place for place, word in enumerate(words) if word.upper == "IF"), 0)
    on = next((place for place, word in enumerate(words) if word.upper == "ON"), 0)
    if not 0 < at < on:
        return text
    wanted = _upper(words, at + 1) != "NOT"
    name = words[at + (2 if wanted else 3)]
    if bool(query(connection, _INDEX, *table, name.text)) is not wanted:
        return None
    return _cut(text, [(words[at].start, name.start)])


def _actions_decided(connection: Connection, text: str, mode: int, table: ObjectName) -> str | None:
    """Return an ALTER TABLE with those actions whose condition holds."""
    parts = parts_of(text, mode)
    if parts is None:
        return text
    for item in parts.items:
        found = _condition(item)
        if found is None:
            continue
        at, end, question, wanted = found
        if bool(query(connection, question, *table, item.words[end].text)) is wanted:
            item.edits.append((item.words[at].start, item.words[end].start, ""))
        else:
            item.left_out = True
    return parts.text() or None


def _condition(item: Item) -> tuple[int, int, str, bool] | None:
    """Return where an action's condition begins, where the name stands, what asks for it, and whether it must be there.

    None for an action without one, and for one about other things than columns and indexes.
    """
    if item.word(0) not in _VERBS:
        return None
    at, question = 1, _COLUMN
    if item.word(at) in _KINDS_OF_INDEX:
        at += 1
        question = _INDEX
    if item.word(at) in ("INDEX", "KEY"):
        at += 1
        question = _INDEX
    elif item.word(at) == "COLUMN" and question is _COLUMN:
        at += 1
    if item.word(at) != "IF":
        return None
    wanted = item.word(at + 1) != "NOT"
    end = at + (2 if wanted else 3)
    return (at, end, question, wanted) if end < len(item.words) else None


def _upper(words: list[Word], at: int) -> str:
    return words[at].upper if at < len(words) else ""


def _cut(text: str, gone: list[tuple[int, int]]) -> str:
    for start, end in sorted(gone, reverse=True):
        text = text[:start] + text[end:]
    return text
