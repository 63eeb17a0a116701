"""Lists of regular expressions as Debezium's options have them: between commas, for the whole name, in any case."""

from __future__ import annotations

import re
from dataclasses import dataclass

_COMMA = re.compile(r"(?<!\\),")


@dataclass(frozen=True)
class Patterns:
    """Names fit if one of the expressions fits all of the name."""

    expressions: tuple[re.Pattern[str], ...]

    def matches(self, name: str) -> bool:
        return any(expression.fullmatch(name) for expression in self.expressions)


@dataclass(frozen=True)
class KeyColumns:
    """Columns that make the key of these tables."""

    tables: Patterns
    columns: tuple[str, ...]


def parse_patterns(text: str) -> Patterns:
    """Return the expressions between commas; `ValueError` for one that is none. A comma in one is written `\\,`."""
    parts = [part.strip().replace("\\,", ",") for part in _COMMA.split(text)]
    return Patterns(tuple(_compiled(part) for part in parts if part))


def parse_keys(text: str) -> tuple[KeyColumns, ...]:
    """Return what `tables:column,column;…` says; `ValueError` where a part says no tables or no columns."""
    found = []
    for part in text.split(";"):
        if not part.strip():
            continue
        tables, colon, names = part.rpartition(":")
        columns = tuple(name.strip() for name in names.split(",") if name.strip())
        if not colon or not tables.strip() or not columns:
            raise ValueError(f"{part.strip()!r} names no table or no column")
        found.append(KeyColumns(Patterns((_compiled(tables.strip()),)), columns))
    return tuple(found)


def _compiled(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"{text!r}: {error}") from error
