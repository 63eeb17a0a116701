"""Beats: what a node says of itself twice a second, and who is judged by them to be alive.

Beats go over a plain subject of NATS and not through the store: a store that elects its leader for up to nine seconds
then kills nobody. Five rules keep a node that lives from being held for dead:

* A manager that hears fewer managers than a quorum, itself counted, judges nobody: it may be the one that is cut off.
  When it hears a quorum again it listens first.
* A process that was paused heard nothing meanwhile. It notices by a gap between two looks at the clock, and listens
  first.
* A node that starts listens first.
* A node is dead when a quorum of managers, each able to judge, does not hear it. So where one connection between two
  managers is broken, neither takes the other's jobs, and they do not take the leadership from each other for ever.
* Only a clock that never goes back counts, so steps of the wall clock mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from udup.cluster.limits import Limits

#: Beats go to `SUBJECT.<role>`, so that who needs only the managers' may ask for these.
SUBJECT = "udup.beat"


class Role(StrEnum):
    """What a node is in its cluster. A witness votes and carries no jobs."""

    MANAGER = "manager"
    AGENT = "agent"
    WITNESS = "witness"

    @property
    def votes(self) -> bool:
        """Whether it counts for the quorum."""
        return self is not Role.AGENT


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """As JSON by names: fields that a newer version adds are passed over, and those that it lacks have defaults.

    `incarnation` is another at each start of the node, `number` counts its beats. `max` is how many jobs it may have,
    `jobs` how many it carries. `hangs`: its keeper works, and what carries its jobs does not. `hurry` says that a
    draining node gives up jobs in a full copy, too. `gone` is the last beat of a node that has ended all its runs.
    `hears` is whom a manager hears, empty where `judges` is false. `twins` are incarnations that began while another of
    their node's ID was there: each ends when it hears that.
    """

    node: str
    incarnation: str
    number: int
    role: Role = Role.MANAGER
    name: str = ""
    datacenter: str = "dc1"
    address: str = ""
    build: str = ""
    wire: tuple[int, int] = (1, 1)
    format: int = 1
    drivers: tuple[str, ...] = ()
    jobs: int = 0
    max: int = 0
    ready: bool = True
    draining: bool = False
    hurry: bool = False
    hangs: bool = False
    gone: bool = False
    judges: bool = False
    hears: tuple[str, ...] = ()
    twins: tuple[str, ...] = ()

    def encode(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> Beat | None:
        """Return the beat, None for what is none: another version's that cannot be read, or anybody's message."""
        try:
            return _beat(data)
        except msgspec.MsgspecError:
            return None


_beat = msgspec.json.Decoder(Beat).decode


@dataclass(frozen=True)
class Judgement:
    """Who is there at one moment.

    `here` are the nodes that are heard, this one among them; `dead` are those asked about that are dead. Who is in
    neither is in doubt: not heard by this node, and not held for dead by a quorum. A node that says that it hangs is
    dead, though its keeper votes. `fading` are those of `here` that have missed beats: they keep what they have and are
    given nothing, since whatever has silenced one node may have silenced them.
    """

    here: Mapping[str, Beat]
    dead: frozenset[str]
    fading: frozenset[str] = frozenset()


class Hearing:
    """What one node hears. Pure: whoever calls brings the time, of a clock that never goes back.

    `voters` is the number of managers and witnesses that the cluster has, whether they are there or not.
    """

    def __init__(self, node: str, role: Role, voters: int, limits: Limits, now: float) -> None:
        self._node, self._role = node, role
        self.voters = voters
        self._limits = limits
        self._heard: dict[str, tuple[Beat, float]] = {}
        self._earlier: dict[str, set[str]] = {}  # incarnations that another has followed, by node
        self._twins: dict[str, float] = {}
        self._goes_on: dict[str, tuple[int, float]] = {}  # beats of earlier incarnations: a number, and since when
        self._younger: dict[str, float] = {}  # incarnations of twins, and when they were heard
        self._listening_since = now
        self._ticked = now

    @property
    def quorum(self) -> int:
        return self.voters // 2 + 1

    # ---- What happens ----

    def hear(self, beat: Beat, now: float) -> None:
        """Take a beat of another node. One that was overtaken by a later one counts for nothing."""
        before = self._heard.get(beat.node)
        if beat.incarnation in self._earlier.get(beat.node, ()):
            self._hear_earlier(beat, now)
            return
        if before is not None and before[0].incarnation == beat.incarnation:
            if beat.number <= before[0].number or before[0].gone:
                return
        elif before is not None:
            self._earlier.setdefault(beat.node, set()).add(before[0].incarnation)
        self._heard[beat.node] = beat, now

    def _hear_earlier(self, beat: Beat, now: float) -> None:
        """Take a beat of an incarnation that another has followed. Where it goes on, the younger one is a twin.

        A single beat, or several that come at once, may be late ones of before a restart.
        """
        self._twins[beat.node] = now
        if beat.incarnation in self._younger:
            self._younger[beat.incarnation] = now
            return
        number, since = self._goes_on.get(beat.incarnation, (0, now))
        if number and beat.number > number and now - since >= self._limits.beat / 2:
            younger, _ = self._heard[beat.node]
            self._earlier[beat.node].discard(beat.incarnation)
            self._earlier[beat.node].add(younger.incarnation)
            self._younger[younger.incarnation] = now
            self._heard[beat.node] = beat, now
        elif not number:
            self._goes_on[beat.incarnation] = beat.number, now

    def younger_twins(self, now: float) -> tuple[str, ...]:
        """Return the incarnations that are to end: an older one of their node's ID goes on."""
        return tuple(sorted(each for each, at in self._younger.items() if now - at < self._limits.dead))

    def tick(self, now: float) -> float:
        """Note the time; return for how long this process was paused, 0 if it was not.

        Call it each `Limits.tick` from a loop that waits for nothing else: one that asks the store takes a slow store
        for a pause of its own.
        """
        gap = now - self._ticked
        self._ticked = now
        paused = gap if gap > self._limits.pause else 0.0
        if paused or not self._has_quorum(now):
            self._listening_since = now
        return paused

    def forget(self, node: str) -> None:
        """Drop a node that was removed from the cluster."""
        self._heard.pop(node, None)
        self._earlier.pop(node, None)

    # ---- What follows from it ----

    def judges(self, now: float) -> bool:
        """Whether this node may judge: not paused just now, has listened, and hears a quorum."""
        limits = self._limits
        return (
            now - self._ticked <= limits.pause
            and now - self._listening_since >= limits.listen
            and self._has_quorum(now)
        )

    def judge(self, own: Beat, known: Iterable[str], now: float) -> Judgement | None:
        """Return who is there, and who of the nodes that are asked about is dead; None if this node may not judge."""
        if not self.judges(now):
            return None
        here = {node: beat for node, (beat, _) in self._heard.items() if self.hears(node, now)}
        here[self._node] = own
        voting = [beat for node, beat in here.items() if node != self._node and beat.role.votes and beat.judges]
        hearing = [frozenset(beat.hears) for beat in voting]
        dead = frozenset(node for node in known if node not in here and self._is_dead(node, hearing))
        hang = frozenset(node for node, beat in here.items() if beat.hangs)
        there = {node: beat for node, beat in here.items() if node not in hang}
        return Judgement(there, dead | (hang & set(known)), frozenset(there.keys() - self._fresh(now) - {self._node}))

    def has_left(self, node: str) -> bool:
        """Whether another node has said that it is gone."""
        found = self._heard.get(node)
        return found is not None and found[0].gone

    def hears(self, node: str, now: float) -> bool:
        """Whether another node was heard just now, and has not said that it is gone."""
        found = self._heard.get(node)
        return found is not None and not found[0].gone and found[1] > now - self._limits.dead

    def heard(self, now: float) -> tuple[str, ...]:
        """Return all other nodes that are heard."""
        since = now - self._limits.dead
        return tuple(sorted(node for node, (beat, at) in self._heard.items() if at > since and not beat.gone))

    def last_beats(self, now: float) -> dict[str, tuple[Beat, float]]:
        """Return the last beat of each node that was ever heard, and how many seconds ago that was."""
        return {node: (beat, now - at) for node, (beat, at) in self._heard.items()}

    def twins(self, now: float) -> tuple[str, ...]:
        """Return the IDs under which two nodes beat at the same time."""
        return tuple(sorted(node for node, at in self._twins.items() if now - at < self._limits.dead))

    def has_quorum(self, now: float) -> bool:
        """Whether this node hears a quorum of the managers, itself counted; it may still have to listen."""
        return now - self._ticked <= self._limits.pause and self._has_quorum(now)

    def _has_quorum(self, now: float) -> bool:
        since = now - self._limits.dead
        heard = sum(at > since and beat.role.votes and not beat.gone for beat, at in self._heard.values())
        return heard + self._role.votes >= self.quorum

    def _fresh(self, now: float) -> set[str]:
        """Return the nodes of which no more than two beats are missing."""
        since = now - self._limits.fades
        return {node for node, (_, at) in self._heard.items() if at > since}

    def _is_dead(self, node: str, hearing: list[frozenset[str]]) -> bool:
        """Whether it has said so, or a quorum does not hear it; this node does not."""
        found = self._heard.get(node)
        if found is not None and found[0].gone:
            return True
        return self._role.votes + sum(node not in heard for heard in hearing) >= self.quorum
