"""DDL of Oracle's as statements of MySQL's, where that is certain; all else stops the job.

| Oracle | the job |
| --- | --- |
| ALTER TABLE … ADD column, without a default | ADD COLUMN |
| ALTER TABLE … DROP COLUMN, DROP (…) | DROP COLUMN |
| ALTER TABLE … RENAME COLUMN … TO … | RENAME COLUMN |
| ALTER TABLE … RENAME TO, RENAME … TO … | RENAME TABLE, where both names are the job's |
| TRUNCATE TABLE, DROP TABLE | the same |
| CREATE TABLE, without AS SELECT | the table as the dictionary has it now |
| CREATE, ALTER, DROP of views, code, sequences, synonyms; temporary tables | nothing |
| indexes, comments, grants, supplemental logging, space, ADD CONSTRAINT | nothing: no row, no column changes |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from udup.drivers.oracle.types import OracleColumn


class UnknownDdl(ValueError):
    """A statement that is not translated."""


class Action(Enum):
    """What a statement does to the table; NOTHING: no row and no column of it changes."""

    NOTHING = "nothing"
    ADD = "ADD COLUMN"
    DROP = "DROP COLUMN"
    RENAME_COLUMN = "RENAME COLUMN"
    RENAME = "RENAME TABLE"
    TRUNCATE = "TRUNCATE TABLE"
    DROP_TABLE = "DROP TABLE"
    CREATE = "CREATE TABLE"
    CREATE_TEMPORARY = "CREATE TEMPORARY TABLE"


@dataclass(frozen=True)
class Ddl:
    """A statement about one table. `columns` are added, `names` those dropped, or an old and a new name."""

    action: Action
    owner: str
    table: str
    columns: tuple[OracleColumn, ...] = ()
    names: tuple[str, ...] = ()


_TOKEN = re.compile(r"\s*(?:\"((?:[^\"]|\"\")+)\"|([A-Za-z][\w$#]*)|('(?:[^']|'')*')|(\d+)|([^\s\w]))")
_COMMENT = re.compile(r"\s*(?:/\*.*?\*/|--[^\n]*(?:\n|$))", re.DOTALL)

#: First words of statements that change neither rows nor columns of a table.
_HARMLESS = (
    ("CREATE", "INDEX"),
    ("CREATE", "UNIQUE", "INDEX"),
    ("CREATE", "BITMAP", "INDEX"),
    ("DROP", "INDEX"),
    ("ALTER", "INDEX"),
    ("COMMENT", "ON"),
    ("GRANT",),
    ("REVOKE",),
    ("ANALYZE",),
    ("AUDIT",),
    ("NOAUDIT",),
)

#: The same behind ALTER TABLE and the table's name.
_HARMLESS_ALTERS = (
    ("ADD", "SUPPLEMENTAL", "LOG"),
    ("ADD", "CONSTRAINT"),
    ("ADD", "PRIMARY", "KEY"),
    ("ADD", "UNIQUE"),
    ("ADD", "FOREIGN", "KEY"),
    ("ADD", "CHECK"),
    ("SHRINK", "SPACE"),
    ("ENABLE", "ROW", "MOVEMENT"),
    ("DISABLE", "ROW", "MOVEMENT"),
    ("PARALLEL",),
    ("NOPARALLEL",),
    ("CACHE",),
    ("NOCACHE",),
    ("LOGGING",),
    ("PCTFREE",),
)

#: Words that begin another clause of the same statement, which may change columns or rows.
_FURTHER = frozenset(
    {"ADD", "COALESCE", "DROP", "EXCHANGE", "MERGE", "MODIFY", "MOVE", "RENAME", "SPLIT", "TRUNCATE", "UNUSED"}
)

#: Words between CREATE and the kind of what is made.
_BETWEEN = frozenset({"OR", "REPLACE", "EDITIONABLE", "NONEDITIONABLE", "FORCE", "NO", "PUBLIC", "NOFORCE"})

#: Kinds of what holds no rows. A trigger's changes are in the redo.
_WITHOUT_ROWS = frozenset(
    {"VIEW", "PROCEDURE", "FUNCTION", "PACKAGE", "TRIGGER", "TYPE", "SEQUENCE", "SYNONYM", "CONTEXT", "DIRECTORY"}
    | {"LIBRARY", "OPERATOR", "DIMENSION", "JAVA", "PROFILE", "ROLE"}
)

_RECYCLED = "BIN$"


@dataclass(frozen=True)
class _Token:
    text: str
    kind: str  # name (in quotes), word, string, number, sign

    def is_word(self, word: str) -> bool:
        return self.kind == "word" and self.text == word

    @property
    def is_name(self) -> bool:
        return self.kind in ("name", "word")


def parse_ddl(sql: str, owner: str, table: str) -> Ddl:
    """Return what a statement does to a table of the job, whose names LogMiner tells beside it.

    Raise `UnknownDdl` for what is not translated, and where the statement names another table.
    """
    reader = _Reader(_tokens(sql), owner, table)
    if any(reader.begins(*words) for words in _HARMLESS) or reader.is_of_another_object():
        return Ddl(Action.NOTHING, owner, table)
    if reader.begins("CREATE", "GLOBAL", "TEMPORARY", "TABLE") or reader.begins("CREATE", "PRIVATE", "TEMPORARY"):
        return Ddl(Action.CREATE_TEMPORARY, owner, table)
    if reader.takes("TRUNCATE", "TABLE"):
        return reader.truncate()
    if reader.takes("DROP", "TABLE"):
        return reader.drop_table()
    if reader.takes("CREATE", "TABLE"):
        return reader.create()
    if reader.takes("RENAME"):
        return reader.rename()
    if reader.takes("ALTER", "TABLE"):
        return reader.alter()
    raise reader.unknown()


def _tokens(sql: str) -> list[_Token]:
    found, at = [], 0
    text = sql.rstrip("\0 \t\r\n;")
    while at < len(text):
        if comment := _COMMENT.match(text, at):
            at = comment.end()
            continue
        token = _TOKEN.match(text, at)
        if token is None:
            if not text[at:].strip():
                break
            raise UnknownDdl(f"is not understood at {text[at : at + 40]!r}")
        at = token.end()
        name, word, string, number, sign = token.groups()
        if name is not None:
            found.append(_Token(name.replace('""', '"'), "name"))
        elif word is not None:
            found.append(_Token(word.upper(), "word"))
        else:
            kind = "string" if string else "number" if number else "sign"
            found.append(_Token(string or number or sign, kind))
    return found


class _Reader:
    def __init__(self, tokens: list[_Token], owner: str, table: str) -> None:
        self._tokens = tokens
        self._at = 0
        self._owner, self._table = owner, table

    # ---- Tokens ----

    def unknown(self, why: str = "") -> UnknownDdl:
        shown = " ".join(token.text for token in self._tokens[self._at : self._at + 8])
        return UnknownDdl(why or (f"is not understood at {shown!r}" if shown else "is not understood at its end"))

    def begins(self, *words: str) -> bool:
        there = self._tokens[self._at : self._at + len(words)]
        return len(there) == len(words) and all(map(_Token.is_word, there, words))

    def takes(self, *words: str) -> bool:
        if not self.begins(*words):
            return False
        self._at += len(words)
        return True

    def takes_sign(self, sign: str) -> bool:
        there = self._tokens[self._at : self._at + 1]
        if not there or there[0].kind != "sign" or there[0].text != sign:
            return False
        self._at += 1
        return True

    def _needs(self, found: bool) -> None:
        if not found:
            raise self.unknown()

    def _name(self) -> str:
        there = self._tokens[self._at : self._at + 1]
        if not there or not there[0].is_name:
            raise self.unknown()
        self._at += 1
        return there[0].text

    def _number(self) -> int:
        there = self._tokens[self._at : self._at + 1]
        if not there or there[0].kind != "number":
            raise self.unknown()
        self._at += 1
        return int(there[0].text)

    def _end(self) -> None:
        if self._at != len(self._tokens):
            raise self.unknown()

    def _own_table(self) -> None:
        owner, name = self._owner, self._name()
        if self.takes_sign("."):
            owner, name = name, self._name()
        if (owner, name) != (self._owner, self._table):
            raise self.unknown(f"names {owner}.{name}, where LogMiner names {self._owner}.{self._table}")

    def _made(self, action: Action, columns: tuple[OracleColumn, ...] = (), names: tuple[str, ...] = ()) -> Ddl:
        self._end()
        return Ddl(action, self._owner, self._table, columns, names)

    # ---- Statements ----

    def is_of_another_object(self) -> bool:
        """Return whether it makes, alters or drops something that holds no rows: a view, a procedure, a sequence."""
        words = [token.text if token.kind == "word" else "" for token in self._tokens]
        if not words or words[0] not in ("CREATE", "ALTER", "DROP"):
            return False
        kind = next((word for word in words[1:] if word not in _BETWEEN), "")
        return kind in _WITHOUT_ROWS

    def truncate(self) -> Ddl:
        self._own_table()
        _ = self.takes("DROP", "STORAGE") or self.takes("REUSE", "STORAGE") or self.takes("DROP", "ALL", "STORAGE")
        return self._made(Action.TRUNCATE)

    def drop_table(self) -> Ddl:
        self._own_table()
        self.takes("CASCADE", "CONSTRAINTS")
        self.takes("PURGE")
        if self.takes("AS"):
            self._needs(self._name().startswith(_RECYCLED))
        return self._made(Action.DROP_TABLE)

    def create(self) -> Ddl:
        self._own_table()
        depth = 0
        for token in self._tokens[self._at :]:
            depth += (token.text == "(") - (token.text == ")") if token.kind == "sign" else 0
            if depth == 0 and token.is_word("AS"):
                raise self.unknown("is CREATE TABLE … AS SELECT, whose rows are not in the redo as changes")
        return Ddl(Action.CREATE, self._owner, self._table)

    def rename(self) -> Ddl:
        old = self._name()
        if old != self._table:
            raise self.unknown(f"renames {old}, where LogMiner names {self._table}")
        self._needs(self.takes("TO"))
        return self._made(Action.RENAME, names=(self._name(),))

    def alter(self) -> Ddl:
        self._own_table()
        if any(self.begins(*words) for words in _HARMLESS_ALTERS):
            self._no_further_clause()
            return Ddl(Action.NOTHING, self._owner, self._table)
        if self.takes("RENAME", "COLUMN"):
            old = self._name()
            self._needs(self.takes("TO"))
            return self._made(Action.RENAME_COLUMN, names=(old, self._name()))
        if self.takes("RENAME", "TO"):
            new = self._name()
            return self._made(Action.NOTHING if new.startswith(_RECYCLED) else Action.RENAME, names=(new,))
        if self.takes("DROP", "COLUMN"):
            return self._made(Action.DROP, names=(self._name(),))
        if self.takes("DROP"):
            self._needs(self.takes_sign("("))
            return self._made(Action.DROP, names=tuple(self._listed_names()))
        if self.takes("ADD"):
            self.takes("COLUMN")
            return self._made(Action.ADD, tuple(self._added()))
        raise self.unknown()

    def _no_further_clause(self) -> None:
        """One statement may have several clauses, one behind the other."""
        depth = 0
        for place, token in enumerate(self._tokens[self._at + 1 :], self._at + 1):
            depth += (token.text == "(") - (token.text == ")") if token.kind == "sign" else 0
            if depth == 0 and token.kind == "word" and token.text in _FURTHER:
                self._at = place
                raise self.unknown()

    def _listed_names(self) -> list[str]:
        names = [self._name()]
        while self.takes_sign(","):
            names.append(self._name())
        self._needs(self.takes_sign(")"))
        return names

    def _added(self) -> list[OracleColumn]:
        if not self.takes_sign("("):
            return [self._column()]
        columns = [self._column()]
        while self.takes_sign(","):
            columns.append(self._column())
        self._needs(self.takes_sign(")"))
        return columns

    # ---- Columns ----

    def _column(self) -> OracleColumn:
        name, (kind, length, precision, scale) = self._name(), self._type()
        nullable = not self.takes("NOT", "NULL")
        if nullable:
            self.takes("NULL")
        return OracleColumn(name, kind, length, length, precision, scale, nullable)

    def _type(self) -> tuple[str, int, int | None, int | None]:
        """Return the type's name as the dictionary has it, its length, precision and scale."""
        word = self._name()
        if word in ("NUMBER", "DECIMAL", "NUMERIC", "DEC"):
            return "NUMBER", 22, *self._number_sizes(default_scale=None if word == "NUMBER" else 0)
        if word in ("INTEGER", "INT", "SMALLINT"):
            return "NUMBER", 22, None, 0
        if word in ("VARCHAR2", "VARCHAR", "NVARCHAR2", "CHAR", "NCHAR", "RAW"):
            length = self._size(1 if word in ("CHAR", "NCHAR") else None)
            return ("VARCHAR2" if word == "VARCHAR" else word), length, None, None
        if word == "FLOAT":
            self._size(126)
            return word, 22, 126, None
        if word in ("DATE", "BINARY_FLOAT", "BINARY_DOUBLE", "ROWID"):
            return word, 0, None, None
        if word == "TIMESTAMP":
            digits = self._size(6)
            zone = " WITH TIME ZONE" if self.takes("WITH", "TIME", "ZONE") else ""
            zone = zone or (" WITH LOCAL TIME ZONE" if self.takes("WITH", "LOCAL", "TIME", "ZONE") else "")
            return f"TIMESTAMP({digits}){zone}", 11, None, digits
        raise self.unknown(f"adds a column of type {word}, which is not translated")

    def _number_sizes(self, default_scale: int | None) -> tuple[int | None, int | None]:
        if not self.takes_sign("("):
            return None, default_scale
        precision = None if self.takes_sign("*") else self._number()
        scale = 0
        if self.takes_sign(","):
            sign = -1 if self.takes_sign("-") else 1
            scale = sign * self._number()
        self._needs(self.takes_sign(")"))
        return precision, scale

    def _size(self, default: int | None) -> int:
        if default is not None and not self.takes_sign("("):
            return default
        if default is None:
            self._needs(self.takes_sign("("))
        size = self._number()
        _ = self.takes("BYTE") or self.takes("CHAR")
        self._needs(self.takes_sign(")"))
        return size
