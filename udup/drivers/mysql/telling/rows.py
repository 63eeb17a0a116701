"""Rows of a table as they stand in the log, made of what a prepared statement reads: one function for each table.

Most values have the same bytes in both: numbers, and strings but for the width of their length. Such values are cut
out together, and only what lies between them is turned (`values.py`, `documents.py`). The image of a row is that which
the server logs for it, byte for byte. Where a prepared statement gives another form, the server is asked for a better
one: of ENUM and SET the numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.remedies import UNKNOWN
from udup.drivers.mysql.binlog.table_definition import LISTED, ColumnDefinition, ColumnType
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.rows.errors import DAMAGE, damaged
from udup.drivers.mysql.rows.shapes import is_binary, octets
from udup.drivers.mysql.telling import values
from udup.drivers.mysql.telling.definitions import TableDefinition
from udup.drivers.mysql.telling.documents import document, types_field

#: Of rows of a prepared statement, to images of rows.
WriteImages = Callable[[Sequence[bytes]], list[bytes]]

#: Numbers that are the same in both, by their bytes.
_SAME = {
    ColumnType.TINY: 1,
    ColumnType.SHORT: 2,
    ColumnType.LONG: 4,
    ColumnType.LONGLONG: 8,
    ColumnType.FLOAT: 4,
    ColumnType.DOUBLE: 8,
}

_TEMPORAL = {
    ColumnType.DATETIME: values.datetime_bytes,
    ColumnType.TIMESTAMP: values.timestamp_bytes,
    ColumnType.TIME: values.time_bytes,
}


@dataclass(frozen=True)
class RowForm:
    """What is to be selected of a table, and what makes images of that."""

    fields: str
    write: WriteImages


def form_of(definition: TableDefinition) -> RowForm:
    """Return the form of a table's rows. `Unsupported` for a type that this version does not know."""
    names = [quote(column.name or "") for column in definition.columns]
    documents = [place for place, column in enumerate(definition.columns) if column.kind is ColumnType.JSON]
    fields = [types_field(names[place]) for place in documents]
    for name, column in zip(names, definition.columns, strict=True):
        fields.append(f"CAST({name} AS UNSIGNED)" if column.kind in LISTED else name)
    write = _Source(definition.columns, documents).compiled()

    def checked(rows: Sequence[bytes]) -> list[bytes]:
        try:
            return write(rows)
        except Unsupported as error:
            raise error.beginning(f"{definition.schema}.{definition.name}: ") from error
        except DAMAGE as error:
            raise damaged(
                f"rows of {definition.schema}.{definition.name} came from the source in another form than they are"
                f" known ({type(error).__name__}: {error})"
            ) from error

    return RowForm(", ".join(fields), checked)


class _Source:
    """The function's text. `i` is where the next value begins in the row `d`, `s` what is not in `o` yet."""

    def __init__(self, columns: Sequence[ColumnDefinition], documents: Sequence[int]) -> None:
        self._columns = columns
        self._lines: list[str] = []
        self._names: dict[str, object] = {"F": int.from_bytes, "longer": _longer, "document": document}
        self._names |= {"damaged": damaged, "date": values.date_bytes, "YEARS": _YEARS}
        self._copying = False  # whether there may be something between `s` and `i`
        nulls, width = (len(columns) + len(documents) + 9) // 8, (len(columns) + 7) // 8
        self._add(0, "def write(rows):", " out = []", " for d in rows:")
        self._add(2, f"m = F(d[1:{nulls + 1}], 'little') >> 2", f"i = {nulls + 1}")
        for number, place in enumerate(documents):
            self._add(2, f"t{place} = None", f"if not m & {1 << number}:")
            self._bytes(3)
            self._add(3, f"t{place} = x")
        self._add(2, f"m >>= {len(documents)}", f"o = [m.to_bytes({width}, 'little')]", "add = o.append", "s = i")
        for place, column in enumerate(columns):
            self._column(place, column)
        self._add(2, "add(d[s:i])", "if i != len(d): raise damaged('a row has more bytes than its values')")
        self._add(2, "out.append(b''.join(o))")
        self._add(1, "return out")

    def compiled(self) -> WriteImages:
        exec(compile("\n".join(self._lines), f"<images of {len(self._columns)} columns>", "exec"), self._names)
        write: WriteImages = self._names["write"]  # type: ignore[assignment]
        return write

    def _add(self, depth: int, *lines: str) -> None:
        self._lines += [f"{' ' * depth}{line}" for line in lines]

    def _bytes(self, depth: int) -> None:
        """Have `x` be the next string, and `i` behind it."""
        self._length(depth)
        self._add(depth, "x = d[i:i + l]", "i += l")

    def _length(self, depth: int) -> None:
        """Have `l` be the next string's length, and `i` where it begins."""
        self._add(depth, "l = d[i]", "if l < 251: i += 1", "else: l, i = longer(d, i)")

    def _column(self, place: int, column: ColumnDefinition) -> None:
        depth, copied = 2, self._copying
        if column.nullable:
            self._add(2, f"if not m & {1 << place}:")
            depth = 3
        self._value(depth, place, column)
        if column.nullable:
            self._copying |= copied  # a NULL has not taken what was there

    def _flush(self, depth: int, behind: int = 0) -> None:
        """Take what is to be copied, and so many bytes behind it."""
        if behind:
            self._add(depth, f"add(d[s:i + {behind}])")
        elif self._copying:
            self._add(depth, "add(d[s:i])")
        self._copying = False

    def _value(self, depth: int, place: int, column: ColumnDefinition) -> None:
        kind = column.kind
        if kind in _SAME:
            self._add(depth, f"i += {_SAME[kind]}")
            self._copying = True
        elif kind is ColumnType.INT24 or kind in LISTED:
            self._flush(depth, 3 if kind is ColumnType.INT24 else column.metadata[0])
            self._add(depth, f"i += {4 if kind is ColumnType.INT24 else 8}", "s = i")
        elif kind is ColumnType.YEAR:
            self._turned(depth, "add(YEARS[d[i] | d[i + 1] << 8])", "i += 2")
        elif kind is ColumnType.BIT:
            self._flush(depth)
            self._add(depth, "s = i + 1", "i = s + d[i]")
            self._copying = True
        elif kind is ColumnType.DATE:
            self._turned(depth, "l = d[i] + i + 1", "add(date(d[i + 1:l]))", "i = l")
        elif kind in _TEMPORAL:
            tail = (column.metadata[0] + 1) // 2
            name = f"{kind.name.lower()}_{tail}"
            self._names[name] = _TEMPORAL[kind](tail)
            self._turned(depth, "l = d[i] + i + 1", f"add({name}(d[i + 1:l]))", "i = l")
        elif kind is ColumnType.NEWDECIMAL:
            name = "decimal_{}_{}".format(*column.metadata)
            self._names[name] = values.decimal_bytes(*column.metadata)
            self._turned(depth, "l = d[i] + i + 1", f"add({name}(d[i + 1:l]))", "i = l")
        else:
            self._string(depth, place, column)

    def _turned(self, depth: int, *lines: str) -> None:
        self._flush(depth)
        self._add(depth, *lines, "s = i")

    def _string(self, depth: int, place: int, column: ColumnDefinition) -> None:
        kind, width = column.kind, _length_width(column)
        if kind is ColumnType.JSON:
            self._flush(depth)
            self._bytes(depth)
            self._add(depth, f"x = document(x, t{place})", "add(len(x).to_bytes(4, 'little'))", "add(x)", "s = i")
        elif kind is ColumnType.STRING and is_binary(column):
            self._flush(depth)
            self._bytes(depth)
            self._add(depth, "x = x.rstrip(b'\\0')", f"add(len(x).to_bytes({width}, 'little'))", "add(x)", "s = i")
        elif width == 1:
            # The same length in front, but for those that the other form has no single byte for.
            self._add(depth, "l = d[i]", "if l < 251: i += l + 1", "else:")
            self._add(
                depth + 1, "add(d[s:i])", "l, i = longer(d, i)", "add(l.to_bytes(1, 'little'))", "s = i", "i += l"
            )
            self._copying = True
        else:
            self._flush(depth)
            self._length(depth)
            self._add(depth, f"add(l.to_bytes({width}, 'little'))", "s = i", "i += l")
            self._copying = True


def _length_width(column: ColumnDefinition) -> int:
    """Return the bytes of a string's length in an image."""
    if column.kind in (ColumnType.VARCHAR, ColumnType.VAR_STRING):
        return 1 if int.from_bytes(column.metadata, "little") < 256 else 2
    if column.kind is ColumnType.STRING:
        return 1 if octets(column) < 256 else 2
    if column.kind in (ColumnType.BLOB, ColumnType.JSON, ColumnType.GEOMETRY, ColumnType.VECTOR):
        return column.metadata[0]
    raise Unsupported(f"values of type {column.kind.name} cannot be read by this version; {UNKNOWN}")


def _longer(row: bytes, at: int) -> tuple[int, int]:
    """Return a length of more than one byte, and where it ends."""
    width = {252: 2, 253: 3, 254: 8}[row[at]]
    return int.from_bytes(row[at + 1 : at + 1 + width], "little"), at + 1 + width


_YEARS = {0: b"\0"} | {year: bytes([year - 1900]) for year in range(1901, 2156)}
