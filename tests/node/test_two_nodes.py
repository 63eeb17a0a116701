"""A job whose source is read on an agent and applied on a manager, over a line that can be cut."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.node.cluster_lab import Proxy
from tests.node.real_cluster import SECONDS, RealCluster, kill, until
from tests.node.test_cluster_jobs import World, _act, _create_table, _get, _id, _when_taken
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer

pytestmark = pytest.mark.slow


class Apart(World):
    """`manager` has the job's Dest, `agent` its Src, and `line` is between the two."""

    line: Proxy

    @property
    def manager(self) -> UdupNode:
        return self.cluster.nodes[0]

    @property
    def agent(self) -> UdupNode:
        return self.cluster.nodes[1]

    def is_apart(self) -> None:
        """Wait until each node has the process that it is to have, and no other."""
        until(lambda: self.roles() == (["applier"], ["extractor"]), self.roles)

    def roles(self) -> tuple[list[str], list[str]]:
        def of(node: UdupNode) -> list[str]:
            actors = node.api.actors()
            return sorted(each["Role"] for each in actors if each["JobID"] == self.job and each["Role"] != "worker")

        return of(self.manager), of(self.agent)

    def extractor(self) -> int:
        pids = [each["Pid"] for each in self.agent.api.actors() if each["Role"] == "extractor"]
        return int(pids[0]) if pids else 0


@contextmanager
def _world(folder: Path, source: MysqlServer, target: MysqlServer, schema: str) -> Iterator[Apart]:
    lines: list[Proxy] = []

    def through(port: int) -> int:
        lines.append(Proxy(port))
        return lines[-1].port

    with RealCluster(folder / "two-nodes", managers=1, agents=1, through=through) as pair:
        world = Apart(pair, source, target, schema)
        world.line = lines[0]
        _create_table(source, schema)
        try:
            yield world
        finally:
            lines[0].close()


def test_source_and_target_on_two_nodes_stay_equal_whatever_dies_between_them(
    server_folder: Path, source: MysqlServer, target: MysqlServer, schema: str
) -> None:
    with _world(server_folder, source, target, schema) as world:
        document: dict[str, Any] = world.document()
        for task in document["Tasks"]:
            task["NodeName"] = "n1" if task["Type"] == "Src" else "n0"
        _when_taken(lambda: world.agent.post_job(document))
        world.manager.wait_stage(schema, deadline=SECONDS)
        world.is_apart()
        with world.writing():
            world.gets_more()
            os.kill(world.extractor(), signal.SIGKILL)
            world.gets_more()
            world.line.cut()
            time.sleep(4)  # longer than a node may be silent
            world.line.heal()
            world.gets_more()
            kill(world.agent)
            told = "task Src: node n1 "
            until(
                lambda: told in str(world.manager.job(schema)["StatusDescription"]), lambda: world.manager.job(schema)
            )
            world.agent.start()
            world.gets_more()
            # What the Src task reports over there is shown here.
            until(
                lambda: world.manager.job(schema)["Progress"]["extracted_transactions"],
                lambda: world.manager.job(schema),
            )
        world.is_equal()
        world.is_apart()
        placed = {each["Task"]: each["NodeID"] for each in _get(world.agent, f"/v1/job/{schema}/allocations")}
        assert placed == {"Src": _id(world.agent), "Dest": _id(world.manager)}
        _act(world.agent, schema, "pause")
        until(lambda: world.roles() == ([], []), world.roles)
        with world.writing():
            _act(world.agent, schema, "resume")
            world.gets_more()
        world.is_equal()
        _when_taken(lambda: world.agent.delete_job(schema))
        until(lambda: world.roles() == ([], []), world.roles)
        assert not _get(world.manager, "/v1/jobs")
