"""The part of a manager among others in keeping the job store: it begins with all, and is kept by all of them.

Everything here is done over and over until it is so, on a thread of its own: managers come one after the other, and
some come later. What keeps it from being done is logged, once for each reason.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from pathlib import Path

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import StorageType
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from udup.base import logs
from udup.base.durable import write_whole
from udup.node.health import BUCKET as HEALTH_BUCKET
from udup.node.nats_cluster import Member
from udup.store.beginning import SUBJECT, Statement, Turn, begin, decide, keep_on_all, store_of
from udup.store.buckets import make_bucket
from udup.store.progress import PROGRESS_BUCKET
from udup.store.snapshot import Snapshot, read_snapshot
from udup.store.store import JOBS_BUCKET

#: In the folder of nats-server: the ID of the store that was seen; what this node brings; what it has brought.
SEEN, BRINGS, BROUGHT = "store-seen", "store-brings.snapshot", "store-brought.snapshot"

#: Seconds between two looks, while the store has not begun, and from then on.
BEGIN_SECONDS, CARE_SECONDS = 0.25, 5.0

#: Seconds for which what a manager has said counts: several of its looks, one of which may wait for NATS.
HEARD_SECONDS = 8.0

#: Seconds for NATS to answer; without a leader of the managers it does not.
ASK_SECONDS = 2.0

#: Seconds without an answer after which that is no election.
ELECTION_SECONDS = 10.0

_LOST = (NatsError, OSError, TimeoutError, asyncio.TimeoutError)


class SharedStore:
    """`folder` is nats-server's. Started and closed by the node."""

    def __init__(self, url: str, member: Member, folder: Path) -> None:
        self._url, self._member, self._folder = url, member, folder
        self._heard: dict[str, tuple[float, Statement]] = {}
        self._brought: Snapshot | None = None
        self._told = ""
        self._silent_since: float | None = None
        self._log = logs.logger("cluster")
        self._loop = asyncio.new_event_loop()
        self._work: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="shared store", daemon=True)
        self.has_begun = threading.Event()

    def start(self) -> None:
        """Begin to look after it; `SnapshotDamaged` if what this node brings cannot be read."""
        self._brought = read_snapshot(self._folder / BRINGS)
        self._thread.start()

    def close(self) -> None:
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._cancel)
        self._thread.join(ASK_SECONDS)

    def _cancel(self) -> None:
        if self._work is not None:
            self._work.cancel()

    def _run(self) -> None:
        self._work = self._loop.create_task(self._look_after())
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._work)
        self._loop.close()

    async def _look_after(self) -> None:
        client = await self._connected()
        context = client.jetstream(timeout=ASK_SECONDS)
        try:
            await client.subscribe(SUBJECT, cb=self._hear)
            while True:
                had_begun = self.has_begun.is_set()
                try:
                    await (self._care(context) if had_begun else self._begin(client, context))
                    self._silent_since = None
                except _LOST as error:
                    self._wait_for_leader(error)
                await asyncio.sleep(CARE_SECONDS if had_begun else BEGIN_SECONDS)
        finally:
            with suppress(*_LOST):
                await asyncio.wait_for(client.close(), 1)

    def _wait_for_leader(self, error: BaseException) -> None:
        """Tell of it only if it lasts longer than an election, as after every start."""
        if self._silent_since is None:
            self._silent_since = time.monotonic()
        elif time.monotonic() - self._silent_since > ELECTION_SECONDS:
            self._tell(
                "job_store_is_waited_for",
                "the managers have no leader: more than half of them must run and reach each other"
                f" ({error or type(error).__name__})",
            )

    async def _connected(self) -> Client:
        async def quiet(_error: Exception) -> None:
            """Each call tells its own errors."""

        while True:
            try:
                return await nats.connect(
                    self._url, name="udup cluster", connect_timeout=2, max_reconnect_attempts=-1, error_cb=quiet
                )
            except _LOST:
                await asyncio.sleep(BEGIN_SECONDS)

    # ---- The beginning ----

    async def _hear(self, message: Msg) -> None:
        if (said := Statement.of(message.data)) is not None:
            self._heard[said.node] = time.monotonic(), said

    async def _begin(self, client: Client, context: JetStreamContext) -> None:
        """Say what this node has; begin the store if that is its turn; note that it is there if it is."""
        brings = len(self._brought.values) if self._brought else 0
        own = Statement(self._member.node_id, brings, (self._folder / SEEN).exists())
        await client.publish(SUBJECT, own.data)
        if store := await store_of(context, JOBS_BUCKET):
            self._note_seen(store)
            return
        since = time.monotonic() - HEARD_SECONDS
        said = [each for at, each in self._heard.values() if at > since]
        turn, why = decide(said, own.node, self._member.managers)
        if turn is not Turn.OWN:
            self._tell("job_store_is_waited_for" if turn is Turn.WAIT else "job_store_cannot_begin", why)
            return
        others = await begin(context, JOBS_BUCKET, self._member.managers, self._brought)
        self._note_seen(await store_of(context, JOBS_BUCKET))
        self._log.info("job_store_begun", jobs=brings, managers=self._member.managers, not_taken=sorted(others))

    def _note_seen(self, store: str) -> None:
        write_whole(self._folder / SEEN, store.encode())
        with suppress(FileNotFoundError):
            (self._folder / BRINGS).replace(self._folder / BROUGHT)
        self._log.info("job_store_is_there", store=store)
        self.has_begun.set()

    async def _care(self, context: JetStreamContext) -> None:
        """Keep every bucket on all managers; make those again that live in memory."""
        for name, storage in ((PROGRESS_BUCKET, StorageType.MEMORY), (HEALTH_BUCKET, StorageType.FILE)):
            if not await _is_there(context, name):
                await make_bucket(context, name, storage, self._member.managers)
        if raised := await keep_on_all(context, self._member.managers):
            self._log.info("job_store_is_kept_on_more_managers", streams=raised, managers=self._member.managers)

    def _tell(self, event: str, why: str) -> None:
        if why != self._told:
            self._told = why
            self._log.warning(event, why=why)


async def _is_there(context: JetStreamContext, bucket: str) -> bool:
    try:
        await context.stream_info(f"KV_{bucket}")
    except NotFoundError:
        return False
    return True
