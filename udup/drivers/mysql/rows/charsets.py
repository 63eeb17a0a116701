"""Character sets by the numbers of their collations, which is how the log names them."""

from __future__ import annotations

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.remedies import UNKNOWN
from udup.drivers.mysql.mariadb.collations import Server
from udup.drivers.mysql.mariadb.numbers import collation_name

#: Numbers of each character set's collations in MySQL 8.0 to 9.7; a range has its last number in it.
_COLLATIONS: dict[str, tuple[int | tuple[int, int], ...]] = {
    "armscii8": (32, 64),
    "ascii": (11, 65),
    "big5": (1, 84),
    "binary": (63,),
    "cp1250": (26, 34, 44, 66, 99),
    "cp1251": (14, 23, (50, 52)),
    "cp1256": (57, 67),
    "cp1257": (29, 58, 59),
    "cp850": (4, 80),
    "cp852": (40, 81),
    "cp866": (36, 68),
    "cp932": (95, 96),
    "dec8": (3, 69),
    "eucjpms": (97, 98),
    "euckr": (19, 85),
    "gb18030": ((248, 250),),
    "gb2312": (24, 86),
    "gbk": (28, 87),
    "geostd8": (92, 93),
    "greek": (25, 70),
    "hebrew": (16, 71),
    "hp8": (6, 72),
    "keybcs2": (37, 73),
    "koi8r": (7, 74),
    "koi8u": (22, 75),
    "latin1": (5, 8, 15, 31, (47, 49), 94),
    "latin2": (2, 9, 21, 27, 77),
    "latin5": (30, 78),
    "latin7": (20, 41, 42, 79),
    "macce": (38, 43),
    "macroman": (39, 53),
    "sjis": (13, 88),
    "swe7": (10, 82),
    "tis620": (18, 89),
    "ucs2": (35, 90, (128, 151), 159),
    "ujis": (12, 91),
    "utf16": (54, 55, (101, 124)),
    "utf16le": (56, 62),
    "utf32": (60, 61, (160, 183)),
    "utf8mb3": (33, 76, 83, (192, 215), 223),
    "utf8mb4": (45, 46, (224, 247), (255, 323)),
}

_CHARSETS = {
    number: name
    for name, collations in _COLLATIONS.items()
    for each in collations
    for number in (range(each[0], each[1] + 1) if isinstance(each, tuple) else (each,))
}

#: Above that MariaDB has numbers of its own.
_LAST_OF_MYSQL = 323
_MARIADB = Server.of("11.8-MariaDB")

#: Python's codecs where their names differ. It has none of the others (armscii8, dec8, …), or reads other letters.
_CODECS = {
    "binary": "latin-1",
    "eucjpms": "eucjp_ms",
    "euckr": "cp949",
    "greek": "iso8859-7",
    "hebrew": "iso8859-8",
    "koi8r": "koi8-r",
    "koi8u": "koi8-u",
    "latin1": "cp1252",
    "latin2": "iso8859-2",
    "latin5": "iso8859-9",
    "latin7": "iso8859-13",
    "macroman": "mac-roman",
    "tis620": "tis-620",
    "ucs2": "utf-16-be",
    "ujis": "euc-jp",
    "utf16": "utf-16-be",
    "utf16le": "utf-16-le",
    "utf32": "utf-32-be",
    "utf8mb3": "utf-8",
    "utf8mb4": "utf-8",
}


def charset_of(collation: int) -> str:
    """Return the character set of a collation; `Unsupported` for a number that is not known."""
    name = _CHARSETS.get(collation) or _of_mariadb(collation)
    if name is None:
        raise Unsupported(f"a column has the collation number {collation}, which this version does not know; {UNKNOWN}")
    return name


def _of_mariadb(collation: int) -> str | None:
    """Return the character set of a collation that MariaDB alone has; its numbers are above MySQL's."""
    named = collation_name(collation, _MARIADB) if collation > _LAST_OF_MYSQL else None
    return named.split("_")[0] if named else None


def shown(value: bytes, charset: str) -> str:
    """Return text for people: as it is where Python knows it, else its bytes in hexadecimal."""
    try:
        return value.decode(_CODECS.get(charset, charset))
    except (LookupError, UnicodeDecodeError):
        return f"0x{value.hex()}"
