"""SQL text of the binary log as tokens.

A statement's targets are found by walking tokens, never by searching text: a name may hold spaces, dots, keywords
or comment marks, and a string may hold a whole statement. The scanner is sqlglot's, with MySQL's lexical rules and
no keywords: every bare word stays a word, so that a table named `index` or `2b` reads like any other.

`/*!50013 … */` is SQL, not a comment (the source has already turned those that it did not run into plain
comments), so its marks are taken out of the token list and its content stays in. `sql_mode` decides what a double
quote means (ANSI_QUOTES) and whether a backslash escapes (NO_BACKSLASH_ESCAPES).
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType
from sqlglot.tokens import Tokenizer

from udup.drivers.mysql.client.charsets import encoding_of

#: Bits of sql_mode, as the Query event carries them.
MODE_ANSI_QUOTES = 0x4
MODE_NO_BACKSLASH_ESCAPES = 0x100000

#: ASCII structure survives this decoding, whatever the bytes are.
LAST_RESORT_CODEC = "latin-1"

#: The dialect lets a name start with a digit. It is made here and not at the first statement: what is loaded with it
#: (megabytes) is so shared by all processes that are forked.
_DIALECT = Dialect.get_or_raise("mysql")

_VERSION_COMMENT = "/*!"
_COMMENT_END = "*/"

#: Digits that may follow the mark of a version comment: 50013, or 080013 since 8.0.
_VERSION_DIGITS = (5, 6)


_DOLLAR_QUOTE = re.compile(r"\$(?:[^\W\d]\w*)?\$")
_LANGUAGE = re.compile(r"\bLANGUAGE\b", re.IGNORECASE)


class _MySQLScanner(Tokenizer):
    """MySQL's lexical rules alone."""

    QUOTES = ["'", '"']
    IDENTIFIERS = ["`"]
    IDENTIFIER_ESCAPES = ["`"]
    STRING_ESCAPES = ["'", '"', "\\"]
    COMMENTS = ["--", "#", ("/*", "*/")]
    BIT_STRINGS = [("b'", "'"), ("B'", "'")]
    HEX_STRINGS = [("x'", "'"), ("X'", "'")]
    KEYWORDS = {_VERSION_COMMENT: TokenType.HINT, _COMMENT_END: TokenType.HINT}
    COMMANDS: ClassVar[set[TokenType]] = set()
    NESTED_COMMENTS = False
    DASH_COMMENT_REQUIRES_BOUNDARY = True
    COMMENTS_TERMINATE_AT_NEWLINE_ONLY = True


class _NoBackslash(_MySQLScanner):
    STRING_ESCAPES = ["'", '"']


class _Ansi(_MySQLScanner):
    QUOTES = ["'"]
    IDENTIFIERS = ["`", '"']
    IDENTIFIER_ESCAPES = ["`", '"']
    STRING_ESCAPES = ["'", "\\"]


class _AnsiNoBackslash(_Ansi):
    STRING_ESCAPES = ["'"]


@dataclass(frozen=True)
class Word:
    """One token: `text` without quotes, `upper` the keyword it could be (empty for a quoted name or a string).

    `start` and `end` cut it, quotes included, out of the text that was tokenized.
    """

    text: str
    upper: str
    string: bool = False
    start: int = 0
    end: int = 0


class UntokenizableError(ValueError):
    """The text is not lexically MySQL as far as the scanner knows."""


@cache
def codec_of(collation_id: int) -> str:
    """Return Python's codec for a character set that the Query event names by the number of a collation.

    A client that says `binary` names its objects in UTF-8; of a set that Python lacks, the ASCII part is read.
    """
    try:
        codec = encoding_of(collation_id)
        return "utf-8" if codec == "binary" else codecs.lookup(codec).name
    except KeyError:
        return "utf-8"
    except LookupError:
        return LAST_RESORT_CODEC


def decode(text: bytes, codec: str) -> str:
    """Return the text in the client's character set, or byte by byte where it is not valid there."""
    return decoded(text, codec)[0]


def decoded(text: bytes, codec: str) -> tuple[str, str]:
    """Return the text, and the codec that leads back to its bytes."""
    try:
        return text.decode(codec), codec
    except (UnicodeDecodeError, LookupError):
        return text.decode(LAST_RESORT_CODEC), LAST_RESORT_CODEC


def tokenize(sql: str, sql_mode: int = 0) -> list[Word]:
    """Return the statement's tokens; `UntokenizableError` when a quote or a comment does not end."""
    body = _dollar_quoted(sql, sql_mode)
    if body is None:
        return _tokens(sql, sql_mode)
    start, end = body
    text = Word(sql[start:end], "", string=True, start=start, end=end)
    behind = [replace(word, start=word.start + end, end=word.end + end) for word in _tokens(sql[end:], sql_mode)]
    return [*_tokens(sql[:start], sql_mode), text, *behind]


def _dollar_quoted(sql: str, sql_mode: int) -> tuple[int, int] | None:
    """Return where the text of a routine or library in another language is: `LANGUAGE x … AS $tag$ … $tag$`.

    Only there is it looked for: elsewhere `$$` may be a name.
    """
    for mark in _DOLLAR_QUOTE.finditer(sql) if "$" in sql and _LANGUAGE.search(sql) else ():
        try:
            before = _tokens(sql[: mark.start()], sql_mode)
        except UntokenizableError:
            continue  # inside a string
        if before and before[-1].upper == "AS" and any(word.upper == "LANGUAGE" for word in before):
            end = sql.find(mark.group(), mark.end())
            if end < 0:
                raise UntokenizableError(f"{mark.group()} does not end")
            return mark.start(), end + len(mark.group())
    return None


def _tokens(sql: str, sql_mode: int) -> list[Word]:
    try:
        tokens = _scanner(sql_mode).tokenize(sql)
    except (TokenError, IndexError, ValueError) as error:
        raise UntokenizableError(str(error)) from error
    words: list[Word] = []
    after_mark = False
    for token in tokens:
        if token.token_type is TokenType.HINT:
            after_mark = token.text == _VERSION_COMMENT
            continue
        word = _word(token)
        rest = _without_version(word) if after_mark else word
        after_mark = False
        if rest is not None:
            words.append(rest)
    return words


def _scanner(sql_mode: int) -> Tokenizer:
    ansi = bool(sql_mode & MODE_ANSI_QUOTES)
    plain = bool(sql_mode & MODE_NO_BACKSLASH_ESCAPES)
    return {
        (False, False): _MySQLScanner,
        (False, True): _NoBackslash,
        (True, False): _Ansi,
        (True, True): _AnsiNoBackslash,
    }[ansi, plain](dialect=_DIALECT)


def _word(token: Token) -> Word:
    kind, start, end = token.token_type, token.start, token.end + 1
    if kind is TokenType.IDENTIFIER:
        return Word(token.text, "", start=start, end=end)
    if kind in (TokenType.STRING, TokenType.HEX_STRING, TokenType.BIT_STRING, TokenType.NATIONAL_STRING):
        return Word(token.text, "", string=True, start=start, end=end)
    return Word(token.text, token.text.upper(), start=start, end=end)


def _without_version(word: Word) -> Word | None:
    """Return the first word of a version comment without the version: `50013`, or `50013DEFINER` written together."""
    if not word.upper:
        return word
    digits = len(word.text) - len(word.text.lstrip("0123456789"))
    if digits not in _VERSION_DIGITS:
        return word
    rest = word.text[digits:]
    return Word(rest, rest.upper(), start=word.start + digits, end=word.end) if rest else None
