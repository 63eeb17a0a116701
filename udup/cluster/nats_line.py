"""The cluster's part of NATS: beats on a plain subject, and the bucket `udup_owners` on JetStream.

Without consumers: a watch's consumer lives on one server, and when that dies the watch is silent for eight seconds. The
bucket republishes each change on a plain subject, and is asked once a second whether that was all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.js.api import DiscardPolicy, Header, RePublish, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from udup.base.errors import Side
from udup.cluster.beats import SUBJECT, Role
from udup.cluster.owners import BUCKET
from udup.cluster.ports import Change, LostRace, News, StoreAway
from udup.pipeline.transport.address import connect_options, shown
from udup.store.batch import REMOVED, BatchReader, NoBatches
from udup.store.mirror import Mirror

STREAM = f"KV_{BUCKET}"

#: Where the bucket's changes are republished.
REPUBLISHED = "udup.owners"

_PREFIX = f"$KV.{BUCKET}."

#: Another message came first; some versions of nats-server say it so, some so.
_WRONG_SEQUENCE = (10071, 10164)

#: Seconds between questions whether NATS is still there, and how many may be without an answer.
_PING_SECONDS, _PINGS = 2, 2

#: What is raised where NATS does not answer.
_LOST = (NatsError, OSError, TimeoutError, asyncio.TimeoutError)


class NatsLine:
    """One node's connection: both seams of `ports.py`. It is taken up again by itself, for ever."""

    def __init__(self, client: Client, timeout: float, role: Role) -> None:
        self._client, self._timeout, self._role = client, timeout, role
        self._context = client.jetstream(timeout=timeout)
        self._batches = BatchReader(client, STREAM, f"{_PREFIX}>", timeout)
        self._sending: set[asyncio.Future[None]] = set()

    @classmethod
    async def open(cls, url: str, name: str, role: Role = Role.MANAGER, timeout: float = 1.0) -> NatsLine:
        """Connect; `url` as in `address.py`. Raise `StoreAway` if NATS cannot be reached."""

        async def quiet(_error: Exception) -> None:
            """Each call tells its own errors."""

        server, options = connect_options(url)
        opening = nats.connect(
            server,
            name=name,
            connect_timeout=2,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.1,
            ping_interval=_PING_SECONDS,
            max_outstanding_pings=_PINGS,
            error_cb=quiet,
            **options,
        )
        try:
            client = await asyncio.wait_for(opening, 4 * timeout)
        except _LOST as error:
            raise _away(f"cannot connect to NATS at {shown(url)}", error) from error
        return cls(client, timeout, role)

    async def close(self) -> None:
        await self._client.close()

    async def listen(self, heard: Callable[[bytes], None], changed: Callable[[Change], None]) -> None:
        """Hand on all beats, and all changes of the bucket as they come."""

        async def on_beat(message: Msg) -> None:
            heard(message.data)

        async def on_change(message: Msg) -> None:
            seq = (message.headers or {}).get("Nats-Sequence", "")
            if seq.isdecimal():
                changed(Change(message.subject.removeprefix(f"{REPUBLISHED}."), message.data or None, int(seq)))

        await self._client.subscribe(f"{SUBJECT}.*", cb=on_beat)
        await self._client.subscribe(f"{REPUBLISHED}.>", cb=on_change)

    def mirror(self, bucket: str) -> Mirror:
        """Return a reader of another bucket over this connection."""
        batches = BatchReader(self._client, f"KV_{bucket}", f"$KV.{bucket}.>", self._timeout)
        return Mirror(self._context, bucket, batches, shared=True)

    # ---- Questions between nodes ----

    async def serve(self, subject: str, asked: Callable[[bytes, Callable[[bytes], None]], None]) -> None:
        """Hand on what is asked at a subject, each with how it is answered: at any time, on this loop."""

        async def on_ask(message: Msg) -> None:
            def answer(data: bytes) -> None:
                sending = asyncio.ensure_future(_unless_away(message.respond(data)))
                self._sending.add(sending)
                sending.add_done_callback(self._sending.discard)

            asked(message.data, answer)

        await self._client.subscribe(subject, cb=on_ask)

    async def ask(self, subject: str, data: bytes, seconds: float) -> bytes | None:
        """Return the answer, None if nobody is there to be asked; `StoreAway`: it may have been heard all the same."""
        if not self._client.is_connected:
            return None
        try:
            return bytes((await self._client.request(subject, data, timeout=seconds)).data)
        except NoRespondersError:
            return None
        except _LOST as error:
            raise _away("another node did not answer", error) from error

    # ---- Letters between nodes ----

    async def take_letters(self, subject: str, take: Callable[[bytes], None]) -> None:
        """Hand on what is sent to a subject."""

        async def on_letter(message: Msg) -> None:
            take(message.data)

        await self._client.subscribe(subject, cb=on_letter)

    async def post(self, subject: str, data: bytes) -> None:
        """Send a letter, if there is a connection: one that waits for it would tell of the past."""
        if not self._client.is_connected:
            raise StoreAway("there is no connection to NATS").of(Side.NATS)
        with _translated("a letter was not sent"):
            await self._client.publish(subject, data)

    # ---- Beats ----

    async def send(self, data: bytes) -> None:
        """Send a beat, if there is a connection: one that waits for it would tell of the past."""
        if not self._client.is_connected:
            raise StoreAway("there is no connection to NATS").of(Side.NATS)
        with _translated("a beat was not sent"):
            await self._client.publish(f"{SUBJECT}.{self._role}", data)

    # ---- The bucket ----

    async def make(self, replicas: int, first: int = 1) -> None:
        """Make the bucket unless it is there, its numbers beginning at `first`: behind those of all runs before."""
        config = StreamConfig(
            name=STREAM,
            subjects=[f"{_PREFIX}>"],
            max_msgs_per_subject=1,
            discard=DiscardPolicy.NEW,
            storage=StorageType.FILE,
            num_replicas=replicas,
            first_seq=first if first > 1 else None,
            allow_direct=True,
            allow_rollup_hdrs=True,
            deny_delete=True,
            republish=RePublish(src=f"{_PREFIX}>", dest=f"{REPUBLISHED}.>"),
        )
        with _translated("the bucket of owners was not made"):
            try:
                await self._context.stream_info(STREAM)
            except NotFoundError:
                await self._context.add_stream(config)

    async def write(self, key: str, data: bytes | None, last: int) -> int:
        return await self._publish(key, data, {Header.EXPECTED_LAST_SEQUENCE.value: str(last)})

    async def rewrite(self, key: str, data: bytes | None, revision: int) -> int:
        return await self._publish(key, data, {Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: str(revision)})

    async def _publish(self, key: str, data: bytes | None, headers: dict[str, str]) -> int:
        if not self._client.is_connected:
            raise StoreAway("there is no connection to NATS").of(Side.NATS)  # not put by, to be sent when nobody knows
        if data is None:
            headers[REMOVED] = "DEL"
        with _translated(f"{key} was not written"):
            done = await self._context.publish(f"{_PREFIX}{key}", data or b"", headers=headers, timeout=self._timeout)
            return int(done.seq)

    async def news(self, after: int, made: str) -> News:
        with _translated("the bucket of owners was not read"):
            info = await self._context.stream_info(STREAM)
            is_another = _made(info) != made
            if info.state.last_seq == after and not is_another:
                return News(made, after, ())
            found = await self._batches.read(1 if is_another else after + 1) if info.state.messages else []
        changes = tuple(Change(each.subject.removeprefix(_PREFIX), each.data or None, each.seq) for each in found)
        last = changes[-1].seq if changes else 0 if is_another else after
        # A replica that is behind told us less than there is: what it told is all up to there.
        return News(_made(info), info.state.last_seq if not info.state.messages else last, changes)

    async def newest(self, key: str) -> Change | None:
        with _translated(f"{key} was not read"):
            try:
                found = await self._context.get_last_msg(STREAM, f"{_PREFIX}{key}", direct=True)
            except NotFoundError:
                return None
        return Change(key, found.data or None, int(found.seq or 0))


def _made(info: Any) -> str:
    created: datetime | str = info.created
    return str(created)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Raise `LostRace` for a condition that was not met, `StoreAway` for what may be tried again."""
    try:
        yield
    except APIError as error:
        if error.err_code in _WRONG_SEQUENCE:
            raise LostRace from error
        raise _away(what, error) from error
    except (*_LOST, NoBatches) as error:
        raise _away(what, error) from error


async def _unless_away(sending: Awaitable[None]) -> None:
    """What cannot be sent now is not sent at all: whoever waits for it hears nothing."""
    with suppress(*_LOST):
        await sending


def _away(what: str, error: BaseException) -> StoreAway:
    reason = str(error) or type(error).__name__
    return StoreAway(f"{what}: {reason}; it is tried again").of(Side.NATS)
