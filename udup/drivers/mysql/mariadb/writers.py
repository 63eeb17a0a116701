"""Who can write to a read-only MariaDB: it has no super_read_only, so accounts with a certain privilege go on.

That is READ_ONLY ADMIN, and before 10.11 SUPER as well. It may come by a role. Accounts are read from
`mysql.global_priv`, since information_schema shows users alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query, scalar
from udup.drivers.mysql.client.flavour import Version

#: The privilege, as SHOW GRANTS prints it, and what it was a part of.
READ_ONLY_ADMIN, SUPER = "READ_ONLY ADMIN", "SUPER"

#: From this version on SUPER does not include it, but for accounts that an older one has written.
_APART, _APART_ID = (10, 11, 0), 101100

#: Their bits in `access` of an account (seen on 10.5, 10.11 and 11.8).
_READ_ONLY_ADMIN_BIT, _SUPER_BIT = 1 << 33, 1 << 15

_ACCOUNTS = "SELECT User, Host, Priv FROM mysql.global_priv"
_ROLES = "SELECT User, Host, Role FROM mysql.roles_mapping"

#: Errors that say that the account may not read it.
_DENIED = frozenset({1044, 1142, 1143})


@dataclass(frozen=True)
class _Account:
    user: str
    host: str
    by: str  # the privilege by which it writes on, "" for none
    is_role: bool
    is_locked: bool

    @property
    def named(self) -> str:
        return f"'{self.user}'@'{self.host}'"


def admin_privileges(version: Version) -> tuple[str, ...]:
    """Return the privileges of which one lets an account write to a read-only server of this version, and close it."""
    return (READ_ONLY_ADMIN,) if version >= _APART else (READ_ONLY_ADMIN, SUPER)


def writers_on(connection: Connection) -> tuple[str, ...]:
    """Return the accounts that write to the server although it is read-only, but the one that asks, for people."""
    own = str(scalar(connection, "SELECT CURRENT_USER()"))
    try:
        with_super = SUPER in admin_privileges(connection.version)
        accounts = [_account(*row, with_super=with_super) for row in query(connection, _ACCOUNTS)]
        roles = [(str(user), str(host), str(role)) for user, host, role in query(connection, _ROLES)]
    except MySQLError as error:
        if error_code(error) not in _DENIED:
            raise
        user, _, host = own.rpartition("@")
        grants = f"GRANT SELECT ON mysql.global_priv, and ON mysql.roles_mapping, TO '{user}'@'{host}'"
        return (f"accounts that '{user}'@'{host}' may not see ({grants} shows them)",)
    return tuple(_told(accounts, roles, own))


def _account(user: Any, host: Any, privileges: Any, *, with_super: bool) -> _Account:
    found = json.loads(privileges)
    access, version = int(found.get("access", 0)), int(found.get("version_id", 0))
    by = ""
    if access & _READ_ONLY_ADMIN_BIT:
        by = READ_ONLY_ADMIN
    elif access & _SUPER_BIT and (with_super or version < _APART_ID):
        by = SUPER
    return _Account(str(user), str(host), by, bool(found.get("is_role")), bool(found.get("account_locked")))


def _told(accounts: Iterable[_Account], roles: Iterable[tuple[str, str, str]], own: str) -> Iterator[str]:
    accounts, roles = list(accounts), list(roles)
    by_role = _roles_that_write({each.user for each in accounts if each.is_role and each.by}, roles)
    for each in accounts:
        if each.is_role or each.is_locked or f"{each.user}@{each.host}" == own:
            continue
        granted = [role for user, host, role in roles if (user, host) == (each.user, each.host) and role in by_role]
        if each.by or granted:
            yield f"{each.named} ({each.by or f'by role {granted[0]}'})"


def _roles_that_write(found: set[str], roles: list[tuple[str, str, str]]) -> set[str]:
    """Return these roles and those that they are granted to, which have no host."""
    while True:
        more = {user for user, host, role in roles if not host and role in found} - found
        if not more:
            return found
        found = found | more
