"""What the coordinator decides: from who is there, who owns what and what is wanted, to one write at a time.

Level-triggered: nothing waits for an event, everything follows from the state, each time again. Where another's write
comes first, nothing of what was decided stands, not even who leads: but for the beginning of a run, from which no
decision follows.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import msgspec

from udup.cluster.beats import Beat, Judgement, Role
from udup.cluster.limits import Limits
from udup.cluster.nodes_kept import NodeRecord, node_key, record_of
from udup.cluster.orders import MOVES, Drain, Moves, drain_key
from udup.cluster.owners import LEADER, NOWHERE, Owner, Owners, is_down, key_of
from udup.cluster.placement import Place, Placed, Waits, Wish, is_named, place


@dataclass(frozen=True)
class Write:
    """One change of the bucket. `owner` None removes the key; `taken_from` is the dead node that had the job.

    `order` is written in place of an owner.
    """

    key: str
    owner: Owner | None
    taken_from: str = ""
    order: Drain | Moves | NodeRecord | None = None

    def encode(self) -> bytes | None:
        """Return the value to write."""
        value = self.order or self.owner
        return None if value is None else value.encode()


@dataclass(frozen=True)
class KnownNode:
    """A node that the cluster has had, by its record or its last beat. `since` says when it was last heard."""

    node: str
    name: str = ""
    datacenter: str = "dc1"
    since: str = ""


@dataclass(frozen=True)
class Wanted:
    """All jobs' wishes; `version` changes with any of them. `nodes` are the nodes that there have been.

    `hurried` are those that drain and give up jobs in a full copy by now.
    """

    wishes: Mapping[str, Wish]
    version: int
    nodes: Mapping[str, KnownNode]
    hurried: frozenset[str] = frozenset()


class Coordinator:
    """Of one node, whether it leads or not. Pure, but that it remembers what it has decided until that is stale."""

    def __init__(self, node: str, role: Role, owners: Owners, limits: Limits) -> None:
        self._node, self._role = node, role
        self._owners = owners
        self._limits = limits
        self._plan: deque[Write] = deque()
        self._planned_by: object = None
        self._known: tuple[object, frozenset[str]] = (None, frozenset())

    def decide(self, judgement: Judgement, wanted: Wanted | None) -> Write | None:
        """Return the next write, None if all is well or another leads. `wanted` None: it is not known yet."""
        owners = self._owners
        if not owners.is_complete or self._role is not Role.MANAGER:
            return None
        if not owners.leader or (owners.leader in judgement.dead and owners.leader != self._node):
            return Write(LEADER, Owner(node=self._node, previous=owners.leader))
        if owners.leader != self._node or wanted is None:
            return None
        by = _signature(judgement), wanted.version, owners.layout, owners.made
        if by != self._planned_by:
            self._plan = deque(self._all_writes(judgement, wanted))
            self._planned_by = by
        return self._plan[0] if self._plan else None

    def known(self, wanted: Wanted | None) -> frozenset[str]:
        """Return the nodes about which it must be known whether they are dead."""
        owners = self._owners
        by = owners.layout, None if wanted is None else wanted.version
        if by != self._known[0]:
            known = {name for owner in owners.jobs.values() for name in (owner.node, owner.source, owner.to)}
            known |= {owners.leader} | (set(wanted.nodes) if wanted is not None else set())
            self._known = by, frozenset(known - {"", NOWHERE})
        return self._known[1]

    def reason(self, job: str, judgement: Judgement, wanted: Wanted) -> str:
        """Return why a job waits, for its StatusDescription, "" if it does not. Every node says the same."""
        wish, owner = wanted.wishes.get(job), self._owners.jobs.get(job)
        if wish is None or wish.ended:
            return ""
        is_dead = owner is not None and owner.node in judgement.dead
        if owner is not None and not is_dead and owner.node not in judgement.here:
            return ""
        places = self.places(judgement, wanted)
        if owner is not None and not is_dead and places[owner.node].is_draining:
            places[owner.node] = replace(places[owner.node], is_draining=False)  # it runs on where it cannot go
        found = placed(wish, places, self._home(owner, is_dead, places), owner)
        return found.reason if isinstance(found, Waits) else ""

    def written(self, write: Write, layout: int) -> None:
        """A write is done, `layout` was the bucket's before it: the rest stands if nothing else has changed."""
        if not self._plan or self._plan[0] is not write or self._owners.layout != layout + 1:
            self._planned_by = None
            return
        self._plan.popleft()
        if isinstance(self._planned_by, tuple):
            self._planned_by = (*self._planned_by[:2], self._owners.layout, self._owners.made)

    # ---- The plan ----

    def _all_writes(self, judgement: Judgement, wanted: Wanted) -> list[Write]:
        """Return what to write from this state, each write counted in for the next."""
        owners = self._owners
        writes = [Write(drain_key(lost.drains), None, order=lost) for lost in owners.orders.lost()]
        places = self.places(judgement, wanted)
        under_way = sum(bool(owner.to) for owner in owners.jobs.values())
        planned: dict[str, Owner | None] = {}
        for job in sorted(wanted.wishes, key=lambda job: (bool(wanted.wishes[job].part_of), job)):
            wish = wanted.wishes[job]
            whole = wanted.wishes.get(wish.part_of)
            if whole is not None and not whole.ended and not wish.ended:  # else a node gets it that removes it
                beside = _beside(wish, planned.get(wish.part_of) or owners.jobs.get(wish.part_of))
                if beside is None:
                    continue  # its job is nobody's yet
                wish = beside
            write = self._of_job(wish, judgement, places, under_way)
            if write is None:
                continue
            writes.append(write)
            planned[job] = write.owner
            before = owners.jobs.get(job)
            under_way += bool(write.owner and write.owner.to) - bool(before and before.to)
            self._count(places, before, write.owner)
        moves = owners.orders.moves
        left = {job: to for job, to in moves.items() if self._is_to_move(wanted.wishes.get(job), judgement, places)}
        if left != moves:
            writes.append(Write(MOVES, None, order=Moves(moves=left)))
        return [*writes, *self._of_nodes(judgement)]

    def _of_nodes(self, judgement: Judgement) -> Iterator[Write]:
        """Yield the records of nodes that are not as they should be; of one that was removed it stays as it is."""
        orders = self._owners.orders
        kept = orders.nodes
        told = {node: record_of(beat) for node, beat in judgement.here.items()}
        for node, record in sorted({**kept, **told}.items()):
            wanted = kept[node] if node in kept and kept[node].removed else record
            if wanted != kept.get(node) or not orders.revisions.get(node_key(node)):
                yield Write(node_key(node), None, order=wanted)

    def _of_job(self, wish: Wish, judgement: Judgement, places: dict[str, Place], under_way: int) -> Write | None:
        owner = self._owners.jobs.get(wish.job)
        is_dead = owner is not None and owner.node in judgement.dead
        if owner is not None and owner.failed:
            wish = replace(wish, avoid=wish.avoid | owner.failed.keys())
        if wish.ended:
            return Write(key_of(wish.job), None) if is_dead else None  # a living owner removes it itself
        if owner is not None and not is_dead and owner.node not in judgement.here:
            return None  # in doubt: nothing is done to it
        before = owner.source if owner is not None else ""
        unsure = before not in ("", NOWHERE) and not _is_sure(before, judgement)
        found = placed(wish, places, self._home(owner, is_dead, places), owner)
        if isinstance(found, Waits):
            home = found.node or (owner.node if owner is not None and not is_dead else "")
            if not home:
                return None
            found = Placed(home, _source_kept(wish, owner, home, places) if found.node else before)
            found = _as_before(found, owner) if found.source == before else found
        if unsure:
            found = _as_before(found, owner)
        if owner is None or is_dead:
            return self._give(wish, owner, found, places)
        return self._keep_or_move(wish, owner, found, places, under_way)

    def _home(self, owner: Owner | None, is_dead: bool, places: Mapping[str, Place]) -> str:
        """Return where the job stays if it can: with its owner, or of a dead one with who was to get it."""
        if owner is None:
            return ""
        return owner.to if is_dead and owner.to in places else owner.node

    def _give(self, wish: Wish, owner: Owner | None, found: Placed, places: Mapping[str, Place]) -> Write:
        """Give a job to a node that is not with anybody who lives."""
        previous = owner.node if owner is not None else ""
        why = is_down(previous) if previous else ""
        owns = _in_place_of(wish, found.node, places)
        new = Owner(
            node=found.node, job=wish.job, source=found.source, instead=found.instead, owns_instead=owns,
            previous=previous, why=why,
        )  # fmt: skip
        return Write(key_of(wish.job), new, taken_from=previous)

    def _keep_or_move(
        self, wish: Wish, owner: Owner, found: Placed, places: Mapping[str, Place], under_way: int
    ) -> Write | None:
        """The owner lives: what is to go elsewhere it hands over itself, when its run has come to a boundary."""
        to, why, most = self._next(wish, owner, found, places)
        if to and not owner.to and under_way >= most:
            to, why = "", owner.why
        # While a job moves its source stays: the new owner's node may want another, which is seen when it has the job.
        # So does one that the owner reads while the job has to wait for its turn.
        if to or (found.node != owner.node and not owner.source):
            found = _as_before(found, owner)
        source, instead = found.source, found.instead
        if source == owner.source and not owner.instead:
            instead = ""  # for this note alone, which an older node drops, no run begins
        if self._owners.revision(wish.job) and (to, source, instead) == (owner.to, owner.source, owner.instead):
            return None
        owns = _in_place_of(wish, to, places) if to and to != owner.to else owner.owns_instead
        new = msgspec.structs.replace(owner, to=to, source=source, instead=instead, owns_instead=owns, why=why, run="")
        return Write(key_of(wish.job), new)

    def _next(self, wish: Wish, owner: Owner, found: Placed, places: Mapping[str, Place]) -> tuple[str, str, int]:
        """Return where a job goes, "" if it stays; why; and how many may be under way so."""
        limits = self._limits
        if owner.to and self._may_be_at(wish, owner.to, places):
            return owner.to, owner.why, limits.drain_moves  # what is under way is not changed without need
        if found.node != owner.node:
            drains = places[owner.node].is_draining
            return (
                found.node,
                "its node drains" if drains else "its document or its failures say so",
                limits.drain_moves,
            )
        if asked := self._asked(wish, owner, places):
            return asked, "by order", limits.balance_moves
        return "", owner.why, 0

    def _may_be_at(self, wish: Wish, node: str, places: Mapping[str, Place]) -> bool:
        if node not in places or places[node].is_draining:
            return False
        found = place(replace(wish, avoid=wish.avoid - {node}), places, node)  # who orders it knows why it failed
        return isinstance(found, Placed) and found.node == node

    def _asked(self, wish: Wish, owner: Owner, places: Mapping[str, Place]) -> str:
        """Return where this job was asked to go, "" for nowhere or where it cannot."""
        to = self._owners.orders.moves.get(wish.job, "")
        may_go = bool(to) and to != owner.node and not wish.copying and self._may_be_at(wish, to, places)
        return to if may_go else ""

    def _is_to_move(self, wish: Wish | None, judgement: Judgement, places: Mapping[str, Place]) -> bool:
        """Whether an order to move stands: not done, and possible. A node in doubt may come back."""
        owner = self._owners.jobs.get(wish.job) if wish is not None else None
        if wish is None or owner is None or wish.ended:
            return False
        to = self._owners.orders.moves[wish.job]
        if not (_is_sure(to, judgement) and _is_sure(owner.node, judgement)):
            return True
        return owner.node not in judgement.dead and bool(self._asked(wish, owner, places))

    def places(self, judgement: Judgement, wanted: Wanted) -> dict[str, Place]:
        """Return the nodes that may carry jobs, and those that are dead, or in doubt: these are not ready."""
        places, orders = _places(judgement, wanted, self._counts()), self._owners.orders
        for node in places.keys() & {node for node, record in orders.nodes.items() if record.removed}:
            places[node] = replace(places[node], is_ready=False)
        for node in orders.drains.keys() & places.keys():
            hurries = places[node].hurries or node in wanted.hurried
            places[node] = replace(places[node], is_draining=True, hurries=hurries)
        return places

    def _counts(self) -> Counter[str]:
        """Return how many jobs each node has, or is to get."""
        return Counter(owner.to or owner.node for owner in self._owners.jobs.values())

    def _count(self, places: dict[str, Place], before: Owner | None, after: Owner | None) -> None:
        for owner, more in ((before, -1), (after, 1)):
            node = (owner.to or owner.node) if owner is not None else ""
            if node in places:
                places[node] = replace(places[node], jobs=places[node].jobs + more)


def _beside(wish: Wish, owner: Owner | None) -> Wish | None:
    """Return what a part of another job wants: to be where that is, and its source read where that one's is."""
    if owner is None:
        return None
    there = owner.source or owner.node
    source = wish.src if there == NOWHERE else replace(wish.src, node_id=there, node_name="")
    dest = replace(wish.dest, node_id=owner.node, node_name="")
    return replace(wish, dest=dest, src=source, failover=False)


def placed(
    wish: Wish, places: Mapping[str, Place], home: str, owner: Owner | None, source: str | None = None
) -> Placed | Waits:
    """Return where a job belongs that is at `home` and as `owner` says, its source at `source` if that is said."""
    if owner is None:
        return place(wish, places, home)
    return place(
        wish, places, home, owner.taken_to if source is None else source,
        was_taken=owner.was_taken(wish.src.named), is_owned_instead=owner.owns_by_failover(wish.dest.named),
    )  # fmt: skip


def _as_before(found: Placed, owner: Owner | None) -> Placed:
    """Return it with its source where it was."""
    return found if owner is None else replace(found, source=owner.source, instead=owner.instead)


def _source_kept(wish: Wish, owner: Owner | None, home: str, places: Mapping[str, Place]) -> str:
    """Return where the Src task of a job is that nobody can read now: never beside Dest, unless it was taken there."""
    if owner is None or (not owner.source and owner.node != home):
        return NOWHERE
    there = places.get(owner.taken_to)
    return owner.source if there is not None and (wish.failover or is_named(wish.src, there)) else NOWHERE


def _in_place_of(wish: Wish, node: str, places: Mapping[str, Place]) -> str:
    """Return what the document names for Dest, where that is another than the node which gets the job; else ""."""
    there = places.get(node)
    return "" if there is not None and is_named(wish.dest, there) else wish.dest.named


def _is_sure(node: str, judgement: Judgement) -> bool:
    return node in judgement.here or node in judgement.dead


def _signature(judgement: Judgement) -> object:
    """Return what of the nodes makes a difference to a decision."""
    here = frozenset(
        (
            node,
            beat.ready,
            beat.draining,
            beat.hurry,
            beat.max,
            beat.datacenter,
            beat.name,
            beat.drivers,
            beat.format,
            beat.wire,
            beat.role,
        )
        for node, beat in judgement.here.items()
    )
    return here, judgement.dead, judgement.fading


def _places(judgement: Judgement, wanted: Wanted, counts: Mapping[str, int]) -> dict[str, Place]:
    places = {node: Place(node, is_dead=True) for node in sorted(judgement.dead)}
    for node, known in sorted(wanted.nodes.items()):
        is_dead = node in judgement.dead
        places[node] = Place(
            node, known.name, known.datacenter, is_dead=is_dead, is_ready=False, since=known.since if is_dead else ""
        )
    for node, beat in sorted(judgement.here.items()):
        if beat.role is not Role.WITNESS:
            places[node] = _place(beat, counts.get(node, 0), fades=node in judgement.fading)
    return places


def _place(beat: Beat, jobs: int, *, fades: bool) -> Place:
    return Place(
        beat.node, beat.name, beat.datacenter, frozenset(beat.drivers), jobs, beat.max, beat.ready and not fades,
        beat.draining, beat.hurry, wire=beat.wire, format=beat.format,
    )  # fmt: skip
