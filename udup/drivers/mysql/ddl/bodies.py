"""Names in the bodies of views, routines, triggers and events, changed to the target's where that is certain.

A body is any SQL, and this is no parser of it: it looks at every chain of names (`a`, `a.b`, `a.b.c`) and at the words
around it. Certain are: a chain behind FROM, JOIN, INSERT INTO, UPDATE and the like is a table; `a.b(…)` and CALL a.b
are a routine; `a.b.c` is a column with its table and schema. A column's `a.b` follows what is known of `a` from these.
What may be one thing or another (an alias of a table's name, a list of tables with commas, a statement put together
from texts) is refused if it concerns a name that changes, and left alone otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from udup.base.errors import Unsupported
from udup.drivers.mysql.ddl.edits import Edit, name_edit
from udup.drivers.mysql.ddl.sqltokens import Word
from udup.pipeline.selection.renames import Renaming

#: Words in front of INTO that make it one of INSERT or REPLACE.
_WRITES = frozenset({"INSERT", "REPLACE", "IGNORE", "DELAYED", "LOW_PRIORITY", "HIGH_PRIORITY"})

#: Words in front of UPDATE that make it no statement.
_NO_UPDATE = frozenset({"KEY", "FOR", "ON", "BEFORE", "AFTER"})

#: Functions with a FROM among their arguments.
_WITH_FROM = frozenset({"EXTRACT", "TRIM", "SUBSTRING", "SUBSTR", "MID"})

#: Words that may follow FROM, UPDATE or TABLE without being a table's name.
_NO_TABLE = frozenset(
    {"SELECT", "WITH", "VALUES", "TABLE", "LATERAL", "JSON_TABLE", "DUAL", "IF", "IGNORE", "LOW_PRIORITY", "ONLY"}
)

#: First names of a chain that are no schema, table or alias.
_ROWS = frozenset({"NEW", "OLD"})


class _Role(Enum):
    TABLE = "table"
    ROUTINE = "routine"
    OPEN = "open"  # a column, a variable, an alias, or a table in a list


@dataclass(frozen=True)
class _Chain:
    words: tuple[Word, ...]
    names: tuple[str, ...]
    role: _Role


def body_edits(words: Sequence[Word], renaming: Renaming, schema: str) -> list[Edit]:
    """Return the edits of a body whose names without a schema are in `schema`; `Unsupported` names what is unclear."""
    return _Body(words, renaming, schema).edits()


class _Body:
    def __init__(self, words: Sequence[Word], renaming: Renaming, schema: str) -> None:
        self._words = words
        self._renaming = renaming
        self._schema = schema
        self._chains = list(_chains(words, renaming.selection.folds))
        #: Names that stand alone somewhere: columns, variables, aliases.
        self._alone = {each.names[0] for each in self._chains if each.role is _Role.OPEN and len(each.words) == 1}
        #: New names of the tables that are certain.
        self._tables: dict[str, set[str]] = {}

    def edits(self) -> list[Edit]:
        self._refuse_texts()
        found: list[Edit] = []
        columns: list[_Chain] = []
        for chain in self._chains:
            if len(chain.words) > 2 or (len(chain.words) == 2 and chain.role is _Role.TABLE):
                found += self._table(chain)
            elif chain.role is _Role.ROUTINE:
                found += self._routine(chain)
            elif len(chain.words) == 1 and chain.role is _Role.TABLE:
                found += self._bare_table(chain)
            else:
                columns.append(chain)
        for chain in columns:
            found += self._column(chain)
        return found

    def _refuse_texts(self) -> None:
        """A statement that is put together while it runs."""
        if not any(word.upper == "PREPARE" for word in self._words):
            return
        for text in (word.text for word in self._words if word.string):
            for name in _names_in(text):
                if self._moves_schema(name) or self._moves_table(name):
                    raise self._unclear(name, "stands in a text, and the body prepares statements from texts")

    def _moves_schema(self, name: str) -> bool:
        """Return whether a known schema has this name, and another one on the target."""
        return self._renaming.knows(name) and self._renaming.schema(name) != name

    def _moves_table(self, name: str) -> bool:
        """Return whether a known table of the default schema has this name, and another one on the target."""
        return self._renaming.knows(self._schema, name) and self._new_name(name) != name

    def _new_name(self, name: str) -> str:
        return self._renaming.table(self._schema, name)[1]

    def _table(self, chain: _Chain) -> Iterator[Edit]:
        schema, table, *_ = chain.names
        new_schema, new_table = self._renaming.table(schema, table)
        self._tables.setdefault(table, set()).add(new_table)
        yield from _changed(chain.words[0], new_schema)
        yield from _changed(chain.words[1], new_table)

    def _routine(self, chain: _Chain) -> Iterator[Edit]:
        if len(chain.words) == 2 and self._renaming.selection.wants_stored(chain.names[0]):
            yield from _changed(chain.words[0], self._renaming.schema(chain.names[0]))

    def _bare_table(self, chain: _Chain) -> Iterator[Edit]:
        (name,) = chain.names
        if chain.words[0].upper in _NO_TABLE:
            return
        temporary = any(word.upper == "TEMPORARY" for word in self._words)
        if not temporary and name not in self._alone:
            new = self._new_name(name)
            self._tables.setdefault(name, set()).add(new)
            yield from _changed(chain.words[0], new)
        elif self._moves_table(name):
            raise self._unclear(name, "is a table's name, and an alias, a column or a temporary table may have it too")

    def _column(self, chain: _Chain) -> Iterator[Edit]:
        first = chain.names[0]
        if len(chain.words) == 1:
            if first not in self._tables and self._moves_table(first):
                raise self._unclear(first, "may be the table of that name or something else")
            return
        if first.upper() in _ROWS:
            return
        known = self._tables.get(first, set())
        if known - {first}:
            if len(known) > 1 or first in self._alone:
                raise self._unclear(first, "may be a table of that name or an alias")
            yield from _changed(chain.words[0], *known)
        elif not known and first not in self._alone and self._moves_schema(first):
            yield from self._table(chain)  # no table and no alias is called so: a schema, in a list of tables
        elif not known and (self._moves_schema(first) or self._moves_table(first)):
            raise self._unclear(first, "may be a schema, a table or an alias")

    def _unclear(self, name: str, why: str) -> Unsupported:
        return Unsupported(
            f"its body names {name}, which has another name on the target, and {name} {why}; write it as schema.table "
            "behind FROM, JOIN, INTO or UPDATE, with an alias of another name, or leave the object out of the job"
        )


def _changed(word: Word, new: str) -> Iterator[Edit]:
    if new != word.text:
        yield name_edit((word.start, word.end), new)


def _names_in(text: str) -> set[str]:
    return set("".join(letter if letter.isalnum() or letter in "_$" else " " for letter in text).split())


def _chains(words: Sequence[Word], folds: bool) -> Iterator[_Chain]:
    """Yield every chain of names, with its role by the words around it."""
    opened: list[str] = []  # the word in front of each open parenthesis
    at = 0
    while at < len(words):
        word = words[at]
        if word.upper == "(":
            opened.append(words[at - 1].upper if at else "")
        elif word.upper == ")" and opened:
            opened.pop()
        if not _is_name(word) or (at and words[at - 1].upper == "@"):
            at += 1
            continue
        end = at + 1
        while (
            end + 1 < len(words) and words[end].upper == "." and (_is_name(words[end + 1]) or _is_star(words[end + 1]))
        ):
            end += 2
        chain = tuple(words[at:end:2])
        names = tuple(word.text.lower() if folds else word.text for word in chain)
        yield _Chain(chain, names, _role(words, at, end, opened))
        at = end


def _is_name(word: Word) -> bool:
    if word.string:
        return False
    return not word.upper or (word.text[0].isalpha() or word.text[0] in "_$" or not word.text.isascii())


def _is_star(word: Word) -> bool:
    return word.upper == "*"


def _role(words: Sequence[Word], start: int, end: int, opened: Sequence[str]) -> _Role:
    """Return the role of the chain in words[start:end]."""

    def upper(position: int) -> str:
        return words[position].upper if 0 <= position < len(words) else ""

    before = start - 1
    depth = len(opened)
    while upper(before) == "(":
        before -= 1
        depth -= 1
    lead, calls = upper(before), upper(end) == "("
    if lead == "CALL":
        return _Role.ROUTINE
    if lead == "INTO" and upper(before - 1) in _WRITES:
        return _Role.TABLE
    if lead == "UPDATE" and upper(before - 1) not in _NO_UPDATE:
        return _Role.TABLE
    inside = opened[depth - 1] if depth > 0 else ""
    reads = lead == "FROM" and inside not in _WITH_FROM and upper(before - 1) not in ("FETCH", "NEXT")
    if not calls and (reads or lead in ("JOIN", "STRAIGHT_JOIN", "TABLE", "TRUNCATE")):
        return _Role.TABLE
    return _Role.ROUTINE if calls else _Role.OPEN
