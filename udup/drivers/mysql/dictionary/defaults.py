"""What a column has by default, in a form in which two servers' can be compared.

A row may be logged without what it has by default (binlog_row_image = MINIMAL, of one session too). The target gives
it its own default then.
"""

from __future__ import annotations

#: NULL, and no default at all.
NULL, NONE = "NULL", "none"


def default_of(text: str | bytes | None, extra: str | bytes, nullable: bool) -> str:
    """Return it, by COLUMN_DEFAULT and EXTRA: a literal in quotes, an expression in parentheses."""
    if text is None:
        return NULL if nullable else NONE
    shown = _text(text)
    if "DEFAULT_GENERATED" in _text(extra).upper():
        return f"({shown})"
    return "'" + shown.replace("'", "''") + "'"


def depends_on_zone(kind: str, default: str) -> bool:
    """Return whether a default is a TIMESTAMP written as a time: another moment in each time zone."""
    return kind == "timestamp" and default.startswith("'") and not default.startswith("'0000-00-00")


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
