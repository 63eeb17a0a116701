"""The words of a row filter, as MySQL's lexer cuts them without ANSI_QUOTES and with backslash escapes.

Only what an expression needs is known; a comment, a variable, a parameter or a semicolon ends the reading with a
reason. Operators and the kinds of literals count here, which the tokens of statements (`ddl/sqltokens.py`) do not tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from udup.base.errors import Unsupported


class Sort(Enum):
    """What a word is."""

    NAME = "name"  # in backticks
    WORD = "word"
    NUMBER = "number"
    TEXT = "text"
    HEX = "hex"
    BITS = "bits"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Word:
    """One word; `text` is without its quotes, `upper` the keyword that it could be."""

    sort: Sort
    text: str
    at: int

    @property
    def upper(self) -> str:
        return self.text.upper() if self.sort in (Sort.WORD, Sort.SIGN) else ""


class FilterProblem(Unsupported):
    """A row filter that is not carried out, with the reason."""


_PATTERN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>\#|--|/\*)
  | (?P<hex>[xX]'(?:[0-9a-fA-F]{2})*'|0x[0-9a-fA-F]+)
  | (?P<bits>[bB]'[01]*'|0b[01]+)
  | (?P<text>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")
  | (?P<name>`(?:[^`]|``)+`)
  | (?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?(?![\w$]))
  | (?P<word>[\w$]+)
  | (?P<sign><=>|->>|->|<=|>=|<>|!=|\|\||&&|<<|>>|[-+*/%=<>(),.~^&|!])
    """,
    re.VERBOSE | re.DOTALL,
)

_ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "%": "\\%", "_": "\\_"}

_REASONS = {
    "@": "a variable, which is another one in every session",
    "?": "a parameter",
    ";": "the end of a statement",
    "#": "a comment",
    "-": "a comment",
    "/": "a comment",
}


def words_of(text: str) -> list[Word]:
    """Return the words and an end. Raise `FilterProblem` for what can be none of an expression."""
    words: list[Word] = []
    at = 0
    while at < len(text):
        found = _PATTERN.match(text, at)
        if found is None or found.lastgroup == "comment":
            what = _REASONS.get(text[at], f"{text[at]!r}, which does not belong there or does not end")
            raise FilterProblem(f"has at character {at + 1} {what}")
        if found.lastgroup != "space":
            words.append(_word(str(found.lastgroup), found.group(), at))
        at = found.end()
    return [*words, Word(Sort.END, "", at)]


def _word(group: str, raw: str, at: int) -> Word:
    match group:
        case "text":
            return Word(Sort.TEXT, _unquoted(raw), at)
        case "name":
            return Word(Sort.NAME, raw[1:-1].replace("``", "`"), at)
        case "hex":
            digits = raw[2:].strip("'")
            return Word(Sort.HEX, digits if len(digits) % 2 == 0 else f"0{digits}", at)
        case "bits":
            return Word(Sort.BITS, raw[2:].strip("'"), at)
    return Word(Sort(group), raw, at)


def _unquoted(raw: str) -> str:
    quote, made, at = raw[0], [], 1
    while at < len(raw) - 1:
        letter = raw[at]
        if letter == "\\":
            made.append(_ESCAPES.get(raw[at + 1], raw[at + 1]))
            at += 2
        else:
            made.append(letter)
            at += 2 if letter == quote else 1
    return "".join(made)
