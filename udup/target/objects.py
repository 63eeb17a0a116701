"""Makes schemas, tables and stored objects on the target as the source's server described them.

Order: schemas, tables (bare), rows by the loaders, then indexes, foreign keys, routines, views, triggers, events.
Stored objects come last, so that no trigger fires on a copied row. Each is created in the session context of its
original (sql_mode, character sets, time zone, the schema's collation), which the server keeps with it.

Views may use each other in any order; they are tried in rounds until none is left or a round brings none further.
Events are created disabled: they run on the source, and what they do arrives through the binary log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from udup.errors import Transient, UdupError
from udup.mysql.catalog import Schema, StoredObject, Table
from udup.mysql.connection import Connection, MySQLError, describe, is_transient, query, scalar
from udup.mysql.names import qualified, quote
from udup.target.create_table import (
    create_statement,
    default_statements,
    foreign_key_statements,
    index_statements,
    is_converted,
    is_merge,
    whole_statement,
)
from udup.target.tablespaces import housed

#: Session of a connection that creates. The source has these definitions, so strictness has nothing to add.
DEFINITION_SESSION = "SET SESSION sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00', foreign_key_checks = 0"

#: Settings that a target may insist on, and what creating needs. They ask for a privilege
#: (SESSION_VARIABLES_ADMIN), so they are set only where they differ. Without explicit_defaults_for_timestamp a
#: TIMESTAMP column that is NOT NULL takes a default of the server's own; SHOW CREATE leaves a collation out when it is
#: the one that utf8mb4 was born with, whatever the server makes of it today.
NEEDED_SETTINGS = (
    ("sql_require_primary_key", "OFF"),
    ("sql_generate_invisible_primary_key", "OFF"),
    ("explicit_defaults_for_timestamp", "ON"),
    ("restrict_fk_on_non_standard_key", "OFF"),
    ("default_collation_for_utf8mb4", "utf8mb4_0900_ai_ci"),
)

#: Memory of one index build. With the default of 1 MB two indexes on a million rows took 25 to 40 % longer.
INDEX_BUFFER_BYTES = 64 << 20

_EVENT_STATE = re.compile(r"(ON COMPLETION (?:NOT )?PRESERVE )(?:ENABLE|DISABLE ON \w+|DISABLE)\b")


@dataclass(frozen=True)
class ExistingTable:
    """A table or view on the target that has the name of one to be copied."""

    schema: str
    name: str
    empty: bool


def prepare_session(connection: Connection) -> None:
    """Make the session take the source's definitions as they are; raises `UdupError` where it may not."""
    for name, value in NEEDED_SETTINGS:
        current = query(connection, f"SHOW SESSION VARIABLES LIKE '{name}'")
        if current and current[0][1] != value:
            _run(connection, f"SET SESSION {name} = {value}", f"the setting {name} = {value}")
    query(connection, "SET NAMES utf8mb4")
    query(connection, DEFINITION_SESSION)
    if query(connection, "SHOW SESSION VARIABLES LIKE 'innodb_ddl_buffer_size'"):  # MySQL 8.0.27
        query(connection, f"SET SESSION innodb_ddl_buffer_size = {INDEX_BUFFER_BYTES}")


def existing_tables(connection: Connection, tables: Iterable[Table]) -> tuple[ExistingTable, ...]:
    """Which of the tables' names are taken on the target, and whether they hold rows."""
    wanted: dict[str, set[str]] = {}
    for table in tables:
        wanted.setdefault(table.schema, set()).add(table.name)
    found = []
    for schema, names in wanted.items():
        sql = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME"
        for (name,) in query(connection, sql, schema):
            if name in names:
                rows = query(connection, f"SELECT 1 FROM {qualified(schema, name)} LIMIT 1")
                found.append(ExistingTable(schema, name, empty=not rows))
    return tuple(found)


def drop_tables(connection: Connection, tables: Iterable[ExistingTable]) -> None:
    """Drop tables that an earlier copy, or the user's leave, gave up."""
    query(connection, "SET SESSION foreign_key_checks = 0")
    for table in tables:
        name = qualified(table.schema, table.name)
        _run(connection, f"DROP TABLE IF EXISTS {name}", f"dropping table {name}")


def create_schemas(connection: Connection, schemas: Iterable[Schema]) -> None:
    """Create the schemas, or give existing ones the source's defaults: later DDL depends on them."""
    for schema in schemas:
        options = schema.create_sql.removeprefix(f"CREATE DATABASE {quote(schema.name)}")
        place = f"schema {quote(schema.name)}"
        _run(connection, f"CREATE DATABASE IF NOT EXISTS {quote(schema.name)}{options}", f"creating {place}")
        if options.strip():
            _run(connection, f"ALTER DATABASE {quote(schema.name)}{options}", f"altering {place}")


def try_converted_tables(connection: Connection, tables: Iterable[Table]) -> None:
    """Make tables of another engine than the source's whole, and drop them: what the engine cannot take is told now.

    Indexes would otherwise be refused when the rows are there. Raises `UdupError` naming all of them.
    """
    refused = []
    for table in tables:
        if is_converted(table):
            name = qualified(table.schema, table.name)
            try:
                query(connection, whole_statement(table))
                query(connection, f"DROP TABLE {name}")
            except MySQLError as error:
                if is_transient(error):
                    raise
                refused.append(f"{name} ({table.engine}): {describe(error)}")
    if refused:
        raise UdupError(
            "as InnoDB tables the target refused: " + "; ".join(refused) + ". Change them on the source, or leave "
            '"Engine" out of the Dest\'s Config'
        )


def create_tables(connection: Connection, tables: Iterable[Table]) -> list[str]:
    """Create the tables without secondary indexes and foreign keys, on a session of `prepare_session`.

    The answer is what is to be told of them: tablespaces that the target cannot have.

    MERGE tables come later (`create_merge_tables`).
    """
    return _create_tables(connection, [table for table in tables if not is_merge(table)])


def create_merge_tables(connection: Connection, tables: Iterable[Table]) -> None:
    """When the tables that they show have their indexes; these may be named without their schema."""
    for table in tables:
        if is_merge(table):
            query(connection, f"USE {quote(table.schema)}")
            _create_tables(connection, [table])


def _create_tables(connection: Connection, tables: Iterable[Table]) -> list[str]:
    told = []
    for table in tables:
        place = qualified(table.schema, table.name)
        create, problem = housed(connection, create_statement(table).encode(), "utf-8", 0)
        told += [f"{place}: {problem}"] if problem else []
        for statement in (create.decode(), *default_statements(table)):
            _run(connection, statement, f"creating table {place}")
    return told


def add_indexes(connection: Connection, table: Table) -> None:
    """Build what `create_tables` left out, sorted, after the rows."""
    for statement in index_statements(table):
        _run(connection, statement, f"building the indexes of {qualified(table.schema, table.name)}")


def add_foreign_keys(connection: Connection, table: Table) -> None:
    """Add the foreign keys, on a session of `prepare_session`, when every table stands."""
    for statement in foreign_key_statements(table):
        _run(connection, statement, f"adding the foreign keys of {qualified(table.schema, table.name)}")


def create_objects(connection: Connection, objects: Sequence[StoredObject], replace: bool = False) -> None:
    """Create routines, views, triggers and events; with `replace`, over those of the same name.

    Raises `UdupError` that names every object that could not be made and why.
    """
    pending = list(objects)
    while pending:
        failed: list[tuple[StoredObject, MySQLError]] = []
        for stored in pending:
            try:
                _create(connection, stored, replace)
            except MySQLError as error:
                if is_transient(error):
                    raise Transient(f"creating {_place(stored)}: {describe(error)}") from error
                failed.append((stored, error))
        if len(failed) == len(pending):
            reasons = "; ".join(f"{_place(stored)}: {describe(error)}" for stored, error in failed)
            raise UdupError(f"the target refused {len(failed)} stored objects: {reasons}")
        pending = [stored for stored, _ in failed]
    prepare_session(connection)


def _create(connection: Connection, stored: StoredObject, replace: bool) -> None:
    query(connection, f"USE {quote(stored.schema)}")
    if replace:
        query(connection, f"DROP {stored.kind} IF EXISTS {qualified(stored.schema, stored.name)}")
    charset, text = _encoded(connection, stored)
    collation = _database_collation(connection, stored)
    schema = quote(stored.schema)
    try:
        if collation:
            query(connection, f"ALTER DATABASE {schema} COLLATE {stored.collation_database}")
        query(connection, "SET SESSION sql_mode = %s", stored.sql_mode)
        if stored.time_zone:
            query(connection, "SET SESSION time_zone = %s", stored.time_zone)
        query(connection, f"SET character_set_client = {charset}")
        query(connection, f"SET collation_connection = {stored.collation_connection}")
        with connection.cursor() as cursor:
            cursor.execute(text)  # type: ignore[call-overload]
    finally:
        if connection.open:
            query(connection, "SET NAMES utf8mb4")
            query(connection, DEFINITION_SESSION)
            if collation:
                query(connection, f"ALTER DATABASE {schema} COLLATE {collation}")


def _database_collation(connection: Connection, stored: StoredObject) -> str:
    """The schema's own collation if the object was made under another one, which must stand meanwhile."""
    if not stored.collation_database:
        return ""
    current = str(scalar(connection, "SELECT @@collation_database"))
    return current if current != stored.collation_database else ""


def _encoded(connection: Connection, stored: StoredObject) -> tuple[str, bytes]:
    """The statement in the character set in which it was first sent, as that one is remembered too.

    Text that does not go into it (a name in another script) is sent in utf8mb4.
    """
    sql = _disabled(stored) if stored.kind == "EVENT" else stored.sql
    text = sql.encode()
    if sql.isascii() or stored.charset_client == "utf8mb4":
        return stored.charset_client, text
    there = f"CONVERT(_utf8mb4 x'{text.hex()}' USING {stored.charset_client})"
    encoded, back = query(
        connection, f"SELECT CAST({there} AS BINARY), CAST(CONVERT({there} USING utf8mb4) AS BINARY)"
    )[0]
    return (stored.charset_client, bytes(encoded)) if back == text else ("utf8mb4", text)


def _disabled(event: StoredObject) -> str:
    """CREATE EVENT with its state replaced, looked for behind the name, which could hold the same words."""
    head, name, rest = event.sql.partition(f" EVENT {quote(event.name)} ")
    rest, count = _EVENT_STATE.subn(r"\1DISABLE", rest, count=1)
    if not count:
        raise UdupError(f"cannot find the state of {_place(event)} in its definition: {event.sql[:120]!r}")
    return head + name + rest


def _place(stored: StoredObject) -> str:
    return f"{stored.kind.lower()} {qualified(stored.schema, stored.name)}"


def _run(connection: Connection, sql: str, what: str) -> None:
    try:
        query(connection, sql)
    except MySQLError as error:
        kind = Transient if is_transient(error) else UdupError
        raise kind(f"{what} on the target failed: {describe(error)}") from error
