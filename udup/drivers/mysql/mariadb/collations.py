"""Names of collations from one family to the other.

MySQL's order of today is that of UCA 9 (`0900`), MariaDB's that of UCA 14 (`uca1400`, since 10.10.1). MariaDB since
11.4.5 takes MySQL's names for its own of the same kind. 0900 takes blanks at a value's end into account, as `nopad`
does. A collation that compares most alike is taken where there is no other; `exact` says whether it is one by intent:
which letters are equal may still differ for rare ones, so that a unique key may refuse what the source has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.client.flavour import Version, is_mariadb, version_of


@dataclass(frozen=True)
class Server:
    """Whose words a definition is in, or is to be in."""

    is_mariadb: bool
    version: Version

    @classmethod
    def of(cls, version_text: str) -> Server:
        """Return one by the text of its version; "" is MySQL of today."""
        return cls(is_mariadb(version_text), version_of(version_text) if version_text else (9, 7, 0))

    @property
    def family(self) -> str:
        return "MariaDB" if self.is_mariadb else "MySQL"


def server_of(connection: Connection) -> Server:
    """Return which server a connection leads to."""
    return Server(connection.is_mariadb, connection.version)


@dataclass(frozen=True)
class Fit:
    """A collation's name on another server; `exact`: it is meant to compare alike."""

    name: str
    exact: bool


#: From here on MariaDB knows utf8mb3 by this name, has uca1400, and takes MySQL's 0900 names.
_UTF8MB3, _UCA1400, _NAMES_0900 = (10, 6, 0), (10, 10, 1), (11, 4, 5)

#: From here on MySQL calls utf8mb3's collations `utf8mb3_…`, and takes `utf8_…` too; before it knows these alone.
_UTF8MB3_OF_MYSQL = (8, 0, 30)

_GENERAL1400 = (11, 5, 0)

#: From here on its character sets of Unicode have uca1400 for what names none (character_set_collations).
_DEFAULT_1400 = (11, 3, 0)

#: Languages of MySQL's 0900 as MariaDB calls them.
_LANGUAGES = {
    "cs": "czech",
    "da": "danish",
    "de_pb": "german2",
    "eo": "esperanto",
    "es": "spanish",
    "es_trad": "spanish2",
    "et": "estonian",
    "hr": "croatian",
    "hu": "hungarian",
    "is": "icelandic",
    "la": "roman",
    "lt": "lithuanian",
    "lv": "latvian",
    "pl": "polish",
    "ro": "romanian",
    "sk": "slovak",
    "sl": "slovenian",
    "sv": "swedish",
    "tr": "turkish",
    "vi": "vietnamese",
}
_CODES = {name: code for code, name in _LANGUAGES.items()}

#: Languages of 0900 that MariaDB lacks, and one whose letters are sorted alike; "" is none.
_NEAREST = {
    "nb": "da",
    "nn": "da",
    "bs": "hr",
    "sr_latn": "hr",
    "gl": "es",
    "bg": "",
    "ja": "",
    "mn_cyrl": "",
    "ru": "",
    "zh": "",
}

_0900 = re.compile(r"utf8mb4_(?:(?P<language>[a-z_]+?)_)?0900_(?P<kind>ai_ci|as_ci|as_cs|bin)(?:_ks)?")
_1400 = re.compile(
    r"(?P<charset>[a-z0-9]+)_uca1400_(?:(?P<language>(?!nopad_)[a-z0-9]+)_)?(?P<nopad>nopad_)?(?P<kind>a[is]_c[is])"
)
_NOPAD = re.compile(r"(?P<charset>[a-z0-9]+)_(?P<rest>.*?)_?nopad_(?P<kind>ci|bin)")
_CROATIAN, _CROATIAN_561 = "_croatian_ci", "_croatian_mysql561_ci"
_UNICODE = ("utf8", "ucs2", "utf16", "utf32")

#: Character sets of MySQL's that MariaDB does not have.
MYSQL_ALONE = frozenset({"gb18030"})


@cache
def fit_collation(name: str, source: Server, target: Server) -> Fit | None:
    """Return what a collation of the source is called on the target; None if nothing there is like it."""
    if source.is_mariadb == target.is_mariadb and target.version >= source.version:
        return Fit(name, exact=True)
    wanted = re.sub(r"^utf8_", "utf8mb3_", name.lower())
    if wanted.split("_")[0] in MYSQL_ALONE and target.is_mariadb:
        return None
    crossing = source.is_mariadb is not target.is_mariadb
    for found in _candidates(wanted, from_mariadb=source.is_mariadb, crossing=crossing):
        if _is_known(found.name, target):
            return Fit(_called(found.name, target), found.exact)
    return None


def fit_charset(name: str, target: Server) -> str | None:
    """Return what a character set is called on the target; None if it is not there."""
    wanted = "utf8mb3" if name.lower() == "utf8" else name.lower()
    if target.is_mariadb and wanted in MYSQL_ALONE:
        return None
    return _called(wanted, target)


def renames_utf8mb3(source: Server, target: Server) -> bool:
    """Return whether two MySQL call utf8mb3's collations otherwise, so that the target does not know the source's."""
    if source.is_mariadb or target.is_mariadb:
        return False
    return target.version < _UTF8MB3_OF_MYSQL <= source.version


def default_collation(charset: str, source: Server) -> str:
    """Return the collation of a character set for which a statement names none, "" where it is the same everywhere."""
    wanted = "utf8mb3" if charset.lower() == "utf8" else charset.lower()
    if source.is_mariadb:
        new = source.version >= _DEFAULT_1400 and wanted.startswith(_UNICODE)
        return f"{wanted}_uca1400_ai_ci" if new else f"{wanted}_general_ci" if wanted == "utf8mb4" else ""
    if wanted != "utf8mb4":
        return ""
    return "utf8mb4_0900_ai_ci" if source.version >= (8, 0, 1) else "utf8mb4_general_ci"


def _candidates(name: str, *, from_mariadb: bool, crossing: bool) -> Iterator[Fit]:
    """Yield names from the most alike on."""
    if crossing and name.endswith(_CROATIAN_561):
        yield Fit(name.removesuffix(_CROATIAN_561) + _CROATIAN, exact=True)
    elif crossing and name.endswith(_CROATIAN) and name.startswith(_UNICODE):
        yield Fit(name.removesuffix(_CROATIAN) + (_CROATIAN if from_mariadb else _CROATIAN_561), not from_mariadb)
    else:
        yield Fit(name, exact=True)
    if found := _0900.fullmatch(name):
        yield from _like_0900(found["language"] or "", found["kind"])
    elif found := _1400.fullmatch(name):
        yield from _like_1400(found["charset"], found["language"] or "", found["kind"], pads=not found["nopad"])
    elif found := _NOPAD.fullmatch(name):
        charset, rest, kind = found["charset"], found["rest"], found["kind"]
        if (charset, rest, kind) == ("utf8mb4", "", "bin"):
            yield Fit("utf8mb4_0900_bin", exact=True)
        yield Fit("_".join(filter(None, (charset, rest, kind))), exact=False)
    charset = name.split("_")[0]
    if name.endswith(("_myanmar_ci", "_thai_520_w2", "_tolower_ci")):
        yield Fit(f"{charset}_unicode_520_ci", exact=False)
    if name.endswith("_general1400_as_ci"):
        yield from (Fit("utf8mb4_0900_as_ci", exact=False), Fit(f"{charset}_bin", exact=False))


def _like_0900(language: str, kind: str) -> Iterator[Fit]:
    if kind == "bin":
        yield Fit("utf8mb4_nopad_bin", exact=True)
        return
    same, nearest = language not in _NEAREST, _NEAREST.get(language, language)
    if nearest != language:
        yield Fit("_".join(filter(None, ("utf8mb4", nearest, "0900", kind))), exact=False)
    name = _LANGUAGES.get(nearest, "")
    yield Fit("_".join(filter(None, ("utf8mb4_uca1400", name, "nopad", kind))), exact=same)
    if kind == "ai_ci":
        yield Fit(f"utf8mb4_{name}_ci" if name else "utf8mb4_unicode_520_nopad_ci", exact=False)
    yield Fit("utf8mb4_nopad_bin", exact=False)


def _like_1400(charset: str, language: str, kind: str, *, pads: bool) -> Iterator[Fit]:
    if charset == "utf8mb4":
        code = _CODES.get(language, "")
        near = "as_cs" if kind == "ai_cs" or (code and kind == "as_ci") else kind  # 0900 has no others
        exact = near == kind and not pads and bool(code) == bool(language)
        yield Fit("_".join(filter(None, ("utf8mb4", code, "0900", near))), exact=exact)
    if kind == "ai_ci":
        rest = f"{language}_ci" if language else f"unicode_520_{'' if pads else 'nopad_'}ci"
        yield Fit(f"{charset}_{rest}", exact=False)
        yield Fit(f"{charset}_unicode_520_ci", exact=False)
    yield Fit(f"{charset}_bin" if pads else f"{charset}_nopad_bin", exact=False)
    yield Fit(f"{charset}_bin", exact=False)


def _is_known(name: str, server: Server) -> bool:
    """Return whether a server has a collation of this kind."""
    found = _0900.fullmatch(name)
    if server.is_mariadb:
        if found:
            return server.version >= _NAMES_0900 and (found["language"] or "") not in _NEAREST
        if "_general1400_" in name:
            return server.version >= _GENERAL1400
        if "_uca1400_" in name:
            return server.version >= _UCA1400
        return not name.endswith("_tolower_ci")
    if found:
        return server.version >= (8, 0, 1)
    foreign = ("_uca1400_", "_general1400_", "nopad", "_mysql561_", "_myanmar_", "_thai_520_")
    return not any(each in name for each in foreign)


def _called(name: str, server: Server) -> str:
    """Return the name with utf8mb3 as this server has it."""
    if server.version < (_UTF8MB3 if server.is_mariadb else _UTF8MB3_OF_MYSQL):
        return re.sub(r"^utf8mb3(?=_|$)", "utf8", name)
    return name
