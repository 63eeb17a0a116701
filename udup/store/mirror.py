"""A key-value bucket's content, kept up to date by asking for nothing but what has changed since the last look.

A server with hundreds of jobs is asked for all of them several times a second; reading each key each time would keep
NATS and us busy with nothing. A bucket is a stream whose messages are its changes, numbered in order, so one question
tells whether there is anything new, and one more for each changed key brings it.
"""

from __future__ import annotations

from datetime import datetime

from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

#: The header by which a key's removal is told from a value.
_OPERATION = "KV-Operation"


class Mirror:
    """`values` by key, as of the last `refresh`. The bytes of a value that has not changed stay the same object."""

    def __init__(self, context: JetStreamContext, bucket: str) -> None:
        self._context = context
        self._stream = f"KV_{bucket}"
        self._prefix = f"$KV.{bucket}."
        self._made: datetime | None = None
        self.last = 0
        self.values: dict[str, bytes] = {}

    async def refresh(self) -> None:
        """NATS's errors are raised as they are; what was read until then is kept. `NotFoundError`: no such bucket.

        A key that is written again while the others are read moves behind them: it is read until there is nothing
        more, or a first look would miss it.
        """
        info = await self._context.stream_info(self._stream)
        if info.created != self._made or info.state.last_seq < self.last:
            self._made, self.last, self.values = info.created, 0, {}  # another bucket of that name
        if self.last == info.state.last_seq:
            return
        try:
            while True:
                await self._read_next()
        except NotFoundError:
            # The rest was overtaken by newer values, or purged.
            self.last = max(self.last, info.state.last_seq)

    async def _read_next(self) -> None:
        """Raise `NotFoundError` if there is nothing behind the last."""
        subject = f"{self._prefix}>"
        message = await self._context.get_msg(self._stream, seq=self.last + 1, next=True, subject=subject)
        assert message.subject is not None and message.seq is not None
        key = message.subject.removeprefix(self._prefix)
        if message.headers and _OPERATION in message.headers:
            self.values.pop(key, None)
        else:
            self.values[key] = message.data or b""
        self.last = message.seq
