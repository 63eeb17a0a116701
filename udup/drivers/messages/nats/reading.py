"""Messages read out of a job's stream again: for people who look at them, and for whoever asks for the position."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.client import JetStreamContext

from udup.base.errors import Fault, Refused, Side
from udup.drivers.messages.nats import place, stream
from udup.drivers.messages.nats.config import NatsSink
from udup.drivers.messages.nats.connection import ANSWER_SECONDS, LOST, Connection, away, heed_cancellation
from udup.drivers.messages.nats.frames import ID, KEY, NOTE, OPERATION, Subjects
from udup.pipeline.checks import DEST

#: Where reading begins, beside a GTID.
START, NOW = "start", "now"

#: Messages that are asked for at once, and seconds that the server waits for the first of them.
_BATCH, _WAIT_SECONDS = 256, 1.0

#: Seconds after which the server forgets a reader that has gone.
_FORGET_SECONDS = 30.0


@dataclass(frozen=True)
class Seen:
    """A message as it is in the stream. `value` None: a tombstone. `time`: seconds since the epoch, when stored."""

    subject: str
    key: bytes | None
    value: bytes | None
    id: str
    operation: str = ""
    sequence: int = 0
    time: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)


async def read(
    sink: NatsSink, nats_url: str, since: str = START, *, follow: bool = False, topic: str = ""
) -> AsyncIterator[Seen]:
    """Yield messages in the stream's order: from its start, from now on, or from a transaction that is in it.

    With `follow` it waits for more, else it ends with what is there. `topic`: of this subject alone. `Refused` if
    there is no such stream or transaction.
    """
    connection = await Connection.open(sink, nats_url, "udup reader")
    try:
        state = await stream.look(connection, sink)
        if state is None:
            raise _refused(sink, "there is no such stream", "look for its name among the job's settings")
        found = since in (START, NOW)
        async for seen in _messages(connection, sink, since, topic, None if follow else state.last):
            found = found or seen.id.startswith(f"{since}:")
            if found and seen.operation != NOTE:
                yield seen
        if not found:
            raise _refused(sink, f"there is no message of the transaction {since}", "begin at start or now")
    finally:
        await connection.close()


async def position(sink: NatsSink, nats_url: str) -> str | None:
    """Return the position that the stream has, None if there is none."""
    connection = await Connection.open(sink, nats_url, "udup reader")
    try:
        state = await stream.look(connection, sink)
        found = await place.find(connection, sink, state) if state is not None else None
        return found.position if found is not None else None
    finally:
        await connection.close()


async def _messages(
    connection: Connection, sink: NatsSink, since: str, topic: str, last: int | None
) -> AsyncIterator[Seen]:
    """Yield messages, with `last` up to that number. `Unavailable` if the server goes away."""
    config = ConsumerConfig(
        deliver_policy=DeliverPolicy.NEW if since == NOW else DeliverPolicy.ALL,
        ack_policy=AckPolicy.NONE,
        filter_subjects=[Subjects(sink.prefix, sink.subjects)[topic].decode()] if topic else None,
        inactive_threshold=_FORGET_SECONDS,
        mem_storage=True,
        num_replicas=1,
    )
    context = connection.client.jetstream(timeout=ANSWER_SECONDS)
    try:
        consumer = await context.add_consumer(sink.stream, config)
        if last is not None and not consumer.num_pending:
            return
        reader = await context.pull_subscribe_bind(consumer=consumer.name, stream=sink.stream)
        while True:
            for message in await _fetched(reader):
                if last is not None and message.metadata.sequence.stream > last:
                    return
                yield _seen(message)
                if last is not None and not message.metadata.num_pending:
                    return
    except LOST as error:
        raise away(f"cannot read {sink.where}: {error or type(error).__name__}") from error


async def _fetched(reader: JetStreamContext.PullSubscription) -> list[Msg]:
    """Return the messages that there are by now; none if there are none for a moment."""
    try:
        messages: list[Msg] = await reader.fetch(_BATCH, timeout=_WAIT_SECONDS)
    except TimeoutError:  # nats-py's own, or asyncio's: it raises either
        messages = []
    heed_cancellation()
    return messages


def _seen(message: Msg) -> Seen:
    headers: Mapping[str, str] = message.headers or {}
    key = headers.get(KEY)
    return Seen(
        subject=message.subject,
        key=None if key is None else key.encode(),
        value=message.data or None,
        id=headers.get(ID, ""),
        operation=headers.get(OPERATION, ""),
        sequence=message.metadata.sequence.stream,
        time=message.metadata.timestamp.timestamp(),
        headers=headers,
    )


def _refused(sink: NatsSink, problem: str, remedy: str) -> Refused:
    return Refused([Fault(sink.where, problem, remedy, DEST)]).of(Side.TARGET)
