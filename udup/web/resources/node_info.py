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
from udup.web.ports import JobReads, NotReady, NotThere, StillThere
from udup.web.requests import has_prefix
from udup.web.resources.node_changes import NodeChanges
from udup.web.responses import Freshness
from udup.web.schemas.agent import Member, Members
from udup.web.schemas.nodes import Node, NodeStub, NodeUpdateResponse, Server

READY, DOWN, INITIALIZING = "ready", "down", "initializing"

#: Seconds since the store was read whole for which that is news, and what is said of one that never was.
FRESH_SECONDS, _NEVER_MS = 3.0, (1 << 31) - 1

#: The indexes of a node that has just been registered and become ready, as the first entries of a log.
_REGISTERED, _READY = 4, 5

_ALIVE, _FAILED, _LEFT = "alive", "failed", "left"
#: Digits of an ID that are enough to name a node.
_DIGITS = 8

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
        self._changes = NodeChanges()
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

    def failed(self, given: str) -> NodeSeen | None:
        """Return the member that is called so, by its ID, its name, or that with the region; None if there is none.

        `StillThere` for one that is heard.
        """
        names = {given, given.removesuffix(f".{self._settings.region}")}
        if names & {self.node_id, self.name}:
            raise StillThere(f"node {self.name} is this one: stop it first")
        seen = next((each for each in self.others_seen if names & {each.node, each.name}), None)
        if seen is not None and seen.is_here:
            raise StillThere(f"node {seen.name} ({seen.node}) is alive: stop it first, for good")
        return seen

    def find(self, given: str) -> str:
        """Return the ID of the node that is called so: by its ID, its name, or eight digits of the ID or more.

        `NotThere` for none or several, `NotReady` for one that is not heard.
        """
        nodes = {each.node: each for each in self.others_seen}
        named = [each for each in nodes if nodes[each].name == given] + [self.node_id] * (self.name == given)
        begun = [each for each in (*nodes, self.node_id) if len(given) >= _DIGITS and each.startswith(given.lower())]
        found = sorted({*(named or begun)})
        if len(found) != 1:
            several = f": {given!r} is {', '.join(found)}" if found else ""
            raise NotThere(f"node not found{several}")
        seen = nodes.get(found[0])
        if seen is not None and not seen.is_here:
            raise NotReady(f"node {seen.name} ({seen.node}) cannot be asked: {_said_of(seen)[1]}")
        return found[0]

    @property
    def others_seen(self) -> tuple[NodeSeen, ...]:
        view = self.view
        return () if view is None else tuple(each for each in view.nodes if each.node != self.node_id)

    @property
    def _others_known(self) -> tuple[NodeSeen, ...]:
        """Return the other nodes, with those that were not heard since this one was started."""
        return self.others_seen if self.view is None else (*self.others_seen, *self.view.unheard)

    def places(self) -> Callable[[str, str, str], tuple[str, str]]:
        """Return what says where a job's task is, or the node that is named: its ID, and its datacenter."""
        view = self.view
        if view is None:
            return lambda _job, _node, _task: (self.node_id, self.datacenter)

        def place(job: str, node: str, task: str) -> tuple[str, str]:
            owner = view.owners.get(job, "")
            node = node or (view.sources.get(job, owner) if task == TaskType.SRC else owner)
            found = view.node(node)
            return (found.node, found.datacenter) if found is not None else (node, self.datacenter)

        return place

    @property
    def leader(self) -> str:
        """Return the address of who leads, "" while nobody is known to."""
        view = self.view
        if view is None:
            return self.address
        leader = view.node(view.leader) if view.knows_leader else None
        return "" if leader is None else leader.address

    def freshness(self) -> Freshness:
        """Return what the last look at the jobs is worth."""
        view = self.view
        if view is None:
            return Freshness()
        age = self._reads.age()
        is_whole = age < FRESH_SECONDS and not view.why_not
        knows = is_whole and view.knows_leader
        contact = 0 if knows and view.leader == self.node_id else min(age * 1000, _NEVER_MS)
        return Freshness(knows, int(contact), is_whole)

    @property
    def peers(self) -> list[str]:
        """Return the addresses of all managers."""
        managers = (each.address for each in self.others_seen if each.role.votes)
        return sorted({*([self.advertised] if self.is_manager else []), *managers})

    @property
    def is_manager(self) -> bool:
        return self._settings.cluster.role != Role.AGENT.value

    @property
    def advertised(self) -> str:
        """Return the address by which others call this node's API."""
        seen = self._seen_here()
        return self.address if seen is None else seen.address

    @property
    def leads(self) -> bool:
        view = self.view
        return view is None or (view.knows_leader and view.leader == self.node_id)

    def _seen_here(self) -> NodeSeen | None:
        view = self.view
        return None if view is None else view.node(self.node_id)

    # ---- This one ----

    def refresh(self) -> int:
        """Look how the node is; the index of its last change, which counts up while the process lives."""
        problems = self._reads.problems()
        with self._lock:
            if problems != self._problems:
                self._problems = problems
                self._index += 1
                self._changed_at = int(time.time())
            if self._cluster is None:
                return self._index
        states: dict[str, object] = {
            each.node: (_said_of(each), self._drain(each.node, "")) for each in self._others_known
        }
        self._changes.note({**states, self.node_id: (problems, self._drain(self.node_id, ""))})
        return self._changes.last

    def index(self, node_id: str) -> int:
        """Return the index of a node as it was at the last `refresh`."""
        return self._index if self._cluster is None else self._changes.index(node_id)

    def stubs_of_others(self, digits: str) -> list[dict[str, Any]]:
        """Return the other nodes whose IDs begin so."""
        wanted = (each for each in self._others_known if has_prefix(each.node, digits))
        return [NodeStub(**self._fields_of(each)).to_json() for each in wanted]

    def all_stubs(self) -> list[dict[str, Any]]:
        """Return this node and the others, as the list has them."""
        self.refresh()
        return [self.stub(), *self.stubs_of_others("")]

    def other(self, node_id: str) -> dict[str, Any] | None:
        """Return another node, None if there is no such one. Its NATS is reached by its own processes alone."""
        seen = next((each for each in self._others_known if each.node == node_id.lower()), None)
        if seen is None:
            return None
        shown = Node(
            **self._fields_of(seen),
            http_addr=seen.address,
            nats_addr="",
            attributes=_RUNS_MYSQL,
            status_updated_at=self._changes.changed_at(seen.node),
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
        drain = self._drain(self.node_id, "; ".join(self._problems))
        with self._lock:
            return {
                "id": self.node_id,
                "datacenter": self.datacenter,
                "name": self.name,
                "status": DOWN if self._problems else READY,
                "create_index": _REGISTERED,
                "modify_index": self.index(self.node_id),
                **drain,
            }

    def _fields_of(self, seen: NodeSeen) -> dict[str, Any]:
        """Return another node as the list shows it."""
        status, why, *_ = _said_of(seen)
        return {
            "id": seen.node,
            "datacenter": seen.datacenter,
            "name": seen.name,
            "status": status,
            "create_index": _REGISTERED,
            "modify_index": self._changes.index(seen.node),
            **self._drain(seen.node, why),
        }

    def _drain(self, node: str, why: str) -> dict[str, Any]:
        """Return whether a node drains, and its description with how many jobs it has then."""
        view = self.view
        drains = view is not None and node in view.drains
        if view is not None and drains:
            left = sum(owner == node for owner in view.owners.values())
            drained = f"it drains, and has {left} job{'' if left == 1 else 's'}"
            why = f"{why}; {drained}" if why else drained
        return {"status_description": why, "drain": drains}

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
        if (seen := self._seen_here()) is not None:
            return self._member_of(seen)
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
            members=[
                *([self.member()] if self.is_manager else []),
                *(self._member_of(each) for each in self.others_seen if each.role.votes),
            ],
        )
        return shown.to_json()

    def others(self, addresses: Iterable[str]) -> list[str]:
        """Those of the addresses (`host` or `host:port`) that are neither this node's nor of its cluster's."""
        own = {
            name
            for each in self.others_seen
            for name in (each.node, each.name, each.address, each.address.rpartition(":")[0].strip("[]"))
        }
        own |= {
            self.name,
            self._settings.bind_addr,
            self.address,
            "localhost",
            f"localhost:{self._settings.ports.http}",
        }
        return [address for address in addresses if address.removeprefix("http://").rstrip("/") not in own]


def _said_of(seen: NodeSeen) -> tuple[str, ...]:
    """Return what is shown of another node and may change: first its status, then why."""
    place = seen.name, seen.datacenter, seen.address
    if not seen.is_here:
        return DOWN, "it has ended" if seen.is_gone else "it is not heard", *place
    return (READY, "", *place) if seen.ready else (INITIALIZING, "it has not read the job store yet", *place)
