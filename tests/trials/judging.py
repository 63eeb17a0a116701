"""What a trial has shown, and what of the history of who owned what must never be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median

from tests.trials.watch import Place, Seen
from udup.cluster.owners import LEADER, key_of

#: A silence of a node that lives, after which others may hold it for dead: this machine gave it no time.
STARVED_SECONDS = 2.5

#: Seconds between two silences that are one.
_ONE_BEAT = 0.3


@dataclass
class Outcome:
    """What a trial has shown. `gaps`: seconds without a commit, of jobs whose node was hit; `others`: of the rest."""

    fault: str
    hit: str
    role: str
    gaps: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    #: Seconds after the strike until each job that moved was another node's.
    taken: list[float] = field(default_factory=list)
    moved: int = 0
    violations: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        taken = f"{len(self.gaps)} jobs hit, gap {_span(self.gaps)} s" if self.gaps else "no job hit"
        moved = f"{self.moved} moved after {_span(self.taken)} s"
        line = f"{self.fault} ({self.role}, {self.hit}): {taken}; others {_span(self.others)} s; {moved}"
        return "; ".join([line, *self.notes, *(f"VIOLATION: {each}" for each in self.violations)])


def _span(values: list[float]) -> str:
    if not values:
        return "-"
    return f"{min(values):.1f}/{median(values):.1f}/{max(values):.1f}"


@dataclass(frozen=True)
class Before:
    """How it was when the fault struck. `victims` may lose their jobs, `apart`: jobs on two nodes may run again.

    `grows` is the job that gets tables meanwhile, whose run ends when they are joined.
    """

    at: float
    places: Mapping[str, Place]
    leader: str
    victims: set[str]
    apart: bool = False
    grows: str = ""

    def is_hit(self, job: str) -> bool:
        """Whether the fault is one of the job's: its runs may end by it."""
        if job == self.grows:
            return True
        place = self.places.get(job, Place(""))
        return place.node in self.victims or place.source in self.victims or (self.apart and place.is_apart)


@dataclass(frozen=True)
class Judge:
    """`silences` are each node's, as `Watcher` has them; `moves`: how often a job may move; `name` names a node."""

    was: Before
    moves: int
    silences: Mapping[str, list[tuple[float, float]]]
    name: Callable[[str], str]

    def look_through(self, outcome: Outcome, jobs: list[str], changes: list[Seen]) -> None:
        """Note what moved in an outcome, and what must not have."""
        for job in jobs:
            self._job(outcome, job, [each for each in changes if each.key == key_of(job)])
        leader = self.was.leader
        for each in changes:
            if each.key == LEADER and each.owner is not None and each.owner.node != leader:
                if leader and leader not in self.was.victims:
                    self._taken(outcome, "the leadership", leader, each.owner.node)
                leader = each.owner.node

    def _job(self, outcome: Outcome, job: str, changes: list[Seen]) -> None:
        first = self.was.places.get(job, Place(""))
        path, sources = [first.node], [first.source]
        for each in changes:
            node, source = (each.owner.node, each.owner.source) if each.owner else ("", "")
            if node != path[-1]:
                outcome.moved += 1
                outcome.taken.append(each.at - self.was.at)
                self._left(outcome, job, path[-1], node)
                path.append(node)
            elif source != sources[-1] and source and sources[-1]:
                outcome.moved += 1
                self._left(outcome, f"the source of {job}", sources[-1], source)
            sources.append(source)
        if len(path) - 1 > self.moves:
            outcome.violations.append(f"{job} moved {len(path) - 1} times: {[self.name(each) for each in path]}")
        runs = sum(bool(each.owner and each.owner.run) for each in changes)
        if runs and len(path) == 1 and not self.was.is_hit(job):
            told = f"{runs} runs of {job} began without reason on {self.name(path[0])}"
            self._unless_starved(outcome, told, max(map(self._silence, (path[0], first.source))))

    def _left(self, outcome: Outcome, what: str, of: str, to: str) -> None:
        if of and of not in self.was.victims:
            self._taken(outcome, what, of, to)

    def _taken(self, outcome: Outcome, what: str, of: str, by: str) -> None:
        """Nobody may take anything from a node that lives; one that this machine gave no time was not heard."""
        told = f"{what} went from {self.name(of)} to {self.name(by)}, which was well"
        self._unless_starved(outcome, told, self._silence(of))

    @staticmethod
    def _unless_starved(outcome: Outcome, told: str, longest: float) -> None:
        if longest >= STARVED_SECONDS:
            outcome.notes.append(f"{told}: it had no time for {longest:.1f} s")
        else:
            outcome.violations.append(f"{told} (longest silence {longest:.1f} s)")

    def _silence(self, node: str) -> float:
        """Return the longest silence of a node; two with a single beat between them are one."""
        longest, began, ended = 0.0, 0.0, 0.0
        for at, length in self.silences.get(node, ()):
            began = began if at - length - ended < _ONE_BEAT else at - length
            ended = at
            if began > self.was.at - 5:
                longest = max(longest, ended - began)
        return longest


def spans(outcomes: list[Outcome]) -> Iterator[str]:
    """Yield a table by fault and role: trials, when jobs were another node's, how long they were without a commit."""
    yield f"{'fault':28} {'who':12} trials  bad  moved after, s     jobs  no commit for, s   others' max"
    keys = dict.fromkeys((each.fault, each.role) for each in outcomes)
    for fault, role in keys:
        some = [each for each in outcomes if (each.fault, each.role) == (fault, role)]
        gaps = [gap for each in some for gap in each.gaps]
        taken = [seconds for each in some for seconds in each.taken]
        others = [gap for each in some for gap in each.others]
        bad = sum(bool(each.violations) for each in some)
        yield (
            f"{fault:28} {role:12} {len(some):6} {bad:4}  {_span(taken):17} {len(gaps):5}  {_span(gaps):17} "
            f"{max(others, default=0.0):6.1f}"
        )
