"""Keepers on real nats-servers: who dies or stands still loses all jobs in about three seconds, nobody else any."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from udup.base import runtime
from udup.cluster.beats import Beat, Role
from udup.cluster.begins import NotOurs
from udup.cluster.coordinator import KnownNode, Wanted
from udup.cluster.keeper import Host, NodeKeeper
from udup.cluster.nats_line import NatsLine
from udup.cluster.placement import Wish
from udup.cluster.ports import StoreAway
from udup.cluster.told import Carrying, Lost, Owned, Told
from udup.node.nats_server import NatsServer, _die_with_parent, _program
from udup.sandbox.ports import free_port

#: Seconds until something must have happened on a busy machine.
PATIENCE = 30.0

JOBS = 9

#: The bucket's numbers begin here: behind those of runs that there were before.
FIRST = 500


class RaftServer:
    """One of three nats-servers that keep the bucket together."""

    def __init__(self, folder: Path, ports: list[tuple[int, int]], number: int) -> None:
        self._folder = folder
        self.port, route = ports[number]
        routes = ", ".join(f'"nats-route://127.0.0.1:{other}"' for _, other in ports if other != route)
        folder.mkdir()
        (folder / "nats.conf").write_text(
            f'server_name: "s{number}"\nlisten: "127.0.0.1:{self.port}"\n'
            f'jetstream {{ store_dir: "{folder}/store", max_file_store: 100MB }}\n'
            f'cluster {{ name: "udup", listen: "127.0.0.1:{route}", no_advertise: true, routes: [{routes}] }}\n'
            f'log_file: "{folder}/nats.log"\n'
        )
        self.process = subprocess.Popen(
            [_program(), "-c", str(folder / "nats.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_die_with_parent,
        )

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Node:
    """A keeper on a loop and a thread of its own, whose loop can be blocked, as a process can."""

    def __init__(self, url: str, name: str, nodes: list[str], replicas: int) -> None:
        self.url, self.name, self._replicas = url, name, replicas
        self.tokens: dict[str, int] = {}
        self.numbers: dict[str, int] = {}
        self.lost: set[str] = set()
        self._begins: list[asyncio.Task[None]] = []
        self._wanted = Wanted(
            {f"job {n}": Wish(f"job {n}") for n in range(JOBS)}, 1, {node: KnownNode(node) for node in nodes}
        )
        self._voters = len(nodes)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self._started = threading.Event()
        self.failure: BaseException | None = None

    def start(self) -> Node:
        self._thread.start()
        assert self._started.wait(PATIENCE)
        return self

    async def _main(self) -> None:
        self.loop = asyncio.get_running_loop()
        try:
            line = await _until_there(lambda: NatsLine.open(self.url, self.name))
            await _until_there(lambda: line.make(self._replicas, FIRST))
            me = Beat(node=self.name, incarnation=runtime.new_id(), number=0, role=Role.MANAGER)
            host = Host(lambda: Carrying(len(self.tokens), 100), lambda: self._wanted, self._told, runtime.now)
            self.keeper = NodeKeeper(me, self._voters, line, line, host)
            await line.listen(self.keeper.heard, self.keeper.changed)
            self._running = asyncio.create_task(self.keeper.run())
            self._started.set()
            with suppress(asyncio.CancelledError):
                await self._running
            await line.close()
        except BaseException as error:
            self.failure = error
            raise

    def _told(self, told: Told) -> None:
        if isinstance(told, Owned):
            self.tokens[told.job] = told.token
            self._begins.append(asyncio.get_running_loop().create_task(self._begin(told.job, told.token)))
        elif isinstance(told, Lost):
            self.lost.add(told.job)
            self.tokens.pop(told.job, None)

    async def _begin(self, job: str, token: int) -> None:
        number = await self.keeper.begin(job, token)
        if not isinstance(number, NotOurs):
            self.numbers[job] = number

    def call(self, function: Callable[[], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            return await function()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(PATIENCE)

    def block(self, seconds: float) -> None:
        self.loop.call_soon_threadsafe(time.sleep, seconds)

    def end(self) -> None:
        """As if its process were killed: nothing more is said."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._running.cancel)
            self._thread.join(PATIENCE)


async def _until_there(attempt: Callable[[], Awaitable[Any]]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return await attempt()
        except StoreAway:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)


def until(condition: Callable[[], bool], what: str) -> float:
    """Wait; return how many seconds it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < PATIENCE, what
        time.sleep(0.02)
    return time.monotonic() - began


def carried(nodes: list[Node]) -> dict[str, str]:
    return {job: node.name for node in nodes for job in list(node.tokens) if job in node.numbers}


def leader_of(nodes: list[Node]) -> Node:
    return next(node for node in nodes if node.name == nodes[0].keeper.owners.leader)


@pytest.fixture
def server(server_folder: Path) -> Iterator[NatsServer]:
    server = NatsServer(Path(tempfile.mkdtemp(prefix="owners-", dir=server_folder)), 0)
    server.start()
    yield server
    server.stop()


def test_a_node_that_dies_and_one_that_stands_still_lose_their_jobs_and_no_other_does(server: NatsServer) -> None:
    names = ["a", "b", "c"]
    nodes = [Node(server.url, name, names, 1).start() for name in names]
    try:
        until(lambda: len(carried(nodes)) == JOBS, "all jobs are carried")
        before = carried(nodes)
        assert set(before) == {f"job {number}" for number in range(JOBS)}
        paused = leader_of(nodes)
        others = [node for node in nodes if node is not paused]
        paused.block(6.0)  # the coordinator itself
        took = until(lambda: len(carried(others)) == JOBS, "the others carry all jobs")
        assert took > 2.0
        assert not any(node.lost for node in others), "a false take-over"
        until(lambda: not paused.tokens, "the one that stood still learns that it has lost all")
        numbers = [number for node in nodes for number in node.numbers.values()]
        assert len(numbers) == len(set(numbers))
        assert min(numbers) > FIRST
        for job, name in before.items():
            if name == paused.name:
                new = next(node for node in others if job in node.tokens)
                assert new.numbers[job] > paused.numbers[job]
        lost_before = set(others[1].lost)
        others[0].end()
        rest = [paused, others[1]]
        until(lambda: len(carried(rest)) == JOBS, "two carry all jobs")
        assert others[1].lost == lost_before, "a false take-over"
    finally:
        for node in nodes:
            node.end()


@pytest.fixture
def three_servers(server_folder: Path) -> Iterator[list[RaftServer]]:
    folder = Path(tempfile.mkdtemp(prefix="owners-", dir=server_folder))
    ports = [(free_port(), free_port()) for _ in range(3)]
    servers = [RaftServer(folder / str(number), ports, number) for number in range(3)]
    yield servers
    for server in servers:
        server.kill()


def test_three_servers_keep_the_bucket_and_one_of_them_dies_with_its_node(three_servers: list[RaftServer]) -> None:
    names = ["a", "b", "c"]
    nodes = [Node(server.url, name, names, 3) for server, name in zip(three_servers, names, strict=True)]
    try:
        for node in nodes:
            node.start()
        until(lambda: len(carried(nodes)) == JOBS, "all jobs are carried")
        three_servers[0].kill()
        nodes[0].end()
        rest = nodes[1:]
        until(lambda: len(carried(rest)) == JOBS, "two carry all jobs")
        assert not any(node.lost for node in rest), "a false take-over"
        assert all(node.keeper.knows_leader() for node in rest)
    finally:
        for node in nodes:
            node.end()
