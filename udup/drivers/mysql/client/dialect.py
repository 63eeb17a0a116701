"""What a session's settings are called on a server, and the value of another that it has in their place.

By the version in its greeting: servers of MySQL's family had variables under other names, and lack collations that
newer ones begin with. What a server does not have at all is passed over by `session_setup.py`, which asks.
"""

from __future__ import annotations

from collections.abc import Mapping

from udup.drivers.mysql.client.flavour import Version, is_mariadb, version_of

#: Names before MySQL 5.7.20, which 8.0.3 has no more, and before MariaDB 11.1.1.
_OLD_NAMES: Mapping[str, str] = {
    "transaction_isolation": "tx_isolation",
    "transaction_read_only": "tx_read_only",
}
_RENAMED, _RENAMED_MARIADB = (5, 7, 20), (11, 1, 1)

#: From here on a server has the collations of UCA 9.0.0; MariaDB has names for them, in place of its own numbers.
_UCA_0900, _UCA_0900_MARIADB = (8, 0, 1), (11, 4, 5)

#: What stands in for utf8mb4's collation of today: it decides how literals of Udup's own compare, nothing else.
_UTF8MB4_BEFORE = "utf8mb4_general_ci"
_UTF8MB4_TODAY = "utf8mb4_0900_ai_ci"


def fitting(settings: Mapping[str, str | None], version_text: str) -> dict[str, str | None]:
    """Return the settings as this server knows them, in their order."""
    return {name_of(name, version_text): _value(value, has_uca_0900(version_text)) for name, value in settings.items()}


def name_of(name: str, version_text: str) -> str:
    """Return what a variable is called on this server."""
    renamed = _RENAMED_MARIADB if is_mariadb(version_text) else _RENAMED
    return _OLD_NAMES.get(name, name) if _is_older(version_text, renamed) else name


def has_uca_0900(version_text: str) -> bool:
    """Return whether the server knows collations such as utf8mb4_0900_ai_ci by their names."""
    return not _is_older(version_text, _UCA_0900_MARIADB if is_mariadb(version_text) else _UCA_0900)


def _value(value: str | None, knows_0900: bool) -> str | None:
    return _UTF8MB4_BEFORE if value == _UTF8MB4_TODAY and not knows_0900 else value


def _is_older(version_text: str, version: Version) -> bool:
    """A text without numbers, which proxies may greet with, is taken for a server of today."""
    return (0, 0, 0) < version_of(version_text) < version
