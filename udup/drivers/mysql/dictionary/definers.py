"""Whose the stored objects of a source are, and which accounts a target has: what decides who may make them there.

A server takes CREATE DEFINER=… of another account from one with SET_ANY_DEFINER only, of one that it does not have from
one with ALLOW_NONEXISTENT_DEFINER, and of one that has SYSTEM_USER from one that has it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query
from udup.drivers.mysql.client.facts import ROLES
from udup.drivers.mysql.client.limits import DENIED
from udup.pipeline.selection.selection import Selection

#: From 8.0.16 on; the table is of 8.0.0.
_SYSTEM_USERS = "SELECT USER, HOST FROM mysql.global_grants WHERE PRIV = 'SYSTEM_USER'"

VIEW, TRIGGER = "VIEW", "TRIGGER"

#: Kind, schema, name, the table of a trigger, definer. LIBRARY has none.
_LISTS = (
    "SELECT 'VIEW', TABLE_SCHEMA, TABLE_NAME, '', DEFINER FROM information_schema.VIEWS",
    "SELECT ROUTINE_TYPE, ROUTINE_SCHEMA, ROUTINE_NAME, '', DEFINER FROM information_schema.ROUTINES"
    " WHERE ROUTINE_TYPE IN ('FUNCTION', 'PROCEDURE')",
    "SELECT 'TRIGGER', TRIGGER_SCHEMA, TRIGGER_NAME, EVENT_OBJECT_TABLE, DEFINER FROM information_schema.TRIGGERS",
    "SELECT 'EVENT', EVENT_SCHEMA, EVENT_NAME, '', DEFINER FROM information_schema.EVENTS",
)


@dataclass(frozen=True, order=True)
class Defined:
    """A view, routine, trigger or event; `definer` is an account as `user@host`."""

    kind: str
    schema: str
    name: str
    definer: str

    def __str__(self) -> str:
        return f"{self.kind.lower()} {self.schema}.{self.name}"


@dataclass(frozen=True)
class KnownAccounts:
    """The accounts of a server as `user@host`, and those of them that have SYSTEM_USER themselves."""

    names: frozenset[str]
    system: frozenset[str]


def read_defined(connection: Connection, selection: Selection) -> list[Defined]:
    """Return the job's stored objects that the account sees. MySQL's own errors pass."""
    return sorted(_read(connection, selection))


def _read(connection: Connection, selection: Selection) -> Iterator[Defined]:
    for sql in _LISTS:
        for kind, schema, name, table, definer in query(connection, sql):
            if _is_made(selection, str(kind), str(schema), str(name), str(table)):
                yield Defined(str(kind), str(schema), str(name), str(definer))


def _is_made(selection: Selection, kind: str, schema: str, name: str, table: str) -> bool:
    match kind:
        case "VIEW":
            return selection.wants(schema, name)
        case "TRIGGER":
            return selection.brings_triggers_of(schema, table)
        case _:
            return selection.wants_stored(schema)


def read_accounts(connection: Connection) -> KnownAccounts | None:
    """Return the server's accounts; None if this one may not read them."""
    try:
        users = query(connection, "SELECT User, Host FROM mysql.user")
        has_system_users = connection.version >= ROLES and not connection.is_mariadb
        system = query(connection, _SYSTEM_USERS) if has_system_users else []
    except MySQLError as error:
        if error_code(error) not in DENIED:
            raise
        return None
    return KnownAccounts(frozenset(map(_account, users)), frozenset(map(_account, system)))


def _account(row: tuple[object, ...]) -> str:
    user, host = row
    return f"{user}@{host}"
