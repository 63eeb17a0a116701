"""Changing what nodes are: what would be wrong with it, and the steps of one that is right. Pure.

A store cannot change its place while nats-server runs, and no command edits settings on another machine: so people
carry the steps out, in this order, and each says how to see that it is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from udup.base.cluster_settings import AGENT, COUNTS, WITNESS, Address
from udup.base.errors import ConfigError

#: States of managers that have all that the store decided.
UP = frozenset({"leader", "current"})

OFFLINE = "offline"


@dataclass(frozen=True)
class Member:
    """A node as the command sees it. `whole`: it has all parts of the store. `place`: where others reach it."""

    id: str
    name: str
    role: str
    state: str
    place: Address | None = None
    whole: bool = True

    @property
    def is_manager(self) -> bool:
        return self.role != AGENT

    @property
    def called(self) -> str:
        return self.name or self.id[:8]

    @property
    def where(self) -> str:
        return f"{self.called} ({self.place.host})" if self.place else self.called


@dataclass(frozen=True)
class Cluster:
    """All members, and the settings of the node that is asked. `places`: of all managers, this one among them.

    `keeps_authority`: this node has the key by which tokens are made.
    """

    own: str
    members: tuple[Member, ...]
    places: tuple[Address, ...]
    parts: int
    config: str
    data_dir: str
    ports: tuple[int, int] = (8192, 8191)
    keeps_authority: bool = True

    @property
    def managers(self) -> tuple[Member, ...]:
        return tuple(each for each in self.members if each.is_manager)


@dataclass(frozen=True)
class Step:
    """What is to be done on which machine; `until` says how to see that it is done."""

    where: str
    does: str
    commands: tuple[str, ...] = field(default=())
    until: str = ""


def find(cluster: Cluster, given: str) -> Member:
    """Return the only member of this ID or name, or whose ID begins so."""
    whole = [each for each in cluster.members if given and given in (each.id, each.name)]
    found = whole or [each for each in cluster.members if len(given) > 1 and each.id.startswith(given.lower())]
    if len(found) == 1:
        return found[0]
    if found:
        ids = "\n".join(f"  {each.id}" for each in found)
        raise ConfigError(f"{given!r} names several nodes, write more of the ID:\n{ids}")
    known = ", ".join(sorted(each.called for each in cluster.members))
    raise ConfigError(f"no node of the cluster has the ID or the name {given!r}; there are {known}")


def places_of(own: str, own_place: Address, others: Sequence[Address], told: Mapping[str, str]) -> dict[str, Address]:
    """Return where each manager is: `told` has each one's ID, and the host that is known of it or "".

    A host counts where exactly one address of the settings has it; the last manager is at the last address.
    """
    found, left = {own: own_place}, [each for each in others if each != own_place]
    for node, host in told.items():
        fits = [each for each in left if each.host == host]
        if node != own and len(fits) == 1:
            found[node] = fits[0]
    left = [each for each in left if each not in found.values()]
    unknown = [node for node in told if node not in found]
    if len(left) == len(unknown) == 1:
        found[unknown[0]] = left[0]
    return found


def grow(cluster: Cluster, new: Sequence[Member]) -> list[Step]:
    """Return the steps by which two agents become managers beside those that there are."""
    _check_whole(cluster)
    count = len(cluster.managers) + len(new)
    if len({each.id for each in new}) < len(new):
        raise ConfigError(f"{new[0].called} is named twice; --with names another agent")
    if count not in COUNTS:
        raise ConfigError(_uneven(count))
    for each in new:
        _check_agent(cluster, each)
    if missing := [each for each in cluster.managers if each.state not in UP or not each.whole]:
        raise ConfigError(
            f"the manager {missing[0].where} is {_lacks(missing[0])}; have all managers current first (start it and"
            f" wait for it; one that is gone for good: udup cluster promote {new[0].called} --for {missing[0].called})"
        )
    after = (*cluster.places, *(_place(each) for each in new))
    alone = len(cluster.managers) == 1
    return [
        *_drained(cluster, new),
        *(_emptied(cluster, each) for each in new),
        *_joins(cluster, cluster.managers, after),
        *_tokens(cluster, new, cluster.managers),
        *([_stopped_alone(cluster)] if alone else []),
        *(_started(cluster, each, "manager") for each in new),
        *([_started_alone(cluster, count)] if alone else _restarts(cluster, cluster.managers, count)),
        *_agents(cluster, {each.id for each in new}, after),
    ]


def replace(cluster: Cluster, old: Member, new: Member) -> list[Step]:
    """Return the steps by which an agent takes a manager's place; the manager becomes an agent if it is there."""
    _check_whole(cluster)
    if not old.is_manager:
        raise ConfigError(f"{old.called} is an agent, and only a manager has a place to give")
    _check_agent(cluster, new)
    count, place = len(cluster.managers), _place(old)
    if count == 1:
        raise ConfigError(
            f"{old.called} is the only manager, and its store would stop with it; make three first (udup cluster"
            f" promote {new.called} --with ANOTHER)"
        )
    stay = [each for each in cluster.managers if each.id != old.id]
    up = [each for each in stay if each.state in UP and each.whole]
    if len(up) <= count // 2:
        lacking = ", ".join(f"{each.where} is {_lacks(each)}" for each in stay if each not in up)
        raise ConfigError(
            f"without {old.called} {len(up)} of {count} managers would have the store, and more than half are needed:"
            f" {lacking}; start those and wait until udup cluster status shows all their parts"
        )
    after = (*(each for each in cluster.places if each != place), _place(new))
    there = old.state != OFFLINE
    leaves = [each for each in (new, old) if each is new or (there and old.role != WITNESS)]
    return [
        *_drained(cluster, leaves),
        _emptied(cluster, new),
        *_authority(cluster, old, stay, there=there),
        *_joins(cluster, stay, after),
        *_tokens(cluster, [new], stay),
        *([_stopped(cluster, old)] if there else []),
        _started(cluster, new, "manager"),
        _removed(cluster, old, stay, count),
        *_restarts(cluster, stay, count),
        *_agents(cluster, {new.id}, after),
        *([_emptied(cluster, old), *_tokens(cluster, [old], stay), _started(cluster, old, AGENT)] if there else []),
    ]


def drains(steps: Iterable[Step]) -> list[str]:
    """Return the IDs of the nodes that the steps have drained, in order."""
    begin = "udup cluster drain "
    return [each.split()[3] for step in steps for each in step.commands if each.startswith(begin)]


def lines(steps: Iterable[Step]) -> Iterator[str]:
    """Yield the steps as people read them."""
    for number, step in enumerate(steps, 1):
        yield f"{number}. On {step.where}: {step.does}"
        yield from (f"     {each}" for each in step.commands)
        if step.until:
            yield f"   Done when {step.until}."


def _check_whole(cluster: Cluster) -> None:
    if not any(each.state == "leader" for each in cluster.managers):
        raise ConfigError(
            "the managers have no leader: start more of them first, until udup cluster status shows one; if they are"
            " gone for good, see udup cluster recover"
        )
    counted, said = len(cluster.managers), len(cluster.places)
    if counted != said:
        raise ConfigError(
            f"the store counts {counted} managers, and cluster.join of {cluster.config} makes {said}; finish the change"
            " that was begun (udup cluster status names who is offline: udup cluster remove ID) or restart this node"
        )
    for each in cluster.managers:
        if each.place is not None and each.place not in cluster.places:
            raise ConfigError(
                f"{each.place} is no manager's address in cluster.join of {cluster.config}; --at"
                f" {each.id[:8]}=HOST says how that has it"
            )


def _check_agent(cluster: Cluster, new: Member) -> None:
    if new.role == WITNESS:
        raise ConfigError(
            f'{new.called} is a witness, a manager without jobs; to have it carry jobs set cluster.role = "manager" in'
            " its settings, and restart it"
        )
    if new.is_manager:
        raise ConfigError(f"{new.called} is a manager already; name an agent")
    if new.state == OFFLINE:
        raise ConfigError(f"the agent {new.called} is not there; start it first, or name another")
    if _place(new) in cluster.places:
        raise ConfigError(
            f"{new.place} is a manager's address already; say how managers are to call {new.called}: --at"
            f" {new.id[:8]}=HOST"
        )


def _uneven(count: int) -> str:
    return (
        f"there would be {count} managers; there are 1, 3 or 5, since more than half of them must be there: name a"
        " second agent (--with NODE2), or whose place it takes (--for MANAGER)"
    )


def _lacks(member: Member) -> str:
    return member.state if member.state not in UP else "without all parts of the store"


def _place(member: Member) -> Address:
    if member.place is None:
        raise ConfigError(f"nobody says how other nodes call {member.called}; say it: --at {member.id[:8]}=HOST")
    return member.place


def _said(place: Address, port: int) -> str:
    return place.host if place.port == port else str(place)


def _drained(cluster: Cluster, nodes: Sequence[Member]) -> Iterator[Step]:
    commands = tuple(f"udup cluster drain {each.id} --wait --config {cluster.config}" for each in nodes)
    names = " and ".join(each.called for each in nodes)
    until = "each ends with exit code 0; with 1 it names jobs that stay, and stop with their node (a witness has none)"
    yield Step("any node", f"have {names} give up jobs", commands, until)


def _emptied(cluster: Cluster, node: Member) -> Step:
    does = f"stop the server, take the section [cluster] out of {cluster.config}, and move data_dir aside"
    return Step(
        node.where, does, (f"mv {cluster.data_dir} {cluster.data_dir}.before",), f"there is no {cluster.data_dir}"
    )


def _stopped(cluster: Cluster, old: Member) -> Step:
    does = "stop the server; nothing may start it again with this data_dir, also no service manager"
    return Step(old.where, does, (), f"udup cluster status on another manager shows {old.id} as offline")


def _stopped_alone(cluster: Cluster) -> Step:
    does = (
        "stop the server. The store is away from here on, and jobs of this node stand still, until all three are"
        " started. Streams of subscriptions in its own JetStream are not carried over: have them read and removed"
    )
    return Step(cluster.managers[0].where, does)


def _started_alone(cluster: Cluster, count: int) -> Step:
    until = f"udup cluster status shows {count} managers, one leader and the others current, each with all parts"
    return Step(
        cluster.managers[0].where,
        "start the server",
        (f"udup server --config {cluster.config}",),
        f"{until} of the store",
    )


def _authority(cluster: Cluster, old: Member, stay: Sequence[Member], *, there: bool) -> Iterator[Step]:
    """Have the key by which tokens are made on a manager that stays."""
    key = f"{cluster.data_dir}/cluster/ca.key"
    if cluster.keeps_authority and old.id != cluster.own:
        return
    if not cluster.keeps_authority and not there:
        return
    to = _place(stay[0])
    does = f"if {key} is here, copy it to {stay[0].where}, which makes the tokens then"
    yield Step(old.where, does, (f"scp {key} {to.host}:{key}",), f"{key} is on a manager that stays")


def _joins(cluster: Cluster, managers: Sequence[Member], after: Sequence[Address]) -> Iterator[Step]:
    """Write down `cluster.join` of each manager as it is to read; it counts from its next start on."""
    port = cluster.ports[0]
    for each in managers:
        own = _place(each)
        others = ", ".join(f'"{_said(place, port)}"' for place in sorted(after) if place != own)
        does = f"in [cluster] of {cluster.config} let join read so; it counts from the next start on"
        yield Step(each.where, does, (f"join = [{others}]",))


def _tokens(cluster: Cluster, nodes: Sequence[Member], stay: Sequence[Member]) -> Iterator[Step]:
    key = f"{cluster.data_dir}/cluster/ca.key"
    where = f"the manager that has {key}"
    if cluster.keeps_authority:  # a manager that goes has handed it to the first that stays
        where = next((each.where for each in stay if each.id == cluster.own), stay[0].where)
    for each in nodes:
        place, file = _place(each), _token_file(each)
        host = _said(place, cluster.ports[0])
        commands = (
            f"udup cluster token {host} {file} --config {cluster.config}",
            f"scp {file} {place.host}:",
            f"rm {file}",
        )
        role = AGENT if each.is_manager else "manager"
        yield Step(where, f"make the token of {each.called}; the command says that it joins as {role}", commands)


def _token_file(node: Member) -> str:
    return f"{node.id[:8]}.token"


def _started(cluster: Cluster, node: Member, role: str) -> Step:
    file = _token_file(node)
    commands = (
        f"udup cluster join {file} --config {cluster.config}",
        f"rm {file}",
        f"udup server --config {cluster.config}",
    )
    until = f"udup cluster status on a manager shows a new {role}" + (" as current" if role != AGENT else "")
    if role != AGENT and len(cluster.managers) == 1:
        until = "the server runs; the store begins when all three are there"
    return Step(node.where, f"join as {role}, with a new ID, and start the server", commands, until)


def _removed(cluster: Cluster, old: Member, stay: Sequence[Member], count: int) -> Step:
    until = f"udup cluster status shows {count} managers, each with all {cluster.parts} parts of the store"
    return Step(
        f"any of {', '.join(each.called for each in stay)}",
        "have the new one counted in the old one's place, which gives it the store",
        (f"udup cluster remove {old.id} --config {cluster.config}",),
        until,
    )


def _restarts(cluster: Cluster, managers: Sequence[Member], count: int) -> Iterator[Step]:
    """Restart who stays, one at a time; the leader last, so that another is elected once."""
    until = f"udup cluster status shows {count} managers, all current, each with all {cluster.parts} parts of the store"
    for each in sorted(managers, key=lambda each: each.state == "leader"):
        does = "restart the server; no other manager meanwhile"
        yield Step(each.where, does, (f"udup server --config {cluster.config}",), until)


def _agents(cluster: Cluster, but: set[str], after: Sequence[Address]) -> Iterator[Step]:
    """Have the other agents know the managers as they are then."""
    port = cluster.ports[1]
    where = ", ".join(f'"{Address(each.host, port)}"' for each in sorted(after))
    for each in cluster.members:
        if not each.is_manager and each.id not in but and each.state != OFFLINE:
            does = f"in [cluster] of {cluster.config} let join read so, and restart the server"
            until = "udup cluster status on a manager shows it as linked"
            yield Step(each.where, does, (f"join = [{where}]",), until)
    if any(each.state == OFFLINE for each in cluster.members if not each.is_manager):
        does = f"before it starts, let join in [cluster] of {cluster.config} read so"
        yield Step("each agent that is not there now", does, (f"join = [{where}]",))
