"""Names of character sets and collations, told alike for servers of which one has others in place of the other's."""

from __future__ import annotations

import re

from udup.drivers.mysql.mariadb.collations import Server, fit_collation

_UTF8 = re.compile(r"^utf8(?=_|$)")

#: What stands around a collation until `told_alike`.
_MARK = "\x1d"
_MARKED = re.compile(f"{_MARK}([^{_MARK}]*){_MARK}")
_MARIADBS = re.compile(r"_uca1400_|_nopad_")
_ANY_MARIADB, _ANY_MYSQL = Server.of("11.8.0-MariaDB"), Server.of("9.7.0")
_UCA = re.compile(r"_(?:uca1400|0900)(?:_nopad)?_")


def charset_name(value: object) -> str:
    """Return a name as servers since 8.0.30, and MariaDB since 10.6, say it; "" for none."""
    return "" if value is None else _UTF8.sub("utf8mb3", str(value))


def collation(value: object) -> str:
    """Return it so that `told_alike` finds it: which one stands for it depends on the other server."""
    return f"{_MARK}{charset_name(value)}{_MARK}"


def told_alike(text: str, server: Server, other: Server | None = None) -> str:
    """Return what was told of an object of a server; with the collations that stand for its own on another one.

    The newest general orders of both families stand for each other: MySQL's of 9.0, MariaDB's of 14.0.
    """

    def name(found: re.Match[str]) -> str:
        fit = fit_collation(found[1], server, other) if other is not None and found[1] else None
        told = fit.name if fit is not None else found[1]
        exact = fit_collation(told, _ANY_MARIADB, _ANY_MYSQL) if _MARIADBS.search(told) else None
        return _UCA.sub("_uca_", charset_name(exact.name if exact is not None and exact.exact else told))

    return _MARKED.sub(name, text)


def charset_of(value: object) -> str:
    """A parameter's character set: its collation is the set's default, which families do not share."""
    return charset_name(value).partition("_")[0].removesuffix("utf8mb4")  # a JSON of MySQL's has none
