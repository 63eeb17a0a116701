"""Strings of bytes as SQL literals, as the server's QUOTE() writes them."""

from __future__ import annotations

#: What QUOTE() escapes: backslash, quote, NUL and Control-Z.
_ESCAPES = ((b"\\", b"\\\\"), (b"'", b"\\'"), (b"\0", b"\\0"), (b"\x1a", b"\\Z"))


def quoted(value: bytes) -> bytes:
    for plain, escaped in _ESCAPES:
        value = value.replace(plain, escaped)
    return b"'" + value + b"'"
