"""Character sets by the numbers of their collations, as the client library lists them."""

from __future__ import annotations

from typing import Any

from pymysql.charset import charset_by_id, charset_by_name


def collation_of(number: int) -> str:
    """Return the name of a collation. `KeyError` for one that is not listed."""
    listed: Any = charset_by_id(number)
    return str(listed.collation)


def encoding_of(collation: int) -> str:
    """Return the name of the codec for a collation's character set. `KeyError` for one that is not listed."""
    return str(charset_by_id(collation).encoding)


def encoding_named(charset: str) -> str | None:
    """Return Python's name of a character set; None of one that the client library does not know."""
    found = charset_by_name(charset)
    return None if found is None else str(found.encoding)
