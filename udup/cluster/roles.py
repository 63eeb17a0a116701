"""Changing what nodes are: what would be wrong with it, and the steps of one that is right. Pure.

A store cannot change its place while nats-server runs, and no command edits settings on another machine: so people
carry the steps out, in this order, and each says how to see that it is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from udup.base.cluster_settings import AGENT, COUNTS, WITNESS, Address
from udup.base.errors import ConfigError
from udup.cluster import role_steps as steps_of
from udup.cluster.role_steps import OFFLINE, UP, Cluster, Member, Step, place_of


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
    after = (*cluster.places, *(place_of(each) for each in new))
    alone = len(cluster.managers) == 1
    return [
        *steps_of.drained(cluster, new),
        *(steps_of.emptied(cluster, each) for each in new),
        *steps_of.joins(cluster, cluster.managers, after),
        *steps_of.tokens(cluster, new, cluster.managers),
        *(steps_of.started(cluster, each, "manager") for each in new),
        *([steps_of.restarted_alone(cluster, count)] if alone else steps_of.restarts(cluster, cluster.managers, count)),
        *steps_of.agents(cluster, {each.id for each in new}, after),
        steps_of.balanced(cluster),
    ]


def replace(cluster: Cluster, old: Member, new: Member) -> list[Step]:
    """Return the steps by which an agent takes a manager's place; the manager becomes an agent if it is there."""
    _check_whole(cluster)
    if not old.is_manager:
        raise ConfigError(f"{old.called} is an agent, and only a manager has a place to give")
    _check_agent(cluster, new)
    count, place = len(cluster.managers), place_of(old)
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
    after = (*(each for each in cluster.places if each != place), place_of(new))
    there = old.state != OFFLINE
    leaves = [each for each in (new, old) if each is new or (there and old.role != WITNESS)]
    return [
        *steps_of.drained(cluster, leaves),
        steps_of.emptied(cluster, new),
        *steps_of.authority(cluster, old, stay, there=there),
        *steps_of.joins(cluster, stay, after),
        *steps_of.tokens(cluster, [new], stay),
        *([steps_of.stopped(cluster, old)] if there else []),
        steps_of.started(cluster, new, "manager"),
        steps_of.removed(cluster, old, stay, count),
        *steps_of.restarts(cluster, stay, count),
        *steps_of.agents(cluster, {new.id}, after),
        *(_as_agent(cluster, old, stay) if there else []),
        steps_of.balanced(cluster),
    ]


def alone(cluster: Cluster, old: Sequence[Member]) -> list[Step]:
    """Return the steps by which two of three managers become agents, and the third goes on alone."""
    _check_whole(cluster)
    if len({each.id for each in old}) < len(old):
        raise ConfigError(f"{old[0].called} is named twice; --with names another manager")
    if agents := [each for each in old if not each.is_manager]:
        raise ConfigError(f"{agents[0].called} is an agent already; name two managers")
    stay = [each for each in cluster.managers if each not in old]
    if len(stay) != 1:
        raise ConfigError(
            f"{len(stay)} managers would be left; --with makes one of three. Five become three by udup cluster recover"
            " alone, see docs/cluster.md; to replace one: --for AGENT"
        )
    if stay[0].state not in UP or not stay[0].whole or stay[0].role == WITNESS:
        lacks = "a witness, which carries no jobs" if stay[0].role == WITNESS else _lacks(stay[0])
        raise ConfigError(f"{stay[0].where} would be left, and is {lacks}; let another stay")
    there = [each for each in old if each.state != OFFLINE]
    return [
        *steps_of.drained(cluster, [each for each in there if each.role != WITNESS]),
        *(step for each in there for step in steps_of.authority(cluster, each, stay, there=True)),
        *(steps_of.stopped(cluster, each) for each in there),
        *steps_of.begun_alone(cluster, stay[0]),
        *steps_of.agents(cluster, set(), [place_of(stay[0])]),
        *(step for each in there for step in _as_agent(cluster, each, stay)),
        steps_of.balanced(cluster),
    ]


def _as_agent(cluster: Cluster, old: Member, stay: Sequence[Member]) -> Iterator[Step]:
    """Have who was a manager join as an agent."""
    yield steps_of.emptied(cluster, old)
    yield from steps_of.tokens(cluster, [old], stay)
    yield steps_of.started(cluster, old, AGENT)


def drains(steps: Iterable[Step]) -> list[str]:
    """Return the IDs of the nodes that the steps have drained, in order."""
    begin = "udup cluster drain "
    found = [each.split()[3] for step in steps for each in step.commands if each.startswith(begin)]
    return list(dict.fromkeys(found))


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
    if place_of(new) in cluster.places:
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
