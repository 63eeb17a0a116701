"""The function that reads the rows of one table's events, written out as Python source and compiled.

Going from column to column by their types costs several times what the values themselves cost. So for a table and the
columns that its images have, a function is made that has all of it in it: values of one width that stand beside each
other are taken by one `struct`, together with the length of what follows them; a column that is never NULL is not asked
about; and where a row has no NULL, no column is. It is made once for a TABLE_MAP (`codec.py` keeps it).

Every read goes on from where the last one ended, and the last one has to end where the event does. So a length that is
wrong ends in an error: bytes behind the event are never taken for values.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from udup.drivers.mysql.binlog.event import read_lenenc
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.rows.errors import damaged
from udup.drivers.mysql.rows.shapes import Shape, shape_of
from udup.drivers.mysql.rows.values import ABSENT, Change, Json, JsonPatch

#: Of bytes, where the first row begins and where the rows end, to their changes.
ReadRows = Callable[[bytes, int, int], list[Change]]

#: What a partial update may say in front of a row: that a bitmap of its partial columns follows.
_PARTIAL_JSON = 1


def compile_reader(
    columns: Sequence[ColumnDefinition],
    before: Sequence[int] | None,
    after: Sequence[int] | None,
    *,
    partial: bool = False,
) -> ReadRows:
    """Return the function for images that have these columns; None for an image that the event does not have.

    It raises `DamagedRows`, or what reading beyond the end raises, for bytes that are no rows of these columns.
    """
    source = _Source(columns)
    source.add(0, "def read(b, o, end):")
    source.add(1, "out = []", "add = out.append", "while o < end:")
    images = []
    for prefix, present in (("v", before), ("w", after)):
        if present is None:
            images.append("None")
            continue
        if partial and prefix == "w":
            source.partial_bits()
        source.image(prefix, present, partial=partial and prefix == "w")
        own = set(present)
        images.append(f"({''.join(f'{prefix}{i}, ' if i in own else 'A, ' for i in range(len(columns)))})")
    source.add(2, f"add(({', '.join(images)}))")
    source.add(1, "if o != end: raise damaged('the last row does not end where the event does')", "return out")
    read: ReadRows = source.compiled("read")  # type: ignore[assignment]
    return read


class _Source:
    """Lines of a function, and what they name."""

    def __init__(self, columns: Sequence[ColumnDefinition]) -> None:
        self._columns = columns
        self._lines: list[str] = []
        self._names: dict[str, object] = {
            "A": ABSENT,
            "F": int.from_bytes,
            "damaged": damaged,
            "read_lenenc": read_lenenc,
            "Json": Json,
            "JsonPatch": JsonPatch,
        }

    def add(self, depth: int, *lines: str) -> None:
        self._lines += [f"{' ' * depth}{line}" for line in lines]

    def compiled(self, name: str) -> object:
        exec(compile("\n".join(self._lines), f"<{name} of {len(self._columns)} columns>", "exec"), self._names)
        return self._names[name]

    def partial_bits(self) -> None:
        """Take which JSON columns are partial; the bitmap counts all of the table's, in the image or not."""
        width = (sum(column.kind is ColumnType.JSON for column in self._columns) + 7) // 8
        self.add(
            2,
            "options, o = read_lenenc(b, o)",
            f"if options > {_PARTIAL_JSON}: raise damaged('a partial update has unknown options')",
            "parts = 0",
            f"if options: parts = F(b[o:o + {width}], 'little'); o += {width}",
        )

    def image(self, prefix: str, present: Sequence[int], *, partial: bool) -> None:
        """Take one row image: its bitmap of NULLs, then the values."""
        width = (len(present) + 7) // 8
        if not width:
            return
        self.add(2, "nulls = b[o]" if width == 1 else f"nulls = F(b[o:o + {width}], 'little')", f"o += {width}")
        nullable = {index: 1 << place for place, index in enumerate(present) if self._columns[index].nullable}
        never = sum(1 << place for place, index in enumerate(present) if index not in nullable)
        if never:
            self.add(2, f"if nulls & {never}: raise damaged('a column that is never NULL is NULL')")
        if nullable:
            self.add(2, f"if nulls & {sum(nullable.values())}:")
            self._values(3, prefix, present, nullable, partial)
            self.add(2, "else:")
        self._values(3 if nullable else 2, prefix, present, {}, partial)

    def _values(self, depth: int, prefix: str, present: Sequence[int], nullable: dict[int, int], partial: bool) -> None:
        """Take the values; those in `nullable` are asked about by their bit."""
        run = _Run(self, depth)
        for index in present:
            shape = shape_of(self._columns[index])
            if partial and self._columns[index].kind is ColumnType.JSON:
                shape = self._partial_shape(index, shape)
            self._names |= shape.names
            bit = nullable.get(index)
            if bit is None:
                run.take(f"{prefix}{index}", shape)
                continue
            run.end()
            self.add(depth, f"if nulls & {bit}: {prefix}{index} = None", "else:")
            alone = _Run(self, depth + 1)
            alone.take(f"{prefix}{index}", shape)
            alone.end()
        run.end()

    def _partial_shape(self, index: int, shape: Shape) -> Shape:
        place = sum(column.kind is ColumnType.JSON for column in self._columns[:index])
        read = f"(JsonPatch if parts & {1 << place} else Json)({{x}})"
        return Shape(shape.code, shape.width, read, sized=True, longest=shape.longest)

    def unpacking(self, code: str) -> str:
        """Return the name of the function that unpacks these codes."""
        name = f"unpack_{code}"
        self._names[name] = struct.Struct(f"<{code}").unpack_from
        return name


class _Run:
    """Values that stand beside each other, to be taken at once."""

    def __init__(self, source: _Source, depth: int) -> None:
        self._source = source
        self._depth = depth
        self._codes = ""
        self._width = 0
        self._targets: list[str] = []
        self._behind: list[str] = []

    def take(self, name: str, shape: Shape) -> None:
        """Take one value behind the others."""
        self._codes += shape.code
        self._width += shape.width
        if shape.sized:
            self._targets.append("n")
            self.end()
            self._slice(name, shape)
            return
        raw = name if shape.read == "{x}" else f"x_{name}"
        self._targets.append(raw)
        if shape.read != "{x}":
            self._behind.append(f"{name} = {shape.read.format(x=raw)}")
        if shape.check:
            self._behind.append(f"if {shape.check.format(x=raw, v=name)}: {_WRONG}")

    def _slice(self, name: str, shape: Shape) -> None:
        if shape.code == "3s":
            self._source.add(self._depth, "n = F(n, 'little')")
        if shape.longest < (1 << 8 * shape.width) - 1:
            self._source.add(self._depth, f"if n > {shape.longest}: {_WRONG}")
        self._source.add(self._depth, "n += o", f"{name} = {shape.read.format(x='b[o:n]')}", "o = n")

    def end(self) -> None:
        """Write out what has been taken."""
        if not self._targets:
            return
        take = self._source.unpacking(self._codes)
        self._source.add(self._depth, f"{', '.join(self._targets)}, = {take}(b, o)", f"o += {self._width}")
        self._source.add(self._depth, *self._behind)
        self._codes, self._width, self._targets, self._behind = "", 0, [], []


_WRONG = "raise damaged('a value is larger than its column holds')"
