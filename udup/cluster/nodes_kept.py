"""Nodes that the cluster has had: a record of each in the bucket of owners, until `udup cluster remove`.

The coordinator writes it when a node is heard of which there is none, or which says other things of itself. So a node
that never came back is known by its name after all others were started again, and what its jobs wait for can be said.
A manager that was removed keeps its record, marked: started again with its old store it would be counted again.
"""

from __future__ import annotations

import msgspec

from udup.cluster.beats import Beat, Role

_NODE = "node."


class NodeRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value of the bucket. No field is called `node`: an earlier version would take it for ownership."""

    known: str
    name: str = ""
    datacenter: str = "dc1"
    role: Role = Role.AGENT
    removed: bool = False

    def encode(self) -> bytes:
        return msgspec.json.encode(self)


read_record = msgspec.json.Decoder(NodeRecord).decode


def node_key(node: str) -> str:
    return f"{_NODE}{node}"


def is_node(key: str) -> bool:
    return key.startswith(_NODE)


def node_of(key: str) -> str:
    return key.removeprefix(_NODE)


def record_of(beat: Beat) -> NodeRecord:
    """Return what is kept of a node by what it says of itself."""
    return NodeRecord(known=beat.node, name=beat.name, datacenter=beat.datacenter, role=beat.role)
