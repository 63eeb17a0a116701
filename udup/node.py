"""One node: NATS, the actors, the job store and the REST API, started in an order that matters and kept alive.

The actor system forks, so it comes first, before any thread. The main thread then watches: nats-server and the
JobSupervisor are started again when they die. When the main process itself dies, however it does, everything else
dies with it; started again, it finds the jobs in the store and carries them on from their checkpoints.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TextIO

from udup import __version__, logs
from udup.actors.messages import (
    Accepted,
    Actors,
    Begin,
    Begun,
    DeleteJob,
    Drain,
    ListActors,
    NodeSettings,
    RegisterJob,
    Rejected,
)
from udup.actors.supervisor import JobSupervisor
from udup.actors.system import Actors as ActorSystem
from udup.config import Settings
from udup.errors import ConfigError, Refused, Transient, UdupError
from udup.identity import load_node_id
from udup.job import IndexConflict, JobRecord
from udup.plane.address import shown
from udup.plane.server import NatsServer
from udup.store import JobStore
from udup.web.app import create_app
from udup.web.blocking import WaitingRoom
from udup.web.ports import ActorInfo, NotReady, Written
from udup.web.serve import WebServer

#: Seconds between looks at the processes.
WATCH_SECONDS = 0.2

#: Seconds for the supervisor's answer to a write.
ASK_SECONDS = 8.0

#: Seconds for jobs to reach a transaction boundary at the end; the whole end takes 10 at most.
DRAIN_SECONDS = 4.0

#: Seconds that what was read from the store serves other requests.
CACHE_SECONDS = 0.2


_NO_ANSWER = "the supervisor does not answer now; try again in a moment"


def run_node(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises `ConfigError` or `UdupError` if it cannot start."""
    logs.configure(settings.log.level, settings.log.format)
    lock = _lock(settings.data_path)
    try:
        _Node(settings).run()
    finally:
        lock.close()


def _lock(folder: Path) -> TextIO:
    """The data folder is ours alone; the lock ends with the process, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("a+")
    except OSError as error:
        raise ConfigError(f"data_dir: cannot use {folder}: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        owner = file.read().strip()
        file.close()
        raise ConfigError(
            f"data_dir: {folder} is in use by another Udup server (process {owner or 'unknown'}); stop that one, or set"
            " data_dir to another folder"
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


class _Node:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._log = logs.logger("node")
        self._stopping = threading.Event()
        self._supervisor: Any = None
        self._supervisor_fd = -1
        self._nats: NatsServer | None = None

    def run(self) -> None:
        settings = self._settings
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        self._actors = ActorSystem(settings.data_path)
        try:
            if not settings.nats.url:
                self._nats = NatsServer(settings.data_path / "nats", settings.ports.nats)
                self._nats.start()
            url = settings.nats.url or (self._nats.url if self._nats else "")
            self._node_settings = NodeSettings(
                nats_url=url,
                data_dir=settings.data_dir,
                buffer_bytes=settings.nats.max_buffer_mb << 20,
                log_level=settings.log.level,
                log_format=settings.log.format,
                retry_attempts=settings.retry.attempts,
                backoff_max_s=settings.retry.backoff_max_s,
            )
            reads = _Reads(url)
            room = WaitingRoom()
            app = create_app(_Control(self, reads), reads, settings, load_node_id(settings.data_path), room)
            web = WebServer(app, settings, before_stop=room.close)
            self._start_supervisor()
            web.start()
            self._log.info(
                "server_ready", version=__version__, api=web.url, nats=shown(url), data_dir=settings.data_dir
            )
            self._watch()
            self._log.info("server_stops")
            web.stop()
            self.ask(Drain(), DRAIN_SECONDS)
            reads.close()
        finally:
            self._actors.shutdown()
            if self._nats is not None:
                self._nats.stop()

    def _start_supervisor(self) -> None:
        self._supervisor = self._actors.create(JobSupervisor)
        answer = self.ask(Begin(self._node_settings), ASK_SECONDS)
        if not isinstance(answer, Begun):
            raise UdupError(f"the JobSupervisor did not start (it answered {answer!r})")
        if self._supervisor_fd >= 0:
            os.close(self._supervisor_fd)
        self._supervisor_fd = os.pidfd_open(answer.pid)

    def _watch(self) -> None:
        while not self._stopping.wait(WATCH_SECONDS):
            if self._nats is not None and not self._nats.alive:
                self._log.warning("nats_server_died")
                self._nats.spawn()
            if _has_ended(self._supervisor_fd):
                self._log.warning("supervisor_died")
                self._start_supervisor()
            if not Path(f"/proc/{self._actors.admin_pid}").exists():
                raise UdupError("the actor system's admin process died, and all actors with it; start the server again")

    def ask(self, message: object, seconds: float) -> Any:
        return self._actors.ask(self._supervisor, message, seconds)


def _has_ended(pidfd: int) -> bool:
    try:
        signal.pidfd_send_signal(pidfd, 0)
    except ProcessLookupError:
        return True
    return False


class _Control:
    """Writes: questions to the supervisor."""

    def __init__(self, node: _Node, reads: _Reads) -> None:
        self._node = node
        self._reads = reads

    def register(self, document: dict[str, Any], enforce_index: int | None) -> Written:
        return self._written(RegisterJob(document, enforce_index))

    def delete(self, job_id: str) -> Written:
        return self._written(DeleteJob(job_id))

    def _written(self, message: object) -> Written:
        answer = self._node.ask(message, ASK_SECONDS)
        if isinstance(answer, Accepted):
            self._reads.forget()  # who has written reads what he wrote
            return Written(answer.index, answer.job_id, "")
        if isinstance(answer, Rejected):
            raise _error_of(answer)
        raise NotReady(_NO_ANSWER)

    def actors(self) -> list[ActorInfo]:
        answer = self._node.ask(ListActors(), ASK_SECONDS)
        if not isinstance(answer, Actors):
            raise NotReady(_NO_ANSWER)
        return [ActorInfo(*actor) for actor in answer.actors]


def _error_of(answer: Rejected) -> UdupError:
    if answer.kind == Refused.__name__:
        return Refused(list(answer.faults))
    if answer.kind == IndexConflict.__name__:
        return IndexConflict(answer.text)
    return NotReady(answer.text)


class _Reads:
    """Reads: the job store, by an event loop in a thread of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="reads", daemon=True)
        self._thread.start()
        self._lock = threading.Lock()
        self._store: JobStore | None = None
        self._records: dict[str, JobRecord] = {}
        self._index = 0
        self._read_at = 0.0
        self._failure: Transient | None = None

    def jobs(self, prefix: str) -> tuple[list[JobRecord], int]:
        self._refresh()
        return [record for job_id, record in self._records.items() if job_id.startswith(prefix)], self._index

    def job(self, job_id: str) -> JobRecord | None:
        self._refresh()
        return self._records.get(job_id)

    def problems(self) -> list[str]:
        try:
            self._refresh()
        except UdupError as error:
            return [str(error)]
        return []

    def close(self) -> None:
        if self._store is not None:
            self._call(self._store.close)
        self._loop.call_soon_threadsafe(self._loop.stop)

    def forget(self) -> None:
        """What was read before is not to be shown any more."""
        with self._lock:
            self._read_at = 0.0

    def _refresh(self) -> None:
        """One reading serves all requests of a moment; a write is seen after that moment at the latest."""
        with self._lock:
            if time.monotonic() - self._read_at < CACHE_SECONDS:
                if self._failure is not None:
                    raise self._failure
                return
            try:
                self._read()
                self._failure = None
            except Transient as error:
                self._failure = error  # who waited for the lock need not wait for NATS again
                raise
            finally:
                self._read_at = time.monotonic()

    def _read(self) -> None:
        if self._store is None:
            self._store = self._call(lambda: JobStore.open(self._url, "udup api"))
        records, index = self._call(self._store.load)
        progress = self._call(self._store.progress)
        self._index = index
        self._records = {
            record.id: record.model_copy(update={"progress": progress.get(record.id, {})}) for record in records
        }

    def _call(self, function: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        try:
            return asyncio.run_coroutine_threadsafe(function(), self._loop).result(ASK_SECONDS)
        except TimeoutError as error:
            raise Transient("the job store does not answer") from error
