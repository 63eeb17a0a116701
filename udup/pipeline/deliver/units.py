"""Messages gathered into units, and what is done with when a unit is stored."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from udup.pipeline.ports.delivery import Message, Operation, Unit
from udup.pipeline.records import TransactionId

#: Messages and bytes of a unit at most; it ends in the middle of a transaction then. One event may go beyond.
UNIT_MESSAGES, UNIT_BYTES = 1000, 1 << 20


#: Events that are none of a row: what stands behind a delete, and all that is of no table.
TOMBSTONE, OTHER = "tombstone", "other"

_KINDS = frozenset(each.value for each in Operation)


@dataclass
class Delivered:
    """What a unit brings, counted when it is stored."""

    transactions: list[TransactionId] = field(default_factory=list)  # that end in it
    events: dict[str, int] = field(default_factory=dict)  # by `Message.operation`, TOMBSTONE and OTHER
    tables: dict[str, int] = field(default_factory=dict)  # events of each
    snapshot_rows: dict[str, int] = field(default_factory=dict)
    messages: int = 0  # before rows are put together
    sent: int = 0  # after that
    size: int = 0  # bytes of their values
    definitions: int = 0
    batches: list[int] = field(default_factory=list)  # each time that a record of a batch is done with by it

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
        """Take messages that belong together: those of one event."""
        filling = self.filling
        self._messages += messages
        filling.messages += len(messages)
        _count(messages, filling)

    def close(self, position: str, *, atomic: bool = False) -> Unit:
        """Return what was gathered as a unit that is sent now; without messages it stores the position."""
        self._sent += 1
        unit = Unit(self._sent, self._packed(self._messages), position, atomic)
        self.filling.sent = len(unit.messages)
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


def _count(messages: Sequence[Message], filling: Delivered) -> None:
    """Count messages of one event: nearly always they are of one kind, and then each costs some 50 ns."""
    if not messages:
        return
    events = filling.events
    if len(messages) == 1:
        kind = _kind(messages[0])
        events[kind] = events.get(kind, 0) + 1
        filling.size += len(messages[0].value or b"")
        if table := messages[0].table:
            filling.tables[table] = filling.tables.get(table, 0) + 1
        return
    kinds = [each.operation for each in messages]
    kind = kinds[0]
    if kind in _KINDS and kinds.count(kind) == len(kinds):
        filling.size += sum([len(each.value) for each in messages if each.value is not None])
        events[kind] = events.get(kind, 0) + len(kinds)
    else:
        for each in messages:
            kind = _kind(each)
            events[kind] = events.get(kind, 0) + 1
            filling.size += len(each.value or b"")
    if table := messages[0].table:
        filling.tables[table] = filling.tables.get(table, 0) + len(kinds)


def _kind(message: Message) -> str:
    if message.value is None and not message.operation:
        return TOMBSTONE
    return message.operation if message.operation in _KINDS else OTHER
