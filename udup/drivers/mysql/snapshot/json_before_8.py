"""JSON documents of servers without JSON_TABLE (MySQL 5.7): whether their text says everything, and no more than that.

Where a document holds a DATE, a DECIMAL, a binary string or an integer of the kind that text does not give, the copy is
refused: at which place it stands could only be told by the order in which such a server visits a document, and that
was not seen. What is inside is looked at by its number; how many there are at most is asked for each chunk.
"""

from __future__ import annotations

from collections.abc import Iterable

from udup.base.errors import Unsupported
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.dictionary.catalog import Column, Table
from udup.drivers.mysql.snapshot.json_values import ELEMENTS, MEMBERS, is_special

#: From here on MySQL and MariaDB have JSON_TABLE.
_JSON_TABLE = ((8, 0, 4), (10, 6, 0))

#: Members, or elements, of one document that are looked at: each costs a walk over the document.
_MOST = 2000


def has_json_table(connection: Connection) -> bool:
    """Return whether the server has the function JSON_TABLE."""
    return connection.version >= _JSON_TABLE[connection.is_mariadb]


def is_asked_by_number(connection: Connection) -> bool:
    """Return whether the server has JSON and no JSON_TABLE."""
    return not connection.is_mariadb and not has_json_table(connection)


def check_text_is_whole(connection: Connection, table: Table, rows: str) -> None:
    """Raise `Unsupported` if a document of these rows (`FROM … WHERE …`) is more than its text."""
    for column in _documents(table):
        name = quote(column.name)
        [found] = query(connection, f"SELECT {', '.join(_count(name, path) for path in _PATHS)} {rows}")
        counts = [int(count or 0) for count in found]
        if max(counts) > _MOST:
            raise Unsupported(
                f"column {name} of table {qualified(table.schema, table.name)} has documents with {max(counts)} values,"
                f" and a source without JSON_TABLE is asked for the types of {_MOST} at most: leave the table out, or"
                " upgrade the source to MySQL 8.0"
            )
        inside = [_any_special(name, path, count) for path, count in zip(_PATHS, counts, strict=True) if count]
        [(odd,)] = query(connection, f"SELECT COALESCE(SUM({' OR '.join([is_special(name), *inside])}), 0) {rows}")
        if int(odd):
            raise Unsupported(
                f"column {name} of table {qualified(table.schema, table.name)} has {int(odd)} documents with values"
                " that JSON text does not have (DECIMAL, dates, binary strings, integers made UNSIGNED), and a source"
                f" without JSON_TABLE does not say where: run there UPDATE … SET {name} = CAST(CAST({name} AS CHAR) AS"
                " JSON), which makes what the text says of them, or upgrade the source to MySQL 8.0"
            )


_PATHS = (MEMBERS, ELEMENTS)


def _documents(table: Table) -> Iterable[Column]:
    return [column for column in table.stored_columns if column.kind == "json"]


def _count(column: str, path: str) -> str:
    return f"MAX(JSON_LENGTH(JSON_EXTRACT({column}, _utf8mb4'{path}')))"


def _any_special(column: str, path: str, most: int) -> str:
    """SQL: whether one of so many values at most is more than its text."""
    # As texts with introducers: the session's own literals, and numbers made texts, are binary.
    places = " UNION ALL ".join(f"SELECT {number} n, _utf8mb4'$[{number}]' p" for number in range(most))
    inside = f"JSON_EXTRACT({column}, _utf8mb4'{path}')"
    value = f"JSON_EXTRACT({inside}, j.p)"
    return f"EXISTS (SELECT 1 FROM ({places}) j WHERE j.n < JSON_LENGTH({inside}) AND {is_special(value)})"
