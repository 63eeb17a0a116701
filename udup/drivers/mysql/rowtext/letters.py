"""Texts out of the bytes of MySQL's character sets, as the server itself converts them.

Python's codecs do it where they agree with the server; for the sets of one byte there is the server's own table
(`letter_tables.py`), and for what the codecs of the larger ones read otherwise, single letters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from udup.drivers.mysql.rows.charsets import charset_of
from udup.drivers.mysql.rowtext.letter_tables import ONE_BYTE, OTHERS

#: Bytes of a character at most, where they are more than one.
_BYTES_MAX = {
    "big5": 2, "cp932": 2, "eucjpms": 3, "euckr": 2, "gb18030": 4, "gb2312": 2, "gbk": 2, "sjis": 2, "ucs2": 2,
    "ujis": 3, "utf16": 4, "utf16le": 4, "utf32": 4, "utf8mb3": 3, "utf8mb4": 4,
}  # fmt: skip

_CODECS = {
    "binary": "utf-8",  # members of an ENUM, as clients sent them
    "big5": "big5",
    "cp932": "cp932",
    "eucjpms": "euc_jp",
    "euckr": "cp949",
    "gb18030": "gb18030",
    "gb2312": "gb2312",
    "gbk": "gbk",
    "sjis": "shift_jis",
    "ucs2": "utf-16-be",
    "ujis": "euc_jp",
    "utf16": "utf-16-be",
    "utf16le": "utf-16-le",
    "utf32": "utf-32-be",
    "utf8mb3": "utf-8",
    "utf8mb4": "utf-8",
}

#: What Java's windows-1252 has no letter for, and MySQL's latin1 has as control characters.
_HOLES = "\x81\x8d\x8f\x90\x9d"
_NO_LETTER = "\ufffd"


@dataclass(frozen=True)
class Letters:
    """`table`: the text of each byte, empty for a set of more bytes. `text` makes text of any bytes."""

    charset: str
    bytes_max: int
    table: str
    text: Callable[[bytes], str]

    @property
    def is_utf8(self) -> bool:
        return self.charset in ("utf8mb3", "utf8mb4")


def letters_of(collation: int, *, java: bool = False) -> Letters:
    """Return the letters of a collation's set; `Unsupported` for a number that is not known.

    `java`: what Java has no letter for in latin1 is U+FFFD.
    """
    return _letters(charset_of(collation), java)


@cache
def _letters(charset: str, java: bool) -> Letters:
    table = ONE_BYTE.get(charset, "")
    if table:
        if java and charset == "latin1":
            table = "".join(_NO_LETTER if each in _HOLES else each for each in table)
        return Letters(charset, 1, table, lambda data: data.decode("latin-1").translate(_by_number(table)))
    codec, others = _CODECS[charset], OTHERS.get(charset, {})
    if not others:
        return Letters(charset, _BYTES_MAX.get(charset, 1), "", lambda data: data.decode(codec, "replace"))
    return Letters(charset, _BYTES_MAX.get(charset, 1), "", _Mixed(codec, charset, others).text)


@cache
def _by_number(table: str) -> dict[int, str]:
    return dict(enumerate(table))


class _Mixed:
    """A codec, and letters that the server reads otherwise."""

    def __init__(self, codec: str, charset: str, others: dict[bytes, str]) -> None:
        self._codec = codec
        self._others = others
        self._width = _widths(charset)

    def text(self, data: bytes) -> str:
        if data.isascii():
            return data.decode("ascii")
        out: list[str] = []
        at = plain = 0
        while at < len(data):
            behind = at + self._width(data, at)
            other = self._others.get(data[at:behind])
            if other is not None:
                out += data[plain:at].decode(self._codec, "replace"), other
                plain = behind
            at = behind
        out.append(data[plain:].decode(self._codec, "replace"))
        return "".join(out)


def _widths(charset: str) -> Callable[[bytes, int], int]:
    """Return what says how many bytes the character has that begins at a place."""
    if charset in ("ujis", "eucjpms"):
        return lambda data, at: 1 if data[at] < 0x80 else 3 if data[at] == 0x8F else 2
    if charset == "gb18030":
        return lambda data, at: 1 if data[at] < 0x80 else 4 if data[at + 1 : at + 2].isdigit() else 2
    if charset in ("sjis", "cp932"):
        return lambda data, at: 1 if data[at] < 0x80 or 0xA1 <= data[at] <= 0xDF else 2
    return lambda data, at: 1 if data[at] < 0x80 else 2


def decoder_of(charset: str) -> Callable[[bytes], str]:
    """Return what makes texts of the bytes of a character set of several bytes."""
    return _letters(charset, False).text
