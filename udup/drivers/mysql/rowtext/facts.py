"""What the log does not say of columns and the data dictionary does: widths, digits, defaults."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from udup.drivers.mysql.client.connection import Connection, query

_DIGITS = re.compile(r"(?:float|double)\(\d+,\d+\)", re.IGNORECASE)


@dataclass(frozen=True)
class ColumnFacts:
    """`column_type` and `default` as information_schema.COLUMNS has them: `tinyint(1)`, `float(10,2)`."""

    column_type: str
    default: str | None = None

    @property
    def is_tinyint1(self) -> bool:
        return self.column_type.lower() == "tinyint(1)"

    @property
    def has_digits(self) -> bool:
        """Return whether the type says digits, as FLOAT(M,D) does."""
        return bool(_DIGITS.match(self.column_type))


#: By (schema, table), then by the column's name.
Dictionary = Mapping[tuple[str, str], Mapping[str, ColumnFacts]]

NOTHING: ColumnFacts = ColumnFacts("")

_FACTS = (
    "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, COLUMN_DEFAULT FROM information_schema.COLUMNS"
    " WHERE TABLE_SCHEMA = %s"
)


def read_facts(connection: Connection, schemas: Iterable[str]) -> Dictionary:
    """Return what the dictionary says of the tables of these schemas, as they are now."""
    found: dict[tuple[str, str], dict[str, ColumnFacts]] = {}
    for schema in schemas:
        for table, name, kind, default in query(connection, _FACTS, schema):
            facts = ColumnFacts(_text(kind), None if default is None else _text(default))
            found.setdefault((schema, _text(table)), {})[_text(name)] = facts
    return found


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
