"""TABLE_MAPs made from the source's dictionary, as the server itself would log them with all metadata.

A snapshot's rows have no TABLE_MAP of their own, and a source with binlog_row_metadata = MINIMAL logs its own without
names, members and keys. What is made here equals the server's with FULL, byte for byte, behind the table's id. The
format is that of MySQL's Table_map_event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from udup.drivers.mysql.apply.column_check import TargetColumn, column_of
from udup.drivers.mysql.binlog.build import build
from udup.drivers.mysql.binlog.event import EventType, resized
from udup.drivers.mysql.binlog.lengths import bits, counted, integer
from udup.drivers.mysql.binlog.table_definition import (
    CHARACTER,
    LISTED,
    NUMERIC,
    ColumnDefinition,
    ColumnType,
    Optional,
)
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.dictionary_columns import with_collations
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.mariadb.columns import as_bytes
from udup.pipeline.selection.renames import Name

#: Flags: lengths of BIT are exact, as in every TABLE_MAP since 5.1; foreign keys refer to the table; its key was made
#: by the server.
_BITS_EXACT, _REFERRED_TO, _GENERATED_KEY = 0x0001, 0x0002, 0x0004

#: The name of the column that sql_generate_invisible_primary_key makes.
_GENERATED_KEY_NAME = "my_row_id"

#: The collation of what has no character set.
_BINARY = 63

#: Character sets in which ASCII letters have other bytes, or other letters have ASCII bytes.
_NOT_ASCII = frozenset({"ucs2", "utf16", "utf16le", "utf32", "swe7"})

_COLUMNS = """
SELECT c.TABLE_NAME, c.COLUMN_NAME, c.DATA_TYPE, c.COLUMN_TYPE, c.CHARACTER_OCTET_LENGTH, c.NUMERIC_PRECISION,
       c.NUMERIC_SCALE, c.DATETIME_PRECISION, c.IS_NULLABLE, c.CHARACTER_SET_NAME, l.ID, c.EXTRA
FROM information_schema.COLUMNS c LEFT JOIN information_schema.COLLATIONS l ON l.COLLATION_NAME = c.COLLATION_NAME
WHERE c.TABLE_SCHEMA = %s {among} ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION
"""

_KEYS = """
SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = %s {among} AND NON_UNIQUE = 0 ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX
"""

#: Columns of SHOW INDEX, which has the indexes in the server's own order: whether there may be duplicates, and a name.
_MAY_REPEAT, _INDEX_NAME = 1, 2

_REFERRED = """
SELECT DISTINCT REFERENCED_TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS
WHERE UNIQUE_CONSTRAINT_SCHEMA = %s
"""

#: The parts of a key: a column, None for an expression, and the letters of a prefix.
_Key = list[tuple[str | None, int]]


@dataclass(frozen=True)
class TableDefinition:
    """A table of the dictionary.

    `key` are the places of the primary key's columns, each with the letters of a prefix. `referred_to`: foreign keys
    refer to the table. `types` are the columns' types as the dictionary writes them, `charsets` their character sets.
    """

    schema: str
    name: str
    columns: tuple[ColumnDefinition, ...]
    key: tuple[tuple[int, int], ...] = ()
    referred_to: bool = False
    types: tuple[str, ...] = ()
    charsets: tuple[str | None, ...] = ()

    def table_map(self, number: int, *, has_crc: bool) -> bytes:
        """Return the TABLE_MAP, with this number as the table's id."""
        flags = _BITS_EXACT | _REFERRED_TO * self.referred_to | _GENERATED_KEY * self._has_generated_key
        body = number.to_bytes(6, "little") + flags.to_bytes(2, "little")
        body += b"".join(bytes([len(name)]) + name + b"\0" for name in (self.schema.encode(), self.name.encode()))
        types = bytes(ColumnType.STRING if each.kind in LISTED else each.kind for each in self.columns)
        nulls = sum(1 << place for place, column in enumerate(self.columns) if column.nullable)
        body += counted(types) + counted(b"".join(map(_metadata, self.columns)))
        body += nulls.to_bytes((len(types) + 7) // 8, "little") + b"".join(self._optional())
        return resized(build(EventType.TABLE_MAP, body, with_crc=has_crc), has_crc=has_crc)

    def first(self, count: int) -> TableDefinition:
        """Return the definition with the first of its columns alone; the key must be among them."""
        key = self.key if all(place < count for place, _ in self.key) else ()
        columns, types, charsets = self.columns[:count], self.types[:count], self.charsets[:count]
        return replace(self, columns=columns, types=types, charsets=charsets, key=key)

    @property
    def _has_generated_key(self) -> bool:
        first = self.columns[0]
        return first.name == _GENERATED_KEY_NAME and not first.visible and self.key == ((0, 0),)

    def _optional(self) -> Iterator[bytes]:
        """Yield the optional metadata in the server's order."""
        columns = self.columns
        numbers = [bool(column.unsigned) for column in columns if column.kind in NUMERIC]
        yield _field(Optional.SIGNEDNESS, bits(numbers))
        yield _charsets(Optional.DEFAULT_CHARSET, Optional.COLUMN_CHARSET, _of(columns, CHARACTER))
        shapes = [column.geometry or 0 for column in columns if column.kind is ColumnType.GEOMETRY]
        yield _field(Optional.GEOMETRY_TYPE, b"".join(map(integer, shapes)))
        sizes = [column.dimensions or 0 for column in columns if column.kind is ColumnType.VECTOR]
        yield _field(Optional.VECTOR_DIMENSIONALITY, b"".join(map(integer, sizes)))
        yield _field(Optional.COLUMN_NAME, b"".join(counted((column.name or "").encode()) for column in columns))
        listed_kinds = (Optional.ENUM_AND_SET_DEFAULT_CHARSET, Optional.ENUM_AND_SET_COLUMN_CHARSET)
        yield _charsets(*listed_kinds, _of(columns, LISTED))
        for kind, type_ in ((Optional.SET_STR_VALUE, ColumnType.SET), (Optional.ENUM_STR_VALUE, ColumnType.ENUM)):
            listed = [column.members or () for column in columns if column.kind is type_]
            yield _field(kind, b"".join(integer(len(each)) + b"".join(map(counted, each)) for each in listed))
        if any(prefix for _, prefix in self.key):
            yield _field(Optional.PRIMARY_KEY_WITH_PREFIX, b"".join(integer(n) for part in self.key for n in part))
        else:
            yield _field(Optional.SIMPLE_PRIMARY_KEY, b"".join(integer(place) for place, _ in self.key))
        yield _field(Optional.COLUMN_VISIBILITY, bits([bool(column.visible) for column in columns]))


def _of(columns: Iterable[ColumnDefinition], kinds: Collection[ColumnType]) -> list[int]:
    """Return the collations of the columns of these types."""
    return [column.collation or _BINARY for column in columns if column.kind in kinds]


def _charsets(by_default: int, by_column: int, collations: Sequence[int]) -> bytes:
    """Return the collations: one for all and those that are others, or one for each where that is shorter."""
    if not collations:
        return b""
    counts = Counter(collations)
    most = max(counts.values())
    default = min(number for number, count in counts.items() if count == most)
    if len(collations) < 1 + 2 * (len(collations) - most):
        return _field(by_column, b"".join(map(integer, collations)))
    others = [(place, number) for place, number in enumerate(collations) if number != default]
    return _field(by_default, integer(default) + b"".join(integer(each) for pair in others for each in pair))


def _metadata(column: ColumnDefinition) -> bytes:
    """Return the type's metadata; those of ENUM and SET have the type in front."""
    return bytes([column.kind]) + column.metadata if column.kind in LISTED else column.metadata


def _field(kind: int, value: bytes) -> bytes:
    return bytes([kind]) + counted(value) if value else b""


# ---- The dictionary ----


def read_definitions(connection: Connection, schema: str, tables: Sequence[str] = ()) -> dict[str, TableDefinition]:
    """Return the definitions of a schema's tables and views, by their names; of all of them by default.

    Raise `Unsupported` for a type that this version does not know.
    """
    rows: dict[str, list[tuple[TargetColumn, bool]]] = {}
    among = f"AND TABLE_NAME IN ({', '.join(['%s'] * len(tables))})" if tables else ""
    for table, *column, extra in query(
        connection, with_collations(connection, _COLUMNS.format(among=among)), schema, *tables
    ):
        visible = "INVISIBLE" not in str(extra).upper().split()
        texts = tuple(_text(each) for each in column)
        rows.setdefault(str(table), []).append(
            (column_of(as_bytes(texts) if connection.is_mariadb else texts), visible)
        )
    keys: dict[str, dict[str, _Key]] = {}
    for table, index, name, prefix in query(connection, _KEYS.format(among=among), schema, *tables):
        keys.setdefault(str(table), {}).setdefault(str(index), []).append((name and str(name), int(prefix or 0)))
    members = _Members(connection)
    made = {}
    for name, found in rows.items():
        key = _primary_key(connection, (schema, name), keys.get(name, {}), [column for column, _ in found])
        made[name] = _table((schema, name), found, key, members)
    for (name,) in query(connection, _REFERRED, schema):
        if str(name) in made:
            made[str(name)] = replace(made[str(name)], referred_to=True)
    return made


def _primary_key(
    connection: Connection, name: Name, keys: Mapping[str, _Key], columns: Iterable[TargetColumn]
) -> Sequence[tuple[str | None, int]]:
    """Return the primary key, or what the server takes for it: the first unique key of whole columns without NULL."""
    if "PRIMARY" in keys:
        return keys["PRIMARY"]
    certain = {column.name for column in columns if not column.definition.nullable}
    serving = {index: key for index, key in keys.items() if all(part in certain and not prefix for part, prefix in key)}
    if len(serving) < 2:
        return next(iter(serving.values()), ())
    shown = query(connection, f"SHOW INDEX FROM {qualified(*name)}")
    in_order = [str(row[_INDEX_NAME]) for row in shown if not int(row[_MAY_REPEAT])]
    return next((serving[index] for index in in_order if index in serving), ())


def _table(
    name: Name, found: Sequence[tuple[TargetColumn, bool]], key: Sequence[tuple[str | None, int]], members: _Members
) -> TableDefinition:
    columns = []
    for column, visible in found:
        definition = replace(column.definition, visible=visible)
        if definition.kind in LISTED:
            definition = replace(definition, members=members.coded(column.members, column.charset))
        columns.append(definition)
    places = {column.name: place for place, column in enumerate(columns)}
    parts = tuple((places[part], prefix) for part, prefix in key)
    types = tuple(column.column_type for column, _ in found)
    charsets = tuple(column.charset for column, _ in found)
    return TableDefinition(*name, tuple(columns), parts, types=types, charsets=charsets)


@dataclass
class _Members:
    """Members of ENUM and SET as bytes of their character set; the server is asked what Python might read otherwise."""

    connection: Connection
    known: dict[tuple[tuple[str, ...], str], tuple[bytes, ...]] = field(default_factory=dict)

    def coded(self, members: tuple[str, ...], charset: str | None) -> tuple[bytes, ...]:
        charset = charset or "binary"
        if charset == "utf8mb4" or (charset not in _NOT_ASCII and all(member.isascii() for member in members)):
            return tuple(member.encode() for member in members)
        key = members, charset
        if key not in self.known:
            self.known[key] = self._asked(members, charset)
        return self.known[key]

    def _asked(self, members: tuple[str, ...], charset: str) -> tuple[bytes, ...]:
        listed = (f"HEX(CONVERT(_utf8mb4 x'{member.encode().hex()}' USING {charset}))" for member in members)
        (row,) = query(self.connection, f"SELECT {', '.join(listed)}")
        return tuple(bytes.fromhex(str(_text(each))) for each in row)


def _text(value: object) -> object:
    """DATA_TYPE and COLUMN_TYPE are blobs in the dictionary and may arrive as bytes."""
    return value.decode() if isinstance(value, bytes) else value


def read_all(connection: Connection, names: Iterable[Name]) -> Mapping[Name, TableDefinition]:
    """Return the definitions of these tables; one that is gone is missing."""
    wanted = set(names)
    found: dict[Name, TableDefinition] = {}
    for schema in sorted({schema for schema, _ in wanted}):
        for name, definition in read_definitions(connection, schema).items():
            if (schema, name) in wanted:
                found[schema, name] = definition
    return found
