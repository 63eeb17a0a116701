"""Where a job belongs: pure functions of what is wanted and who is there.

Nothing moves without need: a job stays where it is as long as that node may carry it. Else the least loaded node gets
it, and among equals the one that a digest of job and node says, so that every coordinator says the same.

A job that names a node waits for it while it is down, unless `Failover` lets another node of the same datacenter take
it; it does not move back by itself. The same holds for the source of a job on two nodes: it stays where it was taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from udup.cluster.guest_words import WIRE


@dataclass(frozen=True)
class TaskWish:
    """What the document says of a task: the node by its ID or its name, and the driver that it needs."""

    node_id: str = ""
    node_name: str = ""
    driver: str = ""

    @property
    def is_pinned(self) -> bool:
        return bool(self.node_id or self.node_name)

    @property
    def named(self) -> str:
        """Return what it names, as the key of a job's owner holds it; "" for nothing."""
        return f"id {self.node_id}" if self.node_id else f"name {self.node_name}" if self.node_name else ""


@dataclass(frozen=True)
class Wish:
    """A job as placement sees it.

    `format` is the record's, which its node must be able to read. `avoid` are nodes on which it has failed too often.
    `copying`: it is in a full copy, which begins again when it moves. `ended`: nobody shall own it any more.
    `part_of` is the job that it is a part of, beside which it is placed; "" for none.
    """

    job: str
    dest: TaskWish = TaskWish()
    src: TaskWish = TaskWish()
    datacenters: tuple[str, ...] = ()
    failover: bool = False
    format: int = 1
    avoid: frozenset[str] = frozenset()
    copying: bool = False
    ended: bool = False
    part_of: str = ""


@dataclass(frozen=True)
class Place:
    """A node that may carry jobs, or is known and away: then `is_dead`, and `since` says when it was last heard.

    `jobs` is how many it owns, of `max`. `wire` has the versions that it speaks with nodes of guests, from and to.
    """

    node: str
    name: str = ""
    datacenter: str = "dc1"
    drivers: frozenset[str] = frozenset()
    jobs: int = 0
    max: int = 0
    is_ready: bool = True
    is_draining: bool = False
    hurries: bool = False
    is_dead: bool = False
    since: str = ""
    wire: tuple[int, int] = (WIRE, WIRE)
    format: int = 1

    @property
    def called(self) -> str:
        """Return what people call it."""
        return f"{self.name} ({self.node})" if self.name else self.node

    @property
    def is_here(self) -> bool:
        return not self.is_dead

    @property
    def fullness(self) -> float:
        return self.jobs / max(self.max, 1)


Places = Mapping[str, Place]


@dataclass(frozen=True)
class Placed:
    """`node` carries Dest and owns the job, `source` carries Src, "" for the same; both are there.

    `instead` is what the document names for Src (`TaskWish.named`), where another node carries it; "" where none does.
    """

    node: str
    source: str = ""
    instead: str = ""


@dataclass(frozen=True)
class Waits:
    """Nobody may carry it now. `reason` is for the job's StatusDescription.

    `node` is who owns it all the same: the one that is there and carries Dest, while Src's is away; "" for no change.
    """

    reason: str
    node: str = ""


def place(
    wish: Wish,
    places: Places,
    current: str = "",
    source: str = "",
    *,
    was_taken: bool = False,
    is_owned_instead: bool = True,
) -> Placed | Waits:
    """Return where a job belongs that `current` owns, "" for nobody, and whose Src task is on `source`.

    `was_taken`: Src is there in place of the node that the document names, and stays while that one may carry it.
    `is_owned_instead`: so is Dest.
    `current` is not in `places` while it is in doubt: such a job is not asked about.
    """
    dest = _of_task(wish, wish.dest, "Dest", places, current, was_taken=is_owned_instead, also=wish.src)
    if isinstance(dest, Waits):
        return dest
    if _may_be_at(wish.src, places[dest.node]):
        return dest
    least, most = places[dest.node].wire
    src = _of_task(wish, wish.src, "Src", places, source, was_taken=was_taken, wire=(max(least, WIRE), most))
    if isinstance(src, Waits):
        return replace(src, node=dest.node if most >= WIRE else "")  # an older one would read the source itself
    instead = "" if is_named(wish.src, places[src.node]) else wish.src.named
    return Placed(dest.node, "" if src.node == dest.node else src.node, instead)


def _of_task(
    wish: Wish,
    task: TaskWish,
    what: str,
    places: Places,
    current: str,
    *,
    was_taken: bool,
    also: TaskWish | None = None,
    wire: tuple[int, int] | None = None,
) -> Placed | Waits:
    """`also` is the other task, which had better be on the same node; `wire` is what the other node speaks."""
    stays = places.get(current)
    if (
        stays is not None
        and current not in wish.avoid
        and not task.is_pinned
        and not _fault(wish, task, stays, current, wire)
    ):
        return Placed(current)  # the most frequent case, and it needs no look at the others
    among = _candidates(wish, task, what, places, stays if was_taken else None)
    if isinstance(among, Waits):
        return among
    faults = {place.node: _fault(wish, task, place, current, wire) for place in among}
    fit = [place for place in among if not faults[place.node]]
    if not fit:
        return Waits(_nobody(what, faults, places))
    wanted = [place for place in fit if place.node not in wish.avoid] or fit
    if any(place.node == current for place in wanted):
        return Placed(current)
    return Placed(min(wanted, key=lambda place: _order(wish, task, place, also)).node)


def _candidates(wish: Wish, task: TaskWish, what: str, places: Places, stays: Place | None) -> list[Place] | Waits:
    """Return the nodes that the document lets a task be on; `stays` is one that has it, and need not give it back."""
    if not task.is_pinned:
        return list(places.values())
    named = [place for place in places.values() if is_named(task, place)]
    if not named:
        return Waits(_unknown(task, what))
    there = [place for place in named if place.is_here]
    if not wish.failover:
        return there or Waits(_down(named[0], what))
    near = {place.datacenter for place in named}
    was_taken = stays is not None and stays.is_here and stays.datacenter in near
    if not was_taken and (ready := [place for place in there if not place.is_draining]):
        return ready
    return [place for place in places.values() if place.datacenter in near]


def _order(wish: Wish, task: TaskWish, place: Place, also: TaskWish | None) -> tuple[bool, bool, float, bytes]:
    """Least first: named by the document, with both tasks, least loaded, by digest."""
    return (
        not is_named(task, place),
        also is not None and not _may_be_at(also, place),
        place.fullness,
        hashlib.sha256(f"{wish.job}\0{place.node}".encode()).digest(),
    )


def _fault(wish: Wish, task: TaskWish, place: Place, current: str, wire: tuple[int, int] | None) -> str:
    """Why a node may not carry a task, "" if it may."""
    stays = place.node == current
    if not place.is_here:
        return "is down"
    if not place.is_ready and not stays:
        return "is not ready"
    if place.is_draining and not _outlasts(wish, task, place, stays):
        return "is draining"
    if wish.datacenters and place.datacenter not in wish.datacenters:
        return f"is in datacenter {place.datacenter}"
    if task.driver and place.drivers and task.driver not in place.drivers:
        return f"has no driver {task.driver}"
    if place.format < wish.format:
        return "is too old for the job's record"
    if wire is not None and (place.wire[0] > wire[1] or place.wire[1] < wire[0]):
        return "has another version than the node of Dest, and the two cannot work together"
    if place.max and place.jobs >= place.max and not stays:
        return f"has {place.jobs} jobs, and {place.max} are allowed"
    return ""


def _outlasts(wish: Wish, task: TaskWish, place: Place, stays: bool) -> bool:
    """Whether a job is on a draining node all the same: it may be nowhere else, or is in a full copy."""
    if task.is_pinned and not wish.failover:
        return True
    return stays and wish.copying and not place.hurries


def is_named(task: TaskWish, place: Place) -> bool:
    """Whether the document names this node, or none."""
    if task.node_id:
        return place.node == task.node_id
    return not task.node_name or place.name == task.node_name


def _may_be_at(task: TaskWish, place: Place) -> bool:
    """Whether a task that may be anywhere, or names this node, can be there."""
    return is_named(task, place) and (not task.driver or not place.drivers or task.driver in place.drivers)


# ---- Reasons ----


def _unknown(task: TaskWish, what: str) -> str:
    if task.node_id:
        return f"task {what}: no node has the ID {task.node_id}; the job begins when one has, or with another NodeId"
    return f"task {what}: no node is called {task.node_name}; the job begins when one is, or with another NodeName"


def _down(place: Place, what: str) -> str:
    since = f" since {place.since}" if place.since else ""
    return (
        f"task {what}: node {place.called} is down{since}; the job goes on when it is back, or with Failover on another"
    )


def _nobody(what: str, faults: Mapping[str, str], places: Places) -> str:
    if not faults:
        return f"task {what}: there is no node that may carry jobs"
    told = "; ".join(f"{places[node].called} {fault}" for node, fault in sorted(faults.items())[:TOLD])
    more = f"; and {len(faults) - TOLD} more" if len(faults) > TOLD else ""
    return f"task {what}: no node can carry it: {told}{more}"


#: Nodes that a reason names at most.
TOLD = 5


# ---- Balance ----


@dataclass(frozen=True)
class Move:
    job: str
    to: str


@dataclass
class _Load:
    place: Place
    jobs: list[str] = field(default_factory=list)


def rebalance(wishes: Mapping[str, Wish], owners: Mapping[str, str], places: Places) -> tuple[Move, ...]:
    """Return the least moves after which no node could give a job to another that then has less: unpinned jobs alone.

    `owners` has the node of each job. None is moved that is in a full copy, or may not be where there is room.
    """
    loads = {node: _Load(place) for node, place in sorted(places.items()) if place.is_here}
    for job, node in sorted(owners.items()):
        if node in loads:
            loads[node].jobs.append(job)
    moves = []
    while move := _next_move(wishes, loads):
        job, giver, taker = move
        loads[giver].jobs.remove(job)
        loads[taker].jobs.append(job)
        moves.append(Move(job, taker))
    return tuple(moves)


def _next_move(wishes: Mapping[str, Wish], loads: Mapping[str, _Load]) -> tuple[str, str, str] | None:
    def full(load: _Load, more: int = 0) -> float:
        return (len(load.jobs) + more) / max(load.place.max, 1)

    by_load = sorted(loads, key=lambda node: (full(loads[node]), node))
    for giver in reversed(by_load):
        for taker in by_load:
            if full(loads[taker], 1) > full(loads[giver], -1) or taker == giver:
                continue
            place = replace(loads[taker].place, jobs=len(loads[taker].jobs))
            for job in loads[giver].jobs:
                wish = wishes.get(job)
                if wish is not None and _moves_to(wish, place, loads[giver].place):
                    return job, giver, taker
    return None


def _moves_to(wish: Wish, to: Place, giver: Place) -> bool:
    pinned = wish.dest.is_pinned or wish.src.is_pinned
    if pinned or wish.copying or wish.ended or to.is_draining or to.node in wish.avoid or giver.is_draining:
        return False
    return not _fault(wish, wish.dest, to, "", None) and _may_be_at(wish.src, to)
