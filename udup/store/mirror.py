"""A key-value bucket's content, kept up to date by asking for nothing but what has changed since the last look.

A server with hundreds of jobs is asked for all of them several times a second; reading each key each time would keep
NATS and us busy with nothing. A bucket is a stream whose messages are its changes, numbered in order, so one question
brings all that is new. It asks from the last message on that is known: if that comes back, the bucket is still the
same; if not, it was overwritten, or another bucket has its name, which a second question tells.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Protocol

from nats.errors import Error as NatsError
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from udup.base import runtime
from udup.store.batch import REMOVED, Message, NoBatches

#: Requests in a row that were not answered, after which no more is made: the account may lack the permission.
SILENCES = 3

#: Seconds for a stream's leader to answer who could do without, and until it is asked again if it did not.
LED_SECONDS, UNLED_SECONDS = 0.5, 2.0

#: Seconds until a replica that is behind is read again, and how often it is.
CATCH_UP_SECONDS, CATCH_UPS = 0.02, 100


class Batches(Protocol):
    """The messages of the bucket's stream, many at a time."""

    async def read(self, seq: int) -> list[Message]: ...


class Mirror:
    """`values` by key, as of the last `refresh`. The bytes of a value that has not changed stay the same object.

    `revisions` has the sequence number of each key's last message, also of keys that were removed.
    """

    def __init__(self, context: JetStreamContext, bucket: str, batches: Batches, *, shared: bool = False) -> None:
        """`shared`: several servers have the bucket, and any of them answers, also while it has no leader."""
        self._context = context
        self._shared, self._unled_until = shared, float("-inf")
        self._stream = f"KV_{bucket}"
        self._prefix = f"$KV.{bucket}."
        self._batches = batches
        self._silences = 0  # in a row, of a server that answers otherwise
        self._anchor: tuple[int, str] | None = None  # number and time of the last message
        self.confirmed: float | None = None  # when it was asked for the last time that proved nothing to be missing
        self.made: datetime | None = None
        self.last = 0
        self.values: dict[str, bytes] = {}
        self.revisions: dict[str, int] = {}

    async def refresh(self) -> None:
        """NATS's errors are raised as they are; what was read until then is kept. `NotFoundError`: no such bucket."""
        asked = runtime.now()
        await self._read()
        if not self._shared:  # by the only server that has it
            self.confirmed = asked

    async def _read(self) -> None:
        if self.made is None:
            self._begin_again(await self._info())
        if self._silences >= SILENCES:
            await self._refresh_singly()
            return
        try:
            messages = await self._batches.read(max(self.last, 1))
            self._silences = 0
        except NoBatches as error:
            await self._refresh_singly()
            self._silences += error.silent
            return
        if self._anchor is not None and (not messages or (messages[0].seq, messages[0].time) != self._anchor):
            info = await (self._info_if_led() if self._shared else self._info())
            if info is not None and self._is_another(info, messages):
                self._begin_again(info)
                messages = await self._batches.read(1)
        for message in messages:
            self._take(message)

    async def catch_up(self) -> None:
        """Refresh until nothing is missing that the stream's leader has: another replica may be behind it."""
        asked = runtime.now()
        await self._come_to((await self._info()).state.last_seq)
        self.confirmed = asked

    async def catch_up_if_led(self) -> None:
        """Do so if there is a leader; without one nothing new is stored."""
        asked = runtime.now()
        if (info := await self._info_if_led()) is not None:
            await self._come_to(info.state.last_seq)
            self.confirmed = asked

    async def _come_to(self, wanted: int) -> None:
        for _ in range(CATCH_UPS):
            if self.last >= wanted:
                return
            await asyncio.sleep(CATCH_UP_SECONDS)
            await self.refresh()
        raise TimeoutError(f"a replica of {self._stream} stays behind")

    async def _info_if_led(self) -> Any:
        """Return what the stream's leader says of it, None if it has none; who is not there is not asked each time."""
        if runtime.now() < self._unled_until:
            return None
        try:
            return await asyncio.wait_for(self._info(), LED_SECONDS)
        except NotFoundError:
            raise
        except (NatsError, OSError, TimeoutError):
            self._unled_until = runtime.now() + UNLED_SECONDS
            return None

    async def _info(self) -> Any:
        return await self._context.stream_info(self._stream)

    def _is_another(self, info: Any, messages: list[Message]) -> bool:
        """Whether this is not the bucket that was read, or messages of it were removed without a word."""
        keys = self.revisions.keys() | {self._key(message) for message in messages}
        return bool(info.created != self.made or info.state.last_seq < self.last or info.state.messages < len(keys))

    def _begin_again(self, info: Any) -> None:
        self.made, self.last, self._anchor = info.created, 0, None
        self.values, self.revisions = {}, {}

    def _key(self, message: Message) -> str:
        return message.subject.removeprefix(self._prefix)

    def _take(self, message: Message) -> None:
        key = self._key(message)
        if message.seq >= self.last:
            self._anchor = message.seq, message.time
        if message.seq <= self.last:
            return  # the one from which on was asked
        if message.removed:
            self.values.pop(key, None)
        else:
            self.values[key] = message.data
        self.revisions[key] = self.last = message.seq

    # ---- Without batches ----

    async def _refresh_singly(self) -> None:
        """Read message by message, from a server that is too old for batches.

        A key that is written again while the others are read moves behind them: it is read until there is nothing
        more, or a first look would miss it.
        """
        info = await self._info()
        if info.created != self.made or info.state.last_seq < self.last:
            self._begin_again(info)
        if self.last == info.state.last_seq:
            return
        try:
            while True:
                self._take(await self._next())
        except NotFoundError:
            # The rest was overtaken by newer values, or purged.
            self.last = max(self.last, info.state.last_seq)

    async def _next(self) -> Message:
        """Raise `NotFoundError` if there is nothing behind the last."""
        found = await self._context.get_msg(self._stream, seq=self.last + 1, next=True, subject=f"{self._prefix}>")
        assert found.subject is not None and found.seq is not None
        removed = REMOVED in (found.headers or {})
        return Message(found.seq, found.subject, found.data or b"", removed)
