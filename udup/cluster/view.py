"""How the cluster looks from one node, for clients: who is there, who leads, who owns what, and why jobs wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from udup.cluster.beats import Beat, Role
from udup.cluster.coordinator import Wanted
from udup.cluster.keeper import NodeKeeper
from udup.cluster.nodes_kept import NodeRecord
from udup.cluster.owners import NOWHERE


@dataclass(frozen=True)
class NodeSeen:
    """A node as its last beat told of it.

    `is_here`: it is heard; `is_gone`: it has said that it ends; `ready`: it has read the job store.
    """

    node: str
    name: str
    role: Role
    datacenter: str
    address: str
    build: str
    is_here: bool
    is_gone: bool = False
    ready: bool = True


@dataclass(frozen=True)
class View:
    """`owners` has every job that is stored, with the node that owns it, "" for none; `reasons` why some wait;
    `sources` has the node of a job's Src, where that is another.

    `contact`: seconds since the store has answered, None if it never has. `why_not`: why nothing can be written now.
    """

    leader: str = ""
    knows_leader: bool = False
    contact: float | None = None
    nodes: tuple[NodeSeen, ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    why_not: str = ""
    #: Nodes that drain by an operator's order.
    drains: frozenset[str] = frozenset()
    sources: Mapping[str, str] = field(default_factory=dict)
    #: Nodes not heard since this one was started: by their records, or of which nothing but the ID is known.
    unheard: tuple[NodeSeen, ...] = ()

    def node(self, node: str) -> NodeSeen | None:
        return next((each for each in self.nodes if each.node == node), None)

    def called(self, node: str) -> str:
        """Return what people call a node."""
        found = self.node(node)
        return f"{found.name} ({node})" if found is not None and found.name else node


def look_around(keeper: NodeKeeper, own: Beat, wanted: Wanted | None, now: float) -> View:
    """Return what a node's keeper knows."""
    seen = [_seen(own, is_here=True)]
    records = keeper.owners.orders.nodes
    for node, (beat, _) in sorted(keeper.hearing.last_beats(now).items()):
        is_here = keeper.hearing.hears(node, now)
        if is_here or node not in records or not records[node].removed:
            seen.append(_seen(beat, is_here=is_here))
    owners: dict[str, str] = {}
    reasons: dict[str, str] = {}
    sources: dict[str, str] = {}
    if wanted is not None:
        judgement = keeper.judgement()
        for job, wish in wanted.wishes.items():
            if wish.ended:
                continue
            owner = keeper.owners.jobs.get(job)
            owners[job] = owner.node if owner is not None else ""
            if owner is not None and owner.source not in ("", NOWHERE):
                sources[job] = owner.source
            if judgement is not None and (why := keeper.coordinator.reason(job, judgement, wanted)):
                reasons[job] = why
    return View(
        keeper.owners.leader,
        keeper.knows_leader(),
        keeper.contact(),
        tuple(seen),
        owners,
        reasons,
        _why_not(keeper, own, now),
        frozenset(keeper.owners.orders.drains),
        sources,
        _unheard(keeper, {each.node for each in seen}),
    )


def _unheard(keeper: NodeKeeper, seen: set[str]) -> tuple[NodeSeen, ...]:
    jobs, orders = keeper.owners.jobs.values(), keeper.owners.orders
    named = {node for owner in jobs for node in (owner.node, owner.source, owner.to) if node not in ("", NOWHERE)}
    records = {node: record for node, record in orders.nodes.items() if not record.removed}
    unknown = named | (orders.drains.keys() - orders.nodes.keys())
    found = {node: records.get(node, NodeRecord(known=node, datacenter="")) for node in unknown | records.keys()}
    return tuple(
        NodeSeen(node, each.name, each.role, each.datacenter, "", "", is_here=False)
        for node, each in sorted(found.items())
        if node not in seen
    )


def _seen(beat: Beat, *, is_here: bool) -> NodeSeen:
    return NodeSeen(
        beat.node, beat.name, beat.role, beat.datacenter, beat.address, beat.build, is_here, beat.gone, beat.ready
    )


def _why_not(keeper: NodeKeeper, own: Beat, now: float) -> str:
    hearing, contact = keeper.hearing, keeper.contact()
    if not hearing.has_quorum(now):
        voters = [beat for node, (beat, _) in hearing.last_beats(now).items() if hearing.hears(node, now)]
        heard = sum(beat.role.votes for beat in voters) + own.role.votes
        return (
            f"{heard} of {hearing.voters} managers are there, and more than half are needed; jobs that run go on. "
            "Start the others, or see that this node reaches them"
        )
    if contact is None or contact > LONG_SECONDS:
        return "the cluster's store does not answer: its managers are electing a leader; try again in a moment"
    return ""


#: Seconds without an answer of the store after which a write is not even tried: longer than an election.
LONG_SECONDS = 12.0
