"""What tables of the target are before a copy fills them: their engines, and what tells one from another of its name.

That is the moment of creation, which an ALTER TABLE changes, and InnoDB's own numbers, which a TRUNCATE changes too.
The numbers are there for an account that has PROCESS, and for names in ASCII; what is not seen is no part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from udup.drivers.mysql.client.connection import Connection, MySQLError, query
from udup.drivers.mysql.client.errors import is_transient
from udup.drivers.mysql.dictionary.present import TABLE, Present

_TABLES = (
    "SELECT TABLE_NAME, ENGINE, UNIX_TIMESTAMP(CREATE_TIME) FROM information_schema.TABLES"
    " WHERE TABLE_SCHEMA = %s AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')"
)
_NUMBERS = "SELECT NAME, TABLE_ID FROM information_schema.INNODB_TABLES WHERE LEFT(NAME, %s) = %s ORDER BY NAME"


@dataclass(frozen=True)
class Standing:
    """A table's engine, in lower case, and what tells it from another of its name."""

    engine: str
    made: str


def read_standing(connection: Connection, tables: Sequence[Present]) -> dict[Present, Standing]:
    """Return it for those base tables that are there."""
    wanted = set(tables)
    found = {}
    for schema in sorted({each.schema for each in wanted}):
        rows = query(connection, _TABLES, schema)
        numbers = _numbers(connection, schema)
        for name, engine, created in rows:
            if (each := Present(TABLE, schema, str(name))) in wanted:
                own = numbers.get(_as_file(str(name)).lower(), [])
                found[each] = Standing(str(engine or "").lower(), " ".join([str(created), *own]))
    return found


def _numbers(connection: Connection, schema: str) -> dict[str, list[str]]:
    """Return InnoDB's numbers of a schema's tables, and their partitions, by their names as those of files."""
    if not schema.isascii():
        return {}  # InnoDB has letters of its own for them
    front = f"{_as_file(schema)}/"
    found: dict[str, list[str]] = {}
    try:
        for name, number in query(connection, _NUMBERS, len(front), front):
            table = str(name).removeprefix(front).lower().partition("#p#")[0]
            found.setdefault(table, []).append(str(number))
    except MySQLError as error:
        if is_transient(error):
            raise
        return {}
    return found


def _as_file(name: str) -> str:
    """Return an ASCII name as InnoDB writes it: as that of a file."""
    return "".join(each if each.isalnum() or each == "_" else f"@{ord(each):04x}" for each in name)
