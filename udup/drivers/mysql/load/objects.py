"""Makes schemas, tables and stored objects on the target as the source's server described them.

Order: schemas, tables (bare), rows by the loaders, then indexes, foreign keys, libraries, routines, views, triggers,
events.
Stored objects come last, so that no trigger fires on a copied row. Each is created in the session context of its
original (sql_mode, character sets, time zone, the schema's collation), which the server keeps with it.

Views may use each other in any order; they are tried in rounds until none is left or a round brings none further.
Events are created disabled: they run on the source, and what they do arrives through the binary log.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence

from udup.base.causes import Cause, reason
from udup.base.errors import UdupError
from udup.drivers.mysql.apply.tablespaces import housed
from udup.drivers.mysql.client.connection import Connection, MySQLError, describe, failure, is_transient, query, scalar
from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.client.session_setup import reset
from udup.drivers.mysql.client.sessions import DEFINITION
from udup.drivers.mysql.client.sql_modes import known_words
from udup.drivers.mysql.dictionary.catalog import Schema, StoredObject, Table
from udup.drivers.mysql.load.create_table import (
    create_statement,
    default_statements,
    digit_statements,
    foreign_key_statements,
    index_statements,
    is_converted,
    is_merge,
    whole_statement,
)

_EVENT_STATE = re.compile(r"(ON COMPLETION (?:NOT )?PRESERVE )(?:ENABLE|DISABLE ON \w+|DISABLE)\b")


def create_schemas(connection: Connection, schemas: Iterable[Schema]) -> None:
    """Create the schemas, or give existing ones the source's defaults: later DDL depends on them."""
    for schema in schemas:
        options = schema.create_sql.removeprefix(f"CREATE DATABASE {quote(schema.name)}")
        place = f"schema {quote(schema.name)}"
        create = f"CREATE DATABASE IF NOT EXISTS {quote(schema.name)}{options}"
        was_there = _run(connection, create, f"creating {place}")
        if was_there and options.strip():
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
        ).because(reason(Cause.STATEMENT_REFUSED, {"error": "; ".join(refused)}))


def create_tables(connection: Connection, tables: Iterable[Table]) -> list[str]:
    """Create the tables without secondary indexes and foreign keys, on a session of `DEFINITION`.

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


def add_indexes(connection: Connection, table: Table, there: Container[str] = ()) -> None:
    """Build what `create_tables` left out, sorted, after the rows; first the digits of numbers.

    `there` are names, in lower case, of indexes that have been built.
    """
    place = qualified(table.schema, table.name)
    for statement in digit_statements(table):
        _run(connection, statement, f"giving their digits to the columns of {place}")
    for statement in index_statements(table, there):
        _run(connection, statement, f"building the indexes of {place}")


def add_foreign_keys(connection: Connection, table: Table) -> None:
    """Add the foreign keys, on a session of `DEFINITION`, when every table stands."""
    for statement in foreign_key_statements(table):
        _run(connection, statement, f"adding the foreign keys of {qualified(table.schema, table.name)}")


def create_objects(
    connection: Connection, objects: Sequence[StoredObject], replace: bool = False
) -> list[StoredObject]:
    """Create libraries, routines, views, triggers and events; with `replace`, over those of the same name.

    Raises `UdupError` that names every object that could not be made and why. Views that are stale on the source are
    no fault; those that could not be made either are returned.
    """
    pending = list(objects)
    failed: list[tuple[StoredObject, MySQLError]] = []
    while pending:
        before, failed = len(pending), []
        for stored in pending:
            try:
                create(connection, stored, replace)
            except MySQLError as error:
                if is_transient(error):
                    raise failure(error, f"creating {_place(stored)}") from error
                failed.append((stored, error))
        pending = [stored for stored, _ in failed]
        if len(failed) == before:
            break
    if faults := [(stored, error) for stored, error in failed if not stored.stale]:
        told = _reasons(faults)
        refused = UdupError(f"the target refused {len(faults)} stored objects: {told}")
        raise refused.because(reason(Cause.STATEMENT_REFUSED, {"error": told}))
    return pending


def create(connection: Connection, stored: StoredObject, replace: bool = False) -> None:
    """Create one object in the context of its original. MySQL's errors pass."""
    query(connection, f"USE {quote(stored.schema)}")
    if replace:
        query(connection, f"DROP {stored.kind} IF EXISTS {qualified(stored.schema, stored.name)}")
    charset, text = _encoded(connection, stored)
    collation = _database_collation(connection, stored)
    schema, is_altered = quote(stored.schema), False
    try:
        if collation:
            query(connection, f"ALTER DATABASE {schema} COLLATE {stored.collation_database}")
            is_altered = True
        if stored.kind == "EVENT":  # one whose end has passed would be dropped at once (note 1588)
            query(connection, f"SET SESSION timestamp = {stored.made or 'DEFAULT'}")
        sql_mode = stored.sql_mode if connection.is_mariadb else known_words(stored.sql_mode)
        query(connection, "SET SESSION sql_mode = %s", sql_mode)
        if stored.time_zone:
            query(connection, "SET SESSION time_zone = %s", stored.time_zone)
        query(connection, f"SET character_set_client = {charset}")
        query(connection, f"SET collation_connection = {stored.collation_connection}")
        with connection.cursor() as cursor:
            cursor.execute(text)  # type: ignore[call-overload]
    finally:
        if connection.open:
            reset(connection, DEFINITION, "sql_mode", "time_zone", "character_set_client", "collation_connection")
            if stored.kind == "EVENT":
                query(connection, "SET SESSION timestamp = DEFAULT")
            if is_altered:
                query(connection, f"ALTER DATABASE {schema} COLLATE {collation}")


def _reasons(failed: Iterable[tuple[StoredObject, MySQLError]]) -> str:
    return "; ".join(f"{_place(stored)}: {describe(error)}" for stored, error in failed)


def _database_collation(connection: Connection, stored: StoredObject) -> str:
    """The schema's own collation if the object was made under another one, which must stand meanwhile."""
    if not stored.collation_database:
        return ""
    current = str(scalar(connection, "SELECT @@collation_database"))
    return current if _of_today(current) != _of_today(stored.collation_database) else ""


def _of_today(collation: str) -> str:
    """Return a collation's name as servers from 8.0.30 on print it."""
    return re.sub(r"^utf8_", "utf8mb3_", collation)


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


def _run(connection: Connection, sql: str, what: str) -> int:
    """Return how many warnings there were: a note that something is there already is one."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return int(cursor.warning_count)
    except MySQLError as error:
        raise failure(error, f"{what} on the target failed") from error
