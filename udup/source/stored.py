"""Reads views, routines, triggers and events with the session context that each was made in.

MySQL keeps with every stored object the sql_mode and the character sets of the session that created it, and uses
them whenever the object runs; a copy made in another context would behave differently. SHOW CREATE gives them.
"""

from __future__ import annotations

from typing import Any

from udup.mysql.catalog import StoredObject
from udup.mysql.connection import Connection, MySQLError, describe, is_transient, query
from udup.mysql.names import qualified
from udup.mysql.selection import Selection

#: The note on a view whose definer is no account of the server: it can be read, and made anew on any server.
NO_SUCH_USER = 1449


def read_objects(connection: Connection, schema: str, selection: Selection, problems: list[str]) -> list[StoredObject]:
    """The objects of one schema in the order of creation: routines, views, triggers, events.

    Routines and events belong to a job that carries the whole schema; views are chosen like tables, triggers
    follow their table. What cannot be read is added to `problems`.
    """
    objects: list[StoredObject | None] = []
    if selection.wants_stored(schema):
        objects += [_routine(connection, schema, *row, problems) for row in _routines(connection, schema)]
    for name in _views(connection, schema):
        if selection.wants(schema, name):
            objects.append(_view(connection, schema, name, problems))
    for name, table in _triggers(connection, schema):
        if selection.wants(schema, table):
            objects.append(_trigger(connection, schema, name, table, problems))
    if selection.wants_stored(schema):
        objects += [_event(connection, schema, name, problems) for name in _events(connection, schema)]
    return [found for found in objects if found is not None]


def _routines(connection: Connection, schema: str) -> list[tuple[str, str]]:
    return query(
        connection,
        "SELECT ROUTINE_NAME, ROUTINE_TYPE FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %s"
        " AND ROUTINE_TYPE IN ('FUNCTION', 'PROCEDURE') ORDER BY ROUTINE_TYPE, ROUTINE_NAME",
        schema,
    )


def _views(connection: Connection, schema: str) -> list[str]:
    sql = "SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME"
    return [name for (name,) in query(connection, sql, schema)]


def _triggers(connection: Connection, schema: str) -> list[tuple[str, str]]:
    """Names and tables, in the order in which triggers of one table and moment fire."""
    return query(
        connection,
        "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s"
        " ORDER BY EVENT_OBJECT_TABLE, EVENT_MANIPULATION, ACTION_TIMING, ACTION_ORDER",
        schema,
    )


def _events(connection: Connection, schema: str) -> list[str]:
    sql = "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s ORDER BY EVENT_NAME"
    return [name for (name,) in query(connection, sql, schema)]


def _routine(connection: Connection, schema: str, name: str, kind: str, problems: list[str]) -> StoredObject | None:
    row = _show(connection, kind, schema, name, problems)
    if row is None:
        return None
    _, sql_mode, sql, client, collation, database = row
    if sql is None:
        problems.append(_unreadable(kind, schema, name, "grant SHOW_ROUTINE to the source account"))
        return None
    return StoredObject(kind, schema, name, sql, sql_mode, client, collation, database)


def _view(connection: Connection, schema: str, name: str, problems: list[str]) -> StoredObject | None:
    row = _show(connection, "VIEW", schema, name, problems)
    if row is None:
        return None
    _, sql, client, collation = row
    return StoredObject("VIEW", schema, name, sql, "", client, collation, "")


def _trigger(connection: Connection, schema: str, name: str, table: str, problems: list[str]) -> StoredObject | None:
    row = _show(connection, "TRIGGER", schema, name, problems)
    if row is None:
        return None
    _, sql_mode, sql, client, collation, database, *_ = row
    return StoredObject("TRIGGER", schema, name, sql, sql_mode, client, collation, database, table=table)


def _event(connection: Connection, schema: str, name: str, problems: list[str]) -> StoredObject | None:
    row = _show(connection, "EVENT", schema, name, problems)
    if row is None:
        return None
    _, sql_mode, time_zone, sql, client, collation, database = row
    if not sql:
        problems.append(_unreadable("EVENT", schema, name, "grant EVENT to the source account"))
        return None
    return StoredObject("EVENT", schema, name, sql, sql_mode, client, collation, database, time_zone)


def _show(connection: Connection, kind: str, schema: str, name: str, problems: list[str]) -> tuple[Any, ...] | None:
    """The row of SHOW CREATE, or None with a problem noted: an error, or a view that has lost its tables."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(f"SHOW CREATE {kind} {qualified(schema, name)}")
        except MySQLError as error:
            if is_transient(error):
                raise
            problems.append(_unreadable(kind, schema, name, describe(error)))
            return None
        row = cursor.fetchone()
        warned = cursor.warning_count > 0
    broken = (
        kind == "VIEW" and warned and any(code != NO_SUCH_USER for _, code, _ in query(connection, "SHOW WARNINGS"))
    )
    if row is None or broken:
        problems.append(_unreadable(kind, schema, name, "it refers to something that is gone; drop it or leave it out"))
        return None
    return tuple(row)


def _unreadable(kind: str, schema: str, name: str, why: str) -> str:
    return f"{kind.lower()} {qualified(schema, name)} cannot be read: {why}"
