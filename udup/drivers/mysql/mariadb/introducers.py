"""Strings with their character set in front (`_utf8mb4'é'`) in expressions of a table that MariaDB is to make.

MySQL prints each string of an expression so. MariaDB stores the expression as it prints it itself, and prints such a
string without its escapes and with each byte that is not ASCII as `xC3`: seen on 10.5, 10.11 and 11.8, `_utf8mb4'é'`
becomes 'xC3xA9' without a word, and a quote or a backslash is a fault of syntax. A plain string is kept, and so are
bytes.
"""

from __future__ import annotations

from udup.drivers.mysql.mariadb.parts import Item
from udup.drivers.mysql.mariadb.told import Fitting

#: Sets of which a plain string has every character, in a session whose own is one of Unicode.
_UNICODE = frozenset({"_UTF8MB4", "_UTF8MB3", "_UTF8"})
_BINARY = "_BINARY"

#: Sets in which ASCII is not what it is elsewhere.
_WIDE = frozenset({"_UCS2", "_UTF16", "_UTF16LE", "_UTF32"})

#: What the printing changes beside what is not ASCII.
_ESCAPED = frozenset({"'", "\\", "\x7f", *map(chr, range(0x20))})

_REMEDY = "write the string there with CONVERT('…' USING …) on the source, or leave the table out"


def fit_strings(item: Item, fitting: Fitting) -> None:
    """Have each string inside of parentheses keep what it is."""
    depth = 0
    for at, word in enumerate(item.words):
        depth += (word.upper == "(") - (word.upper == ")")
        if depth > 0 and word.upper.startswith("_") and at + 1 < len(item.words) and item.words[at + 1].string:
            _fit(item, at, fitting)


def _fit(item: Item, at: int, fitting: Fitting) -> None:
    charset, string = item.words[at].upper, item.words[at + 1]
    is_bytes = fitting.text[string.start] not in "'\""  # x'5C', b'1'
    if not is_bytes and string.text.isascii() and _ESCAPED.isdisjoint(string.text):
        return
    if is_bytes and charset == _BINARY:
        item.put(at, at + 1, "")
    elif is_bytes or charset in _WIDE or not (string.text.isascii() or _is_plain(charset, fitting)):
        problem = f"a string of the character set {charset[1:].lower()} in an expression is not kept by the target"
        fitting.refuse(problem, _REMEDY, item.column)
    elif charset == _BINARY:
        item.put(at, at + 2, f"x'{string.text.encode().hex()}'")
    else:
        item.put(at, at + 1, "")


def _is_plain(charset: str, fitting: Fitting) -> bool:
    """Return whether a string that is not ASCII is the same as one of the session's."""
    return charset == _BINARY or (charset in _UNICODE and f"_{fitting.literals.upper()}" in (*_UNICODE, *_WIDE))
