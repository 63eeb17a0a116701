"""What this node is to others: its ID, its state, its address. One node is its own manager, leader and only member.

There is no port for servers among themselves; where clients expect that of a manager they are told the API's own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

from udup import __version__
from udup.base.config import Settings
from udup.web.ports import JobReads
from udup.web.schemas.agent import Member, Members
from udup.web.schemas.nodes import Node, NodeStub, NodeUpdateResponse, Server

READY, DOWN = "ready", "down"

#: The indexes of a node that has just been registered and become ready, as the first entries of a log.
_REGISTERED, _READY = 4, 5

_ALIVE = "alive"
_RUNS_MYSQL = {"driver.MySQL": "1"}


class NodeInfo:
    """This node as a node, as a manager and as a member."""

    def __init__(self, node_id: str, settings: Settings, reads: JobReads) -> None:
        self.node_id = node_id
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

    def refresh(self) -> int:
        """Look how the node is; the index of its last change, which counts up while the process lives."""
        problems = self._reads.problems()
        with self._lock:
            if problems != self._problems:
                self._problems = problems
                self._index += 1
                self._changed_at = int(time.time())
            return self._index

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

    def members(self) -> dict[str, Any]:
        shown = Members(
            server_name=self.name,
            server_region=self._settings.region,
            server_dc=self.datacenter,
            members=[self.member()],
        )
        return shown.to_json()

    def others(self, addresses: Iterable[str]) -> list[str]:
        """Those of the addresses (`host` or `host:port`) that are not this node's."""
        own = {self.name, self._settings.bind_addr, self.address, "localhost", f"localhost:{self._settings.ports.http}"}
        return [address for address in addresses if address.removeprefix("http://").rstrip("/") not in own]
