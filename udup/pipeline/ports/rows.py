"""A row of a job's ledger as its two servers have it now, for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class ColumnSeen:
    """A column on both sides: text, bytes as hexadecimal digits behind 0x, None for NULL and where there is no row.

    `kind` is the source's type. `computed`: the target computes it by itself. `cut`: a value is longer than is shown.
    """

    name: str
    kind: str
    source: str | None
    target: str | None
    equal: bool
    computed: bool = False
    cut: bool = False


@dataclass(frozen=True)
class RowSeen:
    """`problem` says why the table cannot be looked at; nothing else is known then."""

    columns: tuple[ColumnSeen, ...] = ()
    source_there: bool = False
    target_there: bool = False
    problem: str = ""


class Rows(Protocol):
    """Reads rows of a ledger. Holds no connection."""

    def read(self, schema: str, table: str, key: str) -> RowSeen | None:
        """Return a row by the source's names and its key in the ledger; None if the ledger has no such row."""
        ...
