"""What the stream answers: how far it has stored what was sent, and why it takes nothing more."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
from nats.aio.msg import Msg

from udup.base import runtime
from udup.base.errors import Side, Superseded, Transient, UdupError
from udup.drivers.messages.moments import moments
from udup.drivers.messages.nats import place, stream
from udup.drivers.messages.nats.config import NatsSink
from udup.drivers.messages.nats.connection import (
    BROKEN_BATCH,
    LOST,
    NO_STREAM,
    WRONG_SEQUENCE,
    ApiError,
    Connection,
    away,
    heed_cancellation,
    told,
)
from udup.drivers.messages.nats.frames import header_id
from udup.pipeline.ports.delivery import Message

#: Seconds without any answer, while some are awaited, after which the server is taken for away.
ANSWER_SECONDS = 30.0

#: The code of an answer that fits to nothing that was sent: the batch is broken.
_BROKEN = -1

#: Errors whose cause is looked for at the stream: they say no more than that a message was not taken.
_TO_EXPLAIN = WRONG_SEQUENCE | BROKEN_BATCH | {NO_STREAM, _BROKEN}

#: What the client makes of a message that nobody takes.
_NOBODY = "503"


class _UnderWay(NamedTuple):
    """What was sent and is not stored yet; `unit` is 0 for a note.

    `through`: messages of its batch up to its end; `last`: the number of the last one in the stream; `place`: what is
    stored with that one, if anything; `sent`: the messages themselves.
    """

    unit: int
    messages: int
    size: int
    through: int
    last: int
    place: place.Place | None
    sent: Sequence[object]


class Answers:
    """Of one run. What is under way together is one batch, whose name is in the subject of every answer to it."""

    def __init__(
        self,
        connection: Connection,
        sink: NatsSink,
        me: place.Writer,
        on_stored: Callable[[int], None],
    ) -> None:
        self._connection, self._sink, self._me, self._on_stored = connection, sink, me, on_stored
        self.inbox = connection.client.new_inbox()
        self.failed: ApiError | UdupError | None = None
        self.batch, self._batches = "", 0
        self.count = 0  # messages of the batch
        self._last = 0  # the number of the last message sent
        self.ended = True  # nothing can be added to the batch any more
        self.stored: tuple[int, place.Place] | None = None  # by which number of the stream what place is reached
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

    @property
    def unanswered(self) -> int:
        """Return how many messages are under way."""
        return self._messages

    def begin(self) -> None:
        """Begin a batch, with a name that nobody else's has. Nothing is under way then."""
        if self._under_way:
            raise UdupError("a batch begins when all before it is stored")
        self._batches += 1
        self.batch = f"{self.inbox.rpartition('.')[2]}-{self._batches}"
        self.count, self.ended = 0, False

    def sent(self, unit: int, sent: Sequence[object], size: int, last: int, place: place.Place | None) -> None:
        """Note what was added to the batch."""
        if not self._under_way:
            self._moved_at = runtime.now()
        messages = len(sent)
        self.count += messages
        self._last = last
        self._under_way.append(_UnderWay(unit, messages, size, self.count, last, place, sent))
        self._messages += messages
        self._bytes += size

    def forget(self) -> None:
        """Begin again after an error, as if nothing had been sent."""
        self._under_way.clear()
        self._messages = self._bytes = 0
        self.failed, self.ended = None, True

    async def room(self, messages: int, size: int) -> None:
        """Return when less than this is under way."""
        await self._until(lambda: self._messages < messages and self._bytes < size)
        await self.check()

    async def all(self) -> None:
        """Return when all that was sent is stored."""
        await self._until(lambda: not self._under_way)
        await self.check()

    async def check(self) -> None:
        """Raise what has broken the chain, or ended the connection."""
        self._connection.check()  # first: a subject that is forbidden breaks the chain too
        if self.failed is not None:
            raise await self._explained(self.failed)

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
        if self.batch not in message.subject or self.failed is not None:
            return  # of a batch that was forgotten, or what follows on an error
        error: ApiError | UdupError | None
        try:
            error = self._take(message)
        except UdupError as found:
            error = found
        except Exception as found:  # noqa: BLE001 - the client would go on, and who waits for the answer wait for ever
            error = UdupError(f"an answer of {self._sink.where}: {type(found).__name__}: {found}")
            error.__cause__ = found
        if error is not None:
            self.failed = error
        self._moved_at = runtime.now()
        self._moved.set()

    def _take(self, message: Msg) -> ApiError | UdupError | None:
        if not message.data:
            status = (message.headers or {}).get("Status", "")
            return ApiError(NO_STREAM if status == _NOBODY else 0, f"no stream takes it, status {status}")
        said = _decoder.decode(message.data)
        if said.error is not None:
            if said.type == "err" and said.seq:
                self._store(said.seq - 1)
                self._store_part(said.seq - 1)
            return ApiError(said.error.err_code, said.error.description)
        if said.type == "ack":
            self._store(said.seq)
        elif said.type or said.duplicate or (said.count or self.count) != self.count or said.seq != self._last:
            return ApiError(
                _BROKEN, f"it has ended the batch at {said.seq} ({message.data[:200].decode(errors='replace')})"
            )
        else:
            self._store(self.count)
        return None

    def _store(self, count: int) -> None:
        """Take in that this many messages of the batch are stored."""
        unit = 0
        while self._under_way and self._under_way[0].through <= count:
            done = self._under_way.popleft()
            self._messages -= done.messages
            self._bytes -= done.size
            unit = done.unit or unit
            self._note(done.last, done.place, done.sent)
        if unit:
            self._on_stored(unit)

    def _store_part(self, count: int) -> None:
        """Take in that of what is under way next the first messages are stored, and no more."""
        if self._under_way:
            cut = self._under_way[0]
            part = count - (cut.through - cut.messages)
            if 0 < part < cut.messages:
                self._note(cut.last - cut.messages + part, None, cut.sent[:part])

    def _note(self, last: int, ends: place.Place | None, sent: Sequence[object]) -> None:
        """Remember what is stored. Without a position of its own it is what was, and the IDs of what came since."""
        if ends is None and self.stored is not None:
            before = self.stored[1]
            behind = [(header_id(each.id), each.value) for each in sent if isinstance(each, Message)]
            ids = (*before.ids, *(each for each, _ in behind))
            ends = place.Place(before.position, ids, {**before.times, **moments(behind)})
        if ends is not None:
            self.stored = (last, ends)

    async def _explained(self, error: ApiError | UdupError) -> UdupError:
        """Return what broke the chain, in words: whoever was not taken is told no more than that it does not fit."""
        if isinstance(error, UdupError):
            return error
        if error.code not in _TO_EXPLAIN:
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
        why = f"{error}"
        if error.code in WRONG_SEQUENCE:
            why += ". Either it has lost its last messages, or somebody else has written into it, which nobody should"
        text = f"{self._sink.where} has not taken a message: {why}; the run begins again behind its {state.last}"
        return Transient(text).of(Side.TARGET)


class _Failure(msgspec.Struct):
    code: int = 0
    err_code: int = 0
    description: str = ""


class _Answer(msgspec.Struct):
    """An answer to a message: `ack`, `gap` or `err` of a fast batch, or without a type what a publish is answered."""

    type: str = ""
    seq: int = 0
    count: int = 0
    duplicate: bool = False
    error: _Failure | None = None


_decoder = msgspec.json.Decoder(_Answer)
