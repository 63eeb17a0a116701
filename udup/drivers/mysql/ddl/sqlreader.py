"""Walking the words of one statement: what stands here, passing it, reading a name."""

from __future__ import annotations

from typing import NamedTuple

from udup.drivers.mysql.ddl.sqltokens import Word


class ObjectName(NamedTuple):
    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


class Span(NamedTuple):
    """Where something stands in the decoded text of its statement."""

    start: int
    end: int


class NameAt(NamedTuple):
    """An object's name where it stands. `stored` marks a routine, trigger or event, whose name is not a table's."""

    object: ObjectName
    schema_at: Span | None  # None: the schema is not written there
    name_at: Span
    stored: bool = False

    @property
    def start(self) -> int:
        return (self.schema_at or self.name_at).start


class UnexpectedWordError(ValueError):
    """A word that stands where none of its kind should."""


class WordReader:
    """Walks the words of one statement."""

    def __init__(self, words: list[Word], default_schema: str) -> None:
        while words and words[-1].upper == ";":
            words = words[:-1]
        self.words = words
        self.at = 0
        self.default_schema = default_schema
        #: Every name that was read as one, in the order of the text.
        self.names: list[NameAt] = []
        #: Whether IF EXISTS or IF NOT EXISTS was read.
        self.conditional = False

    def peek(self, ahead: int = 0) -> str:
        """Return the keyword that may stand here, empty at the end and for quoted names and strings."""
        position = self.at + ahead
        return self.words[position].upper if position < len(self.words) else ""

    def take(self) -> Word:
        if self.at >= len(self.words):
            raise UnexpectedWordError("the statement ends where something should follow")
        self.at += 1
        return self.words[self.at - 1]

    def accept(self, *keywords: str) -> bool:
        """Return whether exactly these words stand here; they are passed if so."""
        if any(self.peek(ahead) != keyword for ahead, keyword in enumerate(keywords)):
            return False
        self.at += len(keywords)
        return True

    def expect(self, *keywords: str) -> None:
        if not self.accept(*keywords):
            raise UnexpectedWordError(f"expected {' '.join(keywords)} and found {self.here()}")

    def here(self) -> str:
        return repr(self.words[self.at].text) if self.at < len(self.words) else "the end"

    def identifier(self) -> str:
        word = self.take()
        odd = bool(word.upper) and ("." in word.text or not any(ch.isalnum() or ch in "_$" for ch in word.text))
        if word.string or odd:
            raise UnexpectedWordError(f"expected a name and found {word.text!r}")
        return word.text

    def name(self, schema: str = "", *, stored: bool = False) -> ObjectName:
        """`name`, `schema.name` or `.name`; a name without schema is in `schema`, or the session's default."""
        self.accept(".")
        first, first_at = self.identifier(), self.last()
        if self.accept("."):
            found = ObjectName(first, self.identifier())
            self.names.append(NameAt(found, first_at, self.last(), stored))
            return found
        schema = schema or self.default_schema
        if not schema:
            raise UnexpectedWordError(f"the name {first!r} has no schema and the session had none")
        self.names.append(NameAt(ObjectName(schema, first), None, first_at, stored))
        return ObjectName(schema, first)

    def last(self) -> Span:
        """Return where the word that was taken last stands."""
        word = self.words[self.at - 1]
        return Span(word.start, word.end)

    def if_exists(self) -> None:
        self.conditional = self.accept("IF", "NOT", "EXISTS") or self.accept("IF", "EXISTS")

    def wait(self) -> None:
        """Pass how long MariaDB is to wait for a lock."""
        if not self.accept("NOWAIT") and self.accept("WAIT"):
            self.take()

    def takes_number(self) -> bool:
        """Pass what stands before the name of a sequence from which a number is taken; return whether it stood here."""
        return self.accept("NEXTVAL", "(") or self.accept("LASTVAL", "(") or self.accept("NEXT", "VALUE", "FOR")

    def passed_in_mariadb(self) -> None:
        """Pass IF EXISTS or IF NOT EXISTS where MariaDB alone has it."""
        if not self.accept("IF", "NOT", "EXISTS"):
            self.accept("IF", "EXISTS")

    def behind_if(self, at: int) -> int:
        """Return the place so many ahead, or behind IF [NOT] EXISTS there, which is MariaDB's."""
        if self.peek(at) != "IF":
            return at
        return at + (3 if self.peek(at + 1) == "NOT" else 2)

    def end(self) -> None:
        if self.at < len(self.words):
            raise UnexpectedWordError(f"{self.here()} follows where the statement should end")
