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
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js.api import KeyValueConfig, StorageType
from nats.js.client import JetStreamContext
from nats.js.errors import APIError, NotFoundError
from nats.js.kv import KeyValue
from pydantic import ValidationError

from udup.base.errors import Fault, Refused, Transient
from udup.jobs import JobRecord, UnreadRecord
from udup.jobs.allocation import MAX_EVALUATIONS, Evaluation
from udup.jobs.unread import read_record
from udup.pipeline.transport.address import connect_options, shown
from udup.pipeline.transport.link import PING_SECONDS, PINGS, Subjects
from udup.store.batch import BatchReader
from udup.store.mirror import Mirror
from udup.store.sealing import Keyring

JOBS_BUCKET = "udup_jobs"
PROGRESS_BUCKET = "udup_progress"

#: The key written last into a new store: everything is there.
_COMPLETE = "complete"

#: The key of what stays of deleted jobs: their last evaluations.
_GONE = "gone"

#: Seconds for NATS to answer.
TIMEOUT = 4.0

#: How the key of a job looks; a newer version may keep other things beside them, which are left alone.
_JOB_KEY = re.compile("[0-9a-f]{16}")

_LOST = (NatsError, OSError, TimeoutError, asyncio.TimeoutError)


def key_of(job_id: str) -> str:
    return Subjects(job_id, 0).token


class JobStore:
    """One process's access; reconnects by itself. Every call raises `Transient` if NATS does not answer."""

    def __init__(self, client: Client, context: JetStreamContext, keys: Keyring, *, owner: bool) -> None:
        self._client = client
        self._context = context
        self._keys = keys
        self._owner = owner
        self._buckets: dict[str, KeyValue] = {}
        self._written: dict[str, bytes] = {}
        self._mirrors: dict[str, Mirror] = {}
        self._parsed: dict[str, tuple[bytes, JobRecord]] = {}

    @classmethod
    async def open(cls, url: str, name: str, keys: Keyring, *, owner: bool = False) -> JobStore:
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
        except _LOST as error:
            raise Transient(f"cannot connect to NATS at {shown(url)}: {error or type(error).__name__}") from error
        return cls(client, client.jetstream(timeout=TIMEOUT), keys, owner=owner)

    async def close(self) -> None:
        try:
            await asyncio.wait_for(self._client.close(), 2)
        except _LOST:
            return  # it is gone either way

    # ---- The owner ----

    async def save(self, record: JobRecord) -> None:
        """Store a record; raise `Refused` if NATS takes no message of its size, whatever is tried."""
        key, data = key_of(record.id), self._sealed(record)
        if len(data) > self.max_bytes:
            raise _too_large(record.id, len(data), self.max_bytes)
        try:
            await self._put(JOBS_BUCKET, key, data)
        except MaxPayloadError as error:  # another server of the cluster, which takes less
            raise _too_large(record.id, len(data), self.max_bytes) from error
        self._written[key] = data

    @property
    def max_bytes(self) -> int:
        """Return how many bytes NATS takes of one message."""
        return int(self._client.max_payload)

    async def save_progress(self, job_id: str, progress: dict[str, Any]) -> None:
        """Show it; without the single tables if those are more than a message holds."""
        shown = {"id": job_id, **progress}
        data = json.dumps(shown).encode()
        if len(data) > self.max_bytes:
            data = json.dumps({**shown, "tables": None}).encode()
        await self._put(PROGRESS_BUCKET, key_of(job_id), data)

    async def save_gone(self, evaluations: Sequence[Evaluation]) -> None:
        """What stays of deleted jobs, in place of what was kept before."""
        others = _gone_of(self._written)[1]
        data = json.dumps(
            [*others, *(each.model_dump(mode="json") for each in evaluations)][-MAX_EVALUATIONS:]
        ).encode()
        self._written[_GONE] = data
        await self._put(JOBS_BUCKET, _GONE, data)

    async def remove(self, job_id: str) -> None:
        key = job_id if job_id in self._parsed else key_of(job_id)  # of a damaged record nothing but its key is known
        self._written.pop(key, None)
        for name in (JOBS_BUCKET, PROGRESS_BUCKET):
            with self._answering(name):
                await (await self._bucket(name)).purge(key)

    async def restore(self) -> None:
        """Look whether the store is still there, and write it again if it was lost."""
        with self._answering(JOBS_BUCKET):
            try:
                await self._context.key_value(JOBS_BUCKET)
            except NotFoundError:
                self._buckets.pop(JOBS_BUCKET, None)
                await self._bucket(JOBS_BUCKET)

    async def _put(self, name: str, key: str, data: bytes) -> None:
        try:
            await (await self._bucket(name)).put(key, data)
        except MaxPayloadError:
            raise  # no try takes it
        except _LOST:
            # The bucket may have been lost with NATS's own store; it is looked for again, and made.
            self._buckets.pop(name, None)
            with self._answering(name):
                await (await self._bucket(name)).put(key, data)

    # ---- Reading ----

    async def load(self) -> tuple[list[JobRecord], int]:
        """All jobs, and the highest index that was given to any. `ConfigError` if a key for their passwords is missing.

        A record that this version cannot read is an `UnreadRecord`, and its bytes stay as they are. The owner seals
        again what is not sealed with the present key.
        """
        mirror = await self._jobs()
        values, last = dict(mirror.values), mirror.last
        if _COMPLETE not in values:
            raise Transient("the job store is being written again; try again in a moment")
        stored = {key: data for key, data in values.items() if _JOB_KEY.fullmatch(key)}
        self._parsed = {key: self._parse(key, data) for key, data in stored.items()}
        records = [record for _, record in self._parsed.values()]
        if self._owner:
            self._written = {key: data for key, data in values.items() if key != _COMPLETE}
            for record, data in zip(records, stored.values(), strict=True):
                if not isinstance(record, UnreadRecord) and not self._keys.is_sealed_now(json.loads(data)):
                    await self.save(record)
        gone = _gone_of(values)[0]
        indexes = [*(record.modify_index for record in records), *(evaluation.modify_index for evaluation in gone)]
        return records, max([last, *indexes])

    def _parse(self, key: str, data: bytes) -> tuple[bytes, JobRecord]:
        """The record with the bytes it was made from, so that it need not be made again from the same."""
        known = self._parsed.get(key)
        if known is not None and known[0] is data:
            return known
        try:
            job = json.loads(data)
        except ValueError:
            job = None
        job_id = job.get("id") if isinstance(job, dict) else None
        return data, read_record(self._keys.open(job_id, job) if isinstance(job_id, str) else job, key)

    async def gone(self) -> tuple[Evaluation, ...]:
        """What stays of deleted jobs."""
        mirror = await self._jobs()
        return _gone_of(mirror.values)[0]

    def _sealed(self, record: JobRecord) -> bytes:
        sealed = self._keys.seal(record.id, json.loads(record.to_json()))
        return json.dumps(sealed, ensure_ascii=False, separators=(",", ":")).encode()  # no larger than it was measured

    async def progress(self) -> dict[str, dict[str, Any]]:
        """The latest progress by job ID; none before the first is written, or after NATS was started again."""
        mirror = self._mirror(PROGRESS_BUCKET)
        with self._answering(PROGRESS_BUCKET):
            try:
                await mirror.refresh()
            except NotFoundError:
                return {}
        found = {}
        for data in mirror.values.values():
            values = json.loads(data)
            found[str(values.pop("id"))] = values
        return found

    async def _jobs(self) -> Mirror:
        """The bucket of jobs as it is now."""
        with self._answering(JOBS_BUCKET):
            await self._bucket(JOBS_BUCKET)  # made by its owner, looked for again after a loss
            mirror = self._mirror(JOBS_BUCKET)
            await mirror.refresh()
            return mirror

    def _mirror(self, name: str) -> Mirror:
        if name not in self._mirrors:
            batches = BatchReader(self._client, f"KV_{name}", f"$KV.{name}.>", TIMEOUT)
            self._mirrors[name] = Mirror(self._context, name, batches)
        return self._mirrors[name]

    # ---- Both ----

    async def _bucket(self, name: str) -> KeyValue:
        """The bucket; its owner makes it if it is not there, with everything written before."""
        if name in self._buckets:
            return self._buckets[name]
        try:
            bucket = await self._context.key_value(name)
            if self._owner:
                await self._allow_direct(name)
        except NotFoundError:
            if not self._owner:
                raise
            bucket = await self._made(name)
        if self._owner and name == JOBS_BUCKET:
            for key, data in self._written.items():
                await bucket.put(key, data)
            await bucket.put(_COMPLETE, b"")
        self._buckets[name] = bucket
        return bucket

    async def _made(self, name: str) -> KeyValue:
        storage = StorageType.FILE if name == JOBS_BUCKET else StorageType.MEMORY
        config = KeyValueConfig(bucket=name, history=1, storage=storage, direct=True)
        return await self._context.create_key_value(config)

    async def _allow_direct(self, name: str) -> None:
        """Let a bucket be read in batches that an earlier version made; where that is refused it is read singly."""
        config = (await self._context.stream_info(f"KV_{name}")).config
        if not config.allow_direct:
            config.allow_direct = True
            with suppress(APIError):
                await self._context.update_stream(config)

    @contextmanager
    def _answering(self, name: str) -> Iterator[None]:
        """What NATS does not answer is `Transient`, and its bucket is looked for again."""
        try:
            yield
        except _LOST as error:
            self._buckets.pop(name, None)
            raise _no_answer(error) from error


def _gone_of(values: Mapping[str, bytes]) -> tuple[tuple[Evaluation, ...], tuple[Any, ...]]:
    """Return what is kept of deleted jobs, and of that what this version cannot read, as it is."""
    read, others = [], []
    for each in json.loads(values.get(_GONE, b"[]")):
        try:
            read.append(Evaluation.model_validate_json(json.dumps(each)))
        except ValidationError:
            others.append(each)
    return tuple(read), tuple(others)


def _no_answer(error: BaseException) -> Transient:
    if isinstance(error, NotFoundError):
        return Transient("the job store is not there yet; try again in a moment")
    return Transient(f"the job store in NATS does not answer: {error or type(error).__name__}")


def _too_large(job_id: str, size: int, most: int) -> Refused:
    problem = f"the record of job {job_id} has {size:,} bytes, and NATS takes {most:,}"
    return Refused([Fault("NATS", problem, "raise max_payload of the NATS server, or make several jobs of it")])
