"""The users of a node's NATS server, in memory: the port, implemented in the simplest way that keeps its promises."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from udup.web.ports import Consumer, ConsumerCredentials, NameTaken, NotThere

#: A moment in nanoseconds.
SINCE = 1_767_323_045_000_000_000

STREAMS_THERE = frozenset({"SHOP1"})


class MemoryConsumers:
    """`fail_with` makes the next call raise."""

    def __init__(self) -> None:
        self.kept: dict[str, Consumer] = {}
        self.fail_with: Exception | None = None
        self._numbers = count(1)

    def users(self) -> list[Consumer]:
        self._may_fail()
        return [self.kept[name] for name in sorted(self.kept)]

    def add(self, name: str, streams: Sequence[str]) -> ConsumerCredentials:
        self._may_fail()
        if name in self.kept:
            raise NameTaken(f"there is a user {name!r} already; to change it, remove it and add it again")
        missing = tuple(each for each in streams if each not in STREAMS_THERE)
        self.kept[name] = Consumer(name, tuple(streams), missing, SINCE)
        return ConsumerCredentials(self.kept[name], f"password{next(self._numbers)}", "nats://127.0.0.1:8193", "")

    def remove(self, name: str) -> None:
        self._may_fail()
        if self.kept.pop(name, None) is None:
            raise NotThere("user not found")

    def _may_fail(self) -> None:
        if self.fail_with is not None:
            error, self.fail_with = self.fail_with, None
            raise error
