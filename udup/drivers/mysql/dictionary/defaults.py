"""What a column has by default, in a form in which two servers' can be compared.

A row may be logged without what it has by default (binlog_row_image = MINIMAL, of one session too). The target gives
it its own default then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.dictionary.catalog import Column

#: NULL, and no default at all.
NULL, NONE = "NULL", "none"

_LITERAL_DEFAULT = r"[^\n']* DEFAULT '((?:[^'\\]|\\.|'')*)'"


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


def lost_defaults(create_sql: str, schema: str, table: str, columns: Sequence[Column]) -> Iterator[str]:
    """Yield defaults of bytes that are no text: servers before 8.0 print a question mark for each.

    information_schema ends in front of such a byte, so a question mark that is not there is none.
    """
    for column in columns:
        if column.kind not in ("binary", "varbinary"):
            continue
        found = re.search(rf"^ *{re.escape(quote(column.name))} {_LITERAL_DEFAULT}", create_sql, re.MULTILINE)
        if found is not None and found[1].count("?") > (column.default or "").count("?"):
            yield (
                f"column {quote(column.name)} of table {qualified(schema, table)} has a default of bytes that the"
                " source prints as question marks: ALTER TABLE … ALTER … DROP DEFAULT there, or leave the table out"
            )


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
