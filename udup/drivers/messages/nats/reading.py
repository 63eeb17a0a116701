"""Messages read out of a job's stream again: for people who look at them, and for whoever asks for the position."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.client import JetStreamContext

from udup.base.errors import Fault, Refused, Side
from udup.drivers.messages.nats import place, stream
from udup.drivers.messages.nats.config import NatsSink
from udup.drivers.messages.nats.connection import ANSWER_SECONDS, LOST, Connection, away, heed_cancellation
from udup.drivers.messages.nats.frames import ID, KEY, NOTE, OPERATION, Subjects
from udup.drivers.messages.nats.kept import Kept
from udup.drivers.messages.tailing import Wanted, bad_cursor, read_cursor
from udup.pipeline.checks import DEST
from udup.pipeline.ports.tail import NOW, Seen, TailRequest

#: Messages that are asked for at once at most, and how many bytes they may have if they are as those before.
_BATCH, _BATCH_BYTES = 100, 1 << 20

#: Messages without their values, which are looked through for a transaction.
_SEARCH_BATCH = 1000

#: Seconds that the server waits for the first message.
_WAIT_SECONDS = 0.5

#: Seconds after which the server forgets a reader that has gone.
_FORGET_SECONDS = 30.0

T = TypeVar("T")


class StreamReader:
    """Reads a job's stream in one event loop: `open`, then `some` again and again, then `close`."""

    def __init__(self, sink: NatsSink, nats_url: str, request: TailRequest) -> None:
        self._sink, self._url, self._request = sink, nats_url, request
        self._wanted = Wanted(request)
        self._next = 1
        self._last: int | None = None
        self._searching = False
        self._size = 1 << 17  # bytes of the largest message of those before
        self._delivered = 0  # by the consumer
        self.at_end = False
        self._forget = _FORGET_SECONDS
        self._connection: Connection | None = None
        self._consumer: JetStreamContext.PullSubscription | None = None

    @property
    def cursor(self) -> str:
        said: dict[str, Any] = {"next": self._next}
        if self._last is not None:
            said["last"] = self._last
        if self._searching:
            said["find"] = True
        return json.dumps(said)

    async def open(self) -> None:
        """Connect, and find out where to begin. `Refused` if there is no stream."""
        self._connection = connection = await Connection.open(self._sink, self._url, "udup reader")
        state = await stream.look(connection, self._sink)
        if state is None:
            raise _refused(self._sink, "there is no such stream yet", "look again when the job runs")
        limit = (state.config.get("consumer_limits") or {}).get("inactive_threshold") or 0
        self._forget = min(_FORGET_SECONDS, limit / 10**9) if limit else _FORGET_SECONDS
        if self._request.cursor:
            self._go_on(state.last)
            return
        self._next = state.last + 1 if self._request.since == NOW else max(1, state.first)
        self._searching = bool(self._wanted.gtid)
        if not self._request.follow:
            self._last = state.last

    def _go_on(self, last: int) -> None:
        said = read_cursor(self._request.cursor)
        self._next, self._last, self._searching = said.get("next", 0), said.get("last"), bool(said.get("find"))
        numbers = (self._next, 0 if self._last is None else self._last)
        if not all(type(each) is int and 0 <= each < 1 << 63 for each in numbers) or not self._next:
            raise bad_cursor()
        if self._next > last + 1:
            raise bad_cursor(f"the stream {self._sink.stream} ends at {last}: it was made again")

    async def some(self) -> list[Seen]:
        """Return messages, after a moment of waiting for the first; none while a transaction is looked for."""
        if self._last is not None and self._next > self._last:
            self._end()
            return []
        try:
            messages = await self._fetched()
        except LOST as error:
            raise away(f"cannot read {self._sink.where}: {error or type(error).__name__}") from error
        if not messages:
            self._end()
            return []
        self._check_whole(messages)
        if self._searching:
            await self._search(messages)
            return []
        return self._taken(messages)

    def _check_whole(self, messages: list[Msg]) -> None:
        """Raise `Unavailable` if a message was lost on the way: the client drops what it has no room for."""
        for message in messages:
            self._delivered += 1
            if message.metadata.sequence.consumer != self._delivered:
                raise away(f"messages of {self._sink.where} came faster than they were read")

    def _end(self) -> None:
        if self._searching:
            raise self._wanted.not_found()
        self.at_end = True

    async def _search(self, messages: list[Msg]) -> None:
        """Look for the transaction among messages; begin to read where it begins."""
        for message in messages:
            self._next = message.metadata.sequence.stream
            if self._wanted.begins((message.headers or {}).get(ID, "")):
                self._searching = False
                await self._close_consumer()
                return
            self._next += 1

    def _taken(self, messages: list[Msg]) -> list[Seen]:
        found: list[Seen] = []
        for message in messages:
            number = message.metadata.sequence.stream
            if self._last is not None and number > self._last:
                self._next = self._last + 1
                break
            self._next = number + 1
            seen = _seen(message)
            if seen.operation != NOTE and self._wanted.takes(seen):
                found.append(seen)
        self._size = max(256, *(len(each.data) for each in messages))
        self.at_end = not messages[-1].metadata.num_pending
        if self.at_end and self._last is not None:
            self._next = max(self._next, self._last + 1)
        return found

    async def _fetched(self) -> list[Msg]:
        """Return the messages that there are by now; none if there are none for a moment."""
        if self._consumer is None:
            self._consumer = await self._consume()
        batch = _SEARCH_BATCH if self._searching else max(1, min(_BATCH, _BATCH_BYTES // self._size))
        return await fetched(self._consumer, batch)

    async def _consume(self) -> JetStreamContext.PullSubscription:
        assert self._connection is not None
        subject = await self._subject()
        self._delivered = 0
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._next,
            ack_policy=AckPolicy.NONE,
            filter_subjects=[subject] if subject else None,
            headers_only=self._searching or None,
            inactive_threshold=self._forget,
            mem_storage=True,
            num_replicas=1,
        )
        context = self._connection.client.jetstream(timeout=ANSWER_SECONDS)
        consumer = await context.add_consumer(self._sink.stream, config)
        return await context.pull_subscribe_bind(consumer=consumer.name, stream=self._sink.stream)

    async def _subject(self) -> str:
        """Return the subject of the table that is asked for, "" where its messages may go elsewhere."""
        table = self._request.table
        if table is None or self._searching or self._connection is None:
            return ""
        subject = Subjects(self._sink.prefix, self._sink.subjects)[".".join((self._sink.prefix, *table))].decode()
        asked = f"STREAM.INFO.{self._sink.stream}"
        answer = await self._connection.ask(asked, {"subjects_filter": subject})
        return subject if answer["state"].get("subjects") else ""

    async def _close_consumer(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.unsubscribe()

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()


class NatsTail:
    """The `Tail` of a stream: its reader, in an event loop of this thread's own, which turns while it is asked."""

    def __init__(self, sink: NatsSink, nats_url: str, request: TailRequest) -> None:
        self._reader = StreamReader(sink, nats_url, request)
        self._loop = asyncio.Runner()
        try:
            self._run(self._reader.open())
        except BaseException:
            self.close()
            raise

    @property
    def at_end(self) -> bool:
        return self._reader.at_end

    @property
    def cursor(self) -> str:
        return self._reader.cursor

    def read(self) -> list[Seen]:
        return self._run(self._reader.some())

    def close(self) -> None:
        try:
            self._run(self._reader.close())
        finally:
            self._loop.close()

    def _run(self, what: Coroutine[Any, Any, T]) -> T:
        return self._loop.run(what)


async def position(sink: NatsSink, nats_url: str) -> str | None:
    """Return the position that the stream has, None if there is none."""
    connection = await Connection.open(sink, nats_url, "udup reader")
    try:
        state = await stream.look(connection, sink)
        found = await place.find(connection, sink, state, Kept(connection, sink).read) if state is not None else None
        return found.position if found is not None else None
    finally:
        await connection.close()


async def fetched(consumer: JetStreamContext.PullSubscription, batch: int) -> list[Msg]:
    """Return the messages that there are by now; none if there are none for a moment."""
    try:
        messages: list[Msg] = await consumer.fetch(batch, timeout=_WAIT_SECONDS)
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
        ms=int(message.metadata.timestamp.timestamp() * 1000),
        headers=headers,
    )


def _refused(sink: NatsSink, problem: str, remedy: str) -> Refused:
    return Refused([Fault(sink.where, problem, remedy, DEST)]).of(Side.TARGET)
