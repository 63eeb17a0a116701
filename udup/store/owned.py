"""The bucket of jobs, as its one writer has it: every write says which revision of the key it replaces.

Whoever else writes there is noticed, and not overwritten: another server on the same NATS, or a StoreKeeper whose last
write was under way when it was replaced. Each message names the server that wrote it, so the latter is told apart.

What was written is remembered: a bucket that is lost is made again with all of it, and a mark last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from nats.errors import MaxPayloadError
from nats.js.api import Header, StorageType
from nats.js.client import JetStreamContext
from nats.js.errors import APIError, NotFoundError

from udup.base import runtime
from udup.base.errors import Transient
from udup.store.batch import REMOVED, Message
from udup.store.buckets import LOST, allow_direct, make_bucket
from udup.store.mark import COMPLETE, Mark
from udup.store.mirror import Mirror
from udup.store.snapshot import Snapshot

#: The header that says which server has written a value, by a name that it has for as long as it runs.
WRITER = "Udup-Writer"

#: Another revision is there than was expected; some versions of nats-server say it so, some so.
WRONG_REVISION = (10071, 10164)

#: A message is not found, in a stream that is.
NO_MESSAGE = 10037

#: Tries of one write, each by what the one before has found.
_TRIES = 10

#: Of a shared bucket: seconds for the answer to a write, tries of one that is not answered, and seconds in between.
#: What was written all the same is found by the next try. A store that is handed on has a leader again by then.
_SHARED_SECONDS, _SHARED_TRIES, _SHARED_PAUSE = 1.0, 5, 0.1

_REMOVAL = {REMOVED: "PURGE", "Nats-Rollup": "sub"}


class Settled(Enum):
    """Who was right at the start: the store; or the file, since the store is behind; or another store."""

    STORE = "store"
    BEHIND = "behind"
    ANOTHER = "another"


class WrittenByAnother(Exception):
    """The key has a value that somebody else wrote, or was removed by somebody else."""

    def __init__(self, found: Message) -> None:
        super().__init__(f"revision {found.seq} of {found.subject} was written by another")
        self.found = found


class OwnedBucket:
    """`mirror` makes a reader of the bucket; `writer` is this server's name in messages, "" for none.

    A bucket that is `shared` is kept by several managers: it is made and begun elsewhere, and never written again by
    what one node remembers. Where it is not found, or seems to have lost something, its managers are not there yet.
    """

    def __init__(
        self,
        context: JetStreamContext,
        name: str,
        mirror: Callable[[], Mirror],
        writer: str = "",
        *,
        shared: bool = False,
    ) -> None:
        self._context = context
        self._shared = shared
        self._name, self._stream = name, f"KV_{name}"
        self._new_mirror = mirror
        self._writer = writer
        self._made: datetime | None = None
        self._lock = asyncio.Lock()
        self._mark = Mark()
        self._settled = False  # what is known here is what there is
        self._went_back = False  # the bucket has lost its end, or was emptied, and is written again
        self.written_again = False  # a bucket was found lost
        self._last = 0
        self.values: dict[str, bytes] = {}
        self.revisions: dict[str, int] = {}

    @property
    def position(self) -> int:
        """Return how far the history of this store has come; it never goes back."""
        return self._mark.base + self._last

    def snapshot(self) -> Snapshot:
        """Return what there is."""
        return Snapshot(self._mark.store, str(self._made), self._mark.base, self._last, dict(self.values))

    def beside(self, mirror: Mirror) -> Snapshot:
        """Return what a shared bucket holds as it was read last, and what was written here since."""
        values = {key: data for key, data in mirror.values.items() if key != COMPLETE}
        for key, number in self.revisions.items():
            if number > mirror.revisions.get(key, 0) and key != COMPLETE:
                values.pop(key, None)
                if key in self.values:
                    values[key] = self.values[key]
        return Snapshot(self._mark.store, str(mirror.made), self._mark.base, mirror.last, values)

    def remember(self, snapshot: Snapshot) -> None:
        """Take what is in the file for what there was: a bucket that is lost is made again with it."""
        self.values, self._last = dict(snapshot.values), snapshot.last
        self._mark = Mark(snapshot.store, snapshot.base)

    async def settle(self, mirror: Mirror, snapshot: Snapshot | None) -> Settled:
        """Take what was read for what there is, or what the file has where that is right (`snapshot.py`)."""
        async with self._lock:
            mark = Mark.of(mirror.values.get(COMPLETE, b""))
            settled = Settled.STORE
            if snapshot is not None:
                if not (mark.store == snapshot.store if mark.store else str(mirror.made) == snapshot.made):
                    settled = Settled.ANOTHER
                elif self._shared:
                    settled = Settled.STORE  # what it lacks, a replica of it has not heard of yet
                elif (mark.base if mark.store else snapshot.base) + mirror.last < snapshot.position:
                    settled = Settled.BEHIND
                elif not mark.store:
                    mark = Mark(snapshot.store, snapshot.base)
            if settled is Settled.BEHIND:
                assert snapshot is not None
                self.remember(snapshot)
                await self._write_all(mirror, overwrite=True)
            else:
                self._know(mirror, mark)
                await self._keep_mark()
            self._settled = True
            return settled

    def _know(self, mirror: Mirror, mark: Mark) -> None:
        self.values = {key: data for key, data in mirror.values.items() if key != COMPLETE}
        self.revisions = dict(mirror.revisions)
        self._mark, self._last = mark, mirror.last

    async def _keep_mark(self) -> None:
        """Give the store of an earlier version its ID; it has lost one if that version has had it since."""
        if not self._mark.store:
            self._mark = Mark(runtime.new_id(), self._mark.base)
        found = await self._last_of(COMPLETE)
        if found is None or found.data != self._mark.data:
            await self._publish(COMPLETE, self._mark.data)

    async def ensure(self) -> None:
        """Look whether the bucket is there; make it, and write what is known, if it is not."""
        async with self._lock:
            await self._ensure()

    async def write(self, key: str, make: Callable[[int], bytes], is_own: Callable[[bytes, int], bool]) -> int:
        """Replace the value that is known, and return the position of the write.

        Raise `WrittenByAnother` if it is another one. `make` gives the value for the position that it will have;
        `is_own` says whether one at a position is the one to be written: a write whose answer was lost is done once.
        """
        async with self._lock:
            found = b""

            def is_done(message: Message) -> bool:
                nonlocal found
                found = message.data
                return not message.removed and is_own(message.data, self._mark.base + message.seq)

            def made(number: int) -> bytes:
                nonlocal found
                found = make(self._mark.base + number)
                return found

            number = await self._write(key, made, {}, is_done)
            self.values[key], self.revisions[key] = found, number
            return self._mark.base + number

    async def replace(self, key: str, data: bytes) -> int:
        """Write a value that is the same at any position."""
        return await self.write(key, lambda _: data, lambda found, _: found == data)

    async def remove(self, key: str) -> int:
        """Remove a key, like `write`."""
        async with self._lock:
            self.values.pop(key, None)
            number = await self._write(key, None, _REMOVAL, lambda found: found.removed)
            self.revisions[key] = number
            return self._mark.base + number

    async def come_to(self, position: int) -> None:
        """Have what is written from now on come behind this position."""
        async with self._lock:
            while position > self.position:
                mark = Mark(self._mark.store, position - self._last)
                try:
                    await self._publish(COMPLETE, mark.data)
                    self._mark = mark
                except APIError as error:
                    if error.err_code not in WRONG_REVISION:
                        raise
                    await self._see_last()

    # ---- Where several nodes write, each what it owns ----

    async def reread(self, key: str) -> Message | None:
        """Return what is there now by the stream's leader; the next write replaces that, and nothing newer."""
        async with self._lock:
            found = await self._last_of(key)
            self.expect(key, 0 if found is None else found.seq)
            if found is None or found.removed:
                self.values.pop(key, None)
                return None
            self.values[key] = found.data
            return found

    def expect(self, key: str, revision: int) -> None:
        """Have the next write replace this revision."""
        self.revisions[key] = revision

    async def overtaken(self, key: str, mirror: Mirror) -> bool:
        """Whether another has written a key since it was written or read here."""
        async with self._lock:  # no write is under way
            return mirror.revisions.get(key, 0) > self.revisions.get(key, 0)

    def learn(self, mirror: Mirror) -> None:
        """Know what others have written, for a bucket that is lost; what the next write replaces stays the same."""
        for key, number in mirror.revisions.items():
            if number > self.revisions.get(key, 0) and key != COMPLETE:
                self.values.pop(key, None)
                if key in mirror.values:
                    self.values[key] = mirror.values[key]
        self._last = max(self._last, mirror.last)

    # ---- One at a time ----

    async def _write(
        self,
        key: str,
        make: Callable[[int], bytes] | None,
        headers: Mapping[str, str],
        is_done: Callable[[Message], bool],
    ) -> int:
        """`make` is told the number that the message gets, on the condition of which it is written."""
        if self._made is None:
            await self._ensure()
        looked, unanswered = False, 0
        for _ in range(_TRIES):
            try:
                if make is None:
                    return await self._publish(key, b"", headers)
                behind = {Header.EXPECTED_LAST_SEQUENCE.value: str(self._last)}
                return await self._publish(key, make(self._last + 1), behind)
            except MaxPayloadError:
                raise  # no try takes it
            except LOST as error:
                if not isinstance(error, APIError) or error.err_code not in WRONG_REVISION:
                    if self._shared and unanswered < _SHARED_TRIES:
                        unanswered += 1
                        await asyncio.sleep(_SHARED_PAUSE)
                        continue
                    if looked:
                        raise
                    looked = True
                    await self._ensure()  # the bucket may have been lost with NATS's own store
                    continue
            found = await self._last_of(key)
            if (0 if found is None else found.seq) == self.revisions.get(key, 0):
                await self._see_last()  # another key was written meanwhile
            elif found is None:
                self.revisions[key] = 0
                await self._ensure()
            elif is_done(found):
                self._last = max(self._last, found.seq)
                return found.seq
            elif self._writer and found.writer == self._writer and not (self._shared and found.removed):
                self.revisions[key] = found.seq  # of a StoreKeeper before this one; nobody was told of it
            else:
                raise WrittenByAnother(found)
        raise Transient("the job store in NATS changes while it is written")

    async def _publish(self, key: str, data: bytes, headers: Mapping[str, str] | None = None) -> int:
        named = {WRITER: self._writer} if self._writer else {}
        expected = {Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: str(self.revisions.get(key, 0))}
        told = {**(headers or {}), **named, **expected}
        within: dict[str, Any] = {"timeout": _SHARED_SECONDS} if self._shared else {}
        number = int((await self._context.publish(self._subject(key), data, headers=told, **within)).seq)
        self.revisions[key] = number
        self._last = max(self._last, number)
        return number

    async def _last_of(self, key: str) -> Message | None:
        """Return what is there now, as the stream's leader has it."""
        try:
            found = await self._context.get_last_msg(self._stream, self._subject(key))
        except NotFoundError as error:
            if self._shared and error.err_code != NO_MESSAGE:
                raise  # a server that has just been started may not know the bucket yet: that says nothing of the key
            return None
        headers = found.headers or {}
        assert found.seq is not None
        return Message(
            found.seq, self._subject(key), found.data or b"", REMOVED in headers, writer=headers.get(WRITER, "")
        )

    def _subject(self, key: str) -> str:
        return f"$KV.{self._name}.{key}"

    async def _see_last(self) -> None:
        """Take what others have written since: their last number, and the mark, if they have changed it."""
        await self._ensure()
        self._last = max(self._last, (await self._context.stream_info(self._stream)).state.last_seq)
        if (found := await self._last_of(COMPLETE)) is not None and not found.removed:
            self._mark, self.revisions[COMPLETE] = Mark.of(found.data), found.seq

    async def _ensure(self) -> None:
        try:
            info = await self._context.stream_info(self._stream)
        except NotFoundError:
            if self._shared:
                raise
            await make_bucket(self._context, self._name, StorageType.FILE)
            info = await self._context.stream_info(self._stream)
        another = info.created != self._made
        lacks = info.state.last_seq < self._last or info.state.messages <= len(self.values)  # and the mark
        if self._settled and not another and lacks and not self._shared:
            self._went_back = True
        if another or self._went_back:
            await allow_direct(self._context, info)
            await self._fill()
            self._made, self._went_back = info.created, False

    async def _fill(self) -> None:
        """Write what is known into a bucket that is new, or that somebody began to write, or that has lost its end."""
        mirror = self._new_mirror()
        await mirror.refresh()
        if self._shared and COMPLETE not in mirror.values:
            raise NotFoundError  # a manager is about to fill it
        if self._went_back or COMPLETE not in mirror.values:
            self.written_again = bool(self.values)
            by_the_file = not self._settled and bool(self._mark.store)
            await self._write_all(mirror, overwrite=self._went_back or by_the_file)
            return
        if self._shared:
            self._follow(mirror)
            return
        for key, data in self.values.items():
            if mirror.values.get(key) == data:
                self.revisions[key] = mirror.revisions[key]

    def _follow(self, mirror: Mirror) -> None:
        """Go on in the bucket that the managers have begun in place of the one that was known, with its numbers.

        What differs there is replaced by nothing that is known here: it has to be read before.
        """
        same = {key for key, data in self.values.items() if mirror.values.get(key) == data}
        self._know(mirror, Mark.of(mirror.values[COMPLETE]))
        self.revisions = {key: number for key, number in self.revisions.items() if key in same or key == COMPLETE}

    async def _write_all(self, mirror: Mirror, *, overwrite: bool) -> None:
        """Write what is known and is not there, then the mark; `overwrite` what is there as well.

        Until then there is no mark, so that nobody takes half of it for the whole, whatever dies.
        """
        base = max(self._mark.base, self.position - mirror.last)
        self._mark = Mark(self._mark.store or runtime.new_id(), base)
        self.revisions, self._last = dict(mirror.revisions), mirror.last
        if COMPLETE in mirror.values:
            await self._publish(COMPLETE, b"", _REMOVAL)
        for key in mirror.values.keys() - self.values.keys() - {COMPLETE} if overwrite else ():
            await self._publish(key, b"", _REMOVAL)
        for key, data in self.values.items():
            there = mirror.values.get(key)
            if there is None or (overwrite and there != data):
                await self._publish(key, data)
            elif there != data:
                del self.revisions[key]  # whose it is, the next write of it finds out
        await self._publish(COMPLETE, self._mark.data)
