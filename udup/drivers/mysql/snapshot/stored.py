"""Reads views, routines, libraries, triggers and events with the session context that each was made in.

MySQL keeps with every stored object the sql_mode and the character sets of the session that created it, and uses
them whenever the object runs; a copy made in another context would behave differently. SHOW CREATE gives them.

An object may go between the list of names and SHOW CREATE. It is left out then: the catalog is read before and after
the snapshot's opening, and what differs has another snapshot opened (`baseline.py`), so that the snapshot's GTID set
decides what the copy makes and what the log does. `stamp` tells an object from one of the same text made after it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from udup.drivers.mysql.client import routines
from udup.drivers.mysql.client.connection import Connection, MySQLError, describe, error_code, is_transient, query
from udup.drivers.mysql.client.errors import ER
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.client.sql_modes import has_other_types
from udup.drivers.mysql.dictionary.catalog import StoredObject
from udup.pipeline.selection.selection import Selection

#: The note on a view whose definer is no account of the server: it can be read, and made on any server.
NO_SUCH_USER = 1449

#: What SHOW CREATE says of an object that is not there (any more), or that is another kind of object by now.
GONE = frozenset(
    {ER.BAD_DB_ERROR, ER.NO_SUCH_TABLE, ER.SP_DOES_NOT_EXIST, ER.TRG_DOES_NOT_EXIST, ER.WRONG_OBJECT, 1539}
)

#: Looks at an object that is listed and cannot be shown, before that is an error: it may be dropped and made in turn.
_LOOKS = 5

_ROUTINES = (
    "SELECT ROUTINE_TYPE, ROUTINE_NAME, '', CONCAT(CREATED, ' ', LAST_ALTERED), 0 FROM information_schema.ROUTINES"
    " WHERE ROUTINE_SCHEMA = %s AND ROUTINE_TYPE IN ('FUNCTION', 'PROCEDURE') ORDER BY ROUTINE_TYPE, ROUTINE_NAME"
)
_LIBRARIES = (  # MySQL 9.2
    "SELECT 'LIBRARY', LIBRARY_NAME, '', CONCAT(CREATED, ' ', LAST_ALTERED), 0 FROM information_schema.LIBRARIES"
    " WHERE LIBRARY_SCHEMA = %s ORDER BY LIBRARY_NAME"
)
_VIEWS = (
    "SELECT 'VIEW', TABLE_NAME, '', CREATE_TIME, 0 FROM information_schema.TABLES"
    " WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = 'VIEW' ORDER BY TABLE_NAME"
)
_TRIGGERS = (  # in the order in which triggers of one table and moment fire
    "SELECT 'TRIGGER', TRIGGER_NAME, EVENT_OBJECT_TABLE, CREATED, 0 FROM information_schema.TRIGGERS"
    " WHERE TRIGGER_SCHEMA = %s ORDER BY EVENT_OBJECT_TABLE, EVENT_MANIPULATION, ACTION_TIMING, ACTION_ORDER"
)
_EVENTS = (
    "SELECT 'EVENT', EVENT_NAME, '', CONCAT(CREATED, ' ', LAST_ALTERED), UNIX_TIMESTAMP(CREATED)"
    " FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s ORDER BY EVENT_NAME"
)
#: By connection, whether its server has libraries.
_KNOWN: WeakKeyDictionary[Connection, bool] = WeakKeyDictionary()

_HAS_LIBRARIES = (
    "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'information_schema' AND TABLE_NAME = 'LIBRARIES'"
)


@dataclass(frozen=True)
class _Listed:
    """A line of the list of names; the session's time zone is UTC, so a stamp means the same in every reading."""

    kind: str
    name: str
    table: str
    stamp: str
    made: float


def read_objects(connection: Connection, schema: str, selection: Selection, problems: list[str]) -> list[StoredObject]:
    """Return the objects of one schema in the order of creation: libraries, routines, views, triggers, events.

    Libraries, routines and events belong to a job that carries the whole schema; views are chosen like tables,
    triggers follow their table. What cannot be read is added to `problems`.
    """
    objects: list[StoredObject | None] = []
    for sql in _lists(connection, selection.wants_stored(schema)):
        for listed in _list(connection, sql, schema):
            chosen = listed.table or (listed.name if listed.kind == "VIEW" else "")
            if not chosen or selection.wants(schema, chosen):
                objects.append(_read(connection, sql, schema, listed, problems))
    return [found for found in objects if found is not None]


def read_triggers(
    connection: Connection, schema: str, names: Collection[str], problems: list[str]
) -> list[StoredObject]:
    """Return these triggers of one schema in the order of creation, without those gone; `problems` as above."""
    listed = [each for each in _list(connection, _TRIGGERS, schema) if each.name in names]
    found = [_read(connection, _TRIGGERS, schema, each, problems) for each in listed]
    return [each for each in found if each is not None]


def _lists(connection: Connection, whole_schema: bool) -> Iterator[str]:
    if whole_schema and _has_libraries(connection):
        yield _LIBRARIES
    if whole_schema:
        yield _ROUTINES
    yield _VIEWS
    yield _TRIGGERS
    if whole_schema:
        yield _EVENTS


def _has_libraries(connection: Connection) -> bool:
    """Return whether the server knows any; it is asked once on a connection."""
    if connection not in _KNOWN:
        _KNOWN[connection] = bool(query(connection, _HAS_LIBRARIES))
    return _KNOWN[connection]


def _list(connection: Connection, sql: str, schema: str) -> list[_Listed]:
    return [
        _Listed(kind, name, table, str(stamp), float(made))
        for kind, name, table, stamp, made in query(connection, sql, schema)
    ]


def _read(connection: Connection, sql: str, schema: str, listed: _Listed, problems: list[str]) -> StoredObject | None:
    """Return the object, or None: it is gone, or a problem is noted."""
    for _ in range(_LOOKS):
        try:
            row, stale = _show(connection, listed.kind, schema, listed.name)
        except MySQLError as error:
            why = describe(error)
            if is_transient(error):
                raise
            if error_code(error) not in GONE:
                break
            if not any((each.kind, each.name) == (listed.kind, listed.name) for each in _list(connection, sql, schema)):
                return None
            continue
        stored = _stored(schema, listed, row, stale)
        if has_other_types(stored.sql_mode, stored.sql):
            why = "its sql_mode has MAXDB, in which TIMESTAMP is DATETIME; make it again without MAXDB"
            break
        if stored.sql:
            return stored
        shows_routines = routines.right(connection.version, mariadb=connection.is_mariadb).privilege
        why = f"grant {'EVENT' if listed.kind == 'EVENT' else shows_routines} to the source account"
        break
    problems.append(f"{listed.kind.lower()} {qualified(schema, listed.name)} cannot be read: {why}")
    return None


def _show(connection: Connection, kind: str, schema: str, name: str) -> tuple[tuple[Any, ...], bool]:
    """Return the row of SHOW CREATE, and whether it is a view that refers to something that is gone."""
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW CREATE {kind} {qualified(schema, name)}")
        (row,) = cursor.fetchall()
        warned = kind == "VIEW" and cursor.warning_count > 0
    stale = warned and any(code != NO_SUCH_USER for _, code, _ in query(connection, "SHOW WARNINGS"))
    return tuple(row), stale


def _stored(schema: str, listed: _Listed, row: tuple[Any, ...], stale: bool) -> StoredObject:
    """An object from its row of SHOW CREATE, whose columns differ by kind; without its text, where that is hidden."""
    sql_mode = database = time_zone = ""
    client, connection = "utf8mb4", "utf8mb4_0900_ai_ci"
    match listed.kind:
        case "LIBRARY":
            _, sql_mode, sql = row
        case "VIEW":
            _, sql, client, connection = row
        case "EVENT":
            _, sql_mode, time_zone, sql, client, connection, database = row
        case _:
            _, sql_mode, sql, client, connection, database, *_ = row
    return StoredObject(
        kind=listed.kind,
        schema=schema,
        name=listed.name,
        sql=sql or "",
        sql_mode=sql_mode,
        charset_client=client,
        collation_connection=connection,
        collation_database=database,
        time_zone=time_zone,
        table=listed.table,
        stamp=listed.stamp,
        made=listed.made,
        stale=stale,
    )
