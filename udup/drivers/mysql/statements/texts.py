"""Functions that write the statements of one table, written out as Python source and compiled.

As the codec's readers are (`drivers/mysql/rows/reading.py`), and for the same reason: going from column to column by
their types costs more than the values. Of the columns that an image has, those that the target computes itself are left
out. What is compared is compared exactly; what is set are the columns whose values differ.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.rows.codec import FUNCTIONS_MAX, make_room
from udup.drivers.mysql.rows.literals import condition, literal
from udup.drivers.mysql.rows.showing import text_of
from udup.drivers.mysql.rows.temporal import Timestamp
from udup.drivers.mysql.rows.values import ABSENT, Change, JsonPatch, Row, Value
from udup.drivers.mysql.statements.json_changes import patched
from udup.drivers.mysql.statements.plan import PlanColumn, TablePlan

_BYTES = frozenset(
    {ColumnType.STRING, ColumnType.VARCHAR, ColumnType.VAR_STRING, ColumnType.BLOB}
    | {ColumnType.GEOMETRY, ColumnType.VECTOR}
)
_NUMBERS = frozenset(
    {ColumnType.TINY, ColumnType.SHORT, ColumnType.INT24, ColumnType.LONG, ColumnType.LONGLONG, ColumnType.YEAR}
    | {ColumnType.BIT, ColumnType.ENUM, ColumnType.SET}
)
_CLOCKS = frozenset({ColumnType.DATETIME, ColumnType.TIME, ColumnType.TIMESTAMP})
_REALS = frozenset({ColumnType.FLOAT, ColumnType.DOUBLE})

_SINGLE = struct.Struct("<f")

#: Characters of a key that a message shows.
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Assigned:
    """An UPDATE's words behind SET, and whether a value is one that a strict session refuses."""

    words: str
    odd: bool


class TableTexts:
    """Writes values and conditions of one table; `zoned`: for a session in another time zone than UTC and any mode."""

    def __init__(self, plan: TablePlan, *, zoned: bool) -> None:
        self.plan = plan
        self.zoned = zoned
        self._inserts: dict[tuple[int, ...], Callable[[Sequence[Change]], list[tuple[str, bool]]]] = {}
        self._heads: dict[tuple[int, ...], str] = {}

    # ---- INSERT ----

    def inserted(self, row: Row) -> tuple[int, ...]:
        """Return the places of the columns that an INSERT names."""
        columns = self.plan.columns
        return tuple(i for i, value in enumerate(row) if value is not ABSENT and not columns[i].generated)

    def head(self, places: tuple[int, ...]) -> str:
        """Return an INSERT up to its rows."""
        if places not in self._heads:
            make_room(self._heads, FUNCTIONS_MAX)
            names = ", ".join(self.plan.columns[i].name for i in places)
            self._heads[places] = f"INSERT INTO {self.plan.name} ({names}) VALUES "
        return self._heads[places]

    def rows(self, places: tuple[int, ...], changes: Sequence[Change]) -> list[tuple[str, bool]]:
        """Return the rows of an INSERT, each with whether a strict session refuses one of its values."""
        if places not in self._inserts:
            make_room(self._inserts, FUNCTIONS_MAX)
            self._inserts[places] = self._compiled(places)
        return self._inserts[places](changes)

    def _compiled(self, places: tuple[int, ...]) -> Callable[[Sequence[Change]], list[tuple[str, bool]]]:
        names: dict[str, object] = {"literal": literal, "real": _real, "fitting": _fitting, "zoned": _zoned}
        # A column that is left out and has no default gets one with a warning, if the session is not strict.
        left = (column for place, column in enumerate(self.plan.columns) if place not in places)
        lacking = self.plan.lacks_default or any(each.lacks_default and not each.generated for each in left)
        lines = ["def rows(changes):", " out = []", " for _, r in changes:"]
        odd = [str(lacking)] if lacking else []
        for place in places:
            column = self.plan.columns[place]
            names[f"c{place}"] = column.definition
            text = self._text(place, f"v{place}")
            lines.append(f"  v{place} = r[{place}]")
            if column.definition.nullable:
                text = f"'NULL' if v{place} is None else {text}"
            lines.append(f"  t{place} = {text}")
            if column.definition.kind is ColumnType.ENUM:
                odd.append(f"v{place} == 0")
        texts = ", ".join(f"t{place}" for place in places)
        joined = f"','.join(({texts}{',' if len(places) == 1 else ''}))" if places else "''"
        lines.append(f"  out.append(('(' + {joined} + ')', {' or '.join(odd) or 'False'}))")
        lines.append(" return out")
        exec(compile("\n".join(lines), f"<rows of {self.plan.table}>", "exec"), names)
        return names["rows"]  # type: ignore[return-value]

    def _text(self, place: int, name: str) -> str:
        """Return a Python expression of a value's literal; the value is not NULL."""
        column = self.plan.columns[place]
        kind = column.definition.kind
        if kind in _NUMBERS:
            return f"str({name})"
        if column.texts[0]:
            return f'"_{column.texts[0]} x\'" + {name}.hex() + "\'"'
        if kind in _BYTES:
            return f'"x\'" + {name}.hex() + "\'"'
        if kind is ColumnType.NEWDECIMAL:
            return f"format({name}, 'f')"
        if kind is ColumnType.DATE:
            return f'"\'" + str({name}) + "\'"'
        if kind in _CLOCKS:
            digits = column.definition.metadata[0]
            if kind is ColumnType.TIMESTAMP and self.zoned:
                return f"zoned({name}, {digits})"
            return f'"\'" + {name}.text({digits}) + "\'"'
        if kind in _REALS:
            return f"real({name})" if column.digits is None else f"fitting(c{place}, {column.digits}, {name})"
        return f"literal(c{place}, {name})"

    # ---- UPDATE ----

    def assigned(self, before: Row, after: Row) -> Assigned:
        """Return what an UPDATE sets: what differs, and what would else set itself to the present time."""
        words, odd, untouched = [], False, ""
        for column, old, new in zip(self.plan.columns, before, after, strict=True):
            if column.generated:
                continue
            if new is ABSENT or (old is not ABSENT and _is_same(old, new)):
                if column.updates_itself:
                    words.append(f"{column.name} = {column.name}")
                untouched = untouched or f"{column.name} = {column.name}"
                continue
            words.append(f"{column.name} = {self.value(column, new)}")
            odd = odd or (column.definition.kind is ColumnType.ENUM and new == 0)
        untouched = untouched or f"{self.plan.columns[0].name} = DEFAULT"  # all of them are generated
        return Assigned(", ".join(words) or untouched, odd)

    def value(self, column: PlanColumn, value: Value) -> str:
        """Return a literal to be assigned."""
        if isinstance(value, Timestamp) and self.zoned:
            return _zoned(value, column.definition.metadata[0])
        if isinstance(value, JsonPatch):
            return patched(column.name, value)
        if isinstance(value, float) and column.digits is not None:
            return _fitting(column.definition, column.digits, value)
        if column.texts[0] and isinstance(value, bytes):
            return f"_{column.texts[0]} {literal(column.definition, value)}"
        return literal(column.definition, value)

    # ---- WHERE ----

    def looked_up_by(self, row: Row) -> tuple[int, ...]:
        """Return the places of the key's columns; empty if the table or the image does not have all of them."""
        key = self.plan.key
        return key if all(row[place] is not ABSENT for place in key) else ()

    def where(self, row: Row) -> str:
        """Return the condition that finds this row alone, by a key or else by all that it holds.

        `Unsupported` if the image does not say enough to know a row by.
        """
        key = self.looked_up_by(row)
        if key:
            return " AND ".join(self.condition(place, row[place]) for place in key)
        places = [i for i, column in enumerate(self.plan.columns) if not column.generated]
        places = places or list(range(len(row)))
        if any(row[place] is ABSENT for place in places):
            raise Unsupported(
                f"rows of {self.plan.table} cannot be told apart on the target: it has no key there of columns that the"
                " log has (binlog_row_image is not FULL on the source), so a statement cannot name one; give the table"
                " the source's primary key, or set binlog_row_image = 'FULL' there, then give the job another ID"
            )
        return " AND ".join(self.condition(place, row[place]) for place in places) + " LIMIT 1"

    def condition(self, place: int, value: Value) -> str:
        """Return a condition that is true of this value alone."""
        column = self.plan.columns[place]
        if column.is_integer and isinstance(value, int):
            return f"{column.name} = {value:d}"
        if isinstance(value, Timestamp) and self.zoned and value:
            seconds, fraction = divmod(int(value), 1_000_000)
            return f"UNIX_TIMESTAMP({column.name}) = {seconds}.{fraction:06d}"
        if column.texts[0] and isinstance(value, bytes):
            made = f"CONVERT(_{column.texts[0]} {literal(column.definition, value)} USING {column.texts[1]})"
            return f"({column.name} = {made} AND CAST({column.name} AS BINARY) = CAST({made} AS BINARY))"
        return condition(column.definition, column.name, value, anywhere=self.zoned, characters=column.characters)

    # ---- For people ----

    def told(self, row: Row | None) -> str:
        """Return a row by its key; the table's name stands last, as the server has it in such errors."""
        plan = self.plan
        if row is None:
            return f"a row of '{plan.table.table}'"
        key = self.looked_up_by(row) or tuple(i for i, value in enumerate(row) if value is not ABSENT)[:3]
        shown = ", ".join(f"{plan.columns[i].name} = {text_of(plan.columns[i].definition, row[i])}" for i in key)
        return f"the row {shown[:_SHOWN]} of '{plan.table.table}'"

    def told_of_several(self, changes: Sequence[Change]) -> str:
        return f"{len(changes)} rows, first {self.told(changes[0][0])}"


def _zoned(value: Timestamp, digits: int) -> str:
    """Return a literal of a moment that a column takes as it is in every zone, also of an hour that it has twice."""
    return f"'{value.text(digits)}+00:00'" if value else f"'{value.text(digits)}'"


def _is_same(old: Value, new: Value) -> bool:
    """Return whether a value has stayed what it was; of floats, its sign where it is zero, too."""
    if old is new:
        return True
    if isinstance(new, float) and isinstance(old, float) and not new and not old:
        return math.copysign(1, old) == math.copysign(1, new)
    return type(old) is type(new) and old == new


def _real(value: float) -> str:
    text = repr(value)
    return text if "e" in text else f"{text}e0"


def _fitting(column: ColumnDefinition, digits: tuple[int, int], value: float) -> str:
    """Return a literal for a column that rounds what it is given, and bounds it; `Unsupported` if it changed this one.

    The rounding is that of MySQL's `Field_real::truncate`.
    """
    scale = 10.0 ** digits[1]
    whole = math.floor(value)
    rounded = whole + round((value - whole) * scale) / scale
    if column.kind is ColumnType.FLOAT:
        rounded = _SINGLE.unpack(_SINGLE.pack(rounded))[0]
    is_beyond = abs(value) > 10.0 ** (digits[0] - digits[1]) - 1 / scale
    if is_beyond or rounded != value or math.copysign(1, rounded) != math.copysign(1, value):
        raise Unsupported(
            f"a {column.kind.name}({digits[0]},{digits[1]}) holds {value!r}, which a statement cannot put there: the"
            " target would round it, or bound it. Run on both servers ALTER TABLE … MODIFY that makes the column a"
            " FLOAT or DOUBLE without digits, then give the job another ID"
        )
    return _real(value)
