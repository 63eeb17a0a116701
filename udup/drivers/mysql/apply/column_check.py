"""The same definition or not at all.

BINLOG maps columns by position and converts nothing: a column in another place, of another sign or in another
character set takes the source's bytes without an error. So before a table's first rows its TABLE_MAP is compared
with the target's columns: type, length, precision, sign, character set, nullability, and with
binlog_row_metadata=FULL on the source also the names and the members of ENUM and SET. The target may have more
columns behind the source's if the log has names: a column that is added on the source gets behind these, and without
names its values would go into the first of them.

The target's definition is put into the terms of the event (`ColumnDefinition`), so that equal means equal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from udup.base.causes import Cause, reason
from udup.base.errors import Divergence, Unsupported
from udup.drivers.mysql.binlog.remedies import UNKNOWN
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType, parse_columns
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.dictionary_columns import with_collations
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.dictionary.defaults import default_of
from udup.drivers.mysql.mariadb.collations import Server
from udup.drivers.mysql.mariadb.columns import as_bytes, as_logged, compared_by_name, hidden_columns
from udup.drivers.mysql.mariadb.documents import on_mysql
from udup.drivers.mysql.mariadb.numbers import collation_name
from udup.drivers.mysql.mariadb.rewriting import columns_there

#: DATA_TYPE to type, for types whose metadata are none.
_BARE = {
    "tinyint": ColumnType.TINY,
    "smallint": ColumnType.SHORT,
    "mediumint": ColumnType.INT24,
    "int": ColumnType.LONG,
    "bigint": ColumnType.LONGLONG,
    "year": ColumnType.YEAR,
    "date": ColumnType.DATE,
}

#: DATA_TYPE to type and metadata, for types whose metadata are always the same: mostly bytes of a length.
_FIXED = {
    "float": (ColumnType.FLOAT, b"\x04"),
    "double": (ColumnType.DOUBLE, b"\x08"),
    "json": (ColumnType.JSON, b"\x04"),
    "vector": (ColumnType.VECTOR, b"\x04"),
    **{f"{size}{kind}": (ColumnType.BLOB, bytes([width]))
       for kind in ("blob", "text")
       for size, width in (("tiny", 1), ("", 2), ("medium", 3), ("long", 4))},
}  # fmt: skip

_FRACTIONAL = {"time": ColumnType.TIME, "datetime": ColumnType.DATETIME, "timestamp": ColumnType.TIMESTAMP}

#: DATA_TYPE to the number of a geometry's type; geomcollection had a longer name before 8.0.11.
_GEOMETRIES = {
    "geometry": 0,
    "point": 1,
    "linestring": 2,
    "polygon": 3,
    "multipoint": 4,
    "multilinestring": 5,
    "multipolygon": 6,
    "geomcollection": 7,
    "geometrycollection": 7,
}

_WITH_CHARSET = frozenset({ColumnType.STRING, ColumnType.VARCHAR, ColumnType.BLOB, ColumnType.ENUM, ColumnType.SET})

#: A source of MariaDB's may have collations by numbers that MySQL has not.
_MARIADB = Server.of("11.8-MariaDB")

#: Collation number of BINARY, VARBINARY and BLOB.
_BINARY = 63

_VECTOR_ITEM_BYTES = 4

_COLUMNS_SQL = """
SELECT c.COLUMN_NAME, c.DATA_TYPE, c.COLUMN_TYPE, c.CHARACTER_OCTET_LENGTH, c.NUMERIC_PRECISION, c.NUMERIC_SCALE,
       c.DATETIME_PRECISION, c.IS_NULLABLE, c.CHARACTER_SET_NAME, l.ID, c.CHARACTER_MAXIMUM_LENGTH,
       COALESCE(c.GENERATION_EXPRESSION, '') <> '',
       c.COLUMN_DEFAULT IS NULL AND c.IS_NULLABLE = 'NO' AND c.EXTRA NOT LIKE '%%auto_increment%%',
       c.COLUMN_DEFAULT, c.EXTRA
FROM information_schema.COLUMNS c LEFT JOIN information_schema.COLLATIONS l ON l.COLLATION_NAME = c.COLLATION_NAME
WHERE c.TABLE_SCHEMA = %s AND c.TABLE_NAME = %s ORDER BY c.ORDINAL_POSITION
"""

#: Character sets in which ASCII letters have other bytes, or other letters have ASCII bytes.
_NOT_ASCII = frozenset({"ucs2", "utf16", "utf16le", "utf32", "swe7"})

#: Character sets in which MariaDB has what becomes these: documents in bytes of UTF-8, vectors in plain ones.
_FITTING = {
    ColumnType.JSON: frozenset({"utf8mb4", "utf8mb3", "utf8", "ascii"}),
    ColumnType.VECTOR: frozenset({"binary"}),
}

_BEYOND_UTF8MB3 = re.compile("[\U00010000-\U0010ffff]")
_MEMBER = re.compile(r"'((?:[^'\\]|''|\\.)*)'", re.DOTALL)
_ESCAPE = re.compile(r"''|\\.", re.DOTALL)


@dataclass(frozen=True)
class TargetColumn:
    """A column of the target's dictionary. `octets` and `letters` are the most that a string has of them.

    `lacks_default`: a row must say its value. `default` is what a row gets that does not say one (`default_of`).
    """

    definition: ColumnDefinition
    column_type: str
    charset: str | None
    members: tuple[str, ...] = ()
    octets: int = 0
    letters: int = 0
    generated: bool = False
    lacks_default: bool = False
    default: str | None = None

    @property
    def name(self) -> str:
        return self.definition.name or ""


def check_definition(
    connection: Connection, schema: str, table: str, table_map: bytes, *, has_crc: bool, documents: bool = False
) -> None:
    """`Unsupported` if rows of this TABLE_MAP would not come out exactly in the target's table of that name,
    naming the first column that differs; `Divergence` if there is no such table.

    `documents`: values become documents and vectors where the target's column is one (`mariadb/documents.py`).
    """
    where = f"table {schema}.{table}"
    try:
        ours = parse_columns(table_map, has_crc=has_crc)
    except Unsupported as error:
        raise Unsupported(f"{where}: {error}") from error
    if connection.is_mariadb:
        ours = tuple(columns_there(ours))
    theirs = target_columns(connection, schema, table)
    if not theirs:
        raise Divergence(
            f"{where} has rows in the source's log and is not on the target; make it there as it was on the source at "
            "that transaction and resume the job, or give the job another ID, so that it is copied",
            table=f"{schema}.{table}",
        ).because(reason(Cause.TABLE_MISSING, {"table": f"{schema}.{table}"}))
    if len(theirs) < len(ours):
        raise Unsupported(
            f"{where} has {len(ours)} columns on the source and {len(theirs)} on the target; run there the ALTER TABLE "
            f"that gives it the source's (SHOW CREATE TABLE {schema}.{table}), then resume the job"
        )
    if problem := further_problem(ours, theirs):
        raise Unsupported(
            f"{where} {problem}. Take those that the source does not have off the target, then resume the job; or run "
            f"on the source {NAMES_LOGGED}, and give the job another ID"
        )
    charsets = _charsets_of(connection, [*ours, *(each.definition for each in theirs)])
    if documents:
        ours = _with_documents(ours, theirs, charsets)
    if connection.is_mariadb:
        charsets, theirs = compared_by_name(ours, theirs)
    for ordinal, (mine, other) in enumerate(zip(ours, theirs, strict=False), start=1):
        members = members_as_shown(connection, mine, charsets)
        unlike = difference(mine, members, other, charsets)
        if unlike:
            raise Unsupported(
                f"{where}, column {ordinal} ({other.definition.name}) is {other.column_type}"
                f"{f' in {other.charset}' if other.charset else ''} on the target; on the source {unlike}; "
                f"rows are carried between equal definitions only, so make the two tables alike{_moved(ours, theirs)}"
            )


def _with_documents(
    ours: Sequence[ColumnDefinition], theirs: Sequence[TargetColumn], charsets: Mapping[int, str]
) -> tuple[ColumnDefinition, ...]:
    """Return the source's columns as they will come, where the target's are JSON or VECTOR, and MariaDB's are not."""

    def comes(mine: ColumnDefinition, there: ColumnType) -> ColumnDefinition:
        fits = charsets.get(mine.collation or 0) in _FITTING.get(there, ())
        return (on_mysql(mine, there) if fits else None) or mine

    return tuple(comes(mine, other.definition.kind) for mine, other in zip(ours, theirs, strict=False))


def further_problem(ours: Sequence[ColumnDefinition], theirs: Sequence[TargetColumn]) -> str:
    """Return why columns behind the source's cannot stay there; "" if there are none or the log has names.

    A column that the log adds to the source's comes to stand behind them, and its values would go into the first.
    """
    if len(theirs) == len(ours) or all(column.name is not None for column in ours):
        return ""
    further = ", ".join(column.name for column in theirs[len(ours) :])
    return (
        f"has {len(theirs)} columns on the target and {len(ours)} on the source, and the log does not name them: "
        f"which are the source's is not certain (the target's last are {further})"
    )


#: Names of columns in the log; what was logged before stays as it is.
NAMES_LOGGED = "SET PERSIST binlog_row_metadata = 'FULL'"


def _moved(ours: Sequence[ColumnDefinition], theirs: Sequence[TargetColumn]) -> str:
    """Return what puts the first column that stands elsewhere on the target to its place, "" for none."""
    places = {other.name: place for place, other in enumerate(theirs)}
    for place, mine in enumerate(ours):
        if mine.name is not None and places.get(mine.name, place) != place:
            behind = f"AFTER {quote(ours[place - 1].name or '')}" if place else "FIRST"
            return f": ALTER TABLE … MODIFY {quote(mine.name)} … {behind} there, with its own definition"
    return ""


def target_columns(connection: Connection, schema: str, table: str) -> list[TargetColumn]:
    rows = query(connection, with_collations(connection, _COLUMNS_SQL), schema, table)
    if not connection.is_mariadb:
        return [column_of(row) for row in rows]
    rows = [*rows, *hidden_columns(connection, schema, table)] if rows else []
    return [as_logged(column_of(as_bytes(row))) for row in rows]


def column_of(row: Any) -> TargetColumn:
    """A row of information_schema as its TABLE_MAP would say it."""
    name, data_type, column_type, octets, precision, scale, fraction, nullable, charset, collation, *more = row
    letters, generated, lacks_default, default, extra = more or (0, False, False, None, None)
    kind, metadata = _type(data_type, octets or 0, precision or 0, scale or 0, fraction or 0)
    members: tuple[str, ...] = ()
    if kind in (ColumnType.ENUM, ColumnType.SET):
        members = _members(column_type)
        metadata = bytes([_pack_size(kind, len(members))])
    if collation is None and kind in _WITH_CHARSET:
        if charset is not None and charset != "binary":
            raise Unsupported(f"column {name} is in {charset}, and the server does not say its collation; {UNKNOWN}")
        collation = _BINARY  # which information_schema leaves out
    definition = ColumnDefinition(
        kind,
        metadata,
        nullable == "YES",
        unsigned=kind is ColumnType.YEAR or "unsigned" in column_type.split(),
        collation=collation,
        name=name,
        geometry=_GEOMETRIES.get(data_type),
        dimensions=octets // _VECTOR_ITEM_BYTES if kind is ColumnType.VECTOR else None,
    )
    return TargetColumn(
        definition,
        column_type,
        charset,
        members,
        octets or 0,
        letters or 0,
        bool(generated),
        bool(lacks_default),
        None if extra is None else default_of(default, extra, nullable == "YES"),
    )


def _type(data_type: str, octets: int, precision: int, scale: int, fraction: int) -> tuple[ColumnType, bytes]:
    if data_type in _BARE:
        return _BARE[data_type], b""
    if data_type in _FIXED:
        return _FIXED[data_type]
    if data_type in _FRACTIONAL:
        return _FRACTIONAL[data_type], bytes([fraction])
    if data_type in _GEOMETRIES:
        return ColumnType.GEOMETRY, b"\x04"
    match data_type:
        case "decimal":
            return ColumnType.NEWDECIMAL, bytes([precision, scale])
        case "bit":
            return ColumnType.BIT, bytes([precision % 8, precision // 8])
        case "char" | "binary":  # two bits of the length hide in the type's own byte
            return ColumnType.STRING, bytes([ColumnType.STRING ^ (octets & 0x300) >> 4, octets & 0xFF])
        case "varchar" | "varbinary":
            return ColumnType.VARCHAR, octets.to_bytes(2, "little")
        case "enum":
            return ColumnType.ENUM, b""
        case "set":
            return ColumnType.SET, b""
    raise Unsupported(f"the target has a column of type {data_type}, which this version does not know; {UNKNOWN}")


def _members(column_type: str) -> tuple[str, ...]:
    """The members in `enum('a','b')`, in which the server doubles quotes and escapes with backslashes."""
    quoted = _MEMBER.findall(column_type[column_type.index("(") :])
    return tuple(_ESCAPE.sub(lambda found: _unescaped(found.group()), each) for each in quoted)


def _unescaped(pair: str) -> str:
    """`''` is a quote; after a backslash 0, n and r are control characters, all else is itself."""
    return pair[1] if pair[0] == "'" else {"0": "\0", "n": "\n", "r": "\r"}.get(pair[1], pair[1])


def _pack_size(kind: ColumnType, members: int) -> int:
    """Bytes that a value takes."""
    if kind is ColumnType.ENUM:
        return 1 if members < 256 else 2
    size = (members + 7) // 8
    return size if size <= 4 else 8


def _charsets_of(connection: Connection, columns: Sequence[ColumnDefinition]) -> dict[int, str]:
    """Return the character sets of the columns' collations, by their numbers: a server has some 300, a table one."""
    numbers = {each.collation for each in columns if each.collation}
    if not numbers:
        return {}
    listed = ", ".join(map(str, sorted(numbers)))
    sql = f"SELECT ID, CHARACTER_SET_NAME FROM information_schema.COLLATIONS WHERE ID IN ({listed})"
    unknown = ((number, collation_name(number, _MARIADB)) for number in numbers)
    return {
        **{number: name.split("_")[0] for number, name in unknown if name},
        **dict(query(connection, with_collations(connection, sql))),
    }


#: Of tables that were not rebuilt since 5.6.4, and of MariaDB's with mysql56_temporal_format = OFF.
_OF_5_5 = frozenset({ColumnType.TIMESTAMP_OLD, ColumnType.TIME_OLD, ColumnType.DATETIME_OLD})


def difference(
    mine: ColumnDefinition,
    members: tuple[str, ...] | None,
    other: TargetColumn,
    charsets: Mapping[int, str],
    *,
    by_name: bool = False,
) -> str:
    """What the source has instead, empty if rows fit exactly. `by_name`: the two are of one name already."""
    theirs = other.definition
    if mine.kind in _OF_5_5 and mine.kind != theirs.kind:
        return (
            "it is a temporal type in the format of MySQL 5.5, which rows of this transaction have: ALTER TABLE … FORCE"
            " there, and give the job another ID, so that it is copied"
        )
    if (mine.kind, mine.metadata) != (theirs.kind, theirs.metadata):
        return f"it is {_described(mine)}, not {_described(theirs)}"
    if mine.unsigned is not None and mine.unsigned != theirs.unsigned:
        return "it is unsigned" if mine.unsigned else "it is signed"
    if mine.collation is not None:
        charset = charsets.get(mine.collation)
        if charset is None or charset != charsets.get(theirs.collation or 0):
            return f"it is in {charset or f'the unknown collation number {mine.collation}'}"
    if members is not None and members != other.members:
        return f"its members are {', '.join(members)}"
    if mine.geometry is not None and mine.geometry != theirs.geometry:
        return f"it has geometry type {mine.geometry}"
    if mine.dimensions is not None and mine.dimensions != theirs.dimensions:
        return f"it has {mine.dimensions} dimensions"
    if mine.nullable and not theirs.nullable:
        return "it may be NULL"  # and a NULL would arrive as 0 or an empty string
    if mine.name is not None and mine.name != theirs.name and not by_name:
        return f"it is called {mine.name}"
    return ""


def _described(column: ColumnDefinition) -> str:
    sizes = ", ".join(str(byte) for byte in column.metadata)
    return f"{column.kind.name}({sizes})" if sizes else column.kind.name


def members_as_shown(
    connection: Connection, column: ColumnDefinition, charsets: dict[int, str]
) -> tuple[str, ...] | None:
    """The members as information_schema writes them: in utf8mb3, with a question mark for what that cannot hold.

    The server reads them, as Python lacks some of its character sets and has others a little differently.
    """
    charset = charsets.get(column.collation or 0)
    if not column.members or charset is None:
        return None
    if charset not in _NOT_ASCII and all(member.isascii() for member in column.members):
        return tuple(member.decode("ascii") for member in column.members)
    listed = ", ".join(f"CONVERT(_{charset} x'{member.hex()}' USING utf8mb4)" for member in column.members)
    (row,) = query(connection, f"SELECT {listed}")
    return tuple(_BEYOND_UTF8MB3.sub("?", str(member)) for member in row)
