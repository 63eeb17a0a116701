"""Values as SQL_REDO writes them: every one a quoted text, NULL, or a call of one of a few functions.

What a call means depends on the column's type, so it stays a `Call` with its argument (`drivers/oracle/types.py`). Two
are values of their own by what they are: UNISTR is text, HEXTORAW is bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

#: Functions whose one text means a moment or a span of time; a second argument is the format that it is written in.
TIMES = frozenset({"TO_DATE", "TO_TIMESTAMP", "TO_TIMESTAMP_TZ", "TO_DSINTERVAL", "TO_YMINTERVAL"})

#: Functions without an argument: a LOB that is there and holds nothing yet.
EMPTY_LOBS = frozenset({"EMPTY_CLOB", "EMPTY_BLOB"})

_ESCAPED = re.compile(r"\\(\\|[0-9A-Fa-f]{4})|\\")


class Missing(Enum):
    """What stands where the redo does not have the value."""

    UNSUPPORTED = "Unsupported Type"


UNSUPPORTED: Final = Missing.UNSUPPORTED


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function, with its text and the format it names; both are "" where it has none."""

    name: str
    text: str = ""
    format: str = ""


#: A value as the redo has it; None is NULL.
Literal: TypeAlias = str | bytes | Call | Missing | None


class BadRedo(ValueError):
    """A text of LogMiner's that is not understood."""


def unistr(text: str) -> str:
    """Return the text that UNISTR makes: `\\4E2D` is a unit of UTF-16, `\\\\` a backslash."""
    units: list[bytes] = []
    at = 0
    for found in _ESCAPED.finditer(text):
        if found[1] is None:
            raise BadRedo(f"a backslash without four hex digits in UNISTR({text[:80]!r})")
        units.append(text[at : found.start()].encode("utf-16-be"))
        units.append(b"\0\\" if found[1] == "\\" else bytes.fromhex(found[1]))
        at = found.end()
    units.append(text[at:].encode("utf-16-be"))
    try:
        return b"".join(units).decode("utf-16-be")
    except UnicodeDecodeError as error:
        raise BadRedo(f"half a character in UNISTR({text[:80]!r})") from error


def of_call(name: str, arguments: list[str]) -> Literal:
    """Return the value of a call; raise `BadRedo` for a function that is not known."""
    match name, arguments:
        case "UNISTR", [text]:
            return unistr(text)
        case "HEXTORAW", [text]:
            try:
                return bytes.fromhex(text)
            except ValueError as error:
                raise BadRedo(f"HEXTORAW of what is no hex: {text[:80]!r}") from error
        case name, [text] if name in TIMES:
            return Call(name, text)
        case name, [text, format] if name in TIMES:
            return Call(name, text, format)
        case name, [] if name in EMPTY_LOBS:
            return Call(name)
    raise BadRedo(f"the function {name} with {len(arguments)} arguments is not known")


def joined(parts: list[Literal]) -> Literal:
    """Return what `||` makes of values; one alone is itself."""
    if len(parts) == 1:
        return parts[0]
    texts = [part for part in parts if isinstance(part, str)]
    if len(texts) == len(parts):
        return "".join(texts)
    octets = [part for part in parts if isinstance(part, bytes)]
    if len(octets) == len(parts):
        return b"".join(octets)
    raise BadRedo("|| joins values of different kinds")
