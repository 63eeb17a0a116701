"""A job of several real nodes that follows a table into which somebody writes, and what is asked of any node."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.node.real_cluster import RealCluster, until
from udup.base.errors import Transient
from udup.drivers.mysql.client.connection import connect, query, scalar
from udup.sandbox.api import job_document
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer
from udup.verify.compare import compare


@dataclass
class World:
    """A job that follows a table into which somebody writes all the time."""

    cluster: RealCluster
    source: MysqlServer
    target: MysqlServer
    job: str
    written: int = field(default=0)

    def document(self, **more: Any) -> dict[str, Any]:
        made = job_document(self.job, self.source.endpoint, self.target.endpoint, [self.job])
        return {**made, "ID": self.job, **more}

    def at_target(self) -> int:
        with closing(connect(self.target.endpoint)) as connection, suppress(Exception):
            return int(scalar(connection, f"SELECT COALESCE(MAX(id), 0) FROM {self.job}.t") or 0)
        return 0

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A row each few milliseconds."""
        ended = threading.Event()

        def write() -> None:
            with closing(connect(self.source.endpoint)) as connection:
                while not ended.is_set():
                    self.written += 1
                    query(connection, f"INSERT INTO {self.job}.t VALUES ({self.written}, NOW(6))")
                    time.sleep(0.005)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            yield
        finally:
            ended.set()
            writer.join()

    @contextmanager
    def longest_gap(self) -> Iterator[list[float]]:
        """Measure the longest time, in seconds, in which the target got nothing new."""
        ended, gap = threading.Event(), [0.0]

        def look() -> None:
            with closing(connect(self.target.endpoint)) as connection:
                last, at = 0, time.monotonic()
                while not ended.is_set():
                    found = int(scalar(connection, f"SELECT COALESCE(MAX(id), 0) FROM {self.job}.t") or 0)
                    if found != last:
                        now = time.monotonic()
                        gap[0], last, at = max(gap[0], now - at), found, now
                    time.sleep(0.005)

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            yield gap
        finally:
            ended.set()
            watcher.join()

    def gets_more(self) -> None:
        """Wait until the target has what is written from now on."""
        wanted = self.written + 1
        until(lambda: self.at_target() >= wanted, lambda: (self.at_target(), wanted, self._logs()))

    def _logs(self) -> str:
        return "\n".join(node.log.read_text("utf-8", "replace")[-6000:] for node in self.cluster.nodes)

    def is_gone(self) -> None:
        """Wait until no node shows the job."""

        def showing() -> list[str]:
            return [
                node.folder.name
                for node in self.cluster.nodes
                if node.running and self.job in {each["ID"] for each in get(node, "/v1/jobs")}
            ]

        until(lambda: not showing(), lambda: (showing(), self._logs()))

    def is_equal(self) -> None:
        until(lambda: self.at_target() == self.written, lambda: (self.at_target(), self.written, self._logs()))

        def compared() -> Any:
            return compare(self.source.endpoint, self.target.endpoint, [self.job])

        # What runs in parallel is committed in any order: the last row may be there before others.
        until(lambda: compared().equal, lambda: (compared(), self._logs()))


def create_table(source: MysqlServer, schema: str) -> None:
    with closing(connect(source.endpoint)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        query(connection, f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, at DATETIME(6))")


def when_taken(act: Callable[[], object]) -> None:
    """A cluster that has just lost a node takes no wishes for a while."""

    def taken() -> bool:
        try:
            act()
        except Transient:
            return False
        return True

    until(taken, lambda: "not taken")


def act(node: UdupNode, job: str, what: str) -> None:
    node.api._request("POST", f"/v1/job/{job}/{what}").raise_for_status()


def get(node: UdupNode, path: str) -> Any:
    return node.api._request("GET", path).json()


def put(node: UdupNode, path: str) -> Any:
    said: list[Any] = []
    when_taken(lambda: said.append(node.api._request("PUT", path)))
    return said[0].json()


def id_of(node: UdupNode) -> str:
    return (node.data / "agent" / "node-id").read_text().strip()
