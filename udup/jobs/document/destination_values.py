"""How single values of a destination of messages are read: prefixes, addresses, names, and Debezium's options."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeVar

from udup.base.secrets import MASK, SEALED, is_secret, salt_in, shown_name
from udup.jobs.document import values

#: Characters of a prefix: a schema's and a table's name of 64 each, and what Udup adds, must fit into a topic's 249.
PREFIX_LENGTH = 100

#: Options of Debezium in one document, and characters of a name and of a value.
MAX_OPTIONS, OPTION_NAME_LENGTH, OPTION_LENGTH = 200, 500, 8192

#: Addresses of one destination.
MAX_ADDRESSES = 100

NATS_PORT, KAFKA_PORT = 4222, 9092

_PREFIX = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_STREAM = re.compile(r"[A-Za-z0-9_-]{1,200}")
_HOST_PORT = re.compile(r"(?:(nats|tls)://)?(\[[0-9a-fA-F:.]+\]|[^\s:/@\[\],]+)(?::([0-9]{1,5}))?")

_Word = TypeVar("_Word", bound=StrEnum)


def word_of(words: type[_Word], default: str, *, fold: Callable[[str], str] = str.lower) -> Callable[[object], str]:
    """Return the reader of one of several words, in any case; empty is the default."""

    def read(value: object) -> str:
        text = fold(values.weak_text(value).strip()) or default
        if text and text not in set(words):
            raise values.fault(f"must be {_any_of(words)}, got {values.shown(text)}")
        return text

    return read


def upper_word(text: str) -> str:
    """Return a word as Kafka's clients write it: `sasl-ssl` is no other than `SASL_SSL`."""
    return text.upper().replace("-", "_")


def prefix(value: object) -> str:
    """Return what all topics of a job begin with."""
    text = values.weak_text(value)
    if not text:
        raise values.fault("must not be empty", "name what all topics and subjects of the job begin with: shop1")
    if not _PREFIX.fullmatch(text) or len(text) > PREFIX_LENGTH:
        raise values.fault(
            f"must be letters, digits, _ and -, in parts with a . between them, {PREFIX_LENGTH} characters at most,"
            f" got {values.shown(text)}"
        )
    return text


def topic(value: object) -> str:
    """Return the name of a topic; empty is the default."""
    text = values.weak_text(value)
    if text and (not _TOPIC.fullmatch(text) or text in (".", "..")):
        raise values.fault(f"must be letters, digits, _, - and ., 249 at most, got {values.shown(text)}")
    return text


def stream(value: object) -> str:
    """Return the name of a stream; empty is the default."""
    text = values.weak_text(value)
    if text and not _STREAM.fullmatch(text):
        raise values.fault(f"must be letters, digits, _ and -, 200 at most, got {values.shown(text)}")
    return text


def nats_url(value: object) -> str:
    """Return the address of a NATS server, or of a cluster's with commas between; empty is the node's own."""
    return ",".join(_address(part, NATS_PORT, scheme=True) for part in _parts(values.weak_text(value)))


def brokers(value: object) -> list[str]:
    """Return addresses of Kafka's brokers, given as a list or as a text with commas."""
    given = value if isinstance(value, list) else [value]
    found = [_address(part, KAFKA_PORT) for each in given for part in _parts(values.weak_text(each))]
    if not found:
        raise values.fault("must not be empty", 'name one broker at least: ["127.0.0.1:9092"]')
    if len(found) > MAX_ADDRESSES:
        raise values.fault(f"has {len(found)} addresses, and {MAX_ADDRESSES} are the most")
    return found


def host_port(address: str) -> tuple[str, int]:
    """Return host and port of an address that was checked."""
    match = _HOST_PORT.fullmatch(address)
    assert match is not None, address
    return match[2].strip("[]"), int(match[3])


def options(value: object) -> dict[str, object]:
    """Return Debezium's options; what is null is not there, and no secret, which none of them needs."""
    if not isinstance(value, dict):
        example = 'write {"decimal.handling.mode": "string", …}'
        raise values.fault(f"must be an object, got {values.kind(value)}", example)
    given = {str(name): each for name, each in value.items() if each is not None and not is_secret(str(name))}
    if len(given) > MAX_OPTIONS:
        raise values.fault(f"has {len(given)} options, and {MAX_OPTIONS} are the most")
    for name in given:
        if not name or not name.isprintable() or len(name) > OPTION_NAME_LENGTH:
            raise values.fault(
                f"has an option of the name {values.shown(shown_name(name))}", "write a name of Debezium's"
            )
        if salt_in(name)[1].startswith((MASK, SEALED)):
            problem = f"has the mask of a salt in {shown_name(name)}, and no salt is kept for it"
            raise values.fault(problem, "write the salt, or with.salt.env:UDUP_SECRET_NAME, or with.salt.file:NAME")
    return given


def option(value: object) -> str:
    """Return the value of one of them as text."""
    if not isinstance(value, (str, int, float)):
        raise values.fault(f"must be text, a number, true or false, got {values.kind(value)}")
    text = str(value).lower() if isinstance(value, bool) else values.weak_text(value)
    if text.startswith(SEALED):
        raise values.fault("is sealed, and could not be opened", "post the job again with the value")
    if len(text) > OPTION_LENGTH:
        raise values.fault(f"has {len(text)} characters, and {OPTION_LENGTH} are the most")
    return text


def utc(value: object) -> str:
    """Return the time zone of texts: the one that there is."""
    text = values.weak_text(value).strip()
    if text.upper() not in ("", "UTC", "GMT", "Z", "+00:00", "ETC/UTC"):
        raise values.fault(
            f"{values.shown(text)} is not supported", "leave it out: TIMESTAMP values are told in UTC, as Debezium does"
        )
    return "UTC"


def _address(text: str, port: int, *, scheme: bool = False) -> str:
    match = _HOST_PORT.fullmatch(text)
    if "@" in text:
        raise values.fault("must not hold an account", "write User and Password, or Credentials")
    if match is None or (match[1] and not scheme) or not 1 <= int(match[3] or port) <= 65535:
        raise values.fault(f"must be host:port, got {values.shown(text)}")
    return f"{match[1]}://{match[2]}:{match[3] or port}" if match[1] else f"{match[2]}:{match[3] or port}"


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _any_of(words: Iterable[str]) -> str:
    *first, last = [str(each) for each in words]
    return f"{', '.join(first)} or {last}" if first else last
