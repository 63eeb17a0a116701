"""What this node is to others: its ID, its state, its address; and who the others are.

A node that is alone is its own manager, leader and only member. Where clients expect the port of servers among
themselves they are told the API's own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from udup import __version__
from udup.base.config import Settings
from udup.cluster.beats import Role
from udup.cluster.view import NodeSeen, View
from udup.jobs.words import TaskType
from udup.web.ports import JobReads
from udup.web.requests import has_prefix
from udup.web.schemas.agent import Member, Members
from udup.web.schemas.nodes import Node, NodeStub, NodeUpdateResponse, Server

READY, DOWN = "ready", "down"

#: The indexes of a node that has just been registered and become ready, as the first entries of a log.
_REGISTERED, _READY = 4, 5

_ALIVE, _FAILED, _LEFT = "alive", "failed", "left"
_RUNS_MYSQL = {"driver.MySQL": "1"}


class NodeInfo:
    """This node as a node, as a manager and as a member."""

    def __init__(
        self, node_id: str, settings: Settings, reads: JobReads, cluster: Callable[[], View] | None = None
    ) -> None:
        """`cluster` says how it looks where there are several nodes."""
        self.node_id = node_id
        self._cluster = cluster
        self._settings = settings
        self._reads = reads
        self._lock = threading.Lock()
        self._problems: list[str] = []
        self._index = _READY
        self._changed_at = int(time.time())

    @property
    def name(self) -> str:
        return self._settings.node.name

    @property
    def datacenter(self) -> str:
        return self._settings.datacenter

    @property
    def address(self) -> str:
        """host:port of the API."""
        host = self._settings.bind_addr
        return f"[{host}]:{self._settings.ports.http}" if ":" in host else f"{host}:{self._settings.ports.http}"

    # ---- Other nodes ----

    @property
    def view(self) -> View | None:
        """Return how the cluster looks; None for a node that is alone."""
        return None if self._cluster is None else self._cluster()

    @property
    def others_seen(self) -> tuple[NodeSeen, ...]:
        view = self.view
        return () if view is None else tuple(each for each in view.nodes if each.node != self.node_id)

    def places(self) -> Callable[[str, str], tuple[str, str]]:
        """Return what says where a job's task is: the node's ID, and its datacenter."""
        view = self.view
        if view is None:
            return lambda _job, _task: (self.node_id, self.datacenter)

        def place(job: str, task: str) -> tuple[str, str]:
            found = view.owners.get(job, "")
            if task == TaskType.SRC:
                found = view.sources.get(job, found)
            node = view.node(found)
            return (node.node, node.datacenter) if node is not None else (found, self.datacenter)

        return place

    @property
    def leader(self) -> str:
        """Return the address of who leads, "" while nobody is known to."""
        view = self.view
        if view is None:
            return self.address
        leader = view.node(view.leader) if view.knows_leader else None
        return "" if leader is None else leader.address

    @property
    def peers(self) -> list[str]:
        """Return the addresses of all managers."""
        managers = (each.address for each in self.others_seen if each.role.votes)
        own = [self.address] if self._settings.cluster.role != Role.AGENT.value else []
        return sorted({*own, *managers})

    # ---- This one ----

    def refresh(self) -> int:
        """Look how the node is; the index of its last change, which counts up while the process lives."""
        problems = self._reads.problems()
        with self._lock:
            if problems != self._problems:
                self._problems = problems
                self._index += 1
                self._changed_at = int(time.time())
            return self._index

    def stubs_of_others(self, digits: str) -> list[dict[str, Any]]:
        """Return the other nodes whose IDs begin so."""
        return [NodeStub(**_fields_of(each)).to_json() for each in self.others_seen if has_prefix(each.node, digits)]

    def other(self, node_id: str) -> dict[str, Any] | None:
        """Return another node, None if there is no such one. Its NATS is reached by its own processes alone."""
        seen = next((each for each in self.others_seen if each.node == node_id.lower()), None)
        if seen is None:
            return None
        shown = Node(
            **_fields_of(seen), http_addr=seen.address, nats_addr="", attributes=_RUNS_MYSQL, status_updated_at=0
        )
        return shown.to_json()

    def stub(self) -> dict[str, Any]:
        return NodeStub(**self._fields()).to_json()

    def node(self) -> dict[str, Any]:
        settings = self._settings
        shown = Node(
            **self._fields(),
            http_addr=self.address,
            nats_addr=f"{settings.bind_addr}:{settings.ports.nats}",
            attributes=_RUNS_MYSQL,
            status_updated_at=self._changed_at,
        )
        return shown.to_json()

    def _fields(self) -> dict[str, Any]:
        with self._lock:
            return {
                "id": self.node_id,
                "datacenter": self.datacenter,
                "name": self.name,
                "status": DOWN if self._problems else READY,
                "status_description": "; ".join(self._problems),
                "create_index": _REGISTERED,
                "modify_index": self._index,
            }

    def evaluated(self) -> dict[str, Any]:
        """The answer to an evaluation: all tasks that there are run here, so that nothing is to be placed again."""
        index = self.refresh()
        shown = NodeUpdateResponse(
            eval_ids=None,
            eval_create_index=0,
            node_modify_index=index,
            index=index,
            leader_rpc_addr=self.address,
            num_nodes=1,
            servers=[Server(rpc_advertise_addr=self.address, datacenter=self.datacenter)],
        )
        return shown.to_json()

    def member(self) -> Member:
        settings = self._settings
        tags = {
            "role": "server",
            "region": settings.region,
            "dc": settings.datacenter,
            "port": str(settings.ports.http),
            "build": __version__,
            "bootstrap": "1",
        }
        name = f"{self.name}.{settings.region}"
        return Member(name=name, addr=settings.bind_addr, port=settings.ports.http, status=_ALIVE, tags=tags)

    def _member_of(self, seen: NodeSeen) -> Member:
        host, _, port = seen.address.rpartition(":")
        tags = {
            "role": "server",
            "region": self._settings.region,
            "dc": seen.datacenter,
            "port": port,
            "build": seen.build,
            "bootstrap": "1",
        }
        status = _ALIVE if seen.is_here else _LEFT if seen.is_gone else _FAILED
        name = f"{seen.name}.{self._settings.region}"
        return Member(name=name, addr=host.strip("[]"), port=int(port or 0), status=status, tags=tags)

    def members(self) -> dict[str, Any]:
        shown = Members(
            server_name=self.name,
            server_region=self._settings.region,
            server_dc=self.datacenter,
            members=[self.member(), *map(self._member_of, (each for each in self.others_seen if each.role.votes))],
        )
        return shown.to_json()

    def others(self, addresses: Iterable[str]) -> list[str]:
        """Those of the addresses (`host` or `host:port`) that are not this node's."""
        own = {self.name, self._settings.bind_addr, self.address, "localhost", f"localhost:{self._settings.ports.http}"}
        return [address for address in addresses if address.removeprefix("http://").rstrip("/") not in own]


def _fields_of(seen: NodeSeen) -> dict[str, Any]:
    """Return another node as the list shows it. When it changed last is not known here."""
    return {
        "id": seen.node,
        "datacenter": seen.datacenter,
        "name": seen.name,
        "status": READY if seen.is_here else DOWN,
        "status_description": "" if seen.is_here else "it has ended" if seen.is_gone else "it is not heard",
        "create_index": _REGISTERED,
        "modify_index": _READY,
    }
