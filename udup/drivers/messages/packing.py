"""Several rows in one message (`RowsPerMessage`): what a sink spends on a message, it then spends on many rows.

Consecutive rows of one table, one transaction and one kind of change become a message whose value is a JSON array of
their values; a row by itself is an array of one, so that consumers have one form to read. Halves of a change of the
key stay by themselves, for their headers.

The ID names the first and the last row, so a run that finds it in the sink knows which rows are there. Rows are packed
after those that the sink has were left out, so it does not matter where a message ended before.

The key is the table's, the same for all of its messages: a partitioned topic keeps the order of a table's rows only in
one partition. Such a topic cannot be compacted, which is why there are no tombstones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from udup.drivers.messages.texts import json_text
from udup.pipeline.ports.delivery import Message

_ROWS = frozenset("crud")

#: No value is made larger than this by packing: half of what NATS takes of a message by default.
MAX_BYTES = 512 << 10


def packed(messages: Sequence[Message], rows: int, max_bytes: int = MAX_BYTES) -> list[Message]:
    """Return the messages with up to `rows` rows in each; a value is above `max_bytes` only if that of one row is."""
    made: list[Message] = []
    run: list[Message] = []
    size = 0
    for message in messages:
        if message.operation not in _ROWS or message.value is None:
            made += _joined(run)
            run = []
            made.append(message)
            continue
        length = len(message.value) + 1
        full = len(run) >= rows or size + length >= max_bytes
        if run and (full or not _goes_on(run[0], message)):
            made += _joined(run)
            run = []
        size = size + length if run else length
        run.append(message)
    made += _joined(run)
    return made


def _goes_on(first: Message, message: Message) -> bool:
    """Return whether a row may stand in the message of another: of the same transaction, table and kind."""
    return (
        first.operation == message.operation
        and first.topic == message.topic
        and not first.headers
        and not message.headers
        and first.id.rpartition(":")[0] == message.id.rpartition(":")[0]
    )


def _joined(run: list[Message]) -> Iterator[Message]:
    """Yield the message of a run of rows, none for an empty run."""
    if not run:
        return
    first, values = run[0], [message.value for message in run if message.value is not None]
    last = run[-1].id.rpartition(":")[2]
    yield msgspec.structs.replace(
        first,
        key=b'{"table":%b}' % json_text(first.table),
        value=b"[" + b",".join(values) + b"]",
        id=first.id if len(run) == 1 else f"{first.id}-{last}",
    )
