"""Looks at a copy's rows before they are loaded into tables with other columns: whether each value fits.

Only tables of which not every value fits by its type are taken apart; the text of all others passes as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from udup.base.causes import Cause, reason
from udup.base.errors import Divergence
from udup.drivers.mysql.columns.conversions import Conversion
from udup.drivers.mysql.columns.existing import compared
from udup.drivers.mysql.dictionary.catalog import Table
from udup.drivers.mysql.dictionary.details import LoadDetails
from udup.drivers.mysql.load.row_statements import fields_of, rows_of

#: Bytes of rows that are handed on together.
_GATHERED = 256 << 10

#: Characters of a value that an error shows.
_SHOWN = 64

_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_CONTROLS = {b"0": b"\0", b"Z": b"\x1a"}

WIDEN = (
    "the value on the source; or widen the column on the target (ALTER TABLE … MODIFY) and TRUNCATE the table there; "
    "then resume the job"
)


@dataclass(frozen=True)
class LoadedTable:
    """A table, and how the values of each stored column get into it."""

    table: Table
    conversions: tuple[Conversion, ...]

    @property
    def charsets(self) -> dict[str, str]:
        """Return the character sets of texts that the target has in another one, by their columns."""
        pairs = zip(self.table.stored_columns, self.conversions, strict=True)
        return {column.name: each.charset for column, each in pairs if each.charset}

    def looked_at(self, pieces: Iterable[bytes], *, values: bool) -> Iterator[bytes]:
        """Yield the same text. Raise `Divergence` at the first value that does not fit."""
        checked = {place: each for place, each in enumerate(self.conversions) if each.looks}
        if not checked:
            yield from pieces
            return
        gathered: list[bytes] = []
        size = 0
        for row in rows_of(pieces):
            self._check(fields_of(row, values=values), checked)
            gathered.append(row)
            size += len(row)
            if size >= _GATHERED:
                yield b"\n".join(gathered) + b"\n"
                gathered, size = [], 0
        if gathered:
            yield b"\n".join(gathered) + b"\n"

    def _check(self, fields: list[bytes], checked: Mapping[int, Conversion]) -> None:
        for place, how in checked.items():
            field = fields[place]
            if not (how.takes_null if field == b"NULL" else how.fits is None or how.fits(unquoted(field))):
                raise self._error(fields, place, how)

    def _error(self, fields: list[bytes], place: int, how: Conversion) -> Divergence:
        columns = self.table.stored_columns
        names = [column.name for column in columns]
        key = [names.index(name) for name in self.table.key if name in names] or [0]
        row = ", ".join(f"{names[each]} = {shown(fields[each])}" for each in key)
        name = f"{self.table.schema}.{self.table.name}"
        return Divergence(
            f"table {name}, the row {row}: {names[place]} is {shown(fields[place])}, which is no value of the target's "
            f"{how.shown}{'' if how.takes_null else ' NOT NULL'}; change {WIDEN}",
            table=name,
        ).because(reason(Cause.COPY_DIFFERS, {"table": name, "column": names[place]}, key=row))


class Converting:
    """The tables of a copy, each looked at when its first rows come."""

    def __init__(self, details: LoadDetails) -> None:
        self._details = details
        self._tables: dict[int, LoadedTable] = {}

    def of(self, number: int) -> LoadedTable:
        """Return a table by its number in the copy."""
        if number not in self._tables:
            filled = self._details.filled
            assert filled is not None, "tables that were there"
            table = self._details.tables[number]
            _, conversions = compared(table, filled.columns[number], filled.collations, converts=True)
            self._tables[number] = LoadedTable(table, conversions)
        return self._tables[number]


def unquoted(field: bytes) -> bytes:
    """Return the bytes of a field: of a string what it holds, of a number its digits."""
    if not field.startswith(b"'"):
        return field
    return _ESCAPED.sub(lambda found: _CONTROLS.get(found[1], found[1]), field[1:-1])


def shown(field: bytes) -> str:
    """Return a value for people."""
    if not field.startswith(b"'"):
        return field.decode("ascii", "replace")
    value = unquoted(field)
    try:
        text = repr(value.decode())
    except UnicodeDecodeError:
        text = f"0x{value.hex()}"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
