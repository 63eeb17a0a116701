"""How single values of a document are read, and what is said about those that make no sense.

Scalars inside `Config` convert weakly, since clients have always been allowed to write "4" for 4: text of digits is a
number, a fraction is cut, a number is text, "true", "t", "1" and 1 are true. What would need guessing is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from pydantic_core import PydanticCustomError

#: The words that mean a truth value, as Go's ParseBool has them; the empty text is false.
TRUE_WORDS = frozenset({"1", "t", "T", "true", "TRUE", "True"})
FALSE_WORDS = frozenset({"0", "f", "F", "false", "FALSE", "False", ""})

#: The longest name of a job, in bytes: file systems and message subjects that carry it allow 255.
NAME_BYTES = 255

#: The longest schema or table name that MySQL has, in characters.
IDENTIFIER_LENGTH = 64

#: Characters of a refused value that are shown back.
SHOWN_LENGTH = 60

#: Digits of a decimal number worth reading: an unsigned 64-bit integer has 20.
_DECIMAL = re.compile(r"[+-]?[0-9]{1,20}")
_HOST_WITH_PORT = re.compile(r"[^:]+:[0-9]+")
_NATS_ADDRESS = re.compile(r"(nats://)?(\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+):([0-9]{1,5})")


def fault(problem: str, remedy: str = "") -> PydanticCustomError:
    """A fault of one value; its place is added by pydantic."""
    return PydanticCustomError("fault", "{problem}", {"problem": problem, "remedy": remedy})


def kind(value: object) -> str:
    """A JSON value's kind as people call it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "an object"


def shown(value: object) -> str:
    """A scalar as it was given, cut to a readable length; only the kind of anything larger."""
    if isinstance(value, str):
        return repr(value if len(value) <= SHOWN_LENGTH else value[:SHOWN_LENGTH] + "…")
    return kind(value)


def weak_text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, float)):
        return format(value, "g") if isinstance(value, float) else str(value)
    if isinstance(value, str):
        return value
    raise fault(f"must be text, got {kind(value)}")


def weak_integer(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return int(value)
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return int(value)
    raise fault(f"must be a whole number, got {shown(value)}")


def weak_truth(value: object) -> bool:
    if isinstance(value, (bool, int, float)):
        return bool(value)
    if isinstance(value, str) and value in TRUE_WORDS | FALSE_WORDS:
        return value in TRUE_WORDS
    raise fault(f"must be true or false, got {shown(value)}")


def within(low: int, high: int) -> Callable[[object], int]:
    """A reader of whole numbers in `low`…`high`."""

    def read(value: object) -> int:
        number = weak_integer(value)
        if not low <= number <= high:
            raise fault(f"must be {low}…{high}, got {number}")
        return number

    return read


def user(value: object) -> str:
    text = weak_text(value)
    if not text:
        raise fault("must not be empty", "name the MySQL account to connect with")
    if _has_control(text):
        raise fault("contains a control character")
    return text


def password(value: object) -> str:
    """Any text; the message never holds the value."""
    if isinstance(value, (list, dict)):
        raise fault(f"must be text, got {kind(value)}")
    return weak_text(value)


def host(value: object) -> str:
    text = weak_text(value)
    if not text:
        raise fault("must not be empty", "give the MySQL server's name or IP address")
    if any(letter.isspace() for letter in text) or _has_control(text):
        raise fault(f"must be a host name or an IP address without spaces, got {shown(text)}")
    if _HOST_WITH_PORT.fullmatch(text):
        raise fault(f"must be the host alone, got {shown(text)}", "put the number into Port")
    if "/" in text or "@" in text:
        raise fault(f"must be a host name or an IP address, got {shown(text)}")
    return text


def nats_address(value: object) -> str:
    text = weak_text(value)
    match = _NATS_ADDRESS.fullmatch(text)
    if text and not (match and 1 <= int(match[3]) <= 65535):
        raise fault(f"must be host:port, got {shown(text)}", "leave it out to use this node's own NATS")
    return text


def identifier(value: object) -> str:
    """The name of a schema or a table, as MySQL allows it."""
    text = weak_text(value)
    if not text:
        raise fault("must not be empty")
    if len(text) > IDENTIFIER_LENGTH:
        raise fault(f"is longer than MySQL's {IDENTIFIER_LENGTH} characters: {shown(text)}")
    if "\0" in text or text.endswith(" "):
        raise fault(f"is no name that MySQL allows: {shown(text)}")
    return text


def job_name(value: Any) -> str:
    text = plain_text(value)
    if not text:
        raise fault("Missing job name", "give the job a name")
    return _named(text, "Job name")


def job_id(value: Any) -> str:
    text = plain_text(value)
    if not text:
        raise fault("Missing job ID", "leave ID out to have one made")
    if " " in text:
        raise fault("Job ID contains a space")
    return _named(text, "Job ID")


def plain_text(value: object) -> str:
    """Text and nothing that would need converting: outside Config, types are exact."""
    if not isinstance(value, str):
        raise fault(f"must be text, got {kind(value)}")
    return value


def _named(text: str, what: str) -> str:
    if len(text.encode()) > NAME_BYTES:
        raise fault(f"{what} is longer than {NAME_BYTES} bytes: {shown(text)}")
    if not text.isprintable():
        raise fault(f"{what} contains characters that cannot be printed: {shown(text)}")
    return text


def _has_control(text: str) -> bool:
    return any(ord(letter) < 32 or ord(letter) == 127 for letter in text)
