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
    """Nodes that are started together: the store begins when all are there."""

    def __init__(self, folder: Path, count: int = 3) -> None:
        key = base64.b64encode(os.urandom(KEY_BYTES)).decode()
        routes = [free_port() for _ in range(count)]
        self.nodes = [self._node(folder / f"n{number}", number, routes, key) for number in range(count)]

    @staticmethod
    def _node(folder: Path, number: int, routes: list[int], key: str) -> UdupNode:
        others = ", ".join(f'"127.0.0.1:{port}"' for place, port in enumerate(routes) if place != number)
        cluster = f'role = "manager"\nname = "tests"\nsecret = "a-secret-of-the-tests"\njoin = [{others}]'
        settings = f'[node]\nname = "n{number}"\n\n[cluster]\n{cluster}\n\n[secrets]\nkey = "{key}"\n'
        return UdupNode(folder, settings=settings, ports=f"leaf = {free_port()}\ncluster = {routes[number]}\n")

    def __enter__(self) -> RealCluster:
        try:
            with ThreadPoolExecutor(len(self.nodes)) as pool:
                list(pool.map(UdupNode.start, self.nodes))
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


def until(holds: Callable[[], bool], what: Callable[[], object], seconds: float = SECONDS) -> float:
    """Return how many seconds it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"not within {seconds:.0f} s: {what()}"
        time.sleep(0.1)
    return time.monotonic() - began
