"""Operations of nodes, of a cluster, of an agent's actors, and of the users of its NATS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from udup.web.openapi.operation import PID as _PID
from udup.web.openapi.operation import UUID as _UUID
from udup.web.openapi.operation import WRITE as _WRITE
from udup.web.openapi.operation import Operation
from udup.web.openapi.operation import both as _both
from udup.web.openapi.operation import reading as _reading

_DRILL = "A drill: whatever is killed, the job goes on from its checkpoint."


def _nodes() -> Iterator[Operation]:
    tag = "nodes"
    yield _reading("/v1/nodes", "listNodes", "The nodes: this one", tag, "[NodeStub]", "uuid_prefix")
    yield _reading("/v1/node/{id}", "readNode", "One node", tag, "Node", *_UUID)
    path = "/v1/node/{id}/allocations"
    yield _reading(path, "listNodeAllocations", "The tasks on a node, whole", tag, "[Allocation]", *_UUID)
    evaluate = Operation(
        "put",
        "/v1/node/{id}/evaluate",
        "evaluateNode",
        "Look whether tasks are to be placed again on a node; on the only one none ever are",
        tag,
        "NodeUpdateResponse",
        (*_UUID, *_WRITE),
        ("X-Udup-Index",),
        errors=(301, 404),
    )
    yield from _both(evaluate)


def _moves() -> Iterator[Operation]:
    """Jobs that go from one node to another."""
    tag, answer, errors = "cluster", "NodeDrain", (301, 404)
    drain = Operation(
        "put",
        "/v1/node/{id}/drain",
        "drainNode",
        "Have a node give its jobs up, and be given none; or have it be given jobs again",
        tag,
        answer,
        (*_UUID, "enable", "deadline", *_WRITE),
        errors=errors,
        description="Its jobs are wound up at a transaction boundary and begun elsewhere, some at a time; a GET says"
        " how far it is. A job in a full copy goes behind that, or at the deadline. Those that stay are named, with"
        " the reason.",
    )
    yield from _both(drain)
    summary = "Which jobs of a node that drains have not gone yet"
    yield replace(drain, method="get", name="readDrain", summary=summary, parameters=(*_UUID, *_WRITE), description="")
    told = "Two at a time, at transaction boundaries, none in a full copy."
    summary = "Have the least number of unpinned jobs move, so that all nodes are equally full"
    for path, name, asked, missing in (
        ("rebalance", "rebalance", ("dry_run",), ()),
        ("move", "moveJob", ("job", "to_node"), (404,)),
    ):
        parameters, path = (*asked, *_WRITE), f"/v1/cluster/{path}"
        one = Operation("put", path, name, summary, tag, "Moves", parameters, errors=missing, description=told)
        yield from _both(one)
        summary = "Have one job move to a node"


def _cluster() -> Iterator[Operation]:
    tag = "cluster"
    yield Operation("get", "/v1/members", "listMembers", "The managers: this one", tag, "Members", ("pretty",))
    asked = ("region", "index", "wait", "pretty")
    yield Operation("get", "/v1/leader", "readLeader", "The leader's address: this node's", tag, "string", asked)
    yield Operation("get", "/v1/peers", "listPeers", "The managers' addresses: this node's", tag, "[string]", asked)
    for path, name in (("/v1/managers", "Managers"), ("/v1/servers", "Servers")):
        summary = "The managers that this node talks to: itself"
        yield Operation("get", path, f"list{name}", summary, tag, "[string]", ("pretty",))
        summary = "Name the managers that this node is to talk to; only its own address is accepted"
        yield from _both(Operation("put", path, f"set{name}", summary, tag, "", ("address",)))
    summary = "Join other managers; nodes are joined by their settings, so that none can be joined but itself"
    yield from _both(Operation("put", "/v1/join", "join", summary, tag, "Joined", ("address", "pretty")))
    yield from _both(Operation("put", "/v1/leave", "leave", "Force a failed member out", tag, "", ("node",)))


def _agent() -> Iterator[Operation]:
    tag = "agent"
    yield Operation("get", "/v1/self", "readSelf", "This node: settings, membership, numbers", tag, "Self", ("pretty",))
    summary = "The actors of this node, or of another one of its cluster"
    parameters = ("actors_node", "pretty")
    yield Operation("get", "/v1/agent/actors", "listActors", summary, tag, "[Actor]", parameters, errors=(404,))
    path = "/v1/agent/actor/{pid}/kill"
    kill = Operation("put", path, "killActor", "Kill an actor's process", tag, "", _PID, errors=(301, 404))
    yield from _both(replace(kill, description=_DRILL))
    path = "/v1/agent/actor/{pid}/stacks"
    summary = "What all threads of an actor are doing"
    yield Operation("get", path, "readStacks", summary, tag, "text", _PID, errors=(301, 404))
    for path, name in (("/v1/health", "readHealth"), ("/v1/health/ready", "readReadiness")):
        yield Operation("get", path, name, "Whether the node can do its work", tag, "Health", ("pretty",))
    yield Operation("get", "/v1/health/live", "readLiveness", "The process answers", tag, "Live", ("pretty",))
    yield Operation("get", "/metrics", "readMetrics", "Figures for Prometheus", tag, "metrics")
    yield Operation("get", "/v1/openapi.json", "readOpenApi", "This description", tag, "object", ("pretty",))


def _nats() -> Iterator[Operation]:
    tag, path = "nats", "/v1/nats/users"
    summary = "Who may read from the node's own JetStream"
    yield Operation("get", path, "listNatsUsers", summary, tag, "[NatsUser]", _WRITE)
    add = Operation(
        "put",
        path,
        "addNatsUser",
        "Let a consumer in, who may read and acknowledge what is in these streams and nothing else",
        tag,
        "NatsCredentials",
        _WRITE,
        body="NatsUserRequest",
        errors=(409, 413),
        description="The answer has the password, which is shown nowhere else. Streams need not be there yet. 400 where"
        " the node uses a NATS server that is not its own.",
    )
    yield from _both(add)
    yield Operation(
        "delete",
        f"{path}/{{name}}",
        "removeNatsUser",
        "Let a consumer in no more, and end his connections",
        tag,
        "",
        ("user_name", "region"),
        errors=(301, 404),
        description="His consumers stay in their streams, with their places.",
    )


OF_NODES = (*_nodes(), *_moves(), *_cluster(), *_agent(), *_nats())
