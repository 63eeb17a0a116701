"""The job store: what jobs there are, in a key-value bucket of JetStream; and their progress, in one of memory.

A job's key is a digest of its ID, which may hold any character. The record holds its own indexes; they are counted by
the supervisor, the only writer, through the StoreKeeper, the store's *owner*. Passwords are sealed on their way in and
opened on their way out (`sealing.py`), so that NATS and its files hold none in clear. If NATS loses its store, the
owner writes everything that it knows into a new one and a mark last; who reads a store without that mark is told to
come again, and never that there are no jobs.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import nats
from nats.aio.client import Client
from nats.errors import MaxPayloadError
from nats.js.client import JetStreamContext

from udup.base import logs
from udup.base.errors import ConfigError, Refused, Transient
from udup.jobs import JobRecord, UnreadRecord
from udup.jobs.allocation import MAX_EVALUATIONS, Evaluation
from udup.jobs.numbers import last_index, position_of
from udup.jobs.signs import Notes
from udup.pipeline.transport.address import connect_options, shown
from udup.pipeline.transport.link import PING_SECONDS, PINGS, token_of
from udup.store.batch import BatchReader
from udup.store.buckets import LOST
from udup.store.contents import GONE, JOB_KEY, gone_of, index_of, record_of
from udup.store.mark import COMPLETE, Mark
from udup.store.mirror import Mirror
from udup.store.owned import OwnedBucket, Settled, WrittenByAnother
from udup.store.progress import PROGRESS_BUCKET, ProgressBucket
from udup.store.refusals import answering, changed, too_large
from udup.store.sealing import Keyring
from udup.store.snapshot import Snapshot, SnapshotDamaged, put_aside, read_snapshot, write_snapshot

JOBS_BUCKET = "udup_jobs"

#: Seconds for NATS to answer.
TIMEOUT = 4.0

#: Tries to add to what others have kept.
_TRIES = 3


#: Gives a record as it is stored at a position.
Placed = Callable[[JobRecord, int], JobRecord]


def _as_it_is(record: JobRecord, _position: int) -> JobRecord:
    return record


def key_of(job_id: str) -> str:
    return token_of(job_id)


class JobStore:
    """One process's access; reconnects by itself. Every call raises `Transient` if NATS does not answer."""

    def __init__(
        self,
        client: Client,
        context: JetStreamContext,
        keys: Keyring,
        owned: str | None,
        file: Path | None = None,
        *,
        shared: bool = False,
    ) -> None:
        """`owned`: under which name the owner writes, None for who only reads; `file` is its snapshot's.

        `shared`: several managers keep the store (`OwnedBucket`), or another node does.
        """
        self._client = client
        self._context = context
        self._keys = keys
        self._bucket = (
            None
            if owned is None
            else OwnedBucket(context, JOBS_BUCKET, lambda: self._new_mirror(JOBS_BUCKET), owned, shared=shared)
        )
        self._shared = shared
        self._file, self._filed = file, ("", 0)
        self._unfiled = False  # the file could not be written last time
        self._opened = False
        self._progress = ProgressBucket(client, context, lambda: self._mirror(PROGRESS_BUCKET), shared=shared)
        self._mirrors: dict[str, Mirror] = {}
        self._parsed: dict[str, tuple[bytes, JobRecord]] = {}

    @classmethod
    async def open(
        cls,
        url: str,
        name: str,
        keys: Keyring,
        *,
        owner: bool = False,
        writer: str = "",
        file: Path | None = None,
        shared: bool = False,
    ) -> JobStore:
        """Connect. `writer` is the owner's name in what it writes, and `file` where it keeps a snapshot of that."""

        async def quiet(_error: Exception) -> None:
            """Each call tells its own errors; a lost connection is taken up again."""

        server, options = connect_options(url)
        try:
            # Once connected it is reconnected for ever; the first connection must not be waited for so long.
            opening = nats.connect(
                server,
                name=name,
                connect_timeout=2,
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.2,
                ping_interval=PING_SECONDS,  # by default a half-open line is noticed after minutes
                max_outstanding_pings=PINGS,
                error_cb=quiet,
                **options,
            )
            client = await asyncio.wait_for(opening, TIMEOUT)
        except LOST as error:
            raise Transient(f"cannot connect to NATS at {shown(url)}: {error or type(error).__name__}") from error
        context = client.jetstream(timeout=TIMEOUT)
        return cls(client, context, keys, writer if owner else None, file, shared=shared)

    async def close(self) -> None:
        try:
            await asyncio.wait_for(self._client.close(), 2)
        except LOST:
            return  # it is gone either way

    # ---- The owner ----

    async def save(self, record: JobRecord, placed: Placed = _as_it_is) -> int:
        """Store a record, as `placed` gives it for the position of the write, which is returned.

        Raise `Refused` if NATS takes no message of its size, or if another writer has changed it.
        """
        data = b""

        def made(position: int) -> bytes:
            nonlocal data
            data = self._sealed(placed(record, position))
            if len(data) > self.max_bytes:
                raise too_large(record.id, len(data), self.max_bytes)
            return data

        try:
            with answering():
                return await self._owned.write(
                    key_of(record.id), made, lambda found, position: self._holds(found, placed(record, position))
                )
        except MaxPayloadError as error:  # another server of the cluster, which takes less
            raise too_large(record.id, len(data), self.max_bytes) from error
        except WrittenByAnother as error:
            raise changed(record.id, error) from error

    def _holds(self, data: bytes, record: JobRecord) -> bool:
        """Whether this is the record: sealed again it is made of other bytes."""
        try:
            return bool(self._keys.open(record.id, json.loads(data)) == json.loads(record.to_json()))
        except (ValueError, ConfigError):
            return False

    @property
    def _owned(self) -> OwnedBucket:
        assert self._bucket is not None, "only the owner writes"
        return self._bucket

    @property
    def max_bytes(self) -> int:
        """Return how many bytes NATS takes of one message."""
        return int(self._client.max_payload)

    async def save_progress(self, job_id: str, progress: dict[str, Any]) -> None:
        """Show it; without the single tables if those are more than a message holds."""
        await self._progress.save(key_of(job_id), job_id, progress)

    async def save_signs(self, node_id: str, notes: Notes) -> None:
        """Show which reports of a node's quiet jobs still hold."""
        await self._progress.save_signs(node_id, notes)

    @property
    def progress_begun(self) -> int:
        """Return how often there was nothing of it."""
        return self._progress.begun

    async def save_gone(self, evaluations: Sequence[Evaluation]) -> None:
        """Store what stays of deleted jobs, beside what others, or other versions, have kept there."""
        made = [each.model_dump(mode="json") for each in evaluations]
        ids = {each["id"] for each in made}
        known = self._owned.values.get(GONE, b"[]")
        with answering():
            for _ in range(_TRIES):
                others = [each for each in json.loads(known) if not (isinstance(each, dict) and each.get("id") in ids)]
                data = json.dumps([*others, *made][-MAX_EVALUATIONS:]).encode()
                try:
                    await self._owned.replace(GONE, data)
                    return
                except WrittenByAnother as error:
                    known = error.found.data or b"[]"
                    self._owned.revisions[GONE] = error.found.seq
        raise Transient("what stays of deleted jobs is changed by others all the time")

    async def remove(self, job_id: str) -> int:
        """Remove a job, and return the position of that; raise `Refused` if another writer has changed it."""
        key = job_id if job_id in self._parsed else key_of(job_id)  # of a damaged record nothing but its key is known
        with answering():
            try:
                position = await self._owned.remove(key)
            except WrittenByAnother as error:
                raise changed(job_id, error) from error
            await self._progress.remove(key)
        return position

    async def reread(self, job_id: str) -> tuple[JobRecord | None, int]:
        """Return a record as it is now, and its revision; the next write here replaces that and nothing newer.

        `ConfigError` if a key for its passwords is missing.
        """
        key = key_of(job_id)
        with answering():
            found = await self._owned.reread(key)
        revision = self._owned.revisions[key]
        if found is None:
            return None, revision
        self._parsed[key] = found.data, record_of(key, found.data, self._keys)
        return self._parsed[key][1], revision

    def expect(self, job_id: str, revision: int) -> None:
        """Have the next write of a job's record replace this revision, and nothing newer."""
        self._owned.expect(key_of(job_id), revision)

    def revision(self, job_id: str) -> int:
        """Return what the next write of a job's record replaces."""
        return self._owned.revisions.get(key_of(job_id), 0)

    async def overtaken(self, job_ids: Iterable[str]) -> list[str]:
        """Return those whose records another has written since they were read or written here, as was seen last."""
        mirror = self._mirror(JOBS_BUCKET)
        if not self._shared:
            with answering():
                await mirror.refresh()
            self._owned.learn(mirror)
        return [each for each in job_ids if await self._owned.overtaken(key_of(each), mirror)]

    async def restore(self) -> None:
        """Look whether the store is still there, and write it again if it was lost."""
        with answering():
            await self._owned.ensure()
            if self._shared:
                await self._mirror(JOBS_BUCKET).refresh()  # what other nodes have written

    async def show_progress_of_all(self) -> None:
        """Make the bucket into which other nodes write their progress, too, unless several managers see to that."""
        with answering():
            if not self._shared:
                await self._progress.make()

    # ---- Reading ----

    @property
    def confirmed(self) -> float | None:
        """Return when the jobs were read that were all there were, by `runtime.now`; None if they never were."""
        return self._mirror(JOBS_BUCKET).confirmed

    async def load(self) -> tuple[list[JobRecord], int]:
        """All jobs, and the highest index that was given to any. `ConfigError` if a key for their passwords is missing.

        A record that this version cannot read is an `UnreadRecord`, and its bytes stay as they are. The owner seals
        again what is not sealed with the present key.
        """
        mirror = await self._jobs() if self._bucket is None or self._opened else await self._open_owned(self._bucket)
        values = dict(mirror.values)
        if COMPLETE not in values:
            raise Transient("the job store is being written again; try again in a moment")
        stored = {key: data for key, data in values.items() if JOB_KEY.fullmatch(key)}
        self._parsed = {key: self._parse(key, data) for key, data in stored.items()}
        records, gone = [record for _, record in self._parsed.values()], gone_of(values)[0]
        if self._bucket is not None:
            for record, data in zip(records, stored.values(), strict=True):
                if not isinstance(record, UnreadRecord) and not self._keys.is_sealed_now(json.loads(data)):
                    with suppress(Refused):  # another has changed it meanwhile
                        await self.save(record)
            with answering():  # an earlier version counted otherwise
                await self._bucket.come_to(position_of(index_of(records, gone)))
            return records, last_index(self._bucket.position)
        return records, max(index_of(records, gone), last_index(Mark.of(values[COMPLETE]).base + mirror.last))

    async def _open_owned(self, bucket: OwnedBucket) -> Mirror:
        """Return the bucket as its owner finds it at first, or makes it by what the node's file has."""
        snapshot = self._last_snapshot()
        if snapshot is not None:
            bucket.remember(snapshot)
        mirror = await self._jobs()
        with answering():
            settled = await bucket.settle(mirror, snapshot)
            await mirror.refresh()
        if self._file is not None and snapshot is not None:
            if settled is Settled.ANOTHER:
                logs.logger("store").warning("job_store_is_another", kept=str(put_aside(self._file)))
            elif settled is Settled.BEHIND or bucket.written_again:
                logs.logger("store").warning("job_store_written_again", jobs=len(snapshot.values))
        self._opened = True
        return mirror

    def _last_snapshot(self) -> Snapshot | None:
        if self._file is None:
            return None
        try:
            return read_snapshot(self._file)
        except SnapshotDamaged as error:
            logs.logger("store").error("snapshot_not_read", error=str(error))
            return None

    def keep_snapshot(self) -> None:
        """Write what the store holds into the node's file, if that has changed. What cannot be written is logged."""
        if self._file is None:
            return
        now, written = self._owned.snapshot(), 0
        if self._shared:
            now, written = self._owned.beside(self._mirror(JOBS_BUCKET)), self._owned.position
        if (now.store, now.position + written) == self._filed:
            return
        try:
            write_snapshot(self._file, now)
        except OSError as error:
            if not self._unfiled:  # it is tried again at each look
                logs.logger("store").warning("snapshot_not_written", file=str(self._file), error=error.strerror)
            self._unfiled = True
            return
        if self._unfiled:
            logs.logger("store").info("snapshot_written_again", file=str(self._file))
        self._unfiled = False
        self._filed = now.store, now.position + written

    def _parse(self, key: str, data: bytes) -> tuple[bytes, JobRecord]:
        """The record with the bytes it was made from, so that it need not be made again from the same."""
        known = self._parsed.get(key)
        if known is not None and known[0] is data:
            return known
        return data, record_of(key, data, self._keys)

    async def gone(self) -> tuple[Evaluation, ...]:
        """What stays of deleted jobs."""
        mirror = await self._jobs()
        return gone_of(mirror.values)[0]

    def _sealed(self, record: JobRecord) -> bytes:
        sealed = self._keys.seal(record.id, json.loads(record.to_json()))
        return json.dumps(sealed, ensure_ascii=False, separators=(",", ":")).encode()  # no larger than it was measured

    async def progress(self) -> dict[str, dict[str, Any]]:
        """The latest progress by job ID; none before the first is written, or after NATS was started again."""
        return await self._progress.read()

    async def _jobs(self) -> Mirror:
        """The bucket of jobs as it is now; its owner makes it."""
        mirror = self._mirror(JOBS_BUCKET)
        with answering():
            if self._bucket is not None:
                await self._bucket.ensure()
            await mirror.refresh()
            if self._shared:
                await (mirror.catch_up() if self._bucket is not None else mirror.catch_up_if_led())
        return mirror

    def _mirror(self, name: str) -> Mirror:
        if name not in self._mirrors:
            self._mirrors[name] = self._new_mirror(name)
        return self._mirrors[name]

    def _new_mirror(self, name: str) -> Mirror:
        batches = BatchReader(self._client, f"KV_{name}", f"$KV.{name}.>", TIMEOUT)
        return Mirror(self._context, name, batches, shared=self._shared)
