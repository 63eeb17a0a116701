"""A run's link to NATS: its subjects, and messages of any size.

Plain subjects carry the data, no stream: NATS holds what is under way, and the sender never has more than a window out
that the receiver has not done with (`flow.py`). Keeping it on disk as well would help nobody, since a run that loses
anything reads again from the source at the checkpoint; it cost a third of the way's time, and as much of nats-server's.
Whatever goes wrong on the way (a lost connection, a gap in the numbers) ends the run.

Each message begins with eight bytes: who sent it, and its number among those that this one has sent to its subject. A
receiver expects every number in turn, so that nothing that was lost or repeated is taken for all there is.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from udup.base.errors import Side, Transient, Unavailable
from udup.pipeline.transport.address import connect_options, shown
from udup.pipeline.transport.compression import Decompressor

#: The largest message that is sent; what is larger (a long statement, the catalog of thousands of tables) is split.
MESSAGE_MAX = 900 << 10

#: In front of each message: its sender, and its number, which begins again at 0 after four thousand million.
_HEAD = struct.Struct("<II")
_NUMBERS = 1 << 32

#: What split messages begin with: a byte that msgpack never uses, then whether another follows.
_MORE, _LAST = b"\xc1\x01", b"\xc1\x00"

#: Seconds to wait for NATS to answer a request.
REQUEST_TIMEOUT = 5.0

#: Seconds between questions whether NATS is still there, and how many may be without an answer when the next is due: it
#: is given up 15 to 30 s after its last word. Half of what a quiet job's links cost are these.
PING_SECONDS, PINGS = 15, 1

#: Bytes that may wait in this process for a handler; more than a window never does.
PENDING_BYTES = 128 << 20

Handler = Callable[[bytes], Awaitable[None]]


def token_of(job_id: str) -> str:
    """Return what stands for a job where its ID may not."""
    return hashlib.sha256(job_id.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Subjects:
    """The names of one run of a job. The job's ID may hold any character, so a digest of it stands in for it."""

    job_id: str
    run: int

    @cached_property
    def token(self) -> str:
        return token_of(self.job_id)

    @property
    def log(self) -> str:
        """Extractor to DestApplier: batches, in order."""
        return f"udup.{self.token}.{self.run}.log"

    def copy(self, slot: int) -> str:
        """Extractor to one worker: pieces of formatted rows, in order."""
        return f"udup.{self.token}.{self.run}.copy.{slot}"

    @property
    def upstream(self) -> str:
        """To the extractor: credits."""
        return f"udup.{self.token}.{self.run}.up"

    @property
    def marks(self) -> str:
        """Extractor on another node to DestApplier: where it is in what it sends (`pace.py`)."""
        return f"udup.{self.token}.{self.run}.mark"

    @property
    def marks_back(self) -> str:
        """The same, back to the extractor."""
        return f"udup.{self.token}.{self.run}.back"

    def orders(self, worker: int) -> str:
        """DestApplier to one worker, by its own number."""
        return f"udup.{self.token}.{self.run}.work.{worker}"

    @property
    def reports(self) -> str:
        """Workers to DestApplier."""
        return f"udup.{self.token}.{self.run}.done"


class Link:
    """One connection of one engine. It is not reconnected: a lost link is a lost run."""

    def __init__(self, client: Client, lost: asyncio.Future[None], sender: int = 0) -> None:
        self._client = client
        self._lost = lost
        self._departures = Departures(sender)

    @classmethod
    async def open(cls, url: str, name: str, sender: int = 0) -> Link:
        """Connect; `url` as in `address.py`. Raise `Transient` if NATS cannot be reached or refuses us.

        `sender` tells this link from others that publish to the same subjects: a worker's is its own number.
        """
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        is_open, told = False, ""

        async def on_disconnect() -> None:
            if is_open and not lost.done():
                lost.set_exception(Unavailable(f"the connection to NATS at {shown(url)} was lost").of(Side.NATS))

        async def on_error(error: Exception) -> None:
            nonlocal told
            told = f"NATS at {shown(url)}: {error}"
            if is_open and not lost.done():
                lost.set_exception(Unavailable(told).of(Side.NATS))

        server, options = connect_options(url)
        try:
            client = await nats.connect(
                server,
                name=name,
                allow_reconnect=False,
                connect_timeout=2,
                max_reconnect_attempts=1,  # of the first connection too: by default it is tried for two minutes
                reconnect_time_wait=0.1,
                ping_interval=PING_SECONDS,
                max_outstanding_pings=PINGS,
                disconnected_cb=on_disconnect,
                closed_cb=on_disconnect,
                error_cb=on_error,
                pending_size=PENDING_BYTES,
                **options,
            )
        except (OSError, NatsError, TimeoutError) as error:
            lost.cancel()
            if told:
                raise Unavailable(f"cannot connect: {told}").of(Side.NATS) from error
            reason = error or type(error).__name__
            raise Unavailable(f"cannot connect to NATS at {shown(url)}: {reason}").of(Side.NATS) from error
        is_open = True  # what failed before was tried again
        link = cls(client, lost, sender)
        if client.is_closed:
            lost.set_exception(Unavailable(f"the connection to NATS at {shown(url)} was lost").of(Side.NATS))
        try:
            _heed_cancellation()
        except asyncio.CancelledError:
            await link.close()
            raise
        return link

    @property
    def lost(self) -> asyncio.Future[None]:
        """Raises `Transient` once the link is gone."""
        return self._lost

    async def close(self) -> None:
        if not self._lost.cancel() and not self._lost.cancelled():
            self._lost.exception()  # looked at, so that asyncio logs nothing: something else may have ended the run
        try:
            await asyncio.wait_for(self._client.close(), 2)
        except (NatsError, OSError, TimeoutError):
            return  # it is gone either way

    async def publish(self, subject: str, data: bytes) -> None:
        """Send a message of any size."""
        try:
            # Nothing waits between a number and the client's buffer, so messages go in the order of their numbers.
            for message in self._departures.messages(subject, data):
                await self._client.publish(subject, message)
        except (NatsError, OSError, TimeoutError) as error:
            raise _away("cannot publish to NATS", error) from error
        _heed_cancellation()

    async def send_back(self, subject: str, to: str) -> None:
        """Send back what comes to a subject, as it comes."""
        await self.subscribe(subject, lambda data: self.publish(to, data))

    async def flush(self) -> None:
        """Return when the server has taken everything before: subscriptions are in force, messages with it.

        Twice, for the client's PING overtakes what it has not written yet. The first one makes it write that, so the
        answer to the second comes behind it. With one, a subscription is missing now and then for a moment.
        """
        try:
            await self._client.flush(int(REQUEST_TIMEOUT))
            await self._client.flush(int(REQUEST_TIMEOUT))
        except (NatsError, OSError, TimeoutError) as error:
            raise _away("NATS does not answer", error) from error
        _heed_cancellation()

    async def subscribe(self, subject: str, handler: Handler) -> None:
        """Call `handler` with each message in turn; an error that it raises ends the link.

        So does a message that was lost or repeated: `Transient`. Subscribe before anything is published.
        """
        arrivals = Arrivals(subject)

        async def on_message(message: Msg) -> None:
            if self._lost.done():
                return  # the run is over: nothing behind a failed message may take effect
            try:
                whole = arrivals.add(message.data)
                if whole is not None:
                    await handler(whole)
            except Exception as error:  # noqa: BLE001 - handed to whoever awaits `lost`
                if not self._lost.done():
                    self._lost.set_exception(error)

        try:
            await self._client.subscribe(
                subject, cb=on_message, pending_bytes_limit=PENDING_BYTES, pending_msgs_limit=1 << 20
            )
        except (NatsError, OSError, TimeoutError) as error:
            raise _away("cannot subscribe at NATS", error) from error
        _heed_cancellation()


async def reach(url: str, name: str) -> None:
    """Return if NATS lets somebody in by this URL now; raise as `Link.open` does."""
    link = await Link.open(url, name)
    await link.close()


def _away(doing: str, error: Exception) -> Unavailable:
    reason = str(error) or type(error).__name__
    return Unavailable(f"{doing}: {reason}").of(Side.NATS)


def _heed_cancellation() -> None:
    """A cancellation that came while the NATS client flushed or waited for an answer is lost there, or in `wait_for`.

    An engine that overhears it goes on for ever, and its process has to be killed.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def split(data: bytes) -> list[bytes]:
    """A message as those that NATS takes: itself, almost always."""
    if len(data) <= MESSAGE_MAX:
        return [data]
    pieces = [data[start : start + MESSAGE_MAX] for start in range(0, len(data), MESSAGE_MAX)]
    return [*(_MORE + piece for piece in pieces[:-1]), _LAST + pieces[-1]]


class Joiner:
    """Puts together what `split` has split."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def add(self, message: bytes) -> bytes | None:
        """The whole message when this one completes it."""
        mark = message[:2]
        if mark != _MORE and mark != _LAST:
            return message
        self._pieces.append(message[2:])
        if mark == _MORE:
            return None
        whole = b"".join(self._pieces)
        self._pieces.clear()
        return whole


class Departures:
    """Numbers what one sender publishes, by subject."""

    def __init__(self, sender: int) -> None:
        self._sender = sender
        self._sent: dict[str, int] = {}

    def messages(self, subject: str, data: bytes) -> Iterator[bytes]:
        """Yield the messages in which this goes; each gets its number when it is its turn."""
        for message in split(data):
            number = self._sent[subject] = (self._sent.get(subject, 0) + 1) % _NUMBERS
            yield _HEAD.pack(self._sender, number) + message


class Arrivals:
    """Takes the messages of one subject; `Transient` for one that does not follow on the last of its sender."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._senders: dict[int, tuple[int, Joiner, Decompressor]] = {}

    def add(self, message: bytes) -> bytes | None:
        """Return what was published, when this message completes it."""
        if len(message) < _HEAD.size:
            raise Transient(f"a message on {self._subject} is not one of Udup's")
        sender, number = _HEAD.unpack_from(message)
        last, joiner, decompressor = self._senders.get(sender) or (0, Joiner(), Decompressor())
        if number != (last + 1) % _NUMBERS:
            raise Transient(f"a message was lost or repeated on the way: {self._subject}, {number} came after {last}")
        self._senders[sender] = number, joiner, decompressor
        whole = joiner.add(message[_HEAD.size :])
        return None if whole is None else decompressor.unpack(whole)
