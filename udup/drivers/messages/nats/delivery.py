"""One run's hold on a stream: units go there in frames made at once, and answers tell what is stored.

A run takes the stream over by a note of its own (`place.py`). From then on it knows the number of every message that
it sends. Units are added to a fast batch of the server's, without waiting for answers, until none comes for a moment;
then the batch is ended, and the next begins when it is stored (`frames.py` has why). A message of anybody else's in
between, or one that was not taken, ends the batch, and nothing behind it gets in. So what is in the stream is each
event once and in order, and a run whose batch is broken ends. The next one looks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from udup.base import runtime
from udup.base.errors import Side, Superseded, UdupError
from udup.drivers.messages.nats import frames, place, stream
from udup.drivers.messages.nats.answers import Answers
from udup.drivers.messages.nats.config import NatsSink
from udup.drivers.messages.nats.connection import (
    NO_STREAM,
    WRONG_SEQUENCE,
    ApiError,
    Connection,
    ServerFound,
    away,
    refused,
    told,
)
from udup.drivers.messages.nats.frames import Frames, Note, Subjects, TooLarge
from udup.drivers.messages.nats.kept import Keeper, Kept
from udup.drivers.messages.nats.large import LargeMessages
from udup.drivers.messages.nats.presence import Presence
from udup.pipeline.ports.delivery import DeliverySettings, FoundPlace, Message, Unit

#: Messages and bytes that may be without an answer. The server keeps 100,000 and 128 MiB waiting for a stream.
WINDOW_MESSAGES, WINDOW_BYTES = 16_384, 16 << 20

#: Seconds without a unit after which a fast batch ends, so that its last messages are answered too.
COMMIT_SECONDS = 0.002

#: Seconds without changes after which the position is noted where age ends messages, and how often that is looked at.
IDLE_SECONDS, LOOK_SECONDS = 20.0, 5.0

#: How often a stream that moves is taken over again before the run gives up.
_TRIES = 5

#: The number of a unit that is none: a note of the run's own.
_NO_UNIT = 0


#: A way to send messages, with the position of the last one and the number of the unit that ends with them.
_Send = Callable[[Sequence[Message], bytes, int], Awaitable[None]]


class NatsDelivery:
    """A `Delivery` (`pipeline/ports/delivery.py`)."""

    def __init__(self, sink: NatsSink, settings: DeliverySettings, on_stored: Callable[[int], None]) -> None:
        self._sink, self._settings, self._on_stored = sink, settings, on_stored
        self._me = place.Writer(settings.job, settings.owner, settings.run, settings.number)
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
        return FoundPlace(found.position, found.ids, found.times)

    async def send(self, unit: Unit) -> None:
        await self._held().send(unit)

    async def stored(self) -> None:
        await self._held().settle()

    async def check(self) -> None:
        if self._connection is None:
            await self.connect()
        state = await stream.look(self._connected(), self._sink)
        if state is None and self._hold is not None:
            raise told(ApiError(NO_STREAM, "stream not found"), self._sink.where, "cannot store messages")
        if state is not None and state.is_full:
            raise away(f"{self._sink.where} is full ({state.bytes} bytes): {stream.MAKE_ROOM}")
        if self._hold is not None:
            await self._hold.answers.check()
            if state is not None:
                await self._hold.keep(state)

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
        self._me = place.Writer(settings.job, settings.owner, settings.run, settings.number)
        self._sequence = self._noted = 0  # of the last message sent, of the last note
        self._position: str | None = None  # of the last unit sent
        self._found = place.Place(None)  # what was found at the beginning, until a message is sent
        self._messages = state.messages  # at the last look, and those sent since
        self._sent_at = runtime.now()
        self._place: place.Place | None = None  # of the unit that is sent
        self._kept = Kept(connection, sink)
        self._places: Keeper | None = None  # from the moment on that the run holds the stream
        self._keeper: asyncio.Task[None] | None = None
        self._commits: asyncio.TimerHandle | None = None  # when the fast batch ends

    async def begin(self, me: place.Writer) -> place.Place:
        """Write the note with which the run begins, behind all that the stream has; return what that is."""
        for _ in range(_TRIES):
            state = await stream.look(self._connection, self._sink)
            if state is None:
                break
            await self._refuse_late()
            found = await place.find(self._connection, self._sink, state, self._kept.read) or place.Place(None)
            if not await self._kept.take(state, found):
                continue  # another run begins
            self._sequence, self._position, self._found = state.last, found.position, found
            self._send_note(found.position)
            error = await self.answers.first_error()
            if error is None:
                self._places = Keeper(self._kept, self.answers, state.created)
                if state.max_age:
                    self._keeper = asyncio.ensure_future(self._keep_position())
                return found
            if not (isinstance(error, ApiError) and error.code in WRONG_SEQUENCE):
                await self.answers.check()  # raises it
            self.answers.forget()  # somebody has written in between
        raise away(f"{self._sink.where} could not be taken over: others write to it without an end")

    async def _refuse_late(self) -> None:
        """Raise `Superseded` if a later run has begun: what it writes from now on moves the stream, and is noticed."""
        last = await place.writer(self._connection, self._sink) if self._me.number else None
        if last is not None and self._me.is_behind(last[0]):
            text = f"job {self._me.job}: {last[0]} has taken {self._sink.where} over at {last[1]}, and is a later run"
            raise Superseded(text).of(Side.TARGET)

    async def send(self, unit: Unit) -> None:
        await self._turn()
        header = frames.position_header(unit.position)
        number = unit.number if header else _NO_UNIT
        self._place = place.Place(unit.position)
        if unit.messages:
            self._found = place.Place(None)
        if unit.atomic and unit.messages and not header:
            await self._send_with_note(unit)
        elif unit.atomic and unit.messages:
            await self._send_fitting(self._send_atomic, unit.messages, header, number)
        elif unit.messages and self._state.batched:
            await self._send_fitting(self._send_fast, unit.messages, header, number)
        elif unit.messages:
            await self._send_in_pieces(unit.messages, header, number)
        self._position = unit.position
        if not unit.messages or not (header or unit.atomic):
            await self.settle()
            self._send_note(unit.position, unit.number)
        await self._connection.drain()

    async def _turn(self) -> None:
        """Return when a unit may go: there is room, and what the batch has is stored if it has ended."""
        answers = self.answers
        if not answers.ended and answers.unanswered > 2 * frames.FLOW and self._commits is not None:
            self._commits.cancel()  # more follows, and answers come without an end of the batch
        if not answers.ended:
            await answers.room(WINDOW_MESSAGES, WINDOW_BYTES)
        if answers.ended:  # by now
            await answers.all()

    async def settle(self) -> None:
        """Return when all that was sent is stored."""
        self._commit()
        await self.answers.all()

    async def keep(self, state: stream.StreamState) -> None:
        """Note the position again where somebody has purged the message that had it. `state` is the stream's now."""
        sequence, fewer = self._sequence, state.messages < self._messages
        self._messages = state.messages
        if not fewer or state.last != sequence:
            return
        gone = await self._connection.message(self._sink.stream, sequence) is None
        if gone and self.answers.ended and self.answers.idle and self._sequence == sequence:
            self._send_note(self._position)

    async def end(self) -> None:
        """Note the position before the run goes: among the events where age ends these, and beside them."""
        if self._commits is not None:
            self._commits.cancel()
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(UdupError, TimeoutError):
                if self.answers.idle and self._noted != self._sequence:
                    self._send_note(self._position)
                    await asyncio.wait_for(self.answers.all(), 2)
        if self._places is not None:
            await self._places.end()

    async def _send_fitting(self, send: _Send, messages: Sequence[Message], header: bytes, unit: int) -> None:
        while True:
            try:
                return await send(messages, header, unit)
            except TooLarge as error:
                await self.settle()  # what is done about it may take long
                messages = await self._large.replaced(messages, error)
                await self.answers.all()  # the position may have been noted meanwhile

    async def _send_fast(self, messages: Sequence[Message], header: bytes, unit: int) -> None:
        """Add messages to the fast batch. It ends when nothing follows for a moment."""
        answers = self.answers
        if answers.ended:
            answers.begin()
        self._put(self._frames.fast(messages, header, self._sequence, answers.batch, answers.count), unit, messages)
        if self._commits is not None:
            self._commits.cancel()
        self._commits = asyncio.get_running_loop().call_later(COMMIT_SECONDS, self._commit)

    async def _send_with_note(self, unit: Unit) -> None:
        """Send a batch that is stored all or none, together with a position that is too long for a header."""
        note = self._note(unit.position)

        async def send(messages: Sequence[Message], _header: bytes, number: int) -> None:
            await self._send_atomic(messages, b"", number, note)

        await self._send_fitting(send, unit.messages, b"", unit.number)
        self._noted = self._sequence

    async def _send_atomic(
        self, messages: Sequence[Message], header: bytes, unit: int, note: Note | None = None
    ) -> None:
        """Send a batch that is stored all or none, alone."""
        count = len(messages) + (note is not None)
        if not self._state.atomic or count > frames.ATOMIC_MAX:
            problem = f"it cannot store {count} messages all or none"
            raise refused(self._sink.where, problem, "use nats-server 2.12 or newer")
        await self.settle()
        answers = self.answers
        answers.begin()
        try:
            data = self._frames.atomic(messages, header, self._sequence, answers.batch, note)
        finally:
            answers.ended = True
        self._put(data, unit, [*messages, note][:count])

    async def _send_in_pieces(self, messages: Sequence[Message], header: bytes, unit: int) -> None:
        """The way of servers before 2.14: atomic batches, each of which waits for the one before."""
        for start in range(0, len(messages), frames.ATOMIC_MAX):
            piece, is_last = messages[start : start + frames.ATOMIC_MAX], start + frames.ATOMIC_MAX >= len(messages)
            end = (header, unit) if is_last else (b"", _NO_UNIT)
            await self._send_fitting(self._send_atomic, piece, *end)

    def _send_note(self, position: str | None, unit: int = _NO_UNIT) -> None:
        """Send a position's own message, alone: nothing is under way.

        It may lie between messages that were found behind an older position, so it names all of these again until this
        run has sent a message: that one comes behind them.
        """
        note, answers = self._note(position), self.answers
        answers.begin()
        data = self._frames.note(note, self._sequence, answers.batch)
        self._put(data, unit, (None,), place.Place(position, self._found.ids, self._found.times))
        answers.ended = True
        self._noted = self._sequence

    def _note(self, position: str | None) -> Note:
        me, found = self._me, self._found
        said = frames.note_data(position, found.ids, me.job, me.owner, me.run, found.times, me.number)
        note = Note(self._sink.position_subject, said, rolls=self._state.rolls, keeps=self._state.keeps)
        try:
            self._frames.note(note, self._sequence, self.answers.inbox)  # with room for the name of a batch
        except TooLarge as error:
            problem = f"the position of the job has {error}"
            remedy = "raise max_payload of the server, and max_msg_size of the stream"
            raise refused(self._sink.where, problem, remedy) from error
        return note

    def _put(self, data: bytes, unit: int, messages: Sequence[object], ends: place.Place | None = None) -> None:
        """Send what was framed. Nothing waits between the frames, which have the numbers of the stream, and this."""
        self._connection.put(data)
        self._sequence += len(messages)
        self._messages += len(messages)
        self._sent_at = runtime.now()
        if ends is None and unit != _NO_UNIT:
            ends = self._place
        self.answers.sent(unit, messages, len(data), self._sequence, ends)

    def _commit(self) -> None:
        """End the fast batch: what follows waits for its answer."""
        if self._commits is not None:
            self._commits.cancel()
            self._commits = None
        answers = self.answers
        if not answers.ended:
            answers.ended = True
            if not answers.count:
                return
            with suppress(UdupError):  # whoever waits for the answers is told
                self._connection.put(self._frames.commit(self._sink.position_subject, answers.batch, answers.count))

    async def _keep_position(self) -> None:
        """Note the position when nothing changes for some time: it must be there when age has ended the last change.

        It is noted again before it is as old: a server that was killed ends by age also what should outlive it.
        """
        idle, again = min(IDLE_SECONDS, self._state.max_age / 4), self._state.max_age / 2
        while True:
            await asyncio.sleep(min(LOOK_SECONDS, idle))
            waits = runtime.now() - self._sent_at
            is_due = waits > again or (waits > idle and self._noted != self._sequence)
            if is_due and self.answers.idle:
                with suppress(UdupError):  # whoever sends next is told
                    self._send_note(self._position)
