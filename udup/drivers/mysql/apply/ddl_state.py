"""What the objects of a definition are on the target: before it runs and after a crash, so as to know whether it ran.

Of a table that is its definition as the server prints it and InnoDB's own numbers of it, which every rebuild, TRUNCATE,
exchange of partitions and swap of names changes. So nearly everything that a definition does is seen; what is not seen
may be done again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query
from udup.drivers.mysql.client.errors import is_transient
from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.ddl.alter_action import AlterAction
from udup.drivers.mysql.ddl.statement import Kind, Statement

_TABLES = "SELECT TABLE_TYPE, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"

_NUMBERS = (
    "SELECT NAME, TABLE_ID FROM information_schema.INNODB_TABLES WHERE LOWER(NAME) = LOWER({name})"
    " OR LOWER(NAME) LIKE LOWER(CONCAT(REPLACE({name}, '_', '\\\\_'), '#p#%')) ORDER BY NAME"
)

#: What accounts and their grants are kept in.
_OF_ACCOUNTS = (
    *("user", "db", "tables_priv", "columns_priv", "procs_priv", "proxies_priv", "role_edges", "default_roles"),
    "global_grants",
)

_TRIGGER = "SELECT * FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s AND {} ORDER BY TRIGGER_NAME"
_ROUTINE = (
    "SELECT * FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %s AND ROUTINE_NAME = %s ORDER BY ROUTINE_TYPE"
)
_EVENT = "SELECT * FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s AND EVENT_NAME = %s"

_ABSENT = "absent"


@dataclass(frozen=True)
class State:
    """The objects by their names, as digests; `why` tells what about them cannot be seen, "" for nothing."""

    objects: Mapping[str, str]
    why: str = ""

    def text(self) -> str:
        return json.dumps(dict(self.objects), sort_keys=True)


def state_of(connection: Connection, statement: Statement) -> State:
    """Ask the target what a definition's objects are now, on a connection in Udup's own session."""
    match statement.kind:
        case Kind.DATABASE_DDL:
            return State({schema: _schema(connection, schema) for schema in statement.schemas})
        case Kind.TABLE_DDL | Kind.VIEW_DDL:
            names = [*statement.objects, *(name for move in statement.moves for name in move)]
            found = {f"{each.schema}.{each.name}": _table(connection, each.schema, each.name) for each in names}
            blind = [name for name, (_, is_seen) in found.items() if not is_seen]
            swaps = bool(statement.moves) or AlterAction.OTHER in statement.actions  # EXCHANGE PARTITION is one
            why = f"rows of {blind[0]} may have changed places, which nothing shows" if blind and swaps else ""
            return State({name: digest for name, (digest, _) in found.items()}, why)
        case Kind.TRIGGER_DDL:
            return State({f"{o.schema}.{o.name}": _trigger(connection, o.schema, o.name) for o in statement.objects})
        case Kind.ROUTINE_DDL:
            return State({f"{o.schema}.{o.name}": _rows(connection, _ROUTINE, *o[:2]) for o in statement.objects})
        case Kind.EVENT_DDL:
            names = [*statement.objects, *(name for move in statement.moves for name in move)]
            return State({f"{o.schema}.{o.name}": _rows(connection, _EVENT, *o[:2]) for o in names})
        case Kind.ACCOUNT:
            return State({"accounts": _digest(list(_accounts(connection)))})
        case _:
            return State({}, "what it makes is in no schema")


def has_run(statement: Statement, before: str, now: State) -> bool | None:
    """Return whether a definition has run, by its objects before and now; None if that cannot be known.

    What has run without being seen is false as well, where it does no harm to run it again.
    """
    objects: dict[str, str] = json.loads(before)
    if statement.verb.startswith("DROP") and statement.verb != "DROP INDEX" and statement.kind is not Kind.ACCOUNT:
        left = [name for name, digest in objects.items() if now.objects.get(name, _ABSENT) == digest != _ABSENT]
        gone = [name for name, digest in objects.items() if now.objects.get(name, _ABSENT) == _ABSENT != digest]
        if statement.kind is Kind.DATABASE_DDL:
            return bool(gone)
        return None if left and gone else bool(gone)
    if dict(now.objects) != objects:
        return True
    return None if now.why else False


def _schema(connection: Connection, schema: str) -> str:
    sql = (
        "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME, DEFAULT_ENCRYPTION FROM"
        " information_schema.SCHEMATA WHERE SCHEMA_NAME = %s"
    )
    options = query(connection, sql, schema)
    return _digest(options) if options else _ABSENT


def _table(connection: Connection, schema: str, name: str) -> tuple[str, bool]:
    """Return a table's or a view's digest, and whether all that may happen to it is seen."""
    rows = query(connection, _TABLES, schema, name)
    if not rows:
        return _ABSENT, True
    is_innodb = str(rows[0][1]).lower() == "innodb"
    try:
        shown = [str(row[1]) for row in query(connection, f"SHOW CREATE TABLE {qualified(schema, name)}")]
    except MySQLError as error:
        if is_transient(error):
            raise
        shown = [f"error {error_code(error)}"]  # a view of what is not there
    numbers = _numbers(connection, schema, name) if is_innodb else []
    return _digest([shown, numbers]), bool(numbers) or str(rows[0][0]) == "VIEW"


def _numbers(connection: Connection, schema: str, name: str) -> list[list[str]]:
    """Return InnoDB's numbers of a table and its partitions; none if they cannot be asked for."""
    if not (schema + name).isascii():
        return []  # InnoDB has letters of its own for them
    file = f"_utf8mb4 x'{f'{_as_file(schema)}/{_as_file(name)}'.encode().hex()}'"
    try:
        return [list(map(str, row)) for row in query(connection, _NUMBERS.format(name=file))]
    except MySQLError as error:
        if is_transient(error):
            raise
        return []


def _as_file(name: str) -> str:
    """Return an ASCII name as InnoDB writes it: as that of a file."""
    return "".join(each if each.isalnum() or each == "_" else f"@{ord(each):04x}" for each in name)


def _trigger(connection: Connection, schema: str, name: str) -> str:
    """A new trigger's statement names its table, others the trigger."""
    columns = ("TRIGGER_NAME", "EVENT_OBJECT_TABLE")
    found = [query(connection, _TRIGGER.format(f"{column} = %s"), schema, name) for column in columns]
    return _digest(found) if any(found) else _ABSENT


def _rows(connection: Connection, sql: str, schema: str, name: str) -> str:
    rows = query(connection, sql, schema, name)
    return _digest(rows) if rows else _ABSENT


def _accounts(connection: Connection) -> Iterator[str]:
    for table in _OF_ACCOUNTS:
        rows = sorted(str(row) for row in query(connection, f"SELECT * FROM mysql.{quote(table)}"))
        yield _digest(rows)


def _digest(found: object) -> str:
    return hashlib.sha256(repr(found).encode()).hexdigest()[:32]
