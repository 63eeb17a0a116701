"""Three managers as real servers on loopback, and what a test does to one of them."""

from __future__ import annotations

import base64
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from udup.base.errors import UdupError
from udup.sandbox.node import UdupNode
from udup.sandbox.ports import free_port
from udup.store.sealing import KEY_BYTES

#: Seconds for what has to come, on a busy machine.
SECONDS = 60.0


class RealCluster:
    """Managers and agents that are started together: the store begins when all managers are there.

    `through` gives the port by which agents reach that of a manager; `key` seals their passwords, a new one by default.
    """

    def __init__(
        self,
        folder: Path,
        managers: int = 3,
        agents: int = 0,
        through: Callable[[int], int] = lambda port: port,
        *,
        key: str = "",
    ) -> None:
        self._folder = folder
        self._key = key or base64.b64encode(os.urandom(KEY_BYTES)).decode()
        self._routes = [free_port() for _ in range(managers)]
        self._leaves = [free_port() for _ in range(managers)]
        self.nodes = [self._manager(number) for number in range(managers)]
        self.nodes += [
            self._node(managers + number, "agent", [through(port) for port in self._leaves], "")
            for number in range(agents)
        ]

    def _manager(self, number: int) -> UdupNode:
        others = [port for place, port in enumerate(self._routes) if place != number]
        ports = f"leaf = {self._leaves[number]}\ncluster = {self._routes[number]}\n"
        return self._node(number, "manager", others, ports)

    def _node(self, number: int, role: str, join: list[int], ports: str) -> UdupNode:
        others = ", ".join(f'"127.0.0.1:{port}"' for port in join)
        cluster = f'role = "{role}"\nname = "tests"\nsecret = "a-secret-of-the-tests"\njoin = [{others}]'
        settings = f'[node]\nname = "n{number}"\n\n[cluster]\n{cluster}\n\n[secrets]\nkey = "{self._key}"\n'
        return UdupNode(self._folder / f"n{number}", settings=settings, ports=ports)

    def __enter__(self) -> RealCluster:
        try:
            with ThreadPoolExecutor(len(self.nodes)) as pool:
                started = [pool.submit(node.start) for node in self.nodes]
            failed = [
                f"{node.folder.name}: {error}"
                for node, each in zip(self.nodes, started, strict=True)
                if (error := each.exception())
            ]
            assert not failed, "\n\n".join(failed)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(UdupNode.stop, self.nodes))

    def owner(self, job: str) -> UdupNode:
        """Return the node that has the job's processes; wait for it."""
        found: list[UdupNode] = []

        def is_there() -> bool:
            found[:] = [each for each in self.nodes if each.running and job in carried(each)]
            return len(found) == 1

        until(is_there, lambda: found)
        return found[0]

    def others(self, node: UdupNode) -> list[UdupNode]:
        return [each for each in self.nodes if each is not node]


def carried(node: UdupNode) -> set[str]:
    """Return the jobs that have processes on a node, none of one that does not answer."""
    with suppress(UdupError):
        return {str(each["JobID"]) for each in node.api.actors() if each["Role"] == "applier"}
    return set()


def kill(node: UdupNode) -> None:
    """SIGKILL to all of its processes."""
    node.kill()
    node.end_leftovers()


@contextmanager
def stopped(node: UdupNode) -> Iterator[None]:
    """SIGSTOP to all of its processes; SIGCONT at the end."""
    pids = list(node.pids())
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def until(holds: Callable[[], bool], what: Callable[[], object], seconds: float = SECONDS) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what()}"
        time.sleep(0.1)
