"""What a long run of a cluster sees: who owns what and since when, who beats, what arrives at the target."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field

import msgspec
from nats.js.api import StreamInfo

from tests.trials.nodes import Nodes
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.cluster.beats import Beat
from udup.cluster.nats_line import NatsLine
from udup.cluster.owners import LEADER, Owner
from udup.cluster.ports import Change
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, query
from udup.sandbox.node import UdupNode

#: Seconds between two looks at the bucket for what republishing has not told, and at the target.
LOOK_SECONDS, SAMPLE_SECONDS = 1.0, 0.05

#: A row is written into each job's tables so often, in seconds.
WRITE_SECONDS = 0.1

_PASSWORD = re.compile(r'user: "udup", password: "([^"]+)"')


_NUMBERS = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000)"


def more_of(job: str) -> str:
    """Return the schema that a job gets while a fault lasts."""
    return f"{job}_more"


@dataclass(frozen=True)
class Seen:
    """A change of the bucket: `key` "leader" or a job's; when it was seen, by `time.monotonic()`."""

    seq: int
    at: float
    key: str
    owner: Owner | None


@dataclass(frozen=True)
class Place:
    """Where a job is: `source` is the node that reads its source, "" for the one that owns it."""

    node: str
    source: str = ""

    @property
    def is_apart(self) -> bool:
        return bool(self.source) and self.source != self.node


class Watcher:
    """Listens at the nats-server of every node, on a thread of its own, for as long as the run lasts."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self.seen: dict[int, Seen] = {}
        #: By node, each silence of more than a second: when it ended, and how long it was.
        self.silences: dict[str, list[tuple[float, float]]] = {}
        self._beats: dict[str, float] = {}
        self._lines: dict[UdupNode, NatsLine] = {}
        self._made = ""
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True, name="watcher").start()
        for node in nodes.all:
            asyncio.run_coroutine_threadsafe(self._watch(node), self._loop)

    def since(self, seq: int) -> list[Seen]:
        """Return the changes behind a number, in order."""
        return [self.seen[each] for each in sorted(self.seen) if each > seq]

    @property
    def last(self) -> int:
        return max(self.seen, default=0)

    def leader(self) -> str:
        """Return the node that coordinates, "" if none does."""
        found = [each.owner.node for each in self.since(0) if each.key == LEADER and each.owner]
        return found[-1] if found else ""

    def owners(self) -> dict[str, str]:
        """Return each job's node, by what was seen last."""
        return {job: place.node for job, place in self.places().items()}

    def places(self) -> dict[str, Place]:
        """Return where each job is, by what was seen last."""
        found: dict[str, Owner | None] = {}
        jobs: dict[str, str] = {}
        for each in self.since(0):
            if each.owner is not None and each.owner.job:
                jobs[each.key] = each.owner.job
            found[each.key] = each.owner
        return {jobs[key]: Place(each.node, each.source) for key, each in found.items() if key in jobs and each}

    def raft_leader(self) -> str:
        """Return the node whose nats-server leads the bucket, "" if that is not known."""

        async def ask() -> str:
            for line in self._lines.values():
                with suppress(Exception):
                    info = await line._context.stream_info("KV_udup_owners")
                    return str(info.cluster.leader or "") if info.cluster else ""
            return ""

        return asyncio.run_coroutine_threadsafe(ask(), self._loop).result(20)

    def store_lacks(self, managers: int) -> list[str]:
        """Return what the managers do not have of the store; nothing if each has all."""

        async def ask() -> list[str]:
            for line in self._lines.values():
                with suppress(Exception):
                    infos = await line._context.streams_info()
                    return [lack for info in infos for lack in _lacks(info, managers)]
            return ["it does not answer"]

        return asyncio.run_coroutine_threadsafe(ask(), self._loop).result(20)

    async def _watch(self, node: UdupNode) -> None:
        password = ""
        while True:
            with suppress(Exception):  # the node is down, or its server: it is tried again
                now = _password(node)
                if now != password:
                    password = now
                    await self._open(node, f"nats://udup:{password}@127.0.0.1:{node.nats_port}")
                if node in self._lines:
                    await self._look(self._lines[node])
            await asyncio.sleep(LOOK_SECONDS)

    async def _open(self, node: UdupNode, url: str) -> None:
        if (old := self._lines.pop(node, None)) is not None:
            with suppress(Exception):
                await asyncio.wait_for(old.close(), 1)
        line = await NatsLine.open(url, "watcher")
        await line.listen(self._heard, self._changed)
        self._lines[node] = line

    async def _look(self, line: NatsLine) -> None:
        news = await line.news(0, self._made)
        self._made = news.made
        for change in news.changes:
            self._changed(change)

    def _heard(self, data: bytes) -> None:
        if (beat := Beat.decode(data)) is None:
            return
        now = time.monotonic()
        before = self._beats.get(beat.node, now)
        if now - before > 1.0:
            self.silences.setdefault(beat.node, []).append((now, now - before))
        self._beats[beat.node] = now

    def _changed(self, change: Change) -> None:
        is_owner = change.key == LEADER or change.key.startswith("job.")
        if is_owner and change.seq not in self.seen:
            owner = msgspec.json.decode(change.data, type=Owner) if change.data else None
            self.seen[change.seq] = Seen(change.seq, time.monotonic(), change.key, owner)


def _lacks(info: StreamInfo, managers: int) -> Iterator[str]:
    name, cluster = info.config.name, info.cluster
    if info.config.num_replicas != managers or cluster is None or not cluster.leader:
        yield f"{name} has no leader, or too few replicas"
        return
    for each in cluster.replicas or ():
        if not each.current:
            yield f"{name} (led by {cluster.leader}) at {each.name}: lag {each.lag}, offline {each.offline}"


def _password(node: UdupNode) -> str:
    found = _PASSWORD.search((node.data / "nats" / "nats.conf").read_text())
    return found[1] if found else ""


@dataclass
class Load:
    """Writes into all jobs' tables, each at the same rate, and what of it the target has.

    Each transaction puts a row into a table with a key, into one without (where a row that came twice would be seen),
    and changes an earlier row.
    """

    source: Endpoint
    target: Endpoint
    jobs: list[str]
    written: int = 0
    #: By job, when the target had more than before: the time, and the newest row.
    arrivals: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    problem: str = ""

    def __post_init__(self) -> None:
        self._writes = threading.Event()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def create_tables(self) -> None:
        with closing(connect(self.source)) as connection:
            for job in self.jobs:
                query(connection, f"CREATE DATABASE {job}")
                query(
                    connection, f"CREATE TABLE {job}.t (id INT PRIMARY KEY, at DATETIME(6), n INT NOT NULL DEFAULT 0)"
                )
                query(connection, f"CREATE TABLE {job}.log (id INT NOT NULL, at DATETIME(6))")
                query(connection, f"CREATE DATABASE {more_of(job)}")
                query(connection, f"CREATE TABLE {more_of(job)}.t (id INT PRIMARY KEY)")
                query(connection, f"INSERT INTO {more_of(job)}.t {_NUMBERS} SELECT n FROM n")

    def start(self) -> None:
        """Write, and look at the target, until `stop`."""
        self._writes.set()
        self._ended.clear()
        self.arrivals = {job: [] for job in self.jobs}
        self._threads = [threading.Thread(target=self._guarded, args=(each,)) for each in (self._write, self._sample)]
        for thread in self._threads:
            thread.start()

    def stop_writing(self) -> None:
        self._writes.clear()
        self._threads[0].join()

    def stop(self) -> None:
        self._writes.clear()
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def newest(self, job: str) -> int:
        """Return the newest row that the target was seen to have."""
        return self.arrivals[job][-1][1] if self.arrivals[job] else 0

    def gap(self, job: str, begin: float, end: float) -> float:
        """Return the longest time without a new row at the target that touches the time between two moments."""
        times = [begin, *(at for at, _ in self.arrivals[job] if begin < at < end)]
        return max((b - a for a, b in zip(times, [*times[1:], end], strict=True)), default=0.0)

    def _guarded(self, work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except Exception as error:  # noqa: BLE001 -- the run shows it
            self.problem = self.problem or f"{work}: {error!r}"

    def _write(self) -> None:
        with closing(connect(self.source)) as connection:
            while self._writes.is_set():
                began = time.monotonic()
                self.written += 1
                for job in self.jobs:
                    _write(connection, job, self.written)
                time.sleep(max(0.0, WRITE_SECONDS - (time.monotonic() - began)))

    def _sample(self) -> None:
        ask = " UNION ALL ".join(f"SELECT '{job}', COALESCE(MAX(id), 0) FROM {job}.t" for job in self.jobs)
        with closing(connect(self.target)) as connection:
            while not self._ended.wait(SAMPLE_SECONDS):
                with suppress(MySQLError, UdupError):  # while a copy makes the tables there are none for a moment
                    self._take(dict(query(connection, ask)))

    def _take(self, rows: dict[str, int]) -> None:
        now = time.monotonic()
        for job, newest in rows.items():
            if newest > self.newest(job):
                self.arrivals[job].append((now, int(newest)))


def _write(connection: Connection, job: str, number: int) -> None:
    query(connection, "BEGIN")
    query(connection, f"INSERT INTO {job}.t (id, at) VALUES ({number}, NOW(6))")
    query(connection, f"INSERT INTO {job}.log VALUES ({number}, NOW(6))")
    query(connection, f"UPDATE {job}.t SET n = n + 1 WHERE id = {max(1, number - 7)}")
    query(connection, "COMMIT")
