"""What the log does not say of columns and the data dictionary does: widths, digits, defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from udup.drivers.mysql.client.connection import Connection, query
from udup.pipeline.selection.renames import Name

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

#: Of which columns the log says too little: widths of TINYINT, digits of FLOAT and DOUBLE, what a zero date becomes,
#: and what NULL is with quirks.
_OF_INTEREST = (
    "COLUMN_TYPE = 'tinyint(1)' OR COLUMN_TYPE LIKE 'float(%%' OR COLUMN_TYPE LIKE 'double(%%'"
    " OR (DATA_TYPE IN ('date', 'datetime', 'timestamp') AND IS_NULLABLE = 'NO')"
    " OR (COLUMN_DEFAULT IS NOT NULL AND IS_NULLABLE = 'YES')"
)

#: What a column's default is; of one that is an expression nobody knows the value.
_DEFAULT = "IF(EXTRA LIKE '%%DEFAULT_GENERATED%%', NULL, COLUMN_DEFAULT)"

#: Schemas, and tables, that are asked about in one query.
_SCHEMAS, _TABLES = 100, 100

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[str, str, str, str, str | None]]).decode


def read_facts_of(connection: Connection, names: Mapping[Name, Name]) -> bytes:
    """Return what the dictionary says of these tables as bytes for `parse_dictionary`; `names`: the job's for each."""
    schemas = sorted({schema for schema, _ in names})
    found: list[tuple[str, str, str, str, str | None]] = []
    for at in range(0, len(schemas), _SCHEMAS):
        found += _asked(connection, schemas[at : at + _SCHEMAS], names)
    return _encode(found)


def _asked(
    connection: Connection, schemas: Sequence[str], names: Mapping[Name, Name]
) -> list[tuple[str, str, str, str, str | None]]:
    sql = (
        f"SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, {_DEFAULT} FROM information_schema.COLUMNS"
        f" WHERE TABLE_SCHEMA IN ({', '.join(['%s'] * len(schemas))}) AND ({_OF_INTEREST})"
    )
    tables: list[str] = []
    if len(names) <= _TABLES:
        tables = sorted({table for _, table in names})
        sql += f" AND TABLE_NAME IN ({', '.join(['%s'] * len(tables))})"
    rows = [tuple(map(_text, row)) for row in query(connection, sql, *schemas, *tables)]
    return [
        (*names[schema, table], column, kind, default)
        for schema, table, column, kind, default in rows
        if (schema, table) in names
    ]


def _text(value: object) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def parse_dictionary(details: bytes) -> Dictionary:
    """Return what `read_facts_of` has found."""
    made: dict[Name, dict[str, ColumnFacts]] = {}
    for schema, table, column, kind, default in _decode(details) if details else ():
        made.setdefault((schema, table), {})[column] = ColumnFacts(kind, default)
    return made
