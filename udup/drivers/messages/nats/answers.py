"""What the stream answers: how far it has stored what was sent, and why it takes nothing more."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from nats.aio.msg import Msg

from udup.base import runtime
from udup.base.errors import Side, Superseded, Transient, UdupError
from udup.drivers.messages.nats import place, stream
from udup.drivers.messages.nats.config import NatsSink
from udup.drivers.messages.nats.connection import (
    LOST,
    NO_STREAM,
    WRONG_SEQUENCE,
    ApiError,
    Connection,
    away,
    heed_cancellation,
    told,
)

#: Seconds without any answer, while some are awaited, after which the server is taken for away.
ANSWER_SECONDS = 30.0

#: What the client makes of a message that nobody takes.
_NOBODY = "503"


class _UnderWay(NamedTuple):
    """What was sent and has no answer yet. `last`: the number of its last message, `unit` 0 for a note."""

    ticket: int
    unit: int
    messages: int
    size: int
    last: int


class Answers:
    """Of one run. Each unit and note has a ticket, a number that its answers name."""

    def __init__(
        self,
        connection: Connection,
        sink: NatsSink,
        me: place.Writer,
        on_stored: Callable[[int], None],
    ) -> None:
        self._connection, self._sink, self._me, self._on_stored = connection, sink, me, on_stored
        self.inbox = connection.client.new_inbox()
        self.next_ticket = 1
        self.failed: ApiError | UdupError | None = None
        self._under_way: deque[_UnderWay] = deque()
        self._messages = self._bytes = 0
        self._moved = asyncio.Event()
        self._moved_at = 0.0

    @classmethod
    async def open(
        cls, connection: Connection, sink: NatsSink, me: place.Writer, on_stored: Callable[[int], None]
    ) -> Answers:
        answers = cls(connection, sink, me, on_stored)
        try:
            await connection.client.subscribe(f"{answers.inbox}.>", cb=answers._on_answer)
        except LOST as error:
            raise away(f"cannot subscribe at {sink.where}: {error or type(error).__name__}") from error
        heed_cancellation()
        connection.lost.add_done_callback(lambda _: answers._moved.set())
        return answers

    @property
    def idle(self) -> bool:
        """Whether all that was sent is stored."""
        return not self._under_way and self.failed is None

    def sent(self, unit: int, messages: int, size: int, last: int) -> None:
        """Note what was sent with the next ticket."""
        if not self._under_way:
            self._moved_at = runtime.now()
        self._under_way.append(_UnderWay(self.next_ticket, unit, messages, size, last))
        self.next_ticket += 1
        self._messages += messages
        self._bytes += size

    def forget(self) -> None:
        """Begin again after an error, as if nothing had been sent."""
        self._under_way.clear()
        self._messages = self._bytes = 0
        self.failed = None

    async def room(self, messages: int, size: int) -> None:
        """Return when less than this is under way."""
        await self._until(lambda: self._messages < messages and self._bytes < size)

    async def all(self) -> None:
        """Return when all that was sent is stored."""
        await self._until(lambda: not self._under_way)
        await self.check()

    async def check(self) -> None:
        """Raise what has broken the chain, or ended the connection."""
        if self.failed is not None:
            raise await self._explained(self.failed)
        self._connection.check()

    async def first_error(self) -> ApiError | UdupError | None:
        """Return what the stream answers to the one note that is under way; None if it is stored."""
        await self._until(lambda: self.failed is not None or not self._under_way)
        return self.failed

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            await self.check()
            self._moved.clear()
            try:
                await asyncio.wait_for(self._moved.wait(), 1)
            except TimeoutError:
                silent = runtime.now() - self._moved_at
                if silent > ANSWER_SECONDS and self._under_way:
                    raise away(f"{self._sink.where} has acknowledged nothing for {silent:.0f} s") from None

    async def _on_answer(self, message: Msg) -> None:
        _, ticket, kind = message.subject.rsplit(".", 2)
        error = self._error(message)
        if error is None and kind == "l":
            error = self._store(int(ticket), _Ack.of(message.data))
        if error is not None and self.failed is None and int(ticket) >= self._first_ticket:
            self.failed = error
        self._moved_at = runtime.now()
        self._moved.set()

    @property
    def _first_ticket(self) -> int:
        """Return the ticket that is answered next: what comes for earlier ones was forgotten."""
        return self._under_way[0].ticket if self._under_way else self.next_ticket

    def _error(self, message: Msg) -> ApiError | UdupError | None:
        if not message.data:
            status = (message.headers or {}).get("Status", "")
            return ApiError(NO_STREAM if status == _NOBODY else 0, f"no stream takes it, status {status}")
        said = _Ack.of(message.data)
        return ApiError(said.error.err_code, said.error.description) if said.error else None

    def _store(self, ticket: int, ack: _Ack) -> UdupError | None:
        """Take in that everything up to a ticket is stored. Return an error if the numbers do not fit."""
        if ticket < self._first_ticket or self.failed is not None:
            return None
        unit = 0
        while self._under_way and self._under_way[0].ticket <= ticket:
            done = self._under_way.popleft()
            self._messages -= done.messages
            self._bytes -= done.size
            unit = done.unit or unit
        if ack.seq != done.last or ack.duplicate:
            return UdupError(f"{self._sink.where} says that message {done.last} is stored as {ack.seq}")
        if unit:
            self._on_stored(unit)
        return None

    async def _explained(self, error: ApiError | UdupError) -> UdupError:
        """Return what broke the chain, in words: whoever was not taken is told no more than that it does not fit."""
        if isinstance(error, UdupError):
            return error
        if error.code not in WRONG_SEQUENCE and error.code != NO_STREAM:
            return told(error, self._sink.where, "cannot store messages")
        state = await stream.look(self._connection, self._sink)
        if state is None:
            return told(ApiError(NO_STREAM, "stream not found"), self._sink.where, "cannot store messages")
        if error.code == NO_STREAM:
            return away(f"{self._sink.where} does not take messages now: {error}")
        last = await place.writer(self._connection, self._sink)
        if last is not None and last[0] != self._me:
            text = f"job {self._me.job}: {last[0]} has taken {self._sink.where} over at {last[1]}"
            return Superseded(text).of(Side.TARGET)
        if state.is_nearly_full(max((each.size for each in self._under_way), default=0)):
            return away(f"{self._sink.where} is full ({state.bytes} bytes): {stream.MAKE_ROOM}")
        text = f"{self._sink.where} has not taken a message of a unit (it has {state.last}): the run begins again there"
        return Transient(text).of(Side.TARGET)


class _Failure(msgspec.Struct):
    code: int = 0
    err_code: int = 0
    description: str = ""


class _Ack(msgspec.Struct):
    """An answer to a message that was published."""

    seq: int = 0
    duplicate: bool = False
    error: _Failure | None = None

    @classmethod
    def of(cls, data: bytes) -> _Ack:
        return _decoder.decode(data) if data else _Ack()


_decoder = msgspec.json.Decoder(_Ack)
