"""Names of topics: what they are made of, and what a kind of sink makes of characters that it does not take."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol
from urllib.parse import quote

#: Kafka's limit for the name of a topic.
MAX_TOPIC = 249

_NOT_KAFKA = re.compile(r"[^A-Za-z0-9._-]")


class TopicNames(Protocol):
    """How a kind of sink writes names of topics."""

    def joined(self, delimiter: str, parts: Sequence[str]) -> str:
        """Return the topic made of these parts. The first is the prefix, which was checked."""
        ...

    def whole(self, name: str) -> str:
        """Return a topic that is given as a whole, whose dots are levels already."""
        ...


class PlainNames:
    """The parts as they are: for sinks that write names by their own rules."""

    def joined(self, delimiter: str, parts: Sequence[str]) -> str:
        return delimiter.join(part for part in parts if part)

    def whole(self, name: str) -> str:
        return name


class KafkaNames:
    """Debezium's rule: `_` for every character that Kafka does not take, 249 at most. Two tables may fall together."""

    def joined(self, delimiter: str, parts: Sequence[str]) -> str:
        return self.whole(delimiter.join(part for part in parts if part))

    def whole(self, name: str) -> str:
        name = _NOT_KAFKA.sub("_", name)[:MAX_TOPIC]
        return name.replace(".", "_") if name in (".", "..") else name


class SubjectNames:
    """NATS's: percent-encoded inside each part, so that no two tables fall together and a dot is a level.

    Letters, digits, `_`, `-`, `~` and `$` stay.
    """

    def joined(self, delimiter: str, parts: Sequence[str]) -> str:
        prefix, *others = parts
        return delimiter.join([self.whole(prefix), *(_token(part) for part in others if part)])

    def whole(self, name: str) -> str:
        return ".".join(_token(part) for part in name.split(".") if part)


@lru_cache(10_000)
def _token(part: str) -> str:
    return quote(part, safe="$", errors="replace").replace(".", "%2E")
