"""Tables of the source's dictionary as Debezium's `tableChanges` have them.

Types are named as the dictionary writes them, which is what the server has made of the statement: BOOL is TINYINT with
length 1, and an INT has no width since MySQL 8.0.19. `generated` is true of AUTO_INCREMENT, as Debezium has it, and of
columns that the server computes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.dictionary_columns import with_known_columns
from udup.drivers.mysql.client.names import qualified
from udup.pipeline.selection.renames import Name

#: Tables that are asked about in one query.
_TOGETHER = 100

#: The numbers of java.sql.Types by DATA_TYPE.
_JDBC_TYPES = {
    **dict.fromkeys(("char", "enum", "set"), 1),
    **dict.fromkeys(("varchar", "tinytext", "text", "mediumtext", "longtext"), 12),
    **dict.fromkeys(("tinyblob", "blob", "mediumblob", "longblob"), 2004),
    **dict.fromkeys(("int", "mediumint", "year"), 4),
    "decimal": 3,
    "smallint": 5,
    "float": 6,
    "double": 8,
    "date": 91,
    "time": 92,
    "datetime": 93,
    "timestamp": 2014,
    "binary": -2,
    "varbinary": -3,
    "bigint": -5,
    "tinyint": -6,
    "bit": -7,
}

#: java.sql.Types.OTHER: JSON, geometry, vectors.
_OTHER = 1111

_LISTED = frozenset({"enum", "set"})

_ARGUMENTS = re.compile(r"\(.*\)", re.DOTALL)
_NUMBERS = re.compile(r"\((\d+)(?:,(\d+))?\)")
_MEMBER = re.compile(r"'(?:[^'\\]|''|\\.)*'", re.DOTALL)

_TABLES = """
SELECT TABLE_NAME, TABLE_COLLATION, TABLE_COMMENT FROM information_schema.TABLES
WHERE TABLE_SCHEMA = %s AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND TABLE_NAME IN
"""

_COLUMNS = """
SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_SET_NAME, ORDINAL_POSITION, IS_NULLABLE, EXTRA,
       COLUMN_COMMENT, COLUMN_DEFAULT, COALESCE(GENERATION_EXPRESSION, '') <> ''
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME IN
"""

#: Columns of SHOW INDEX, which has the indexes in the server's own order.
_MAY_REPEAT, _INDEX_NAME, _COLUMN, _PREFIX, _NULLABLE = 1, 2, 4, 7, 9


def read_tables(connection: Connection, names: Iterable[Name]) -> dict[Name, bytes]:
    """Return the `table` of each of these base tables as JSON; one that is not there is missing."""
    by_schema: dict[str, list[str]] = {}
    for schema, table in names:
        by_schema.setdefault(schema, []).append(table)
    made: dict[Name, bytes] = {}
    for schema, tables in by_schema.items():
        for at in range(0, len(tables), _TOGETHER):
            made.update(_read(connection, schema, tables[at : at + _TOGETHER]))
    return made


def _read(connection: Connection, schema: str, tables: Sequence[str]) -> Iterable[tuple[Name, bytes]]:
    among = f" ({', '.join(['%s'] * len(tables))})"
    columns: dict[str, list[dict[str, Any]]] = {}
    listed = with_known_columns(connection, _COLUMNS)
    for row in query(connection, f"{listed}{among} ORDER BY TABLE_NAME, ORDINAL_POSITION", schema, *tables):
        table, *rest = map(_text, row)
        columns.setdefault(table, []).append(_column(*rest))
    for row in query(connection, _TABLES + among, schema, *tables):
        table, collation, comment = map(_text, row)
        if table not in columns:
            continue  # made between the two questions
        whole = {
            "defaultCharsetName": collation.partition("_")[0] if collation else None,
            "primaryKeyColumnNames": _key(query(connection, f"SHOW INDEX FROM {qualified(schema, table)}")),
            "columns": columns[table],
            "comment": comment or None,
        }
        yield (schema, table), compact(whole)


def _key(indexes: Collection[Sequence[Any]]) -> list[str]:
    """Return the columns of the primary key, or of the index that the log takes for it: unique and without NULL."""
    by_name: dict[str, list[Sequence[Any]]] = {}
    for part in indexes:
        if not int(part[_MAY_REPEAT]):
            by_name.setdefault(str(_text(part[_INDEX_NAME])), []).append(part)
    serving = [
        parts
        for name, parts in by_name.items()
        if name == "PRIMARY"
        or all(part[_COLUMN] and part[_PREFIX] is None and _text(part[_NULLABLE]) != "YES" for part in parts)
    ]
    return [str(_text(part[_COLUMN])) for part in serving[0]] if serving else []


def _column(
    name: str,
    kind: str,
    column_type: str,
    charset: str | None,
    position: int,
    nullable: str,
    extra: str,
    comment: str,
    default: str | None,
    computed: int,
) -> dict[str, Any]:
    kind = kind.lower()
    type_name = _ARGUMENTS.sub("", column_type).upper()
    members = _MEMBER.findall(column_type) if kind in _LISTED else []
    numbers = None if members else _NUMBERS.search(column_type)
    length = int(numbers[1]) if numbers else None
    if members:
        length = 1 if kind == "enum" else 2 * len(members) - 1
    increments = "auto_increment" in extra.lower()
    return {
        "name": name,
        "jdbcType": _JDBC_TYPES.get(kind, _OTHER),
        "nativeType": None,
        "typeName": type_name,
        "typeExpression": type_name,
        "charsetName": charset,
        "length": length,
        "scale": int(numbers[2]) if numbers and numbers[2] else None,
        "position": int(position),
        "optional": nullable == "YES",
        "autoIncremented": increments,
        "generated": increments or bool(computed),
        "comment": comment or None,
        "defaultValueExpression": default,
        "enumValues": members or None,
    }


def compact(value: object) -> bytes:
    """Return a value as JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def changes_of(changes: Iterable[tuple[str, Sequence[Name], bytes | None]]) -> bytes:
    """Return `tableChanges`: of each its type, its table (of a renamed one the old and the new name), and `table`."""
    made = [
        b'{"type":"%b","id":%b,"table":%b}' % (kind.encode(), compact(_id(names)), table or b"null")
        for kind, names, table in changes
    ]
    return b"[%b]" % b",".join(made)


def _id(names: Sequence[Name]) -> str:
    return ",".join(f'"{schema}"."{name}"' for schema, name in names)


def _text(value: object) -> Any:
    return value.decode() if isinstance(value, bytes) else value
