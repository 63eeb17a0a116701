"""A table's columns as a row filter sees them: by what can be asked of their values, and how a value of theirs is made.

They come from the dictionary when a job starts, and from the TABLE_MAP of an event. The source's server decides about
values that travel without their table, so each kind says with what SQL a value becomes the column's own again, type,
character set and collation included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.dictionary.catalog import Column
from udup.drivers.mysql.dictionary.float_digits import digits
from udup.drivers.mysql.filters.lexer import FilterProblem
from udup.drivers.mysql.rows.charsets import charset_of
from udup.drivers.mysql.rows.literals import literal
from udup.drivers.mysql.rows.shapes import BINARY
from udup.drivers.mysql.rows.showing import members_of
from udup.drivers.mysql.rows.values import Value

#: Collations by the numbers that the log has for them.
Collations = Mapping[int, str]


class Kind(Enum):
    """What a value is to a filter."""

    NUMBER = "a number"
    REAL = "a FLOAT or DOUBLE"
    YEAR = "a YEAR"
    BITS = "a BIT"
    TEXT = "a text"
    LISTED = "an ENUM or SET"
    BYTES = "a binary string"
    DATE = "a date"
    DATETIME = "a date and time"
    TIME = "a time"
    JSON = "a JSON document"
    SHAPE = "a geometry or vector"
    NULL = "NULL"


@dataclass(frozen=True)
class FilterColumn:
    """A column: `empty` is SQL of a NULL of its type, `collation` that of texts, `definition` that of the log.

    What the dictionary alone knows: `padded`, that the text of its numbers has zeros in front (ZEROFILL), and
    `decimals`, within how many digits the server compares a FLOAT(M,D) or DOUBLE(M,D).
    """

    name: str
    kind: Kind
    empty: str
    definition: ColumnDefinition | None = None
    charset: str = ""
    collation: str = ""
    exact_type: str = ""
    nullable: bool = True
    padded: bool = False
    decimals: int | None = None

    def value(self, value: Value) -> str:
        """Return SQL of a value that the log has; with others under the `empty` one, it is the column's."""
        definition = self.definition
        assert definition is not None, "a column of the log"
        if value is None:
            return "NULL"
        if self.kind is Kind.LISTED:
            assert isinstance(value, int)
            return f"_{self.charset} x'{_members(definition, value, self.charset).hex()}'"
        made = literal(definition, value)
        if self.kind is Kind.TEXT:
            return f"_{self.charset} {made}"
        if self.kind is Kind.BYTES:
            return f"_binary {made}"
        if self.exact_type:
            return f"CAST({made} AS {self.exact_type})"
        return made


def _members(column: ColumnDefinition, value: int, charset: str) -> bytes:
    if charset in ("ucs2", "utf16", "utf16le", "utf32") and column.kind is ColumnType.SET:
        raise Unsupported(f"a row filter looks at a SET in {charset}, which is not carried out; write it without")
    return b",".join(members_of(column, value))


_WHOLE = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
_TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})
_BYTES = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
_MOMENTS = {"date": Kind.DATE, "datetime": Kind.DATETIME, "timestamp": Kind.DATETIME, "time": Kind.TIME}


def of_dictionary(column: Column) -> FilterColumn:
    """Return a column as the dictionary describes it. Raise `FilterProblem` for one that no filter may look at."""
    if column.generated:
        # An ALTER of what it is computed from changes its values, and the log has no rows of that.
        raise FilterProblem(
            f"looks at {column.name}, which the source computes from other columns: write its expression in its place"
        )
    found = digits(column)
    return replace(
        _of_dictionary(column),
        nullable=column.nullable,
        padded="zerofill" in column.column_type.lower(),
        decimals=None if found is None else found[1],
    )


def _of_dictionary(column: Column) -> FilterColumn:
    kind, text = column.kind, column.column_type.lower()
    size = text[text.index("(") : text.index(")") + 1] if "(" in text else ""
    if kind in _WHOLE:
        return _typed(column.name, Kind.NUMBER, "UNSIGNED" if "unsigned" in text else "SIGNED")
    if kind == "decimal":
        return _typed(column.name, Kind.NUMBER, f"DECIMAL{size}")
    if kind in ("float", "double"):
        return FilterColumn(column.name, Kind.REAL, _NO_REAL)
    if kind in _MOMENTS:
        type_ = "DATE" if kind == "date" else f"{'TIME' if kind == 'time' else 'DATETIME'}{size}"
        return _typed(column.name, _MOMENTS[kind], type_)
    if kind in _TEXTS or kind in ("enum", "set"):
        where = Kind.TEXT if kind in _TEXTS else Kind.LISTED
        return _text(column.name, where, column.charset or "", column.collation or "")
    if kind in _BYTES:
        return FilterColumn(column.name, Kind.BYTES, _NO_BYTES)
    return _other(column.name, {"bit": Kind.BITS, "year": Kind.YEAR, "json": Kind.JSON}.get(kind, Kind.SHAPE))


_WHOLE_TYPES = frozenset({ColumnType.TINY, ColumnType.SHORT, ColumnType.INT24, ColumnType.LONG, ColumnType.LONGLONG})
_STRINGS = frozenset({ColumnType.STRING, ColumnType.VARCHAR, ColumnType.VAR_STRING, ColumnType.BLOB})


def of_log(column: ColumnDefinition, collations: Collations) -> FilterColumn:
    """Return a column as a TABLE_MAP describes it. `Unsupported` where that does not say enough."""
    return replace(_of_log(column, collations), nullable=column.nullable)


def _of_log(column: ColumnDefinition, collations: Collations) -> FilterColumn:
    name, kind = column.name, column.kind
    if name is None:
        raise Unsupported(
            f"the log does not name the columns that a row filter looks at; {NAMES_NEEDED}, and give the job another ID"
        )
    if kind in _WHOLE_TYPES:
        return _typed(name, Kind.NUMBER, "UNSIGNED" if column.unsigned else "SIGNED", column)
    if kind is ColumnType.NEWDECIMAL:
        return _typed(name, Kind.NUMBER, f"DECIMAL({column.metadata[0]}, {column.metadata[1]})", column)
    if kind in (ColumnType.FLOAT, ColumnType.DOUBLE):
        return FilterColumn(name, Kind.REAL, _NO_REAL, column)
    if kind is ColumnType.DATE:
        return _typed(name, Kind.DATE, "DATE", column)
    if kind in (ColumnType.DATETIME, ColumnType.TIMESTAMP, ColumnType.TIME):
        type_, where = ("TIME", Kind.TIME) if kind is ColumnType.TIME else ("DATETIME", Kind.DATETIME)
        return _typed(name, where, f"{type_}({column.metadata[0]})", column)
    if kind in _STRINGS or kind in (ColumnType.ENUM, ColumnType.SET):
        if column.collation is None:
            raise Unsupported(
                f"the log does not say the collation of {name}, at which a row filter looks; {NAMES_NEEDED}, and give "
                "the job another ID"
            )
        if column.collation == BINARY and kind in _STRINGS:
            return FilterColumn(name, Kind.BYTES, _NO_BYTES, column)
        collation = collations.get(column.collation, "")
        if not collation:
            raise Unsupported(
                f"the source does not know the collation number {column.collation}, which a row filter needs; leave "
                "the table out, or write a Where without its column"
            )
        where = Kind.TEXT if kind in _STRINGS else Kind.LISTED
        return _text(name, where, charset_of(column.collation), collation, column)
    kinds = {ColumnType.BIT: Kind.BITS, ColumnType.YEAR: Kind.YEAR, ColumnType.JSON: Kind.JSON}
    return _other(name, kinds.get(kind, Kind.SHAPE), column)


NAMES_NEEDED = "SET PERSIST binlog_row_metadata = 'FULL' on the source"

_NO_REAL = "IF(TRUE, NULL, 1e0)"
_NO_BYTES = "CAST(NULL AS BINARY)"


def _typed(name: str, kind: Kind, type_: str, definition: ColumnDefinition | None = None) -> FilterColumn:
    return FilterColumn(name, kind, f"CAST(NULL AS {type_})", definition, exact_type=type_)


def _text(
    name: str, kind: Kind, charset: str, collation: str, definition: ColumnDefinition | None = None
) -> FilterColumn:
    if not charset.isalnum() or not collation.replace("_", "").isalnum():
        raise FilterProblem(f"looks at {name}, whose character set is not told")
    return FilterColumn(name, kind, f"_{charset} x'' COLLATE {collation}", definition, charset, collation)


def _other(name: str, kind: Kind, definition: ColumnDefinition | None = None) -> FilterColumn:
    if kind in (Kind.BITS, Kind.YEAR):
        return _typed(name, kind, "UNSIGNED", definition)
    return FilterColumn(name, kind, "CAST(NULL AS JSON)" if kind is Kind.JSON else "NULL", definition)
