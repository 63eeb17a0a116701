"""What shows an account the routines of others, of which it is told nothing without: another right on each server."""

from __future__ import annotations

from dataclasses import dataclass

from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.client.flavour import Version
from udup.drivers.mysql.client.names import quote

#: From here on there is a privilege for it. Before, who may read where the routines are kept sees them; MySQL 8.0 keeps
#: them in no such table, so that up to 8.0.19 only a global SELECT shows them.
_MYSQL, _MYSQL_WITHOUT_TABLE, _MARIADB = (8, 0, 20), (8, 0, 0), (11, 3, 0)

_UNKNOWN = (0, 0, 0)

EVERYWHERE = "*.*"

#: Where the routines are kept.
_TABLE = ("mysql", "proc")


@dataclass(frozen=True)
class Right:
    """A privilege, and where it is granted: the name in a GRANT, None for each schema by itself."""

    privilege: str
    on: str | None


def right(version: Version, *, mariadb: bool) -> Right:
    """Return the narrowest right that a server of this version has for it.

    MariaDB grants its privilege everywhere too, but shows such an account the names of all schemas.
    """
    table = Right("SELECT", ".".join(map(quote, _TABLE)))
    if mariadb:
        return Right("SHOW CREATE ROUTINE", None) if version >= _MARIADB else table
    if version >= _MYSQL:
        return Right("SHOW_ROUTINE", EVERYWHERE)
    return table if _UNKNOWN < version < _MYSQL_WITHOUT_TABLE else Right("SELECT", EVERYWHERE)


def sees_all(facts: ServerFacts) -> bool:
    """Return whether the account sees the routines of every schema."""
    has = facts.privileges.has
    if any(has(each) for each in ("SELECT", "SHOW_ROUTINE", "SHOW CREATE ROUTINE")):
        return True
    return (facts.is_mariadb or facts.version < _MYSQL_WITHOUT_TABLE) and has("SELECT", *_TABLE)
