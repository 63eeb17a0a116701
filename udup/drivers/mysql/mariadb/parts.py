"""A definition in parts: the items of a CREATE TABLE or the actions of an ALTER TABLE, each with its words.

What one family hides from the other in `/*! … */` and `/*M! … */` is brought into the open first: it is part of the
definition that is to be made, or it is left out by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from udup.drivers.mysql.ddl.sqltokens import MODE_ANSI_QUOTES, MODE_NO_BACKSLASH_ESCAPES, Word, tokenize

#: Words with which an item begins that is no column.
_NO_COLUMN = frozenset(
    {"CONSTRAINT", "PRIMARY", "UNIQUE", "KEY", "INDEX", "FULLTEXT", "SPATIAL", "FOREIGN", "CHECK", "PERIOD"}
)


@dataclass
class Item:
    """A column, index or constraint, or an action: its words, and what of its text becomes another.

    `column`: its name, "" for what is none; `kind_at`: where its type stands. `left_out`: the item goes.
    """

    words: Sequence[Word]
    column: str = ""
    kind_at: int = 0
    left_out: bool = False
    edits: list[tuple[int, int, str]] = field(default_factory=list)

    def put(self, start: int, end: int, text: str) -> None:
        """Have these words, by their places, become this text."""
        self.edits.append((self.words[start].start, self.words[end - 1].end, text))

    def add(self, behind: int, text: str) -> None:
        """Have this text come behind a word."""
        at = self.words[behind].end
        self.edits.append((at, at, text))

    def word(self, at: int) -> str:
        """Return a word in capitals; "" behind the end, and for a name or a string."""
        return self.words[at].upper if 0 <= at < len(self.words) else ""

    def find(self, *wanted: str, start: int = 0) -> int:
        """Return where these words follow each other outside of parentheses, -1 for nowhere."""
        depth = 0
        for at in range(start, len(self.words)):
            upper = self.word(at)
            if not depth and all(self.word(at + i) == each for i, each in enumerate(wanted)):
                return at
            depth += (upper == "(") - (upper == ")")
        return -1

    def behind(self, at: int) -> int:
        """Return the place behind a word, or behind the parentheses that it opens."""
        depth = 0
        for place in range(at, len(self.words)):
            depth += (self.word(place) == "(") - (self.word(place) == ")")
            if depth <= 0:
                return place + 1
        return len(self.words)


def in_the_open(sql: str, sql_mode: int, *, is_mariadbs: bool) -> str:
    """Return a statement of the source's log or dictionary without the marks of comments that its server reads.

    `is_mariadbs`: the source reads `/*M! … */`; to MySQL that is a comment, and it is left out.
    """
    if "/*!" not in sql and "/*M!" not in sql:
        return sql
    plain = bool(sql_mode & MODE_NO_BACKSLASH_ESCAPES)
    text = r"'(?:[^']|'')*'" if plain else r"'(?:[^'\\]|\\.|'')*'"
    double = r'"(?:[^"]|"")*"' if plain or sql_mode & MODE_ANSI_QUOTES else r'"(?:[^"\\]|\\.|"")*"'
    comments = r"/\*(?!M?!).*?\*/|#[^\n]*|--(?=\s)[^\n]*"
    pattern = rf"({text}|`(?:[^`]|``)*`|{double}|{comments})|/\*(M?)!\d*(.*?)\*/"

    def shown(found: re.Match[str]) -> str:
        if found[1] is not None:
            return found[1]
        return f" {found[3].strip()} " if is_mariadbs or not found[2] else " "

    return re.sub(pattern, shown, sql, flags=re.DOTALL)


@dataclass
class Parts:
    """A statement: what stands before its items, these, and what stands behind them as one more item."""

    sql: str
    head: list[Word]
    items: list[Item]
    tail: Item
    first: int  # where the text of the items begins and ends
    last: int
    edits: list[tuple[int, int, str]] = field(default_factory=list)

    def text(self) -> str:
        """Return the statement with all that was put into it; "" if nothing of it is left."""
        kept = [item for item in self.items if not item.left_out]
        if len(kept) == len(self.items):
            edits = [edit for item in (*self.items, self.tail) for edit in item.edits]
            return _edited(self.sql, 0, len(self.sql), [*self.edits, *edits])
        if not kept and not self.tail.words:
            return ""
        body = ", ".join(_edited(self.sql, *_span(item), item.edits) for item in kept)
        front = _edited(self.sql, 0, self.first, self.edits)
        return front + body + _edited(self.sql, self.last, len(self.sql), self.tail.edits)


def _span(item: Item) -> tuple[int, int]:
    return item.words[0].start, item.words[-1].end


def _edited(sql: str, start: int, end: int, edits: Sequence[tuple[int, int, str]]) -> str:
    pieces, at = [], start
    for begin, stop, text in sorted(edits):
        if start <= begin and stop <= end:
            pieces += [sql[at:begin], text]
            at = stop
    return "".join([*pieces, sql[at:end]])


def parts_of(sql: str, sql_mode: int) -> Parts | None:
    """Return the parts of a CREATE or ALTER TABLE, None for what has none. `UntokenizableError` as `tokenize`."""
    words = tokenize(sql, sql_mode)
    upper = [word.upper for word in words]
    if "TABLE" not in upper[:5]:
        return None
    at = upper.index("TABLE")
    match upper[0]:
        case "CREATE":
            return _created(sql, words, at)
        case "ALTER":
            return _altered(sql, words, at)
    return None


def _created(sql: str, words: list[Word], table: int) -> Parts | None:
    at = _name_end(words, table + 1)
    if at >= len(words) or words[at].upper != "(":
        return Parts(sql, words[:at], [], Item(words[at:]), len(sql), len(sql))
    if at + 1 < len(words) and words[at + 1].upper in ("LIKE", "SELECT", "WITH", "("):
        return None
    groups, end = _groups(words, at + 1)
    items = [_column_of(Item(group), 0) for group in groups]
    return Parts(sql, words[: at + 1], items, Item(words[end + 1 :]), groups[0][0].start, groups[-1][-1].end)


def _altered(sql: str, words: list[Word], table: int) -> Parts | None:
    at = _name_end(words, table + 1)
    groups, end = _groups(words, at)
    if end < len(words) or not groups:
        return None
    return Parts(sql, words[:at], [_action(Item(each)) for each in groups], Item([]), words[at].start, len(sql))


def _action(item: Item) -> Item:
    first, at = item.word(0), 1
    if first not in ("ADD", "MODIFY", "CHANGE"):
        return item
    if item.word(at) == "COLUMN":
        at += 1
    if item.word(at) == "IF":
        at += 3 if item.word(at + 1) == "NOT" else 2
    return _column_of(item, at, renamed=first == "CHANGE")


def _column_of(item: Item, at: int, *, renamed: bool = False) -> Item:
    if at < len(item.words) - 1 and item.word(at) not in (*_NO_COLUMN, "VECTOR", "(", "PARTITION", "SYSTEM"):
        item.column = item.words[at + renamed].text
        item.kind_at = at + 1 + renamed
    return item


def _name_end(words: list[Word], at: int) -> int:
    """Return the place behind a table's name, perhaps with IF NOT EXISTS before it and a schema."""
    while at < len(words) and words[at].upper in ("IF", "NOT", "EXISTS"):
        at += 1
    at += 1
    while at < len(words) - 1 and words[at].text == "." and not words[at].string:
        at += 2
    return at


def _groups(words: list[Word], start: int) -> tuple[list[list[Word]], int]:
    """Return what stands between commas from a place on, and where the parenthesis around it ends."""
    groups: list[list[Word]] = [[]]
    depth = 0
    for at in range(start, len(words)):
        upper = words[at].upper
        if upper == ")" and depth == 0:
            return [each for each in groups if each], at
        depth += (upper == "(") - (upper == ")")
        if upper == "," and depth == 0:
            groups.append([])
        else:
            groups[-1].append(words[at])
    return [each for each in groups if each], len(words)


def added_columns(item: Item) -> Iterator[Item]:
    """Yield the columns of ADD (a INT, b INT), whose edits the action takes over."""
    at = 2 if item.word(1) == "COLUMN" else 1
    if item.word(0) == "ADD" and item.word(at) == "(" and not item.column:
        for group in _groups(list(item.words), at + 1)[0]:
            inner = _column_of(Item(group), 0)
            inner.edits = item.edits
            yield inner
