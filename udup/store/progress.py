"""The progress of jobs, in a bucket of NATS's memory: what is shown, and goes with NATS.

Beside it stand notes of each node: which reports of its quiet jobs still hold (`udup/jobs/signs.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from nats.aio.client import Client
from nats.js.api import StorageType
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError
from nats.js.kv import KeyValue

from udup.jobs.signs import Notes, refreshed
from udup.store.buckets import LOST, allow_direct, make_bucket
from udup.store.mirror import Mirror
from udup.store.refusals import answering

PROGRESS_BUCKET = "udup_progress"

#: Where the notes of a node's quiet jobs stand beside the jobs' progress.
_SIGNS = "signs"


class ProgressBucket:
    """`mirror` gives its reader. Where several managers keep it, `shared`, one of them makes it."""

    def __init__(
        self, client: Client, context: JetStreamContext, mirror: Callable[[], Mirror], *, shared: bool
    ) -> None:
        self._client = client
        self._context = context
        self._mirror = mirror
        self._shared = shared
        self._known: KeyValue | None = None
        self.begun = 0  # how often there was nothing of it

    async def save(self, key: str, job_id: str, progress: dict[str, Any]) -> None:
        """Show it; without the single tables if those are more than a message holds."""
        shown = {"id": job_id, **progress}
        data = json.dumps(shown).encode()
        if len(data) > self._client.max_payload:
            data = json.dumps({**shown, "tables": None}).encode()
        with answering():
            try:
                await (await self._bucket()).put(key, data)
            except LOST:
                self._known = None  # it may have been lost with NATS's own store
                await (await self._bucket()).put(key, data)

    async def save_signs(self, node_id: str, notes: Notes) -> None:
        """Show which reports of a node's quiet jobs still hold."""
        data = json.dumps({"id": "", _SIGNS: notes}).encode()
        with answering():
            try:
                await (await self._bucket()).put(f"{_SIGNS}-{node_id}", data)
            except LOST:
                self._known = None  # as above
                raise

    async def remove(self, key: str) -> None:
        """Remove what is shown of a job."""
        with suppress(NotFoundError):  # nobody has reported anything yet
            await (await self._bucket()).purge(key)

    async def make(self) -> None:
        """Have it there."""
        await self._bucket()

    async def read(self) -> dict[str, dict[str, Any]]:
        """The latest progress by job ID; none before the first is written, or after NATS was started again."""
        mirror = self._mirror()
        with answering():
            try:
                await mirror.refresh()
            except NotFoundError:
                return {}
        by_key = {key: json.loads(data) for key, data in mirror.values.items()}
        notes: Notes = {}
        for key in [key for key in by_key if key.startswith(_SIGNS)]:
            notes |= by_key.pop(key)[_SIGNS]
        for key, values in by_key.items():
            if (note := notes.get(key)) is not None:
                values |= refreshed(values, note)
        return {str(values.pop("id")): values for values in by_key.values()}

    async def _bucket(self) -> KeyValue:
        if self._known is None:
            try:
                self._known = await self._context.key_value(PROGRESS_BUCKET)
                await allow_direct(self._context, await self._context.stream_info(f"KV_{PROGRESS_BUCKET}"))
            except NotFoundError:
                if self._shared:
                    raise
                self._known = await make_bucket(self._context, PROGRESS_BUCKET, StorageType.MEMORY)
                self.begun += 1
        return self._known
