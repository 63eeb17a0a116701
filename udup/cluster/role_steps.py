"""The single steps by which nodes change what they are: on which machine, by which commands, and when each is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from udup.base.cluster_settings import AGENT, Address
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


def place_of(member: Member) -> Address:
    if member.place is None:
        raise ConfigError(f"nobody says how other nodes call {member.called}; say it: --at {member.id[:8]}=HOST")
    return member.place


def said(place: Address, port: int) -> str:
    return place.host if place.port == port else str(place)


def drained(cluster: Cluster, nodes: Sequence[Member]) -> Iterator[Step]:
    """Order all of them before one is waited for, so that none gets the jobs of another."""
    order = [f"udup cluster drain {each.id}" for each in nodes]
    commands = (*(f"{each} --config {cluster.config}" for each in order[:-1]),)
    commands += tuple(f"{each} --wait --config {cluster.config}" for each in reversed(order))
    names = " and ".join(each.called for each in nodes)
    until = "each ends with exit code 0; with 1 it names jobs that stay, and stop with their node (a witness has none)"
    yield Step("any node", f"have {names} give up jobs", commands, until)


def emptied(cluster: Cluster, node: Member) -> Step:
    does = f"stop the server, take the section [cluster] out of {cluster.config}, and move data_dir aside"
    aside = f"mv {cluster.data_dir} {cluster.data_dir}.{node.id[:8]}"
    return Step(node.where, does, (aside,), f"there is no {cluster.data_dir}")


def stopped(cluster: Cluster, old: Member) -> Step:
    does = "stop the server; nothing may start it again with this data_dir, no service manager either"
    return Step(old.where, does, (), f"udup cluster status on another manager shows {old.id} as offline")


def restarted_alone(cluster: Cluster, count: int) -> Step:
    does = (
        "restart the server. The store is away, and jobs of this node stand still, until it is there again. Streams of"
        " subscriptions in its own JetStream are not carried over: have them read and removed before"
    )
    until = f"udup cluster status shows {count} managers, one leader and the others current, each with all parts"
    restart = (f"udup server --config {cluster.config}",)
    return Step(cluster.managers[0].where, does, restart, f"{until} of the store")


def begun_alone(cluster: Cluster, last: Member) -> Iterator[Step]:
    """Have the last manager go on with what its file has of the store, which nobody writes any more."""
    does = (
        "stop the server; jobs of this node stand still until it is started again. Streams of subscriptions in the"
        f" managers' JetStream are not carried over. In [cluster] of {cluster.config} write join so, in place of the"
        " line that is there"
    )
    yield Step(last.where, does, ("join = []",))
    commands = (f"udup cluster recover --alone --config {cluster.config}", f"udup server --config {cluster.config}")
    until = "udup cluster status shows one manager, and udup job list all jobs"
    yield Step(last.where, "begin the store again, and start the server", commands, until)


def balanced(cluster: Cluster) -> Step:
    does = "give each node its share of the jobs: none comes by itself"
    return Step("any node", does, (f"udup cluster rebalance --config {cluster.config}",))


def authority(cluster: Cluster, old: Member, stay: Sequence[Member], *, there: bool) -> Iterator[Step]:
    """Have the key by which tokens are made on a manager that stays."""
    key = f"{cluster.data_dir}/cluster/ca.key"
    if cluster.keeps_authority and old.id != cluster.own:
        return
    if not cluster.keeps_authority and not there:
        return
    to = place_of(stay[0])
    does = f"if {key} is here, copy it to {stay[0].where}, which makes the tokens then"
    yield Step(old.where, does, (f"scp {key} {to.host}:{key}",), f"{key} is on a manager that stays")


def joins(cluster: Cluster, managers: Sequence[Member], after: Sequence[Address]) -> Iterator[Step]:
    """Write down `cluster.join` of each manager as it is to read; it counts from its next start on."""
    port = cluster.ports[0]
    for each in managers:
        own = place_of(each)
        others = ", ".join(f'"{said(place, port)}"' for place in sorted(after) if place != own)
        does = (
            f"in [cluster] of {cluster.config} write join so, in place of the line that is there, if any; it counts"
            " from the next start on"
        )
        yield Step(each.where, does, (f"join = [{others}]",))


def tokens(cluster: Cluster, nodes: Sequence[Member], stay: Sequence[Member]) -> Iterator[Step]:
    key = f"{cluster.data_dir}/cluster/ca.key"
    where = f"the manager that has {key}"
    if cluster.keeps_authority:  # a manager that goes has handed it to the first that stays
        where = next((each.where for each in stay if each.id == cluster.own), stay[0].where)
    for each in nodes:
        place, file = place_of(each), _token_file(each)
        host = said(place, cluster.ports[0])
        commands = (
            f"udup cluster token {host} {file} --config {cluster.config}",
            f"scp {file} {place.host}:",
            f"rm {file}",
        )
        role = AGENT if each.is_manager else "manager"
        is_said = f"the first command says that it joins as {role}; if not, join is not as it has to be"
        yield Step(where, f"make the token of {each.called}", commands, is_said)


def _token_file(node: Member) -> str:
    return f"{node.id[:8]}.token"


def started(cluster: Cluster, node: Member, role: str) -> Step:
    file = _token_file(node)
    commands = (
        f"udup cluster join {file} --config {cluster.config}",
        f"rm {file}",
        f"udup server --config {cluster.config}",
    )
    until = f"udup cluster status on a manager shows a new {role}" + (" as current" if role != AGENT else "")
    if role != AGENT and len(cluster.managers) == 1:
        until = "the server runs; its log says that the store is waited for, which begins with the first manager"
    return Step(node.where, f"join as {role}, with a new ID, and start the server", commands, until)


def removed(cluster: Cluster, old: Member, stay: Sequence[Member], count: int) -> Step:
    until = f"udup cluster status shows {count} managers, each with all {cluster.parts} parts of the store"
    return Step(
        f"any of {', '.join(each.called for each in stay)}",
        "have the new one counted in the old one's place, which gives it the store",
        (f"udup cluster remove {old.id} --config {cluster.config}",),
        until,
    )


def restarts(cluster: Cluster, managers: Sequence[Member], count: int) -> Iterator[Step]:
    """Restart who stays, one at a time; the leader last, so that another is elected once."""
    until = f"udup cluster status shows {count} managers, all current, each with all {cluster.parts} parts of the store"
    for each in sorted(managers, key=lambda each: each.state == "leader"):
        does = "restart the server; no other manager meanwhile"
        yield Step(each.where, does, (f"udup server --config {cluster.config}",), until)


def agents(cluster: Cluster, but: set[str], after: Sequence[Address]) -> Iterator[Step]:
    """Have the other agents know the managers as they are then."""
    port = cluster.ports[1]
    where = ", ".join(f'"{Address(each.host, port)}"' for each in sorted(after))
    for each in cluster.members:
        if not each.is_manager and each.id not in but and each.state != OFFLINE:
            does = f"in [cluster] of {cluster.config} write join so, in place of the line there, and restart the server"
            until = "udup cluster status on a manager shows it as linked"
            yield Step(each.where, does, (f"join = [{where}]",), until)
    if any(each.state == OFFLINE for each in cluster.members if not each.is_manager):
        does = f"before it starts, write join so in [cluster] of {cluster.config}, in place of the line there"
        yield Step("each agent that is not there now", does, (f"join = [{where}]",))
