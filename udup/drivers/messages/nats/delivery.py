"""One run's hold on a stream: units go there in frames made at once, and answers tell what is stored.

A run takes the stream over by a note of its own (`place.py`). From then on it knows the number of every message that
it sends, and each carries the one before as a fence (`frames.py`): a message of anybody else's in between, or one that
was not taken, and nothing behind it gets in. So what is in the stream is each event once and in order, and a run whose
chain is broken ends. The next one looks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from udup.base import runtime
from udup.base.errors import UdupError
from udup.drivers.messages.nats import frames, place, stream
from udup.drivers.messages.nats.answers import Answers
from udup.drivers.messages.nats.config import NatsSink
from udup.drivers.messages.nats.connection import WRONG_SEQUENCE, ApiError, Connection, ServerFound, away, refused
from udup.drivers.messages.nats.frames import Frames, Note, Subjects, TooLarge
from udup.drivers.messages.nats.large import LargeMessages
from udup.drivers.messages.nats.presence import Presence
from udup.pipeline.ports.delivery import DeliverySettings, FoundPlace, Message, Unit

#: Messages and bytes that may be without an answer. The server keeps 100,000 and 128 MiB waiting for a stream.
WINDOW_MESSAGES, WINDOW_BYTES = 16_384, 16 << 20

#: Seconds without changes after which the position is noted where age ends messages, and how often that is looked at.
IDLE_SECONDS, LOOK_SECONDS = 20.0, 5.0

#: How often a stream that moves is taken over again before the run gives up.
_TRIES = 5

#: The number of a unit that is none: a note of the run's own.
_NO_UNIT = 0


class NatsDelivery:
    """A `Delivery` (`pipeline/ports/delivery.py`)."""

    def __init__(self, sink: NatsSink, settings: DeliverySettings, on_stored: Callable[[int], None]) -> None:
        self._sink, self._settings, self._on_stored = sink, settings, on_stored
        self._me = place.Writer(settings.job, settings.owner, settings.run)
        self._connection: Connection | None = None
        self._hold: _Hold | None = None

    async def connect(self) -> ServerFound:
        sink = self._sink
        self._connection = await Connection.open(sink, self._settings.nats_url, f"udup job {self._me.job}")
        state = await stream.look(self._connection, sink)
        if state is not None:
            stream.check(sink, self._me.job, state)
        return ServerFound(sink.where, sink.where)

    async def take_over(self) -> FoundPlace:
        connection, sink = self._connected(), self._sink
        state = await stream.provide(connection, sink, self._me.job)
        presence = Presence(connection, sink, self._me)
        await presence.refuse_another()
        answers = await Answers.open(connection, sink, self._me, self._on_stored)
        self._hold = _Hold(connection, sink, self._settings, answers, state)
        found = await self._hold.begin(self._me)
        await presence.show(lambda: answers.failed is None)
        return FoundPlace(found.position, found.ids)

    async def send(self, unit: Unit) -> None:
        await self._held().send(unit)

    async def stored(self) -> None:
        await self._held().answers.all()

    async def check(self) -> None:
        if self._connection is None:
            await self.connect()
        state = await stream.look(self._connected(), self._sink)
        if state is not None and state.is_full:
            raise away(f"{self._sink.where} is full ({state.bytes} bytes): {stream.MAKE_ROOM}")
        if self._hold is not None:
            await self._hold.answers.check()

    async def close(self) -> None:
        if self._hold is not None:
            await self._hold.end()
        if self._connection is not None:
            await self._connection.close()

    def _connected(self) -> Connection:
        if self._connection is None:
            raise UdupError("a delivery is connected before it is used")
        return self._connection

    def _held(self) -> _Hold:
        if self._hold is None:
            raise UdupError("a delivery takes its sink over before anything is sent")
        return self._hold


class _Hold:
    """What a run sends from the moment on that the stream is its own."""

    def __init__(
        self,
        connection: Connection,
        sink: NatsSink,
        settings: DeliverySettings,
        answers: Answers,
        state: stream.StreamState,
    ) -> None:
        self._connection, self._sink, self._state = connection, sink, state
        self.answers = answers
        limit = min(connection.max_payload, state.max_message or connection.max_payload)
        self._frames = Frames(Subjects(sink.prefix, sink.subjects), answers.inbox, limit)
        self._large = LargeMessages(connection, sink, settings.plan.large_messages)
        self._me = place.Writer(settings.job, settings.owner, settings.run)
        self._sequence = self._noted = 0  # of the last message sent, of the last note
        self._position: str | None = None  # of the last unit sent
        self._sent_at = runtime.now()
        self._keeper: asyncio.Task[None] | None = None

    async def begin(self, me: place.Writer) -> place.Place:
        """Write the note with which the run begins, behind all that the stream has; return what that is."""
        for _ in range(_TRIES):
            state = await stream.look(self._connection, self._sink)
            if state is None:
                break
            found = await place.find(self._connection, self._sink, state) or place.Place(None)
            self._sequence, self._position = state.last, found.position
            self._send_note(found.position, found.ids)
            error = await self.answers.first_error()
            if error is None:
                if state.ages:
                    self._keeper = asyncio.ensure_future(self._keep_position())
                return found
            if not (isinstance(error, ApiError) and error.code in WRONG_SEQUENCE):
                await self.answers.check()  # raises it
            self.answers.forget()  # somebody has written in between
        raise away(f"{self._sink.where} could not be taken over: others write to it without an end")

    async def send(self, unit: Unit) -> None:
        await self.answers.room(WINDOW_MESSAGES, WINDOW_BYTES)
        await self.answers.check()
        header = frames.position_header(unit.position)
        if unit.messages:
            await self._send_messages(unit, header)
        self._position = unit.position
        if not (header and unit.messages):
            self._send_note(unit.position, (), unit.number)
        await self._connection.drain()

    async def end(self) -> None:
        """Note the position before the run goes, where age ends messages."""
        if self._keeper is None:
            return
        self._keeper.cancel()
        with suppress(UdupError, TimeoutError):
            if self.answers.idle and self._noted != self._sequence:
                self._send_note(self._position, ())
                await asyncio.wait_for(self.answers.all(), 2)

    async def _send_messages(self, unit: Unit, header: bytes) -> None:
        if unit.atomic and (not self._state.atomic or len(unit.messages) > frames.ATOMIC_MAX):
            problem = f"it cannot store {len(unit.messages)} messages all or none, which a snapshot needs"
            raise refused(self._sink.where, problem, "use nats-server 2.12 or newer, or set Snapshot to never")
        messages: Sequence[Message] = unit.messages
        ticket = self.answers.next_ticket
        while True:
            try:
                make = self._frames.atomic if unit.atomic and len(messages) > 1 else self._frames.chain
                data = make(messages, header, self._sequence, ticket)
                break
            except TooLarge as error:
                messages = await self._large.replaced(messages, error)
        self._put(data, unit.number if header else _NO_UNIT, len(messages))

    def _send_note(self, position: str | None, ids: Sequence[str], unit: int = _NO_UNIT) -> None:
        me = self._me
        said = frames.note_data(position, ids, me.job, me.owner, me.run)
        note = Note(self._sink.position_subject, said, rolls=self._state.rolls, keeps=self._state.keeps)
        try:
            data = self._frames.note(note, self._sequence, self.answers.next_ticket)
        except TooLarge as error:
            problem = f"the position of the job has {error}"
            raise refused(self._sink.where, problem, "raise max_payload of the server") from error
        self._put(data, unit, 1)
        self._noted = self._sequence

    def _put(self, data: bytes, unit: int, messages: int) -> None:
        """Send what was framed for the next ticket. Nothing waits between the frames and this."""
        self._connection.put(data)
        self._sequence += messages
        self._sent_at = runtime.now()
        self.answers.sent(unit, messages, len(data), self._sequence)

    async def _keep_position(self) -> None:
        """Note the position when nothing changes for some time: it must be there when age has ended the last change."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            waits = runtime.now() - self._sent_at > IDLE_SECONDS
            if waits and self.answers.idle and self._noted != self._sequence:
                with suppress(UdupError):  # whoever sends next is told
                    self._send_note(self._position, ())
