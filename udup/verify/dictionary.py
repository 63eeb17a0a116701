"""What a server's dictionary says about some schemas, view by view of information_schema, for comparing two servers.

SHOW CREATE is the server's own summary and leaves things out: the collation that a column took from its table, the
id of a spatial reference system, the order of triggers, what a view or a constraint was resolved to. Here is every
column of every view that describes a definition; left out are times, estimates, counters and what belongs to a
server rather than to a definition.

One query a view for all schemas together: five hundred schemas take a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.compare.portable import Name

_TIMES = ("CREATED", "LAST_ALTERED", "CREATE_TIME", "UPDATE_TIME", "CHECK_TIME", "LAST_EXECUTED")
_SIZES = ("AVG_ROW_LENGTH", "DATA_LENGTH", "MAX_DATA_LENGTH", "INDEX_LENGTH", "MAX_INDEX_LENGTH", "DATA_FREE")
_ESTIMATES = ("TABLE_ROWS", "CARDINALITY", "CHECKSUM", "AUTO_INCREMENT")
#: PRIVILEGES are those of who asks; an event is disabled on the target, and its originator is a server's number. Whose
#: a library is no statement says.
_OF_THE_SERVER = ("PRIVILEGES", "STATUS", "ORIGINATOR", "CREATOR")
#: A TIMESTAMP's is kept as its maker's time zone had it, while SHOW CREATE prints it in the session's.
_AS_TYPED = ("COLUMN_DEFAULT",)
_LEFT_OUT = frozenset(_TIMES + _SIZES + _ESTIMATES + _OF_THE_SERVER + _AS_TYPED)


@dataclass(frozen=True)
class _View:
    """A view of information_schema, and its columns that say whose row it is."""

    name: str
    schema: str
    object: str


_VIEWS = (
    _View("SCHEMATA", "SCHEMA_NAME", "SCHEMA_NAME"),
    _View("SCHEMATA_EXTENSIONS", "SCHEMA_NAME", "SCHEMA_NAME"),
    _View("TABLES", "TABLE_SCHEMA", "TABLE_NAME"),
    _View("TABLES_EXTENSIONS", "TABLE_SCHEMA", "TABLE_NAME"),
    _View("COLUMNS", "TABLE_SCHEMA", "TABLE_NAME"),
    _View("COLUMNS_EXTENSIONS", "TABLE_SCHEMA", "TABLE_NAME"),
    _View("ST_GEOMETRY_COLUMNS", "TABLE_SCHEMA", "TABLE_NAME"),
    _View("STATISTICS", "TABLE_SCHEMA", "TABLE_NAME"),
    _View("TABLE_CONSTRAINTS", "TABLE_SCHEMA", "TABLE_NAME"),
    _View("KEY_COLUMN_USAGE", "TABLE_SCHEMA", "TABLE_NAME"),
    _View("REFERENTIAL_CONSTRAINTS", "CONSTRAINT_SCHEMA", "TABLE_NAME"),
    _View("CHECK_CONSTRAINTS", "CONSTRAINT_SCHEMA", "CONSTRAINT_NAME"),
    _View("PARTITIONS", "TABLE_SCHEMA", "TABLE_NAME"),
    _View("ROUTINES", "ROUTINE_SCHEMA", "ROUTINE_NAME"),
    _View("LIBRARIES", "LIBRARY_SCHEMA", "LIBRARY_NAME"),
    _View("ROUTINE_LIBRARIES", "ROUTINE_SCHEMA", "ROUTINE_NAME"),
    _View("PARAMETERS", "SPECIFIC_SCHEMA", "SPECIFIC_NAME"),
    _View("TRIGGERS", "EVENT_OBJECT_SCHEMA", "EVENT_OBJECT_TABLE"),
    _View("EVENTS", "EVENT_SCHEMA", "EVENT_NAME"),
)


def read_dictionary(connection: Connection, schemas: Sequence[str]) -> dict[str, dict[Name, str]]:
    """By view and object, the object's rows as text, sorted; a view that the server does not have is left out."""
    known = {str(name) for (name,) in query(connection, _KNOWN_SQL)}
    return {view.name: _rows(connection, view, schemas) for view in _VIEWS if schemas and view.name in known}


_KNOWN_SQL = "SELECT UPPER(TABLE_NAME) FROM information_schema.TABLES WHERE UPPER(TABLE_SCHEMA) = 'INFORMATION_SCHEMA'"


def _rows(connection: Connection, view: _View, schemas: Sequence[str]) -> dict[Name, str]:
    columns = [
        str(name)
        for (name,) in query(
            connection,
            "SELECT UPPER(COLUMN_NAME) FROM information_schema.COLUMNS"
            " WHERE UPPER(TABLE_SCHEMA) = 'INFORMATION_SCHEMA' AND UPPER(TABLE_NAME) = %s ORDER BY ORDINAL_POSITION",
            view.name,
        )
    ]
    shown = [name for name in columns if name not in _LEFT_OUT]
    marks = ", ".join(["%s"] * len(schemas))
    sql = (
        f"SELECT {view.schema}, {view.object}, {', '.join(quote(name) for name in shown)}"
        f" FROM information_schema.{view.name} WHERE {view.schema} IN ({marks})"
    )
    gathered: dict[Name, list[str]] = {}
    for schema, name, *values in query(connection, sql, *schemas):
        text = ", ".join(f"{column}={_text(value)}" for column, value in zip(shown, values, strict=True))
        gathered.setdefault((str(schema), str(name)), []).append(text)
    return {name: "\n".join(sorted(rows)) for name, rows in gathered.items()}


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else repr(value)
