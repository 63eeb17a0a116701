"""The statements of SQL_REDO: INSERT, UPDATE and DELETE of one row, as LogMiner writes them.

The grammar is that of the documentation and nothing more. What does not fit is refused, with what was expected and
where: above all text behind the statement's end. With MAX_STRING_SIZE=EXTENDED LogMiner leaves apostrophes in values
unescaped; a lax reader takes the part up to the first one for the value, and nobody would notice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

from udup.drivers.oracle.logminer.values import UNSUPPORTED, BadRedo, Literal, joined, of_call

_QUOTED_NAME = re.compile(r'"((?:[^"\x00]|"")+)"')
_PLAIN_NAME = re.compile(r"[A-Z][A-Z0-9_$#]*")
_STRING = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?|\.\d+)(?:[Ee][+-]?\d+)?(?=[\s,;)]|$)")
_SPACE = re.compile(r"[ \t\r\n]*")

#: Characters of a statement that an error shows, from where it is not understood.
_SHOWN = 60


class Verb(Enum):
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row's change. `new` are the values that it sets, `old` those that its WHERE names, by column."""

    verb: Verb
    owner: str
    table: str
    new: dict[str, Literal] = field(default_factory=dict)
    old: dict[str, Literal] = field(default_factory=dict)


def parse_redo(sql: str) -> RowChange:
    """Return what a statement changes; raise `BadRedo` for anything that is not wholly understood."""
    reader = _Reader(sql)
    if reader.takes("insert into"):
        change = reader.insert()
    elif reader.takes("update"):
        change = reader.update()
    elif reader.takes("delete from"):
        owner, table = reader.table()
        change = RowChange(Verb.DELETE, owner, table, {}, reader.where())
    else:
        raise reader.bad("insert, update or delete")
    reader.end()
    return change


class _Reader:
    """Reads at a position, which is behind blanks after each step."""

    def __init__(self, sql: str) -> None:
        self._sql = sql
        self._at = 0
        self._skip()

    def bad(self, expected: str) -> BadRedo:
        rest = self._sql[self._at : self._at + _SHOWN]
        return BadRedo(f"{expected} expected at character {self._at + 1}, where stands {rest!r}")

    def _skip(self) -> None:
        found = _SPACE.match(self._sql, self._at)
        assert found is not None
        self._at = found.end()

    def _matched(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._sql, self._at)
        if found is not None:
            self._at = found.end()
            self._skip()
        return found

    def takes(self, words: str) -> bool:
        """Take these words, in any case and with any blanks between them, if they come next."""
        pattern = re.compile(r"\s+".join(map(re.escape, words.split())) + r"(?![\w$#])", re.IGNORECASE)
        return self._matched(pattern) is not None

    def takes_sign(self, sign: str) -> bool:
        if not self._sql.startswith(sign, self._at):
            return False
        self._at += len(sign)
        self._skip()
        return True

    def needs(self, sign: str) -> None:
        if not self.takes_sign(sign):
            raise self.bad(repr(sign))

    def needs_word(self, words: str) -> None:
        if not self.takes(words):
            raise self.bad(words)

    def name(self) -> str:
        if found := self._matched(_QUOTED_NAME):
            return found[1].replace('""', '"')
        raise self.bad("a name in quotes")

    def table(self) -> tuple[str, str]:
        owner = self.name()
        self.needs(".")
        return owner, self.name()

    def end(self) -> None:
        """Nothing may follow."""
        self.takes_sign(";")
        if self._at != len(self._sql):
            raise self.bad("the statement's end")

    # ---- Statements ----

    def insert(self) -> RowChange:
        owner, table = self.table()
        names = self._listed_names()
        self.needs_word("values")
        self.needs("(")
        values = [self.value()]
        while self.takes_sign(","):
            values.append(self.value())
        self.needs(")")
        if len(values) != len(names):
            raise self.bad(f"as many values as names ({len(names)})")
        return RowChange(Verb.INSERT, owner, table, self._unique(list(zip(names, values, strict=True))))

    def _listed_names(self) -> list[str]:
        self.needs("(")
        names = [self.name()]
        while self.takes_sign(","):
            names.append(self.name())
        self.needs(")")
        return names

    def update(self) -> RowChange:
        owner, table = self.table()
        self.needs_word("set")
        pairs = [self._assignment()]
        while self.takes_sign(","):
            pairs.append(self._assignment())
        return RowChange(Verb.UPDATE, owner, table, self._unique(pairs), self.where())

    def _assignment(self) -> tuple[str, Literal]:
        name = self.name()
        self.needs("=")
        return name, self.value()

    def where(self) -> dict[str, Literal]:
        self.needs_word("where")
        pairs: list[tuple[str, Literal]] = []
        while True:
            if self.takes("rowid"):
                self.needs("=")
                self.value()
            else:
                pairs.append(self._condition())
            if not self.takes("and"):
                return self._unique(pairs)

    def _condition(self) -> tuple[str, Literal]:
        name = self.name()
        if self.takes("is null"):
            return name, None
        self.needs("=")
        value = self.value()
        if value is None:
            raise self.bad("IS NULL in place of = NULL")
        return name, value

    def _unique(self, pairs: list[tuple[str, Literal]]) -> dict[str, Literal]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise self.bad("each column once")
        return found

    # ---- Values ----

    def value(self) -> Literal:
        """Return a value: terms that `||` joins."""
        parts = [self._term()]
        while self.takes_sign("||"):
            parts.append(self._term())
        return joined(parts)

    def _term(self) -> Literal:
        if found := self._matched(_STRING):
            return found[1].replace("''", "'")
        if found := self._matched(_NUMBER):
            return found[0]
        if self.takes("Unsupported Type"):
            return UNSUPPORTED
        if self.takes("NULL"):
            return None
        found = self._matched(_PLAIN_NAME)
        if found is None:
            raise self.bad("a value")
        return of_call(found[0], self._arguments())

    def _arguments(self) -> list[str]:
        self.needs("(")
        arguments: list[str] = []
        while not self.takes_sign(")"):
            if arguments:
                self.needs(",")
            found = self._matched(_STRING)
            if found is None:
                raise self.bad("a text in quotes")
            arguments.append(found[1].replace("''", "'"))
        return arguments
