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
from tests.node.cluster_world import World, act, create_table, get, id_of, when_taken
from tests.node.real_cluster import SECONDS, RealCluster, kill, until
from udup.sandbox.node import UdupNode
from udup.sandbox.server import MysqlServer

pytestmark = pytest.mark.slow


#: Each server's password is known to one node alone: nobody else gets in.
SRC, DEST = "UDUP_SECRET_SRC", "UDUP_SECRET_DEST"


class Apart(World):
    """`manager` has the job's Dest, `agent` its Src, and `line` is between the two."""

    line: Proxy

    @property
    def manager(self) -> UdupNode:
        return self.cluster.nodes[0]

    @property
    def agent(self) -> UdupNode:
        return self.cluster.nodes[1]

    def document(self, **more: Any) -> dict[str, Any]:
        document = super().document(**more)
        for task, name, secret in zip(document["Tasks"], ("n1", "n0"), (SRC, DEST), strict=True):
            task["NodeName"] = name
            task["Config"]["ConnectionConfig"]["Password"] = f"env:{secret}"
        return document

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

    pair = RealCluster(folder / "two-nodes", managers=1, agents=1, through=through)
    for node, name, server in zip(pair.nodes, (DEST, SRC), (target, source), strict=True):
        node.environment = {**os.environ, name: server.endpoint.password}
    with pair:
        world = Apart(pair, source, target, schema)
        world.line = lines[0]
        create_table(source, schema)
        try:
            yield world
        finally:
            lines[0].close()


def _is_seen_from_both(node: UdupNode, document: dict[str, Any]) -> None:
    """Wait until each server is looked at by the node that reaches it, which has to be heard for that."""
    found: list[Any] = []

    def seen() -> bool:
        found[:] = node.api._request("POST", "/v1/validate/job", json=document).json()["Checks"]
        reached = [each["Task"] for each in found if (each["Check"], each["Result"]) == ("connection", "pass")]
        return reached == ["Src", "Dest"] and not any(each["Result"] == "fail" for each in found)

    until(seen, lambda: found)


def test_source_and_target_on_two_nodes_stay_equal_whatever_dies_between_them(
    server_folder: Path, source: MysqlServer, target: MysqlServer, schema: str
) -> None:
    with _world(server_folder, source, target, schema) as world:
        document = world.document()
        for node in (world.manager, world.agent):
            _is_seen_from_both(node, document)
        when_taken(lambda: world.manager.post_job(document))
        world.manager.wait_stage(schema, deadline=SECONDS)
        world.is_apart()
        document["Tasks"][1]["Config"]["ParallelWorkers"] = 3
        when_taken(lambda: world.agent.post_job(document))  # which is checked
        until(lambda: get(world.agent, f"/v1/job/{schema}/level?wait=5")["Level"], lambda: world.manager.job(schema))
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
        placed = {each["Task"]: each["NodeID"] for each in get(world.agent, f"/v1/job/{schema}/allocations")}
        assert placed == {"Src": id_of(world.agent), "Dest": id_of(world.manager)}
        act(world.agent, schema, "pause")
        until(lambda: world.roles() == ([], []), world.roles)
        with world.writing():
            act(world.agent, schema, "resume")
            world.gets_more()
        world.is_equal()
        when_taken(lambda: world.agent.delete_job(schema))
        until(lambda: world.roles() == ([], []), world.roles)
        assert not get(world.manager, "/v1/jobs")
