"""The function that writes rows of one table as they stand in its events; made like the one that reads (`reading.py`).

A value that its column cannot hold exactly is refused: nothing is rounded, cut or wrapped. What is checked costs little
in the function itself; which column it was is found out afterwards, value by value.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import NoReturn

from udup.drivers.mysql.binlog.table_definition import ColumnDefinition
from udup.drivers.mysql.rows.errors import MISFIT, Unfit
from udup.drivers.mysql.rows.shapes import Shape, shape_of
from udup.drivers.mysql.rows.values import ABSENT, Row, Value

#: Of rows, and whether the bits that are left over in a bitmap of NULLs are set, to their images.
WriteRows = Callable[[Sequence[Row], bool], list[bytes]]

#: Characters of a value that an error shows at most.
_SHOWN = 80


def compile_writer(columns: Sequence[ColumnDefinition], present: Sequence[int]) -> WriteRows:
    """Return the function that writes images of these columns; it raises `Unfit` for a row that does not fit."""
    source = _WriterSource(columns, present)
    write = source.compiled()

    def checked(rows: Sequence[Row], padded: bool) -> list[bytes]:
        try:
            return write(rows, padded)
        except MISFIT as error:
            raise _unfit(columns, present, rows, error) from error

    return checked


class _WriterSource:
    def __init__(self, columns: Sequence[ColumnDefinition], present: Sequence[int]) -> None:
        self._columns = columns
        self._present = present
        width = (len(present) + 7) // 8
        left_over = (1 << 8 * width) - (1 << len(present))
        self._lines = ["def write(rows, padded):", " out = []", f" padding = {left_over} if padded else 0"]
        self._lines.append(" for row in rows:")
        self._names: dict[str, object] = {"A": ABSENT, "fits": _fits, "other": _other}
        self._fill()

    def compiled(self) -> WriteRows:
        exec(compile("\n".join(self._lines), f"<write of {len(self._columns)} columns>", "exec"), self._names)
        write: WriteRows = self._names["write"]  # type: ignore[assignment]
        return write

    def _add(self, depth: int, *lines: str) -> None:
        self._lines += [f"{' ' * depth}{line}" for line in lines]

    def _fill(self) -> None:
        own = set(self._present)
        self._add(2, f"{''.join(f'v{index}, ' for index in range(len(self._columns)))} = row")
        absent = [index for index in range(len(self._columns)) if index not in own]
        if absent:
            self._add(2, f"if not ({' is '.join(f'v{index}' for index in absent)} is A): raise ValueError")
        width = (len(self._present) + 7) // 8
        if not width:
            self._add(2, "out.append(b'')")
            self._add(1, "return out")
            return
        nullable = {index: place for place, index in enumerate(self._present) if self._columns[index].nullable}
        bits = "".join(f" | (v{index} is None) << {place}" for index, place in nullable.items())
        self._add(2, f"nulls = padding{bits}")
        if nullable:
            mask = sum(1 << place for place in nullable.values())
            self._add(2, f"if nulls & {mask}:")
            self._with_nulls(nullable)
            self._add(2, "else:")
        self._add(3 if nullable else 2, f"out.append({self._joined(self._present, width)})")
        self._add(1, "return out")

    def _with_nulls(self, nullable: dict[int, int]) -> None:
        width = (len(self._present) + 7) // 8
        self._add(3, f"image = [nulls.to_bytes({width}, 'little')]")
        run: list[int] = []
        for index in self._present:
            if index not in nullable:
                run.append(index)
                continue
            if run:
                self._add(3, f"image.append({self._joined(run)})")
                run = []
            self._add(3, f"if v{index} is not None: image.append({self._joined([index])})")
        if run:
            self._add(3, f"image.append({self._joined(run)})")
        self._add(3, "out.append(b''.join(image))")

    def _joined(self, indexes: Sequence[int], nulls: int = 0) -> str:
        """Return the expression of these values' bytes, behind the bitmap of NULLs if that has a width."""
        parts: list[str] = []
        codes = f"{nulls}s" if nulls else ""
        values = [f"nulls.to_bytes({nulls}, 'little')"] if nulls else []
        for index in indexes:
            shape = shape_of(self._columns[index])
            self._names |= shape.names
            codes += shape.code
            kind = shape.kind.__name__
            self._names[kind] = shape.kind
            data = shape.write.format(v=f"(v{index} if v{index}.__class__ is {kind} else other(v{index}, {kind}))")
            if not shape.sized:
                values.append(data)
                continue
            parts.append(f"{self._packing(codes)}({', '.join([*values, _length(f'(d := {data})', shape)])})")
            parts.append("d")
            codes, values = "", []
        if codes:
            parts.append(f"{self._packing(codes)}({', '.join(values)})")
        return parts[0] if len(parts) == 1 else f"b''.join(({', '.join(parts)}))"

    def _packing(self, codes: str) -> str:
        name = f"pack_{codes}"
        self._names[name] = struct.Struct(f"<{codes}").pack
        return name


def _length(data: str, shape: Shape) -> str:
    checked = f"fits(len({data}), {shape.longest})" if shape.longest < (1 << 8 * shape.width) - 1 else f"len({data})"
    return f"{checked}.to_bytes(3, 'little')" if shape.code == "3s" else checked


def _other(value: Value, wanted: type) -> NoReturn:
    raise TypeError(f"it is of the class {type(value).__name__}, and the column's are {wanted.__name__}")


def _fits(size: int, longest: int) -> int:
    if size > longest:
        raise ValueError(f"it has more than {longest} bytes")
    return size


def _unfit(columns: Sequence[ColumnDefinition], present: Sequence[int], rows: Sequence[Row], error: Exception) -> Unfit:
    """Return which value it was."""
    own = set(present)
    for row in rows:
        if len(row) != len(columns):
            return Unfit(f"a row has {len(row)} values for {len(columns)} columns; please report it, and {_LEAVE}")
        for index, (column, value) in enumerate(zip(columns, row, strict=True)):
            problem = _problem(columns, index, value, index in own)
            if problem:
                shown = repr(value) if len(repr(value)) <= _SHOWN else repr(value)[:_SHOWN] + "…"
                where = f"column {column.name or index + 1} cannot hold {shown}: {problem}"
                return Unfit(f"{where}; change the column on the target, or {_LEAVE}").of_column(index, shown)
    return Unfit(f"rows cannot be written ({type(error).__name__}: {error}); please report it, and {_LEAVE}")


_LEAVE = "leave the table out (ReplicateIgnoreDb) in a job with another ID"


def _problem(columns: Sequence[ColumnDefinition], index: int, value: Value, is_present: bool) -> str:
    """Return why a value does not fit; "" if it does."""
    if (value is ABSENT) == is_present:
        return "the rows of one event have the same columns" if is_present else "its event does not have the column"
    if value is ABSENT:
        return ""
    if value is None:
        return "" if columns[index].nullable else "it may not be NULL"
    row: list[Value] = [ABSENT] * len(columns)
    row[index] = value
    try:
        _WriterSource(columns, [index]).compiled()([tuple(row)], True)
    except MISFIT as error:
        return str(error) or type(error).__name__
    return ""
