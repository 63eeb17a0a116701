"""Views that refer to something that is gone, which a source may hold and no server makes.

SHOW CREATE VIEW of such a view gives its definition, but CREATE VIEW refuses it. So the target gets a view of the same
name that is broken too (error 1356 whoever reads it), by a table that is made for it and dropped at once, and that
carries the definition as a literal. What the log says of the view later (DROP, RENAME, CREATE OR REPLACE, DROP
DATABASE) then finds it, and takes the definition along or away with it: nothing has to be kept beside it.

After each DDL the definitions of the views that are left are tried: as soon as the source's view is whole, so is this.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec

from udup.drivers.mysql.client.connection import Connection, MySQLError, describe, failure, is_transient, query
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.dictionary.catalog import StoredObject
from udup.drivers.mysql.load import objects
from udup.pipeline.selection.schemas import UDUP_SCHEMA

#: The definition in the body of a stand-in, which the server prints as it was written.
_DEFINITION = re.compile(r"'udup-view:([A-Za-z0-9+/=]*)'")

_CREATE = "CREATE "


@dataclass(frozen=True)
class StaleView:
    """A stand-in: where it is now, what it stands for, and why that could not be made."""

    stored: StoredObject
    why: str = ""

    def __str__(self) -> str:
        return (
            f"view {qualified(self.stored.schema, self.stored.name)} refers on the source to something that is gone,"
            f" so it cannot be read on the target either{f' ({self.why})' if self.why else ''}; its definition is kept"
            " there and tried again after each DDL. DROP VIEW on the source, if it is not needed any more"
        )


def make_stand_in(connection: Connection, job: str, stored: StoredObject, *, over: bool = False) -> None:
    """Make a broken view that keeps the definition; `over` one of its name."""
    table = _table(job)
    kept = base64.b64encode(msgspec.json.encode(stored)).decode()
    query(connection, f"CREATE TABLE IF NOT EXISTS {table} (nothing INT PRIMARY KEY)")
    try:
        query(
            connection,
            f"CREATE {'OR REPLACE ' if over else ''}VIEW {qualified(stored.schema, stored.name)} AS"
            f" SELECT 1 AS stale FROM {table} WHERE 'udup-view:{kept}' <> ''",
        )
    finally:
        if connection.open:
            query(connection, f"DROP TABLE IF EXISTS {table}")


def stale_views(connection: Connection, job: str) -> list[StaleView]:
    """The job's stand-ins that are on the target."""
    return list(_found(connection, job))


def retry_stale_views(connection: Connection, job: str) -> list[StaleView]:
    """Make what can be made by now, on a session of `DEFINITION`; the views that stay broken.

    One may refer to another, so they are tried in rounds.
    """
    left = stale_views(connection, job)
    if left:
        query(connection, f"DROP TABLE IF EXISTS {_table(job)}")  # of a process that died between two statements
    while left:
        failed = [StaleView(view.stored, why) for view in left if (why := _refusal(connection, view.stored))]
        if len(failed) == len(left):
            return failed
        left = failed
    return []


def _refusal(connection: Connection, stored: StoredObject) -> str:
    """Put the definition in its stand-in's place; why the server does not take it, or nothing."""
    sql = f"{_CREATE}OR REPLACE {stored.sql.removeprefix(_CREATE)}"
    try:
        objects.create(connection, replace(stored, sql=sql))
    except MySQLError as error:
        if is_transient(error):
            raise failure(error, f"making view {qualified(stored.schema, stored.name)}") from error
        return describe(error)
    return ""


_decode = msgspec.json.Decoder(StoredObject).decode


def _found(connection: Connection, job: str) -> Iterator[StaleView]:
    sql = (
        "SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS"
        " WHERE INSTR(VIEW_DEFINITION, %s) ORDER BY TABLE_SCHEMA, TABLE_NAME"
    )
    for schema, name, body in query(connection, sql, _table(job)):
        kept = _DEFINITION.search(body)
        if kept is not None:
            stored = _decode(base64.b64decode(kept[1]))
            yield StaleView(_moved(stored, schema, name))


def _moved(stored: StoredObject, schema: str, name: str) -> StoredObject:
    """The definition under the name that its stand-in has been given since."""
    head, mark, body = stored.sql.partition(f" VIEW {qualified(stored.schema, stored.name)} AS ")
    sql = f"{head} VIEW {qualified(schema, name)} AS {body}" if mark else stored.sql
    return replace(stored, schema=schema, name=name, sql=sql)


def _table(job: str) -> str:
    return qualified(UDUP_SCHEMA, f"gone_{hashlib.sha256(job.encode()).hexdigest()[:16]}")
