"""The functions that make texts of one table's rows events, written out as Python source and compiled.

As `rows/reading.py` has it for values: going from column to column by their types costs several times what the texts
themselves cost. So for a program and the columns that images have, a function is made that has all of it in it, down to
the text between the values; where a row has no NULL, no column is asked about. Every read goes on from where the last
one ended, and the last one has to end where the event does: bytes behind the event are never taken for values.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence

from udup.base.errors import Unsupported
from udup.drivers.mysql.rows.errors import damaged
from udup.drivers.mysql.rowtext.expressions import Expression, expression_of, skipping
from udup.drivers.mysql.rowtext.ops import ColumnProgram, Program
from udup.pipeline.ports.delivery import RowText

#: Of an event, where its first row begins and where its rows end, to its rows.
ReadRows = Callable[[bytes, int, int], list[RowText]]

#: The same, then a template's parts and the first row's number, to keys and values; None where a key has changed.
ReadValues = Callable[
    [bytes, int, int, str, str, str, str, int],
    "list[tuple[bytes | None, bytes]] | None",
]


class Images:
    """Which columns the images of an event have, None for an image that it does not have; and the functions of that.

    Raise `Unsupported` if the key cannot be made of them.
    """

    def __init__(self, program: Program, before: Sequence[int] | None, after: Sequence[int] | None) -> None:
        self._program = program
        self._sides = {prefix: present for prefix, present in (("v", before), ("w", after)) if present is not None}
        self._before, self._after = before, after

    def rows(self) -> ReadRows:
        source = _Source(self._program)
        source.add(0, "def read(b, o, end):")
        source.add(1, "out = []", "add = out.append", *self._loop())
        self._read(source)
        key, old = "None", "None"
        if self._program.key:
            key = f"{self._key(source)}.encode()"
            changed = self._changed(source)
            if changed:
                old = f"{self._key(source, old=True)}.encode() if {changed} else None"
        images = [f"{self._image(prefix)}.encode()" if prefix in self._sides else "None" for prefix in "vw"]
        source.add(2, f"add(RowText({key}, {old}, {images[0]}, {images[1]}))")
        source.ending()
        read: ReadRows = source.compiled("read")  # type: ignore[assignment]
        return read

    def values(self) -> ReadValues:
        source = _Source(self._program)
        source.add(0, "def read(b, o, end, t_before, t_after, t_row, t_end, number):")
        source.add(1, "out = []", "add = out.append", *self._loop())
        self._read(source)
        key = "None"
        if self._program.key:
            key = f"{self._key(source)}.encode()"
            changed = self._changed(source)
            if changed:
                source.add(2, f"if {changed}: return None")
        before, after = (self._body(prefix) if prefix in self._sides else "null" for prefix in "vw")
        value = _literal(f"{{t_before}}{before}{{t_after}}{after}{{t_row}}{{number}}{{t_end}}")
        source.add(2, f"add(({key}, {value}.encode()))", "number += 1")
        source.ending()
        read: ReadValues = source.compiled("read")  # type: ignore[assignment]
        return read

    def _loop(self) -> Sequence[str]:
        """Return the lines that begin a row. Images without columns take no bytes.

        MINIMAL ones are so where nothing but defaults was inserted, which is one row.
        """
        if any(self._sides.values()):
            return ["while o < end:"]
        return ["if o < end: raise damaged('a rows event has rows of no columns')", "for _ in (0,):"]

    def _read(self, source: _Source) -> None:
        for prefix, present in self._sides.items():
            source.image(prefix, present)

    def _image(self, prefix: str) -> str:
        return _literal(self._body(prefix))

    def _body(self, prefix: str) -> str:
        """Return an image as the text between the quotes of an f-string."""
        present = set(self._sides[prefix])
        members = []
        absent = [column for column in self._program.columns if column.index not in present]
        inserts = self._before is None
        tells_large = inserts or all(column.large for column in absent)
        for column in self._program.columns:
            if not column.kept:
                continue
            if column.index in present:
                members.append(f"{_escaped(column.label)}{{{prefix}{column.index}}}")
            elif tells_large and (text := column.unset if inserts else column.unavailable):
                members.append(_escaped(column.label + text))
        return f"{{{{{','.join(members)}}}}}"

    # ---- The key ----

    def _key(self, source: _Source, *, old: bool = False) -> str:
        """Return the text of the key after the change, or of that before it."""
        parts = [f"{_escaped(column.label)}{{{self._key_value(source, column, old)}}}" for column in self._program.key]
        return _literal(f"{{{{{','.join(parts)}}}}}")

    def _key_value(self, source: _Source, column: ColumnProgram, old: bool) -> str:
        for prefix in "vw" if old else "wv":
            if column.index in self._sides.get(prefix, ()):
                return source.key_name(prefix, column)
        raise Unsupported(
            "an event does not have the columns of its key; run SET PERSIST binlog_row_image=FULL on the source, or"
            " name columns of the primary key in message.key.columns"
        )

    def _changed(self, source: _Source) -> str:
        """Return the condition that an update has changed the key; "" where it cannot have."""
        if self._before is None or self._after is None:
            return ""
        conditions = []
        for column in self._program.key:
            if column.index in self._after:
                if column.index not in self._before:
                    raise Unsupported(
                        "an update changes its key and does not have the key before; run SET PERSIST"
                        " binlog_row_image=FULL on the source, or name columns of the primary key in"
                        " message.key.columns"
                    )
                names = [source.key_name(prefix, column) for prefix in "vw"]
                conditions.append(f"{names[0]} != {names[1]}")
        return " or ".join(conditions)


class _Source:
    """Lines of a function, and what they name."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._keys = {column.index: column for column in program.key}
        self._lines: list[str] = []
        self._names: dict[str, object] = {"F": int.from_bytes, "damaged": damaged, "RowText": RowText}

    def add(self, depth: int, *lines: str) -> None:
        self._lines += [f"{' ' * depth}{line}" for line in lines]

    def ending(self) -> None:
        self.add(1, "if o != end: raise damaged('the last row does not end where the event does')", "return out")

    def compiled(self, name: str) -> object:
        exec(compile("\n".join(self._lines), f"<{name} of {len(self._program.columns)} columns>", "exec"), self._names)
        return self._names[name]

    def key_name(self, prefix: str, column: ColumnProgram) -> str:
        """Return what a column of the key is called: it has a value of its own where the image's is another."""
        own = self.own_key(column.index)
        return f"{'k' if own else ''}{prefix}{column.index}"

    def own_key(self, index: int) -> bool:
        key, column = self._keys.get(index), self._program.columns[index]
        return key is not None and (not column.kept or column.op is not key.op)

    def image(self, prefix: str, present: Sequence[int]) -> None:
        """Take one row image: its bitmap of NULLs, then the values."""
        width = (len(present) + 7) // 8
        if not width:
            return
        columns = [self._program.columns[index] for index in present]
        self.add(2, "nulls = b[o]" if width == 1 else f"nulls = F(b[o:o + {width}], 'little')", f"o += {width}")
        nullable = {column.index: 1 << place for place, column in enumerate(columns) if column.nullable}
        never = sum(1 << place for place, column in enumerate(columns) if not column.nullable)
        if never:
            self.add(2, f"if nulls & {never}: raise damaged('a column that is never NULL is NULL')")
        if nullable:
            self.add(2, f"if nulls & {sum(nullable.values())}:")
            self._values(3, prefix, columns, nullable)
            self.add(2, "else:")
        self._values(3 if nullable else 2, prefix, columns, {})

    def _values(self, depth: int, prefix: str, columns: Sequence[ColumnProgram], nullable: Mapping[int, int]) -> None:
        """Take the values; those in `nullable` are asked about by their bit."""
        run = _Run(self, depth)
        for column in columns:
            bit = nullable.get(column.index)
            if bit is None:
                run.take(prefix, column)
                continue
            run.end()
            nothing = [f"{name} = {text!r}" for name, text in self._null(prefix, column)]
            self.add(depth, f"if nulls & {bit}: {'; '.join(nothing) or 'pass'}", "else:")
            alone = _Run(self, depth + 1)
            alone.take(prefix, column)
            alone.end()
        run.end()

    def _null(self, prefix: str, column: ColumnProgram) -> list[tuple[str, str]]:
        found = [(f"{prefix}{column.index}", column.null)] if column.kept else []
        if self.own_key(column.index):
            found.append((f"k{prefix}{column.index}", self._keys[column.index].null))
        return found

    def targets(self, prefix: str, column: ColumnProgram) -> list[tuple[str, Expression]]:
        """Return what a value's names are, and how each is made."""
        wanted = [(f"{prefix}{column.index}", column)] if column.kept else []
        if self.own_key(column.index):
            wanted.append((f"k{prefix}{column.index}", self._keys[column.index]))
        found = [(name, expression_of(each)) for name, each in wanted]
        for _, expression in found:
            self._names |= expression.names
        return found

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
        self._raw: list[str] = []
        self._behind: list[str] = []

    def take(self, prefix: str, column: ColumnProgram) -> None:
        """Take one value behind the others."""
        targets = self._source.targets(prefix, column)
        self._width += column.width
        if column.sized:
            self._codes += skipping(column)
            self._raw.append("n")
            self.end()
            self._slice(column, targets)
            return
        if not targets:
            self._codes += skipping(column)
            return
        codes = [expression.code for _, expression in targets if "@" in expression.read]
        self._codes += codes[0] if codes else targets[0][1].code
        raw = targets[0][0] if targets[0][1].read == "@" else "x" + targets[0][0]
        self._raw.append(raw)
        self._behind += [f"{name} = {expression.read.replace('@', raw)}" for name, expression in targets if name != raw]

    def _slice(self, column: ColumnProgram, targets: Sequence[tuple[str, Expression]]) -> None:
        if column.width == 3:
            self._source.add(self._depth, "n = F(n, 'little')")
        if column.longest < (1 << 8 * column.width) - 1:
            self._source.add(self._depth, f"if n > {column.longest}: {_WRONG}")
        self._source.add(self._depth, "n += o")
        for name, expression in targets:
            self._source.add(self._depth, f"{name} = {expression.read.replace('@', 'b[o:n]')}")
        self._source.add(self._depth, "o = n")

    def end(self) -> None:
        """Write out what has been taken."""
        if not self._width:
            return
        if self._raw:
            take = self._source.unpacking(self._codes)
            self._source.add(self._depth, f"{', '.join(self._raw)}, = {take}(b, o)")
        self._source.add(self._depth, f"o += {self._width}", *self._behind)
        self._codes, self._width, self._raw, self._behind = "", 0, [], []


_WRONG = "raise damaged('a value is larger than its column holds')"


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _literal(body: str) -> str:
    """Return an f-string of a text in which braces are doubled but around names."""
    return f"f{body!r}"
