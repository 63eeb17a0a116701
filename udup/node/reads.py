"""The API's reads: the job store, by an event loop in a thread of its own, so that they never wait for an actor."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from udup.base import logs, runtime
from udup.base.errors import Transient, UdupError
from udup.cluster.view import View
from udup.jobs import JobProgress, JobRecord, Stage, UnreadRecord
from udup.jobs.allocation import Evaluation
from udup.jobs.growing_shown import with_growing
from udup.jobs.shown import Watch
from udup.jobs.staleness import ReportAges, changes_by_itself
from udup.jobs.unread import told
from udup.node.health import Health
from udup.node.shown_jobs import ShownJobs
from udup.store.contents import records_of
from udup.store.sealing import Keyring
from udup.store.snapshot import Snapshot, SnapshotDamaged, read_snapshot
from udup.store.store import JobStore

#: Seconds that what was read from the store serves other requests.
CACHE_SECONDS = 0.2

#: Seconds for the store to answer.
STORE_SECONDS = 8.0

#: Seconds that a request waits for a connection where what was known last can be told, at first and from then on.
FIRST_SECONDS, AGAIN_SECONDS = 1.0, 0.2


#: A record as it is stored, what its run reports, and the two together.
_Made = tuple[JobRecord, JobProgress | None, JobRecord]


class Reads:
    """One reading of the store serves all requests of a moment.

    Until the store is read for the first time, what the node's own file has of it is told, as far as there is one.
    """

    def __init__(
        self, url: str, keys: Keyring, file: Path | None = None, *, shared: bool = False, watch: Watch | None = None
    ) -> None:
        """Take `shared`: the store is kept by other nodes, or by several. `watch`: what says how each job is."""
        self._shared = shared
        self._shown = ShownJobs(watch or Watch())
        self._url, self._keys, self._file = url, keys, file
        self._opening: Future[JobStore] | None = None
        self._was_read = False
        self._snapshot: Snapshot | None = None
        self.health: Health | None = None  # looks at more than can be read
        self.cluster: Callable[[], View] | None = None  # how it looks where there are several nodes
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="reads", daemon=True)
        self._thread.start()
        self._lock = threading.Lock()
        self._store: JobStore | None = None
        self._made: dict[str, _Made] = {}
        self._reports: dict[str, tuple[dict[str, Any], JobProgress]] = {}  # as they are stored, and as they are read
        self._records: dict[str, JobRecord] = {}
        self._ids: frozenset[str] = frozenset()  # of side jobs too, which are not shown
        self._not_understood: dict[str, tuple[dict[str, Any], str]] = {}  # documents by job, and why ("": they are)
        self._ages = ReportAges(time.monotonic, time.time)
        self._gone: tuple[Evaluation, ...] = ()
        self._index = 0
        self._read_at = 0.0
        self._confirmed: float | None = None
        self._failure: Transient | None = None

    def jobs(self, prefix: str) -> tuple[list[JobRecord], int]:
        self._refresh()
        return [record for job_id, record in self._records.items() if job_id.startswith(prefix)], self._index

    def job(self, job_id: str) -> JobRecord | None:
        self._refresh()
        return self._records.get(job_id)

    def part(self, record: JobRecord) -> JobRecord | None:
        """Return the side job of a job whose tables change."""
        growth, made = record.growth, None
        if growth is not None and growth.side:
            self._refresh()
            made = self._made.get(growth.side)
        return None if made is None else made[2]

    def ids(self) -> frozenset[str]:
        """Return the IDs of all jobs, those included that are a part of another one."""
        self._refresh()
        return self._ids

    def evaluations(self) -> list[Evaluation]:
        self._refresh()
        return list(self._gone)

    def problems(self) -> list[str]:
        found = [] if self.health is None else self.health.problems()
        try:
            self._refresh()
        except UdupError as error:
            return [str(error), *found]
        if self._snapshot is not None:
            found.insert(0, "the job store has not been read yet: what is shown of jobs is what the node knew last")
        return found

    def age(self) -> float:
        """Return for how many seconds jobs may have changed without being shown so, inf if they were never read."""
        return float("inf") if self._confirmed is None else max(0.0, runtime.now() - self._confirmed)

    def last_problems(self) -> list[str]:
        """Return what the node itself has found last; nobody is asked."""
        return [] if self.health is None else self.health.last_problems()

    def close(self) -> None:
        if self._store is not None:
            self._call(self._store.close)
        self._loop.call_soon_threadsafe(self._loop.stop)

    def forget(self) -> None:
        """Read the store again for the next request."""
        with self._lock:
            self._read_at = 0.0

    def _refresh(self) -> None:
        """Read the store, unless that was done a moment ago; a write is seen after that moment at the latest."""
        with self._lock:
            if time.monotonic() - self._read_at < CACHE_SECONDS:
                if self._failure is not None:
                    raise self._failure
                return
            try:
                self._read_or_remember()
                self._failure = None
            except Transient as error:
                self._failure = error  # who waited for the lock need not wait for NATS again
                raise
            except Exception as error:
                # What nobody foresaw too: until the store is read, no job is said not to be there.
                self._failure = Transient(f"the job store cannot be read: {type(error).__name__}: {error}")
                logs.logger("reads").exception("store_not_read")
                raise self._failure from error
            finally:
                self._read_at = time.monotonic()

    def _read_or_remember(self) -> None:
        try:
            self._read()
            self._was_read, self._snapshot = True, None
        except Transient as error:
            if self._was_read or not self._remember(str(error)):
                raise

    def _remember(self, why: str) -> bool:
        """Take what the node's file has; return whether there is one."""
        if self._snapshot is not None:
            return True
        try:
            self._snapshot = None if self._file is None else read_snapshot(self._file)
        except SnapshotDamaged:
            return False  # its owner tells that
        if self._snapshot is None:
            return False
        records, self._gone, self._index = records_of(self._snapshot, self._keys)
        self._take(records, {})
        logs.logger("reads").warning("jobs_shown_as_known_last", jobs=len(records), why=why)
        return True

    def _connected(self) -> JobStore:
        """Return the store; a connection that takes long is made while the node's file serves."""
        if self._store is None:
            if self._opening is None:
                opening = JobStore.open(self._url, "udup api", self._keys, shared=self._shared)
                self._opening = asyncio.run_coroutine_threadsafe(opening, self._loop)
            knows = self._file is not None and self._file.exists()
            patience = AGAIN_SECONDS if self._snapshot is not None else FIRST_SECONDS if knows else STORE_SECONDS
            try:
                self._store = self._opening.result(patience)
            except TimeoutError as error:
                raise Transient("the job store does not answer") from error
            finally:
                if self._opening.done():
                    self._opening = None
        return self._store

    def _read(self) -> None:
        store = self._connected()
        records, index = self._call(store.load)
        progress = self._call(store.progress)
        self._gone = self._call(store.gone)
        self._confirmed = store.confirmed or self._confirmed
        self._index = index
        self._take(records, progress)

    def _take(self, records: list[JobRecord], progress: dict[str, dict[str, Any]]) -> None:
        live = {record.id: self._live(record.id, progress.get(record.id)) for record in records}
        waits = {} if self.cluster is None else self.cluster().reasons
        self._reports = {job_id: (progress[job_id], each) for job_id, each in live.items() if each is not None}
        self._made = {record.id: self._with_progress(record, live[record.id]) for record in records}
        told = [_waiting(made[2], waits.get(job_id, "")) for job_id, made in self._made.items()]
        self._records = self._shown.of(with_growing(told), live, self._ages)
        self._ids = frozenset(self._made)
        self._ages.forget_all_but(self._ids)
        self._not_understood = {key: each for key, each in self._not_understood.items() if key in self._ids}

    def _with_progress(self, record: JobRecord, live: JobProgress | None) -> _Made:
        """Return the record with its progress; the same object as before where nothing has changed."""
        known = self._made.get(record.id)
        now = self._ages.now(record.id, live)
        changes = changes_by_itself(live, record.stage, record.outage, now)
        if known is not None and known[0] is record and known[1] is live and not changes:
            return known
        update: dict[str, Any] = {"progress": record.shown_progress(live, now)}
        if record.carried_out and (why := self._why_not_understood(record)):
            update |= {"stage": Stage.PENDING, "status_description": told(why), "not_understood": True}
        return record, live, record.model_copy(update=update)

    def _why_not_understood(self, record: JobRecord) -> str:
        """Return why this version does not carry the job out as its document asks, "" if it does."""
        known = self._not_understood.get(record.id)
        if isinstance(record, UnreadRecord):
            return ""  # it says so itself
        if known is None or known[0] != record.document:
            why = ""
            try:
                record.spec()
            except UdupError as error:
                why = str(error)
            known = self._not_understood[record.id] = record.document, why
        return known[1]

    def _live(self, job_id: str, values: dict[str, Any] | None) -> JobProgress | None:
        """Return what a job's run reports; the same object as before where that is the same."""
        if values is None:
            return None
        known = self._reports.get(job_id)
        return known[1] if known is not None and known[0] == values else JobProgress.of(values)

    def _call(self, function: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        try:
            return asyncio.run_coroutine_threadsafe(function(), self._loop).result(STORE_SECONDS)
        except TimeoutError as error:
            raise Transient("the job store does not answer") from error


def _waiting(record: JobRecord, why: str) -> JobRecord:
    """Return a job as it is while no node may carry it out."""
    if not why or not record.carried_out:
        return record
    return record.model_copy(update={"stage": Stage.PENDING, "status_description": why})
