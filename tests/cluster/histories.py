"""Histories by seed: a cluster, and faults of every kind until some moment; then all must find together again."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from tests.cluster.virtual import Clock
from tests.cluster.world import LIMITS, Cluster, Violation
from udup.cluster.beats import Role
from udup.cluster.elsewhere import Elsewhere
from udup.cluster.keeper import NodeKeeper
from udup.cluster.orders import MOVES, Drain, Moves, drain_key
from udup.cluster.placement import TaskWish, Wish
from udup.cluster.ports import StoreAway

#: Seconds: all have begun; the last fault begins; all faults are over; the end.
BEGUN, LAST, HEALED, END = 7.0, 17.0, 24.0, 42.0

_M, _A, _W = Role.MANAGER, Role.AGENT, Role.WITNESS

SHAPES: tuple[tuple[Role, ...], ...] = (
    (_M, _M, _M),
    (_M, _M, _M, _A),
    (_M, _M, _M, _A, _A),
    (_M, _A, _A),
    (_M, _M, _W, _A),
    (_M, _M, _M, _M, _M),
)


@dataclass(frozen=True)
class Fault:
    """`node` and `other` count the nodes; `aim` chooses the coordinator instead, or the leader of the store."""

    kind: str
    at: float
    lasts: float
    node: int
    other: int
    aim: str = ""


def wishes(names: list[str], clock: Clock) -> list[Wish]:
    made = []
    for number in range(8):
        chance = clock.rand("wish")
        pin = names[int(clock.rand("wish") * len(names))] if chance < 0.3 else ""
        made.append(Wish(f"job{number}", TaskWish(node_id=pin), failover=chance < 0.15))
    return made


def faults(nodes: int, clock: Clock, without: str = "") -> list[Fault]:
    kinds = [kind for kind in KINDS if kind != without and clock.rand("swarm") < 0.5] or ["kill"]
    found = []
    for _ in range(int(clock.rand("faults") * 7)):
        kind = kinds[int(clock.rand("faults") * len(kinds))]
        at = clock.between("faults", BEGUN, LAST)
        lasts = min(0.3 * 60 ** clock.rand("faults"), HEALED - at)
        first = int(clock.rand("faults") * nodes)
        other = (first + 1 + int(clock.rand("faults") * (nodes - 1))) % nodes
        aim = ("", "", "coordinator", "raft")[int(clock.rand("faults") * 4)]
        found.append(Fault(kind, at, lasts, first, other, aim))
    return found


# ---- What each kind does; what it returns undoes it ----

Undo = Callable[[], None]


def _machine(cluster: Cluster, fault: Fault, name: str, _: str) -> Undo:
    cluster.kill(name)
    return lambda: cluster.restart(name)


def _process(cluster: Cluster, fault: Fault, name: str, _: str) -> Undo:
    cluster.kill(name, machine=False)
    return lambda: cluster.restart(name)


def _all(cluster: Cluster, fault: Fault, _name: str, _: str) -> Undo:
    for name in cluster.nodes:
        cluster.kill(name)

    def undo() -> None:
        for name in cluster.nodes:
            cluster.restart(name)

    return undo


def _freeze(cluster: Cluster, fault: Fault, name: str, _: str) -> Undo:
    cluster.freeze(name, fault.lasts)
    return lambda: None


def _freeze_process(cluster: Cluster, fault: Fault, name: str, _: str) -> Undo:
    cluster.freeze(name, fault.lasts, machine=False)
    return lambda: None


def _cut(cluster: Cluster, links: set[tuple[str, str]]) -> Undo:
    new = links - cluster.network.cut
    cluster.network.cut |= new
    return lambda: cluster.network.cut.difference_update(new)


def _alone(cluster: Cluster, fault: Fault, name: str, _: str) -> Undo:
    others = [each for each in cluster.nodes if each != name]
    return _cut(cluster, {(name, each) for each in others} | {(each, name) for each in others})


def _mute(cluster: Cluster, fault: Fault, name: str, _: str) -> Undo:
    return _cut(cluster, {(name, each) for each in cluster.nodes if each != name})


def _deaf(cluster: Cluster, fault: Fault, name: str, _: str) -> Undo:
    return _cut(cluster, {(each, name) for each in cluster.nodes if each != name})


def _pair(cluster: Cluster, fault: Fault, name: str, other: str) -> Undo:
    return _cut(cluster, {(name, other), (other, name)})


def _one_way(cluster: Cluster, fault: Fault, name: str, other: str) -> Undo:
    return _cut(cluster, {(name, other)})


def _set(what: str, value: float) -> Callable[[Cluster, Fault, str, str], Undo]:
    def begin(cluster: Cluster, fault: Fault, _name: str, _: str) -> Undo:
        setattr(cluster.network, what, value)
        return lambda: setattr(cluster.network, what, 0.0)

    return begin


def _drain(cluster: Cluster, fault: Fault, name: str, _: str) -> Undo:
    cluster.nodes[name].draining = True

    def undo() -> None:
        cluster.nodes[name].draining = False

    return undo if fault.lasts < 5 else lambda: None


def _new_job(cluster: Cluster, fault: Fault, name: str, _: str) -> Undo:
    cluster.wish(Wish(f"job{len(cluster.wanted.wishes)}"))
    return lambda: None


def _delete(cluster: Cluster, fault: Fault, name: str, _: str) -> Undo:
    job = f"job{int(cluster.clock.rand('delete') * 8)}"
    cluster.wish(replace(cluster.wanted.wishes[job], ended=True))
    return lambda: None


def _elsewhere(cluster: Cluster, fault: Fault, name: str, other: str) -> Undo:
    """The document names another node."""
    job = f"job{int(cluster.clock.rand('elsewhere') * 8)}"
    if cluster.nodes[other].role is not Role.WITNESS:
        cluster.wish(replace(cluster.wanted.wishes[job], dest=TaskWish(node_id=other), failover=False))
    return lambda: None


def _leave(cluster: Cluster, fault: Fault, name: str, _: str) -> Undo:
    node = cluster.nodes[name]
    if node.loop is not None and node.works:
        node.loop.create_task(node.leave())
    return lambda: cluster.restart(name)


def _balance(cluster: Cluster, fault: Fault, name: str, _: str) -> Undo:
    """Jobs are asked to go to one node, at any node that works."""
    _order(cluster, MOVES, Moves(moves=dict.fromkeys(cluster.wanted.wishes, name)).encode())
    return lambda: None


def _drain_by_order(cluster: Cluster, fault: Fault, name: str, other: str) -> Undo:
    """A node drains until the end, or until the order is taken back."""
    _order(cluster, drain_key(name), Drain(drains=name).encode())
    return lambda: None if fault.other % 2 else _order(cluster, drain_key(name), None)


def _order(cluster: Cluster, key: str, data: bytes | None) -> None:
    """Have the first node that works write it, if the store takes it."""

    async def written(keeper: NodeKeeper) -> None:
        with suppress(StoreAway):
            await keeper.order(key, data)

    for node in cluster.nodes.values():
        if node.loop is not None and node.works:
            node.loop.create_task(written(node.keeper))
            return


def _gives_up(cluster: Cluster, fault: Fault, name: str, other: str) -> Undo:
    """A job has failed too often on its node, or its server is away from there."""
    job = f"job{int(cluster.clock.rand('gives up') * 8)}"
    owner = cluster.truth.jobs.get(job)
    node = cluster.nodes.get(owner.node) if owner is not None else None
    if node is not None and node.loop is not None and node.works and job in node.tokens:
        elsewhere = Elsewhere(node.name, node.keeper, lambda: cluster.wanted, LIMITS, lambda: cluster.clock.now)
        tries = elsewhere.give if fault.other % 2 else elsewhere.reach
        node.loop.create_task(tries(job, node.tokens[job], "no route"))
    return lambda: None


KINDS: dict[str, Callable[[Cluster, Fault, str, str], Undo]] = {
    "kill": _machine,
    "kill process": _process,
    "restart all": _all,
    "freeze": _freeze,
    "freeze process": _freeze_process,
    "alone": _alone,
    "mute": _mute,
    "deaf": _deaf,
    "pair": _pair,
    "one way": _one_way,
    "slow": _set("slow", 2.5),
    "acks": _set("loses_acks", 0.4),
    "news": _set("loses_news", 0.4),
    "beats": _set("loses_beats", 0.15),
    "drain": _drain,
    "new job": _new_job,
    "delete": _delete,
    "elsewhere": _elsewhere,
    "leave": _leave,
    "balance": _balance,
    "drain by order": _drain_by_order,
    "gives up": _gives_up,
}


def shape_of(seed: int) -> list[tuple[str, Role, str]]:
    roles = SHAPES[seed % len(SHAPES)]
    return [(f"n{number}", role, "dc1") for number, role in enumerate(roles)]


def run(seed: int, only: list[Fault] | None = None, *, without: str = "") -> Counter[str]:
    """Run one history; raise `Violation`, its faults in front. Return what happened how often.

    `without` is a kind of fault that is left out: a seed that was sought before there was that kind is the same then.
    """
    chance = Clock(seed)
    roles = shape_of(seed)
    able = [name for name, role, _ in roles if role is not Role.WITNESS]
    planned = wishes(able, chance)
    happens = faults(len(roles), chance, without) if only is None else only
    collects = gc.isenabled()
    gc.disable()
    cluster = Cluster(seed, roles, planned)
    try:
        _play(cluster, happens)
        cluster.check_rest()
        most = 2 + 3 * len(happens)
        if cluster.counts["leaders"] > most:
            raise Violation(f"{cluster.counts['leaders']} leaders by {len(happens)} faults")
    except Violation as violation:
        told = "\n".join(map(str, happens))
        raise Violation(f"seed {seed}: {violation}\n{told}") from violation
    finally:
        cluster.close()
        if collects:
            gc.enable()
    return Counter(cluster.counts) + Counter(f"fault {fault.kind}" for fault in happens)


def _play(cluster: Cluster, happens: list[Fault]) -> None:
    names = list(cluster.nodes)
    for fault in happens:

        def begin(fault: Fault = fault) -> None:
            aimed = {"coordinator": cluster.truth.leader, "raft": cluster.network.leader}.get(fault.aim)
            name, other = aimed or names[fault.node], names[fault.other]
            undo = KINDS[fault.kind](cluster, fault, name, other if other != name else names[fault.node])
            cluster.clock.after(fault.lasts, undo)

        cluster.clock.at(fault.at, begin)
    cluster.clock.run(END)
