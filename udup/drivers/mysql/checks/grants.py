"""The statements that make a job's accounts: what the job needs on its source and on its target, and no more.

They are made of what the checks before a start ask for (`source.py`, `target.py`), for the job's schemas and tables as
its document names them. What depends on what the source holds (definers, XA transactions) is told beside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.checks import source_mariadb
from udup.drivers.mysql.checks.source import (
    MYSQL_GLOBAL_PRIVILEGES,
    ROW_PRIVILEGES,
    SCHEMA_PRIVILEGES,
)
from udup.drivers.mysql.checks.source import TABLE_PRIVILEGES as SOURCE_TABLE_PRIVILEGES
from udup.drivers.mysql.checks.target import OBJECT_PRIVILEGES, TABLE_PRIVILEGES, UDUP_PRIVILEGES
from udup.drivers.mysql.client import routines
from udup.drivers.mysql.client.connection import greeted_by
from udup.drivers.mysql.client.facts import PERSISTS
from udup.drivers.mysql.client.flavour import Version, is_mariadb, version_of
from udup.drivers.mysql.client.names import quote
from udup.pipeline.ports import ApplyMode, JobPlan
from udup.pipeline.ports.inspect import Grants, OptionalGrant
from udup.pipeline.selection.schemas import UDUP_SCHEMA
from udup.pipeline.selection.selection import Place, Selection

#: Stands where the password belongs: what is posted is never shown.
PASSWORD = "put the password here"

#: Seconds for a server to greet.
GREETING_S = 3

#: What is assumed of a server that does not say its version.
ASSUMED = "8.4.0"

#: From here on the privilege for other definers is two.
_TWO_DEFINER_PRIVILEGES = (8, 2, 0)

_MARIADB_TARGET = ("BINLOG REPLAY", "BINLOG ADMIN", "BINLOG MONITOR")

_PATTERN = re.compile(r"[_%\\]")

_PLAIN = re.compile(r"[A-Za-z0-9_.$-]+")


def source_grants(plan: JobPlan, version_text: str) -> Grants:
    """Return the statements for the account of the source."""
    endpoint = plan.source.endpoint
    text, note = _version(endpoint, version_text)
    mariadb, version = is_mariadb(text), version_of(text)
    selection, copies = plan.scope.selection, plan.start_after is None and plan.start_at is None
    rows_only = plan.target.delivery is not None
    places = _places(selection)
    whole = any(place.whole for place in places)
    right = routines.right(version, mariadb=mariadb) if whole and copies and not rows_only else None
    everywhere = list(source_mariadb.GLOBAL_PRIVILEGES if mariadb else MYSQL_GLOBAL_PRIVILEGES)
    of_schema, of_table = (ROW_PRIVILEGES,) * 2 if rows_only else (SCHEMA_PRIVILEGES, SOURCE_TABLE_PRIVILEGES)
    if right is not None and right.on == routines.EVERYWHERE:
        everywhere.append(right.privilege)
    elif right is not None and right.on is None:
        of_schema = (*of_schema, right.privilege)
    account = account_of(endpoint)
    lines = [_create(account), _grant(everywhere, "*.*", account)]
    if right is not None and right.on not in (routines.EVERYWHERE, None):
        lines.append(_grant([right.privilege], str(right.on), account))
    for place in places:
        lines.append(_grant(of_schema if place.whole else of_table, _on(place), account))
    if copies and not mariadb:  # a snapshot of MariaDB needs no lock but for tables without transactions
        lines += [_grant(["LOCK TABLES"], on, account) for on in _schemas(places)]
    if plan.scope.kept_users is not None:
        lines.append(_grant(["SELECT"], "`mysql`.*", account))
    optional = tuple(_of_source(version, account, places, mariadb=mariadb)) if copies else ()
    return Grants(account, tuple(lines), optional, text, note)


def target_grants(plan: JobPlan, version_text: str) -> Grants:
    """Return the statements for the account of the target."""
    endpoint = plan.target.endpoint
    text, note = _version(endpoint, version_text)
    mariadb, version = is_mariadb(text), version_of(text)
    by_statements = plan.target.apply_mode in (ApplyMode.STATEMENTS, ApplyMode.CONVERTED)
    account = account_of(endpoint)
    lines = [_create(account)]
    if mariadb:
        lines.append(_grant(_MARIADB_TARGET, "*.*", account))
    else:
        lines.append(_grant(["PROCESS" if by_statements else "REPLICATION_APPLIER"], "*.*", account))
    places = _places(plan.scope.selection, renamed=True)
    for place in places:
        wanted = (*TABLE_PRIVILEGES, *(OBJECT_PRIVILEGES if place.whole else ("TRIGGER",) * by_statements))
        lines.append(_grant(wanted, _on(place), account))
    lines += [_grant(["CREATE"], on, account) for on in _schemas(place for place in places if place.table != "*")]
    lines.append(_grant(UDUP_PRIVILEGES, f"{quote(UDUP_SCHEMA)}.*", account))
    whole = any(place.whole for place in places)
    optional = tuple(_of_target(plan, version, account, whole=whole, mariadb=mariadb))
    return Grants(account, tuple(lines), optional, text, note)


def account_of(endpoint: Endpoint) -> str:
    """Return the account as a statement has it, from any host. Backticks take a backslash as what it is."""
    user = endpoint.user
    return f"'{user}'@'%'" if _PLAIN.fullmatch(user) else f"{quote(user)}@'%'"


# ---- Parts ----


def _version(endpoint: Endpoint, named: str) -> tuple[str, str]:
    """Return the server's version as text, and what is to be known of it."""
    if named:
        return named, ""
    text = greeted_by(endpoint, GREETING_S)
    if text:
        return text, ""
    return ASSUMED, f"{endpoint.host}:{endpoint.port} does not say its version: the statements are for MySQL {ASSUMED}"


def _places(selection: Selection, *, renamed: bool = False) -> list[Place]:
    """Return what the job names; everything where it does not name its schemas."""
    if selection.is_open:
        return [Place("*", "*", whole=True)]
    return sorted(set(selection.places(renamed=renamed)), key=lambda each: (each.schema, each.table, each.whole))


def _schemas(places: Iterator[Place] | Sequence[Place]) -> list[str]:
    """Return the schemas of places, as a GRANT has them."""
    return list(dict.fromkeys(_on(Place(place.schema, "*", whole=True)) for place in places))


def _on(place: Place) -> str:
    if place.schema == "*":
        return "*.*"
    if place.table != "*":
        return f"{quote(place.schema)}.{quote(place.table)}"
    literal = _PATTERN.sub(r"\\\g<0>", place.schema)  # a GRANT takes a schema's name for a pattern
    return f"{quote(literal)}.*"


def _create(account: str) -> str:
    return f"CREATE USER {account} IDENTIFIED BY '{PASSWORD}'"


def _grant(privileges: Sequence[str], on: str, account: str) -> str:
    return f"GRANT {', '.join(privileges)} ON {on} TO {account}"


def _of_source(version: Version, account: str, places: Sequence[Place], *, mariadb: bool) -> Iterator[OptionalGrant]:
    if mariadb:
        for on in _schemas(places):
            use = "a copy of tables without transactions (MyISAM, Aria)"
            yield OptionalGrant(_grant(["LOCK TABLES"], on, account), use)
        return
    yield OptionalGrant(
        _grant(["RELOAD"], "*.*", account),
        "a copy of a source that is never quiet: the global read lock, for milliseconds",
    )
    if version >= PERSISTS:
        yield OptionalGrant(_grant(["XA_RECOVER_ADMIN"], "*.*", account), "a copy while XA transactions are prepared")


def _of_target(plan: JobPlan, version: Version, account: str, *, whole: bool, mariadb: bool) -> Iterator[OptionalGrant]:
    if whole and mariadb:
        yield OptionalGrant(_grant(["SET USER"], "*.*", account), "views, routines, triggers, events of other definers")
    elif whole:
        definer = "SET_ANY_DEFINER" if version >= _TWO_DEFINER_PRIVILEGES else "SET_USER_ID"
        yield OptionalGrant(_grant([definer], "*.*", account), "views, routines, triggers, events of other definers")
        if version >= _TWO_DEFINER_PRIVILEGES:
            use = "those whose definer has no account on the target"
            yield OptionalGrant(_grant(["ALLOW_NONEXISTENT_DEFINER"], "*.*", account), use)
        yield OptionalGrant(_grant(["SYSTEM_USER"], "*.*", account), "those whose definer has SYSTEM_USER, as root")
    if not mariadb:
        use = "a server whose sessions begin otherwise than Udup's must be (sql_require_primary_key = ON, …)"
        yield OptionalGrant(_grant(["SESSION_VARIABLES_ADMIN"], "*.*", account), use)
    if plan.scope.kept_users is not None:
        use = "users and roles, which the job carries: every right that it carries, WITH GRANT OPTION"
        yield OptionalGrant(f"{_grant(['CREATE USER'], '*.*', account)}", use)
