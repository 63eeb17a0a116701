"""The node as answers show it."""

from __future__ import annotations

from pydantic import Field

from udup.web.schemas.shape import Shape


class NodeStub(Shape):
    """An entry of the list of nodes."""

    id: str
    datacenter: str
    name: str
    status: str = Field(description="initializing, ready or down")
    status_description: str
    drain: bool = Field(default=False, description="it gives its jobs up, and is given none")
    create_index: int = Field(ge=0)
    modify_index: int = Field(ge=0)


class Node(NodeStub):
    """A node, whole. Attributes: `driver.MySQL` is "1" where tasks of that driver run."""

    http_addr: str
    nats_addr: str
    attributes: dict[str, str]
    computed_class: str = ""
    status_updated_at: int = Field(description="seconds since the epoch")


class Server(Shape):
    """A manager, as a node is told of it."""

    rpc_advertise_addr: str
    rpc_major_version: int = 1
    rpc_minor_version: int = 1
    datacenter: str


class NodeUpdateResponse(Shape):
    """The answer to an evaluation of a node."""

    eval_ids: list[str] | None
    eval_create_index: int
    node_modify_index: int
    index: int
    heartbeat_ttl: int = Field(default=0, alias="HeartbeatTTL", description="nanoseconds")
    leader_rpc_addr: str
    num_nodes: int
    servers: list[Server]
    last_contact: int = 0
    known_leader: bool = False
