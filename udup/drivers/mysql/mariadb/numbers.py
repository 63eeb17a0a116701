"""Names of collations by the numbers that Query events and TABLE_MAPs have.

Up to 2,047 the families number alike, but for five: MariaDB's `croatian` is another one. There a number and 1,024 is
the same collation that takes blanks at the end into account (`nopad`); from 2,048 on are those of uca1400, whose
numbers are made of character set, language and kind.
"""

from __future__ import annotations

from udup.drivers.mysql.client.charsets import collation_of
from udup.drivers.mysql.mariadb.collations import Server

_NOPAD, _UCA1400 = 1024, 2048

_CHARSETS_1400 = ("utf8mb3", "utf8mb4", "ucs2", "utf16", "utf32")
_LANGUAGES_1400 = (
    *("", "icelandic", "latvian", "romanian", "slovenian", "polish", "estonian", "spanish", "swedish", "turkish"),
    *("czech", "danish", "lithuanian", "slovak", "spanish2", "roman", "persian", "esperanto", "hungarian"),
    *("sinhala", "german2", "", "", "vietnamese", "croatian"),
)

#: Where MariaDB's collations of its own begin, of these character sets; the first four by their order.
_OWN = {"utf8mb3": 576, "utf8mb4": 608, "ucs2": 640, "utf16": 672, "utf32": 736}
_OWN_NAMES = ("croatian_ci", "myanmar_ci", "thai_520_w2", "general1400_as_ci")
_MARIADBS = {first + i: f"{charset}_{name}" for charset, first in _OWN.items() for i, name in enumerate(_OWN_NAMES)}

#: What the client library does not list: these have the languages of UCA 4 from a number on, in this order.
_UCA_FROM = {"utf16": 101, "ucs2": 128, "utf32": 160}
_UCA_LANGUAGES = (*("unicode", *_LANGUAGES_1400[1:21], "croatian", "unicode_520", "vietnamese"),)
_0900_LANGUAGES = (
    *("", "de_pb_", "is_", "lv_", "ro_", "sl_", "pl_", "et_", "es_", "sv_", "tr_", "cs_", "da_", "lt_", "sk_"),
    *("es_trad_", "la_", None, "eo_", "hu_", "hr_", None, "vi_"),
)
_0900_LATER = (
    *("ja_0900_as_cs", "ja_0900_as_cs_ks", "0900_as_ci", "ru_0900_ai_ci", "ru_0900_as_cs", "zh_0900_as_cs"),
    *("0900_bin", "nb_0900_ai_ci", "nb_0900_as_cs", "nn_0900_ai_ci", "nn_0900_as_cs", "sr_latn_0900_ai_ci"),
    *("sr_latn_0900_as_cs", "bs_0900_ai_ci", "bs_0900_as_cs", "bg_0900_ai_ci", "bg_0900_as_cs", "gl_0900_ai_ci"),
    *("gl_0900_as_cs", "mn_cyrl_0900_ai_ci", "mn_cyrl_0900_as_cs"),
)
_UNLISTED = {
    **{
        first + i: f"{charset}_{name}_ci"
        for charset, first in _UCA_FROM.items()
        for i, name in enumerate(_UCA_LANGUAGES)
    },
    **{255 + i: f"utf8mb4_{each}0900_ai_ci" for i, each in enumerate(_0900_LANGUAGES) if each is not None},
    **{278 + i: f"utf8mb4_{each}0900_as_cs" for i, each in enumerate(_0900_LANGUAGES) if each is not None},
    **{303 + i: f"utf8mb4_{each}" for i, each in enumerate(_0900_LATER)},
    35: "ucs2_general_ci",
    90: "ucs2_bin",
    159: "ucs2_general_mysql500_ci",
    54: "utf16_general_ci",
    55: "utf16_bin",
    56: "utf16le_general_ci",
    62: "utf16le_bin",
    60: "utf32_general_ci",
    61: "utf32_bin",
}

_CROATIAN = "_croatian_ci"
_CROATIAN_BY_ID = frozenset({122, 149, 181, 213, 245})


def collation_name(number: int, server: Server) -> str | None:
    """Return the name of a collation by its number on a server, None if it is not known."""
    if server.is_mariadb and number >= _UCA1400:
        return _uca1400(number - _UCA1400)
    if server.is_mariadb and number in _MARIADBS:
        return _MARIADBS[number]
    if server.is_mariadb and number > _NOPAD:
        base = collation_name(number - _NOPAD, server)
        head, _, kind = (base or "").rpartition("_")
        return f"{head}_nopad_{kind}" if head else None
    try:
        name = _UNLISTED.get(number) or collation_of(number)
    except KeyError:
        return None
    name = name.replace("utf8_", "utf8mb3_", 1) if name.startswith("utf8_") else name
    if server.is_mariadb and number in _CROATIAN_BY_ID:
        return name.replace(_CROATIAN, "_croatian_mysql561_ci")
    return name


def _uca1400(rest: int) -> str | None:
    charset, language, kind = rest >> 8, rest >> 3 & 31, rest & 7
    if charset >= len(_CHARSETS_1400) or language >= len(_LANGUAGES_1400):
        return None
    words = (
        _CHARSETS_1400[charset],
        "uca1400",
        _LANGUAGES_1400[language],
        "nopad" if kind & 4 else "",
        "as" if kind & 2 else "ai",
        "cs" if kind & 1 else "ci",
    )
    return "_".join(filter(None, words))
