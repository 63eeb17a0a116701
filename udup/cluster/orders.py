"""What operators order: nodes that shall give their jobs up, and jobs that shall move. Kept in the bucket of owners.

Beside them are the records of nodes (`nodes_kept.py`). A key for each node that drains, and one for all jobs that are
to move. They are state like all else there: whoever coordinates goes by them, after any restart, and any node may write
them, each on the condition that the key is as the writer knows it. A move that is done, or cannot be any more, is taken
out by the coordinator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from udup.cluster.nodes_kept import NodeRecord, is_node, node_key, node_of, read_record

_DRAIN = "drain."

MOVES = "moves"


class Drain(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`drains` is a node that shall carry no job that may be elsewhere.

    `hurry_at`: seconds since the epoch from which on jobs go that are in a full copy, too; 0 for never.
    """

    drains: str
    hurry_at: float = 0.0

    def encode(self) -> bytes:
        return msgspec.json.encode(self)

    def hurries(self, wall: float) -> bool:
        return 0 < self.hurry_at <= wall


class Moves(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs that are to move, each with the node that shall get it."""

    moves: dict[str, str] = {}

    def encode(self) -> bytes:
        return msgspec.json.encode(self)


_drain = msgspec.json.Decoder(Drain).decode
_moves = msgspec.json.Decoder(Moves).decode


def drain_key(node: str) -> str:
    return f"{_DRAIN}{node}"


class Orders:
    """The copy of them that a node has. `revisions` has the number of each key's last value, 0 after a lost bucket."""

    def __init__(self) -> None:
        self.drains: dict[str, Drain] = {}
        self.moves: Mapping[str, str] = {}
        self.nodes: dict[str, NodeRecord] = {}
        self.revisions: dict[str, int] = {}

    def begin_again(self) -> None:
        """The bucket is another: nodes drain and are known as before, and are written again; moves are forgotten."""
        self.revisions = dict.fromkeys([*map(drain_key, self.drains), *map(node_key, self.nodes)], 0)
        self.moves = {}

    def lost(self) -> Iterable[Drain]:
        """Return those that are to be written again."""
        return [drain for node, drain in sorted(self.drains.items()) if not self.revisions.get(drain_key(node))]

    def take(self, key: str, data: bytes | None, seq: int) -> bool:
        """Take a value of the bucket; whether anything has changed. What cannot be read orders nothing."""
        if not is_order(key) or seq <= self.revisions.get(key, 0):
            return False
        self.revisions[key] = seq
        try:
            self._put(key, data)
        except msgspec.MsgspecError:
            self._put(key, None)
        return True

    def _put(self, key: str, data: bytes | None) -> None:
        if key == MOVES:
            self.moves = _moves(data).moves if data else {}
        elif is_node(key):
            self.nodes.pop(node_of(key), None)
            if data:
                self.nodes[node_of(key)] = read_record(data)
        elif data:
            self.drains[key.removeprefix(_DRAIN)] = _drain(data)
        else:
            self.drains.pop(key.removeprefix(_DRAIN), None)


def is_order(key: str) -> bool:
    return key == MOVES or key.startswith(_DRAIN) or is_node(key)


# ---- What is asked of a node, and its answer ----


@dataclass(frozen=True)
class DrainNode:
    """Have a node give its jobs up, or stop that; `enable` None: say how far it is.

    `seconds`: after so many jobs in a full copy go too; None: never.
    """

    node: str
    enable: bool | None = True
    seconds: float | None = None


@dataclass(frozen=True)
class Rebalance:
    """Have the least number of jobs move. `dry_run`: say which, and do nothing."""

    dry_run: bool = False


@dataclass(frozen=True)
class MoveJob:
    """Have one job move to a node."""

    job: str
    node: str


Order = DrainNode | Rebalance | MoveJob


@dataclass(frozen=True)
class Ordered:
    """What is to come of an order: jobs and where each goes, and those that stay, with the reason.

    Or why nothing was ordered: `refused` what cannot be, `unknown` what is not there, `failed` what cannot be now.
    `drains`: whether the node that was asked about does.
    """

    goes: Mapping[str, str]
    stays: Mapping[str, str]
    refused: str = ""
    unknown: str = ""
    failed: str = ""
    drains: bool = False


def nothing(*, refused: str = "", unknown: str = "", failed: str = "") -> Ordered:
    """Return the answer to an order that was not taken."""
    return Ordered({}, {}, refused, unknown, failed)
