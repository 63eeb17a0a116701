"""Which messages of the log are done with: what the sender may forget and make room for.

A message holds several records, which end in any order; messages are credited in the order in which they came, each
when all of its records are done with. The sender is told when a good part of its window is free again, or after a
while: a credit for each message would make every single commit two messages, and wake the sender for nothing. A
heartbeat takes no room to speak of: several of them are credited together.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

#: A credit is due when it frees so much: an eighth of the smallest window in bytes, or of the job's in messages, but
#: not more than a reader under load fills in a few milliseconds.
DUE_BYTES, DUE_SHARE, DUE_MESSAGES = 128 << 10, 8, 32

#: Heartbeats that make a credit due. Its number shows the sender that none was lost, within 15 s at rest.
DUE_BEATS = 2


@dataclass(slots=True)
class _Message:
    number: int
    size: int
    open: int  # records that are not done with
    beat: bool  # it holds heartbeats alone


class Credits:
    """`received` and `finished` for what comes and ends; `due` is what the sender is to be told."""

    def __init__(self, window_messages: int) -> None:
        self._due_messages = min(DUE_MESSAGES, max(1, window_messages // DUE_SHARE))
        self._messages: deque[_Message] = deque()
        self._done = self._told = self._freed = 0
        self._owed = False

    def received(self, number: int, size: int, records: int, *, beat: bool = False) -> None:
        """Note that message `number` of `size` bytes came; numbers count from 1 without a gap.

        `beat`: it holds heartbeats alone, so nobody waits for its credit.
        """
        self._messages.append(_Message(number, size, records, beat))

    def finished(self, number: int) -> None:
        """Note that one record of message `number` is done with."""
        self._messages[number - self._messages[0].number].open -= 1
        while self._messages and not self._messages[0].open:
            message = self._messages.popleft()
            self._done = message.number
            self._freed += message.size
            self._owed = self._owed or not message.beat

    @property
    def owed(self) -> bool:
        """Whether something is done with, heartbeats aside, that the sender does not know of."""
        return self._owed

    @property
    def told(self) -> int:
        """The last message that the sender has been told of."""
        return self._told

    @property
    def settled(self) -> bool:
        """Whether everything that came is done with, and the sender was told."""
        return not self._messages and not self.owed

    def due(self, *, late: bool = False) -> int | None:
        """Return up to which message the sender is to be told that all is done; None if it need not be told now."""
        count = self._done - self._told
        enough = count >= self._due_messages or self._freed >= DUE_BYTES
        if not count or not (enough or (late and self._owed) or (count >= DUE_BEATS and not self._owed)):
            return None
        self._told, self._freed, self._owed = self._done, 0, False
        return self._done
