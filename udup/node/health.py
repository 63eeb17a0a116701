"""What keeps the node from working, found by using it: the job store is written and read, the supervisor is asked.

Who asks gets the answer of a moment ago, or waits a few seconds at most. The store is also used by itself from time to
time, so that the log tells of a full disk though nobody asks, and so that a nats-server which stays out of order when
the disk has room again is started again: after one failed write it refuses all that follow.

Where the store is several managers', or another node's, a write that fails says nothing of this node's nats-server: the
managers may be too few, or out of reach, and starting it again would cut off every job that runs here. Then it is
started again only if it answers nobody on loopback, or has given up a JetStream that it should have.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import nats
from nats.errors import Error as NatsError
from nats.js.api import KeyValueConfig, StorageType
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from udup.actors.messages import Ailments, AskAilments
from udup.base import logs
from udup.pipeline.transport.address import connect_options, shown

#: The bucket that is written to find out whether JetStream takes a write. Its one value needs a block of the disk.
BUCKET, VALUE_BYTES = "udup_health", 4200

#: Seconds for which an answer is good, and that one question may take.
FRESH_SECONDS, ASK_SECONDS = 1.0, 3.0

#: Seconds between two looks when nobody asks; and as long as something is wrong.
WATCH_SECONDS, TROUBLE_SECONDS = 10.0, 2.0

#: Failed uses in a row, while there is room, after which nats-server is started again; and seconds until once more.
FAILURES, RESTART_SECONDS = 3, 30.0

#: Seconds for which NATS takes none of the StoreKeeper's writes after which that counts as such a use. A write that
#: waits for another reason (no StoreKeeper can be made, a record is too large) is no fault of nats-server's.
REFUSED_SECONDS = 5.0

#: Bytes that the disk must have left. JetStream writes in blocks, and the log and sealed files want some too.
ROOM_BYTES = 4 << 20

_SILENT = f"the supervisor has not answered within {ASK_SECONDS:.0f} s: jobs are not begun, paused or resumed"

_LOST = (NatsError, OSError, TimeoutError, asyncio.TimeoutError)


class Health:
    """`restart` is called, on a thread of this object's, when nats-server has to be started again; None: it is not
    this node's. `shared`: the store is not this nats-server's alone; `keeps` says whether it has a part of it.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        ask: Callable[[object, float], Any],
        restart: Callable[[], None] | None,
        *,
        shared: bool = False,
        keeps: bool = True,
    ) -> None:
        self._shared, self._keeps = shared, keeps
        self._url, self._folder, self._ask, self._restart = url, folder, ask, restart
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._found: list[str] = ["the node has not looked yet whether it can work"]
        self._found_at = float("-inf")
        self._store = ""  # what is wrong with the store, "" for nothing
        self._failures, self._restarted_at = 0, float("-inf")
        self._client: nats.NATS | None = None
        self._log = logs.logger("node")
        threading.Thread(target=self._loop.run_forever, name="health", daemon=True).start()
        threading.Thread(target=self._watch, name="store-watch", daemon=True).start()

    def problems(self) -> list[str]:
        """Return why the node cannot work now, for people; empty when it can."""
        with self._lock:
            if time.monotonic() - self._found_at >= FRESH_SECONDS:
                self._look()
                self._found_at = time.monotonic()  # of a question: what the node found by itself may be older news
            return list(self._found)

    def last_problems(self) -> list[str]:
        """Return what was found last, and ask nobody: the node looks by itself from time to time."""
        return list(self._found)

    def close(self) -> None:
        self._hang_up()
        self._ended.set()
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _look(self) -> float:
        """Look at the store and ask the supervisor; return seconds for which NATS has refused its writes."""
        store, answer = self._look_at_store(), self._ask(AskAilments(), ASK_SECONDS)
        if isinstance(answer, Ailments):
            told, refused = answer.told, answer.refused_s
        else:
            told, refused = (_SILENT,), 0.0
        self._found = [each for each in (store, *told) if each]
        return refused

    # ---- The store ----

    def _watch(self) -> None:
        while not self._ended.wait(TROUBLE_SECONDS if self._found else WATCH_SECONDS):
            with self._lock:
                refused = self._look()
                why = self._server_trouble() if self._shared else self._store
                if refused >= REFUSED_SECONDS and not self._shared:
                    # The stream of the jobs takes no writes though another does: one that has failed once stays so.
                    why = why or f"NATS has not taken a write to the job store for {refused:.0f} s"
                self._failures = self._failures + 1 if why else 0
                self._may_restart(why)

    def _server_trouble(self) -> str:
        """Return what is wrong with this node's own nats-server, whatever becomes of the store, "" for nothing."""
        try:
            has_store = self._call(self._ask_server())
        except _LOST as error:
            return f"nats-server at {shown(self._url)} does not answer: {str(error) or type(error).__name__}"
        return "" if has_store or not self._keeps else f"nats-server at {shown(self._url)} has given up its JetStream"

    async def _ask_server(self) -> bool:
        """Return whether it has JetStream, as it tells who connects; `_LOST` if it tells nothing."""
        client = await self._connected()
        try:
            await client.flush(timeout=int(ASK_SECONDS))
            return bool(client._server_info.get("jetstream"))
        finally:
            await client.close()

    def _look_at_store(self) -> str:
        """Use the store; return what is wrong with it, "" for nothing. What has changed is logged."""
        before, self._store = self._store, self._trouble()
        if self._store and not before:
            self._log.error("store_takes_no_writes", why=self._store)
        elif before and not self._store:
            self._log.info("store_takes_writes_again")
        return self._store

    def _trouble(self) -> str:
        room = self._room()
        try:
            self._call(self._use_store())
        except _LOST as error:
            self._hang_up()  # the next look finds out by itself whether it can be connected to
            why = str(error) or type(error).__name__
            if room:
                return f"{room}, so NATS takes no writes ({why}): jobs run on, what is asked of them is not stored"
            return f"the job store in NATS at {shown(self._url)} takes no writes: {why}"
        return room

    def _room(self) -> str:
        """Return that the disk of the node's folder is full, "" if it is not."""
        try:
            left = shutil.disk_usage(self._folder).free
        except OSError as error:
            return f"the node's folder {self._folder} cannot be looked at: {error.strerror}"
        if left >= ROOM_BYTES:
            return ""
        return f"the disk of data_dir {self._folder} is full ({left >> 10} KiB left)"

    async def _use_store(self) -> None:
        """Write a value and read it back; both go to the disk's files. `_LOST` if that fails.

        Of several managers the bucket's leader is asked, who has the value: any other may be behind it.
        """
        if self._client is None or self._client.is_closed:
            self._client = await self._connected()
        context = self._client.jetstream(timeout=ASK_SECONDS / 2)
        bucket = await _bucket(context)
        number = await bucket.put("written", os.urandom(VALUE_BYTES))
        found = await context.get_last_msg(f"KV_{BUCKET}", f"$KV.{BUCKET}.written", direct=False)
        if (found.seq or 0) < number:
            raise OSError("a value that was written is not there")

    async def _connected(self) -> nats.NATS:
        async def quiet(_error: Exception) -> None:
            """Each use tells its own errors."""

        server, options = connect_options(self._url)
        opening = nats.connect(
            server,
            name="udup health",
            connect_timeout=1,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,
            error_cb=quiet,
            **options,
        )
        return await asyncio.wait_for(opening, ASK_SECONDS)

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(*_LOST):
                self._call(client.close())

    def _call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        if self._ended.is_set():  # the loop would never come to it
            coroutine.close()
            raise ConnectionAbortedError("the server stops")
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(coroutine, 2 * ASK_SECONDS), self._loop)
        return future.result(3 * ASK_SECONDS)

    def _may_restart(self, why: str) -> None:
        """Have nats-server started again if it is out of order though the disk has room."""
        if self._restart is None or self._failures < FAILURES or self._room() or not self._can_write():
            return
        if time.monotonic() - self._restarted_at >= RESTART_SECONDS:
            self._restarted_at, self._failures = time.monotonic(), 0
            self._log.warning("nats_server_is_started_again", why=why)
            self._restart()

    def _can_write(self) -> bool:
        path = self._folder / "written"
        try:
            path.write_bytes(os.urandom(4096))
            path.unlink()
        except OSError:
            return False
        return True


async def _bucket(context: JetStreamContext) -> Any:
    try:
        return await context.key_value(BUCKET)
    except NotFoundError:
        return await context.create_key_value(KeyValueConfig(bucket=BUCKET, history=1, storage=StorageType.FILE))
