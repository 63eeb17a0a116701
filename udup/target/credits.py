"""Which messages of the log are done with: what the sender may forget and make room for.

A message holds several records, which end in any order; messages are credited in the order in which they came, each
when all of its records are done with.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(slots=True)
class _Message:
    number: int
    open: int  # records that are not done with


class Credits:
    """`received` and `finished` for what comes and ends; `due` is what the sender is to be told."""

    def __init__(self) -> None:
        self._messages: deque[_Message] = deque()
        self._done = self._told = 0

    def received(self, number: int, records: int) -> None:
        """Message `number` came; numbers count from 1 without a gap."""
        self._messages.append(_Message(number, records))

    def finished(self, number: int) -> None:
        """One record of message `number` is done with."""
        self._messages[number - self._messages[0].number].open -= 1
        while self._messages and not self._messages[0].open:
            self._done = self._messages.popleft().number

    @property
    def open_messages(self) -> int:
        """Messages that are not done with."""
        return len(self._messages)

    def due(self) -> int | None:
        """Up to which message the sender may be told that all is done, once; None if it knows."""
        if self._done == self._told:
            return None
        self._told = self._done
        return self._done
