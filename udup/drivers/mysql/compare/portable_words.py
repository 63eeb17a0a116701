"""Words of MySQL's and MariaDB's dictionaries that mean the same, said alike (`portable.py`)."""

from __future__ import annotations

import ast
import ipaddress
import re
import uuid
from collections.abc import Callable, Mapping, Sequence

from udup.drivers.mysql.compare.told_alike import charset_name, collation

#: Types of one family, and what stands for them in the other.
_TYPES: Mapping[str, str] = {
    "json": "longtext",
    "uuid": "binary(16)",
    "inet6": "binary(16)",
    "inet4": "binary(4)",
    "geomcollection": "geometrycollection",
    "year(4)": "year",
}

#: How a JSON column is told: MySQL's has no collation, MariaDB's is a text.
_JSON = {("longtext", ""), ("longtext", "utf8mb4_bin")}

#: What those that are bytes in the other family make of a text.
_OCTETS: Mapping[str, Callable[[str], bytes]] = {
    "uuid": lambda text: uuid.UUID(text).bytes,
    "inet6": lambda text: ipaddress.IPv6Address(text).packed,
    "inet4": lambda text: ipaddress.IPv4Address(text).packed,
}

#: Words of a sql_mode that one family alone has, and those that stand for others beside them.
_OWN_MODES = frozenset(
    {
        "ANSI",
        "TRADITIONAL",
        "NO_AUTO_CREATE_USER",
        "TIME_TRUNCATE_FRACTIONAL",
        "TIME_ROUND_FRACTIONAL",
        "EMPTY_STRING_IS_NULL",
    }
    | {"SIMULTANEOUS_ASSIGNMENT", "IGNORE_BAD_TABLE_OPTIONS", "NO_KEY_OPTIONS", "NO_FIELD_OPTIONS", "NO_TABLE_OPTIONS"}
)

#: A string of a statement, what is escaped in it, and what for.
_LITERAL = re.compile(r"'(.*)'", re.DOTALL)
_EXPRESSED = re.compile(r"_\w+\\?'(.*?)\\?'", re.DOTALL)
_ESCAPED = re.compile(r"''|\\.", re.DOTALL)
_ESCAPES: Mapping[str, str] = {"0": "\0", "n": "\n", "r": "\r", "t": "\t", "b": "\b", "Z": "\x1a"}

_COMPRESSED = re.compile(r" /\*m?!\d+ compressed\*/")
_WIDTH = re.compile(r"\b(tinyint|smallint|mediumint|int|bigint)\(\d+\)(?! unsigned zerofill)")
_NOW = re.compile(r"\b(?:current_timestamp|now|localtimestamp|localtime)\b(?:\((\d*)\))?")


def name_said(value: object) -> str:
    return "" if value is None else str(value)


def type_said(value: object) -> str:
    if vector := re.fullmatch(r"vector\((\d+)\)", str(value)):
        return f"varbinary({4 * int(vector[1])})"
    text = _WIDTH.sub(r"\1", _COMPRESSED.sub("", str(value).lower()))
    return _TYPES.get(text.split(" ")[0], text) if not text.startswith(("enum", "set")) else str(value)


def engine_said(value: object) -> str:
    """InnoDB stands for MariaDB's Aria."""
    name = name_said(value).upper()
    return "INNODB" if name == "ARIA" else name


def body_said(value: object) -> str:
    """A stored program's text: MySQL's dictionary has its strings without what escapes a quote."""
    return name_said(value).replace("''", "'").replace("\\'", "'")


def rule_said(value: object) -> str:
    return "RESTRICT" if value == "NO ACTION" else name_said(value)


def mode_said(value: object) -> str:
    return ",".join(sorted({word for word in str(value).split(",") if word} - _OWN_MODES))


def expression_said(value: object) -> str:
    return re.sub(r"[\s`()]", "", name_said(value)).lower()


def extra_said(value: object) -> str:
    text = str(value).lower().replace("default_generated", "").replace("persistent", "stored")
    words = _NOW.sub(_now, text).replace("without system versioning", "").replace(",", " ").split()
    return " ".join(sorted(words))


def _now(found: re.Match[str]) -> str:
    return f"now({(found[1] or '0').lstrip('0')})"


def column_said(values: Sequence[object], *, mariadb: bool) -> tuple[str, ...]:
    column_type, nullable, default, extra, charset, collated, comment = values
    said = [
        type_said(column_type),
        name_said(nullable),
        _default(default, str(extra), mariadb=mariadb),
        extra_said(extra),
    ]
    if said[0].startswith(("binary", "varbinary")):
        said[2] = _bytes(said[2], _OCTETS.get(str(column_type).lower()))
    elif said[0].startswith("timestamp") and said[2][:1] == "'":
        said[2] = "a moment"  # told in the time zone of whoever made the column
    if (said[0], name_said(collated)) not in _JSON:
        said.append(f"{charset_name(charset)} {collation(collated)}")
    return (*said, name_said(comment))


def _bytes(default: str, octets: Callable[[str], bytes] | None = None) -> str:
    """A default of bytes: MySQL 8 prints them in hexadecimal digits; zeros fill a column up. `octets` makes them."""
    if not default.startswith(("'", '"')):
        return default
    text = str(ast.literal_eval(default))
    digits = text[2:].lower() if text.startswith("0x") else (octets or str.encode)(text).hex()
    return f"x{re.sub('(?:00)+$', '', digits)}"


def _default(value: object, extra: str, *, mariadb: bool) -> str:
    """Return how a default is said: MariaDB prints it as it is written, quotes and NULL included.

    Of an expression is told that it is one: each server prints it in its own way.
    """
    text = str(value)
    if value is None or (mariadb and (value == "NULL" or "nextval(" in text)):
        return "none"  # as on a target without sequences
    if not mariadb and (literal := _EXPRESSED.fullmatch(text)):
        text, extra = literal[1], ""  # MySQL has no other default of a TEXT
    if _NOW.fullmatch(text.lower()):
        return _NOW.sub(_now, text.lower())
    if mariadb:
        if found := _LITERAL.fullmatch(text):
            return repr(unescaped(found[1]))
        if found := re.fullmatch(r"[xX]'([0-9A-Fa-f]*)'", text):
            return repr(f"0x{found[1]}")
        return repr(text) if re.fullmatch(r"-?[\d.]+(?:e[-+]?\d+)?|b'[01]*'|0x[0-9A-Fa-f]*", text) else "an expression"
    return "an expression" if "default_generated" in extra.lower() else repr(text)


def unescaped(text: str) -> str:
    """Return what stands between the quotes of a literal."""
    return _ESCAPED.sub(_unescaped, text)


def _unescaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0][1], found[0][1])


def as_text(value: object) -> object:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
