"""The job store: what jobs there are, in a key-value bucket of JetStream; and their progress, in one of memory.

A job's key is a digest of its ID, which may hold any character. The record holds its own indexes; they are counted by
the supervisor, the only writer. Losing the store loses the jobs' definitions only while nobody runs who knows them:
`JobStore` remembers what it has written and writes it again into a store that was lost.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import KeyValueConfig, StorageType
from nats.js.client import JetStreamContext
from nats.js.errors import KeyDeletedError, KeyNotFoundError, NoKeysError, NotFoundError
from nats.js.kv import KeyValue

from udup.errors import Transient
from udup.job import JobRecord
from udup.plane.link import Subjects

JOBS_BUCKET = "udup_jobs"
PROGRESS_BUCKET = "udup_progress"

#: Seconds for NATS to answer.
TIMEOUT = 4.0

_LOST = (NatsError, OSError, TimeoutError, asyncio.TimeoutError)


def key_of(job_id: str) -> str:
    return Subjects(job_id, 0).token


class JobStore:
    """One process's access; reconnects by itself. Every call raises `Transient` if NATS does not answer."""

    def __init__(self, client: Client, context: JetStreamContext) -> None:
        self._client = client
        self._context = context
        self._buckets: dict[str, KeyValue] = {}
        self._written: dict[str, bytes] = {}

    @classmethod
    async def open(cls, url: str, name: str) -> JobStore:
        async def quiet(_error: Exception) -> None:
            """Each call tells its own errors; a lost connection is taken up again."""

        try:
            client = await nats.connect(
                url,
                name=name,
                connect_timeout=2,
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.2,
                error_cb=quiet,
            )
        except _LOST as error:
            raise Transient(f"cannot connect to NATS at {url}: {error or type(error).__name__}") from error
        return cls(client, client.jetstream(timeout=TIMEOUT))

    async def close(self) -> None:
        try:
            await asyncio.wait_for(self._client.close(), 2)
        except _LOST:
            return  # it is gone either way

    @property
    def connected(self) -> bool:
        return bool(self._client.is_connected)

    async def _bucket(self, name: str) -> KeyValue:
        """The bucket, made if it is not there; with everything written before if it was lost."""
        if name in self._buckets:
            return self._buckets[name]
        try:
            bucket = await self._context.key_value(name)
        except NotFoundError:
            storage = StorageType.FILE if name == JOBS_BUCKET else StorageType.MEMORY
            bucket = await self._context.create_key_value(KeyValueConfig(bucket=name, history=1, storage=storage))
            if name == JOBS_BUCKET:
                for key, data in self._written.items():
                    await bucket.put(key, data)
        self._buckets[name] = bucket
        return bucket

    async def _put(self, name: str, key: str, data: bytes) -> None:
        for attempt in (1, 2):
            try:
                await (await self._bucket(name)).put(key, data)
                return
            except _LOST as error:
                # The bucket may have been lost with NATS's own store; it is looked for again, and made.
                self._buckets.pop(name, None)
                if attempt == 2:
                    raise Transient(
                        f"the job store in NATS does not answer: {error or type(error).__name__}"
                    ) from error

    async def save(self, record: JobRecord) -> None:
        key, data = key_of(record.id), record.to_json()
        self._written[key] = data
        await self._put(JOBS_BUCKET, key, data)

    async def remove(self, job_id: str) -> None:
        key = key_of(job_id)
        self._written.pop(key, None)
        for name in (JOBS_BUCKET, PROGRESS_BUCKET):
            try:
                await (await self._bucket(name)).purge(key)
            except (KeyNotFoundError, KeyDeletedError):
                continue
            except _LOST as error:
                self._buckets.pop(name, None)
                raise _no_answer(error) from error
        try:
            await self._context.delete_stream(Subjects(job_id, 0).stream)
        except NotFoundError:
            return
        except _LOST as error:
            raise Transient(f"cannot remove the job's stream from NATS: {error or type(error).__name__}") from error

    async def save_progress(self, job_id: str, progress: dict[str, Any]) -> None:
        await self._put(PROGRESS_BUCKET, key_of(job_id), json.dumps({"id": job_id, **progress}).encode())

    async def restore(self) -> None:
        """Look whether the store is still there, and write it anew if it was lost."""
        try:
            await self._context.key_value(JOBS_BUCKET)
        except NotFoundError:
            self._buckets.pop(JOBS_BUCKET, None)
            await self._bucket(JOBS_BUCKET)
        except _LOST as error:
            raise _no_answer(error) from error

    async def load(self) -> tuple[list[JobRecord], int]:
        """All jobs, and the highest index that was given to any."""
        records = [JobRecord.from_json(data) for data in await self._values(JOBS_BUCKET)]
        try:
            status = await (await self._bucket(JOBS_BUCKET)).status()
            last = int(status.stream_info.state.last_seq)
        except _LOST as error:
            self._buckets.clear()
            raise _no_answer(error) from error
        for record in records:
            self._written[key_of(record.id)] = record.to_json()
        return records, max([last, *[record.modify_index for record in records]])

    async def progress(self) -> dict[str, dict[str, Any]]:
        """The latest progress by job ID."""
        found = {}
        for data in await self._values(PROGRESS_BUCKET):
            values = json.loads(data)
            found[str(values.pop("id"))] = values
        return found

    async def _values(self, name: str) -> list[bytes]:
        try:
            bucket = await self._bucket(name)
            try:
                keys = await bucket.keys()
            except NoKeysError:
                return []
            values = []
            for key in keys:
                try:
                    entry = await bucket.get(key)
                except (KeyNotFoundError, KeyDeletedError):
                    continue  # removed since it was listed
                values.append(entry.value or b"")
            return values
        except _LOST as error:
            self._buckets.pop(name, None)
            raise _no_answer(error) from error


def _no_answer(error: BaseException) -> Transient:
    return Transient(f"the job store in NATS does not answer: {error or type(error).__name__}")
