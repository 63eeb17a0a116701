"""Clauses that an older MySQL reads in a definition and passes over, and a newer server carries out.

`a INT REFERENCES p (id)` makes a foreign key since MySQL 9.0, and on MariaDB since 10.5; before, nothing. CHECK is kept
since 8.0.16, and on MariaDB since 10.2.1. The source's table has neither, so the target's gets neither: a key with
CASCADE would delete rows that the source keeps.
"""

from __future__ import annotations

from dataclasses import dataclass

from udup.drivers.mysql.client.flavour import Version
from udup.drivers.mysql.ddl.sqltokens import UntokenizableError, tokenize
from udup.drivers.mysql.mariadb.collations import Server
from udup.drivers.mysql.mariadb.parts import Item, added_columns, parts_of

#: From here on MySQL and MariaDB carry them out.
_REFERENCES: tuple[Version, Version] = ((9, 0, 0), (10, 5, 0))
_CHECK: tuple[Version, Version] = ((8, 0, 16), (10, 2, 1))

#: From here on ALTER EVENT with a new schedule takes away the end that the event had (seen on 5.6 and 9.7). No MariaDB
#: does (seen on 10.5 and 11.8).
_TAKES_END: Version = (8, 0, 0)


@dataclass(frozen=True)
class _Ignored:
    references: bool
    check: bool


def without_ignored(sql: str, sql_mode: int, source: Server, target: Server) -> str:
    """Return a statement of the source's log without the clauses that it passed over; "" if nothing is left of it."""
    ignored = _Ignored(_is_ignored(_REFERENCES, source, target), _is_ignored(_CHECK, source, target))
    upper = sql.upper()
    if not ((ignored.references and "REFERENCES" in upper) or (ignored.check and "CHECK" in upper)):
        return sql
    try:
        parts = parts_of(sql, sql_mode)
    except UntokenizableError:
        return sql  # the server says what it does not understand
    if parts is None:
        return sql
    for item in parts.items:
        columns = [item] if item.column else list(added_columns(item))  # whose edits are those of their action
        for column in columns:
            _fit_column(column, ignored)
        if not columns:
            item.left_out = ignored.check and _is_check(item)
    return parts.text()


def keeps_end(server: Server) -> bool:
    """Return whether an event keeps its end when ALTER EVENT gives it another schedule without one."""
    return server.is_mariadb or server.version < _TAKES_END


def says_no_end(sql: str, sql_mode: int) -> bool:
    """Return whether an ALTER EVENT gives it another schedule and no end, which is another thing to other servers."""
    try:
        words = [word.upper for word in tokenize(sql, sql_mode)]
    except UntokenizableError:
        return False
    schedule = words.index("SCHEDULE") if "SCHEDULE" in words else len(words)
    end = words.index("DO", schedule) if "DO" in words[schedule:] else len(words)
    return "EVERY" in words[schedule:end] and "ENDS" not in words[schedule:end]


def ignores(source: Server, target: Server) -> bool:
    """Return whether the source passes over anything that the target would carry out."""
    return _is_ignored(_REFERENCES, source, target) or _is_ignored(_CHECK, source, target)


def _is_ignored(since: tuple[Version, Version], source: Server, target: Server) -> bool:
    return source.version < since[source.is_mariadb] and target.version >= since[target.is_mariadb]


def _fit_column(column: Item, ignored: _Ignored) -> None:
    if ignored.references and (at := column.find("REFERENCES", start=column.kind_at)) >= 0:
        column.put(at, _references_end(column, at), "")
    if ignored.check and (at := column.find("CHECK", start=column.kind_at)) >= 0:
        begin = at
        for back in (1, 2):  # CONSTRAINT, perhaps with a name
            if column.word(at - back) == "CONSTRAINT":
                begin = at - back
        column.put(begin, column.behind(at + 1), "")


def _references_end(column: Item, at: int) -> int:
    """Return the place behind REFERENCES p (id) MATCH … ON DELETE … ON UPDATE …."""
    end = at + 2
    while end < len(column.words) and column.words[end].text == "." and not column.words[end].string:
        end += 2
    if column.word(end) == "(":
        end = column.behind(end)
    while True:
        if column.word(end) == "MATCH":
            end += 2
        elif column.word(end) == "ON" and column.word(end + 1) in ("DELETE", "UPDATE"):
            end += 4 if column.word(end + 2) in ("SET", "NO") else 3
        else:
            return end


def _is_check(item: Item) -> bool:
    """Return whether an item is a CHECK of the table, by itself or behind ADD, perhaps with a name."""
    at = 1 if item.word(0) == "ADD" else 0
    if item.word(at) == "CONSTRAINT":
        at += 1 if item.word(at + 1) == "CHECK" else 2
    return item.word(at) == "CHECK"
