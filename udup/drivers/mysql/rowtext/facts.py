"""What the log does not say of columns and the data dictionary does: widths, digits, defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

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
