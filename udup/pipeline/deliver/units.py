"""Messages gathered into units, and what is done with when a unit is stored."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from udup.pipeline.ports import RowCounts
from udup.pipeline.ports.delivery import Message, Operation, Unit
from udup.pipeline.records import TransactionId

#: Messages and bytes of a unit at most; it ends in the middle of a transaction then. One event may go beyond.
UNIT_MESSAGES, UNIT_BYTES = 1000, 1 << 20


@dataclass
class Delivered:
    """What a unit brings, counted when it is stored."""

    transactions: list[TransactionId] = field(default_factory=list)  # that end in it
    operations: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # messages of each
    snapshot_rows: dict[str, int] = field(default_factory=dict)
    messages: int = 0
    size: int = 0
    definitions: int = 0
    batches: list[int] = field(default_factory=list)  # each time that a record of a batch is done with by it

    @property
    def rows(self) -> RowCounts:
        counted = self.operations.get
        return RowCounts(counted(Operation.CREATE, 0), counted(Operation.UPDATE, 0), counted(Operation.DELETE, 0))

    @property
    def is_empty(self) -> bool:
        return not (self.messages or self.transactions or self.batches)


class Units:
    """The unit that is being filled, and those that are on their way.

    `packed` is the encoder's last step, `on_stored` is called with what each unit has brought, in their order.
    """

    def __init__(
        self, packed: Callable[[list[Message]], list[Message]], on_stored: Callable[[Delivered], None]
    ) -> None:
        self._packed = packed
        self._on_stored = on_stored
        self._messages: list[Message] = []
        self._sent = 0
        self._under_way: deque[tuple[int, Delivered]] = deque()
        self.filling = Delivered()

    @property
    def has_messages(self) -> bool:
        return bool(self._messages)

    @property
    def is_full(self) -> bool:
        return self.filling.messages >= UNIT_MESSAGES or self.filling.size >= UNIT_BYTES

    @property
    def settled(self) -> bool:
        """Whether all that was sent is stored, and nothing waits to be sent."""
        return not self._under_way and self.filling.is_empty

    def add(self, messages: Sequence[Message]) -> None:
        filling = self.filling
        self._messages += messages
        filling.messages += len(messages)
        size = 0
        for message in messages:
            if message.value is not None:
                size += len(message.value)
            filling.operations[message.operation] += 1
        filling.size += size

    def close(self, position: str, *, atomic: bool = False) -> Unit:
        """Return what was gathered as a unit that is sent now; without messages it stores the position."""
        self._sent += 1
        unit = Unit(self._sent, self._packed(self._messages), position, atomic)
        self._under_way.append((self._sent, self.filling))
        self._messages, self.filling = [], Delivered()
        return unit

    def settle(self) -> None:
        """Count what is being filled as stored, where it has no messages and nothing before it is under way."""
        if not self._under_way and not self._messages and not self.filling.is_empty:
            filled, self.filling = self.filling, Delivered()
            self._on_stored(filled)

    def stored(self, number: int) -> None:
        """All units up to this one are stored."""
        while self._under_way and self._under_way[0][0] <= number:
            self._on_stored(self._under_way.popleft()[1])
        self.settle()
