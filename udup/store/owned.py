"""The bucket of jobs, as its one writer has it: every write says which revision of the key it replaces.

Whoever else writes there is noticed, and not overwritten: another server on the same NATS, or a StoreKeeper whose last
write was under way when it was replaced. Each message names the server that wrote it, so the latter is told apart.

What was written is remembered: a bucket that is lost is made again with all of it, and a mark last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js.api import Header, KeyValueConfig, StorageType
from nats.js.client import JetStreamContext
from nats.js.errors import APIError, NotFoundError

from udup.base.errors import Transient
from udup.store.batch import REMOVED, Message
from udup.store.mirror import Mirror

#: The key written last into a new store: everything is there.
COMPLETE = "complete"

#: The header that says which server has written a value, by a name that it has for as long as it runs.
WRITER = "Udup-Writer"

#: Another revision is there than was expected; some versions of nats-server say it so, some so.
_WRONG_REVISION = (10071, 10164)

#: Tries of one write, each by what the one before has found.
_TRIES = 3

_REMOVAL = {REMOVED: "PURGE", "Nats-Rollup": "sub"}

#: What is raised where NATS does not answer.
LOST = (NatsError, OSError, TimeoutError, asyncio.TimeoutError)


class WrittenByAnother(Exception):
    """The key has a value that somebody else wrote, or was removed by somebody else."""

    def __init__(self, found: Message) -> None:
        super().__init__(f"revision {found.seq} of {found.subject} was written by another")
        self.found = found


class OwnedBucket:
    """`mirror` makes a reader of the bucket; `writer` is this server's name in messages, "" for none."""

    def __init__(self, context: JetStreamContext, name: str, mirror: Callable[[], Mirror], writer: str = "") -> None:
        self._context = context
        self._name, self._stream = name, f"KV_{name}"
        self._new_mirror = mirror
        self._writer = writer
        self._made: datetime | None = None
        self._lock = asyncio.Lock()
        self.values: dict[str, bytes] = {}
        self.revisions: dict[str, int] = {}

    def know(self, mirror: Mirror) -> None:
        """Take what was read for what there is."""
        self.values = {key: data for key, data in mirror.values.items() if key != COMPLETE}
        self.revisions = dict(mirror.revisions)

    async def ensure(self) -> None:
        """Look whether the bucket is there; make it, and write what is known, if it is not."""
        async with self._lock:
            await self._ensure()

    async def write(self, key: str, data: bytes, is_own: Callable[[bytes], bool]) -> int:
        """Replace the value that is known and return the new revision; raise `WrittenByAnother` if it is another one.

        `is_own` says whether a value is the one to be written: a write whose answer was lost is not done twice.
        """
        async with self._lock:
            number = await self._write(key, data, {}, lambda found: not found.removed and is_own(found.data))
            self.values[key], self.revisions[key] = data, number
            return number

    async def remove(self, key: str) -> None:
        """Remove a key, like `write`."""
        async with self._lock:
            self.values.pop(key, None)
            self.revisions[key] = await self._write(key, b"", _REMOVAL, lambda found: found.removed)

    # ---- One at a time ----

    async def _write(
        self, key: str, data: bytes, headers: Mapping[str, str], is_done: Callable[[Message], bool]
    ) -> int:
        if self._made is None:
            await self._ensure()
        looked = False
        for _ in range(_TRIES):
            try:
                return await self._publish(key, data, headers)
            except MaxPayloadError:
                raise  # no try takes it
            except LOST as error:
                if not isinstance(error, APIError) or error.err_code not in _WRONG_REVISION:
                    if looked:
                        raise
                    looked = True
                    await self._ensure()  # the bucket may have been lost with NATS's own store
                    continue
            found = await self._last(key)
            if found is None:
                self.revisions[key] = 0
                await self._ensure()
            elif is_done(found):
                return found.seq
            elif self._writer and found.writer == self._writer:
                self.revisions[key] = found.seq  # of a StoreKeeper before this one; nobody was told of it
            else:
                raise WrittenByAnother(found)
        raise Transient("the job store in NATS changes while it is written")

    async def _publish(self, key: str, data: bytes, headers: Mapping[str, str] | None = None) -> int:
        named = {WRITER: self._writer} if self._writer else {}
        expected = {Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: str(self.revisions.get(key, 0))}
        told = {**(headers or {}), **named, **expected}
        return int((await self._context.publish(self._subject(key), data, headers=told)).seq)

    async def _last(self, key: str) -> Message | None:
        """Return what is there now, as the stream's leader has it."""
        try:
            found = await self._context.get_last_msg(self._stream, self._subject(key))
        except NotFoundError:
            return None
        headers = found.headers or {}
        assert found.seq is not None
        return Message(
            found.seq, self._subject(key), found.data or b"", REMOVED in headers, writer=headers.get(WRITER, "")
        )

    def _subject(self, key: str) -> str:
        return f"$KV.{self._name}.{key}"

    async def _ensure(self) -> None:
        try:
            info = await self._context.stream_info(self._stream)
        except NotFoundError:
            await make_bucket(self._context, self._name, StorageType.FILE)
            info = await self._context.stream_info(self._stream)
        if info.created != self._made:
            await allow_direct(self._context, info)
            await self._fill()
            self._made = info.created

    async def _fill(self) -> None:
        """Write what is known into a bucket that is new, or that somebody began to write; then the mark."""
        mirror = self._new_mirror()
        await mirror.refresh()
        complete = COMPLETE in mirror.values
        for key, data in self.values.items():
            there = mirror.values.get(key)
            if there == data:
                self.revisions[key] = mirror.revisions[key]
            elif there is None and not complete:
                self.revisions[key] = mirror.revisions.get(key, 0)
                self.revisions[key] = await self._publish(key, data)
        if not complete:
            self.revisions[COMPLETE] = mirror.revisions.get(COMPLETE, 0)
            await self._publish(COMPLETE, b"")


async def make_bucket(context: JetStreamContext, name: str, storage: StorageType) -> Any:
    """Make a bucket that keeps one value of each key, and may be read in batches."""
    return await context.create_key_value(KeyValueConfig(bucket=name, history=1, storage=storage, direct=True))


async def allow_direct(context: JetStreamContext, info: Any) -> None:
    """Let a bucket be read in batches that an earlier version made; where that is refused it is read singly."""
    if info.config.allow_direct:
        return
    info.config.allow_direct = True
    try:
        await context.update_stream(info.config)
    except APIError:
        return
