"""A table of Oracle's as the job carries it: its columns mapped, its definition on the target, its rows as values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from udup.drivers.mysql.dictionary.catalog import Column, Table
from udup.drivers.mysql.rows.values import Row, Value
from udup.drivers.oracle.literals import NoFit
from udup.drivers.oracle.logminer.redo import RowChange, Verb
from udup.drivers.oracle.logminer.values import Literal
from udup.drivers.oracle.times import OddTime
from udup.drivers.oracle.types import COLLATION, Mapped, OracleColumn, as_text, mapped
from udup.pipeline.selection.renames import Name

#: Bytes that a row of a MySQL table may have outside of TEXT and BLOB, and what is kept free of them.
_ROW_BYTES = 65535 - 2000

#: Bytes of a VARCHAR above which it becomes a TEXT: 500 characters.
LONG_OCTETS = 2000

#: Bytes that a key may have.
KEY_BYTES = 3072


@dataclass(frozen=True)
class OracleTable:
    """A table as the dictionary has it. `keys` are its primary and unique keys, the primary one (`P`) first.

    `numbers` are those of its objects: of the table and its partitions. `problem`: why it cannot be carried at all.
    """

    owner: str
    name: str
    columns: tuple[OracleColumn, ...]
    keys: tuple[tuple[str, tuple[str, ...]], ...] = ()
    rows_estimate: int = 0
    row_bytes: int = 0
    numbers: frozenset[int] = frozenset()
    problem: str = ""

    def __str__(self) -> str:
        return f"{self.owner}.{self.name}"

    @property
    def primary(self) -> tuple[str, ...]:
        return next((columns for kind, columns in self.keys if kind == "P"), ())


class RowProblem(ValueError):
    """A change that does not fit the table, or holds a value that the target cannot."""


class MappedTable:
    """A table with each column's type on the target. Raise `NoFit` for one that cannot be carried, by column."""

    def __init__(self, table: OracleTable) -> None:
        if table.problem:
            raise NoFit(table.problem)
        self.table = table
        self.columns = tuple(column for column in table.columns if not (column.virtual and column.hidden))
        self.mapped = self._fitted({column.name: self._mapped(column) for column in self.columns})
        self._names = frozenset(self.mapped)

    @staticmethod
    def _mapped(column: OracleColumn) -> Mapped:
        try:
            return mapped(column)
        except NoFit as error:
            raise NoFit(f"column {column.name} {error}") from error

    def _fitted(self, found: dict[str, Mapped]) -> dict[str, Mapped]:
        """Return the columns with long strings as TEXT, so that a row has room; keys need them as they are.

        A column's type goes by the column alone: it is the same whatever columns come and go beside it.
        """
        in_keys = {name for _, names in self.table.keys for name in names}
        for column in self.columns:
            each = found[column.name]
            if each.data_type == "varchar" and each.octets > LONG_OCTETS and column.name not in in_keys:
                found[column.name] = as_text(each, column.name, column.nullable)
        if (size := sum(map(_row_bytes, found.values()))) > _ROW_BYTES:
            raise NoFit(f"has rows of up to {size} bytes, and MySQL's have {_ROW_BYTES} outside of TEXT and BLOB")
        return found

    @property
    def lobs(self) -> list[str]:
        return [name for name, each in self.mapped.items() if each.is_lob]

    def long_keys(self) -> list[str]:
        """Return the keys that MySQL has no room for, for people."""
        sizes = ((names, sum(self.mapped[name].octets for name in names)) for _, names in self.table.keys)
        return [f"({', '.join(names)}) with {size} bytes" for names, size in sizes if size > KEY_BYTES]

    # ---- Definition ----

    def create_sql(self, name: str) -> str:
        """Return CREATE TABLE under a name, laid out as MySQL prints it."""
        items = [self.column_sql(column.name) for column in self.columns]
        for number, (kind, columns) in enumerate(self.table.keys):
            listed = ",".join(map(_quote, columns))
            items.append(f"PRIMARY KEY ({listed})" if kind == "P" else f"UNIQUE KEY `udup_{number}` ({listed})")
        options = f"ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE={COLLATION}"
        return f"CREATE TABLE {_quote(name)} (\n  " + ",\n  ".join(items) + f"\n) {options}"

    def column_sql(self, name: str) -> str:
        column = self.mapped[name]
        charset = f" CHARACTER SET utf8mb4 COLLATE {COLLATION}" if column.charset else ""
        null = " DEFAULT NULL" if column.data_type not in _WITHOUT_DEFAULT else ""
        return f"{_quote(name)} {column.column_type}{charset}{null if column.definition.nullable else ' NOT NULL'}"

    def in_catalog(self, renamed: Name) -> Table:
        """Return the table as a copy brings it, under its name on the target."""
        table, own = self.table, (self.table.owner, self.table.name)
        columns = [
            Column(
                name,
                each.data_type,
                each.column_type,
                each.charset,
                COLLATION if each.charset else None,
                each.definition.nullable,
                generated=False,
                octets=each.octets,
            )
            for name, each in self.mapped.items()
        ]
        source = "" if renamed == own else str(table)
        create = self.create_sql(renamed[1])
        return Table(
            *renamed, tuple(columns), table.primary, table.rows_estimate, table.row_bytes, create, source=source
        )

    # ---- Rows ----

    def images(self, change: RowChange) -> tuple[Row | None, Row | None]:
        """Return the row before and after a change; raise `RowProblem` unless every column has its value."""
        before = after = None
        if change.verb is not Verb.INSERT:
            before = self.row(change.old)
        if change.verb is Verb.UPDATE and not self._names >= change.new.keys():
            raise RowProblem(f"it sets columns that {self.table} has not: {_listed(change.new.keys() - self._names)}")
        if change.verb is not Verb.DELETE:
            after = self.row({**change.old, **change.new})
        return before, after

    def row(self, values: Mapping[str, Literal]) -> Row:
        if values.keys() != self._names:
            raise RowProblem(_unlike(self.table, self._names - values.keys(), values.keys() - self._names))
        return tuple(self._value(name, each, values[name]) for name, each in self.mapped.items())

    def _value(self, name: str, column: Mapped, literal: Literal) -> Value:
        try:
            value = column.value(literal)
        except (NoFit, OddTime) as error:
            raise RowProblem(f"column {name} of {self.table}: {error}") from error
        if value is None and not column.definition.nullable:
            raise RowProblem(f"column {name} of {self.table} is NULL, and may not be")
        return value


def _unlike(table: OracleTable, missing: Collection[str], unknown: Collection[str]) -> str:
    if unknown:
        return f"it has values of {_listed(unknown)}, which {table} has not"
    return (
        f"it lacks the values of {_listed(missing)} of {table}: ALTER TABLE {table} ADD SUPPLEMENTAL LOG DATA (ALL)"
        " COLUMNS has them logged from then on"
    )


_WITHOUT_DEFAULT = frozenset({"text", "longtext", "longblob"})


def _row_bytes(column: Mapped) -> int:
    return 12 if column.data_type in _WITHOUT_DEFAULT else max(column.octets + 2, 32)


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
