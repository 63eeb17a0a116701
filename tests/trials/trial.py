"""One trial of a cluster under writing: a fault strikes, jobs must go on, and nothing may be lost, doubled or taken."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from statistics import median

from tests.node.real_cluster import until
from tests.trials.faults import Fault, Lab
from tests.trials.watch import Load, Seen
from udup.base.errors import Transient, UdupError
from udup.cluster.owners import LEADER, key_of
from udup.drivers.mysql.client.connection import connect, query
from udup.jobs.words import Stage
from udup.sandbox.api import job_document
from udup.verify.compare import compare

#: Seconds for jobs to go on, and for the target to have everything.
GO_ON_SECONDS, LEVEL_SECONDS = 90.0, 120.0

#: Seconds that nodes listen before they judge, and some more.
SETTLE_SECONDS = 5.0

#: A silence of a node that lives, after which others may hold it for dead: this machine gave it no time.
STARVED_SECONDS = 2.5


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


class Trial:
    """`lab` and `load` are used for trial after trial."""

    def __init__(self, lab: Lab, load: Load, fault: Fault, role: str) -> None:
        self._lab, self._load, self._fault, self._role = lab, load, fault, role

    def run(self) -> Outcome:
        lab, fault = self._lab, self._fault
        self._prepare()
        hit = lab.choose(self._role)
        fault.ready(lab, hit)
        outcome = Outcome(fault.name, f"n{hit}", self._role)
        self._load.start()
        try:
            self._all_get_more("before the fault")
            self._strike(hit, outcome)
            self._load.stop_writing()
            self._is_level()
        except (AssertionError, UdupError) as error:
            outcome.violations.append(str(error)[:600])
        finally:
            self._load.stop()
            lab.nodes.links.heal()
        if self._load.problem:
            outcome.violations.append(self._load.problem)
        if not outcome.violations:
            compared = compare(self._load.source, self._load.target, self._load.jobs)
            if not compared.equal:
                outcome.violations.append(f"not equal: {compared.report()}")
        return outcome

    def _prepare(self) -> None:
        """Everybody is there and has listened, all jobs run, and their tables are empty."""
        self._lab.nodes.start_those_that_are_down()
        self._lab.wait_whole()
        self._all_run()
        with closing(connect(self._load.source)) as connection:
            for job in self._load.jobs:
                query(connection, f"TRUNCATE TABLE {job}.t")
                query(connection, f"TRUNCATE TABLE {job}.log")
        time.sleep(SETTLE_SECONDS)

    def _all_run(self) -> None:
        shown: dict[str, object] = {}

        def run() -> bool:
            with suppress(UdupError):
                jobs = self._lab.nodes.all[0].api._request("GET", "/v1/jobs").json()
                shown.clear()
                shown.update({each["ID"]: each["JobSummary"].get("Stage", each["Status"]) for each in jobs})
            return len(shown) == len(self._load.jobs) and set(shown.values()) <= {Stage.RUNNING, "running"}

        until(run, lambda: f"jobs do not run: {shown}", GO_ON_SECONDS)

    def _strike(self, hit: int, outcome: Outcome) -> None:
        lab, fault, watcher = self._lab, self._fault, self._lab.watcher
        seq, before, leader = watcher.last, watcher.owners(), watcher.leader()
        began = time.monotonic()
        victims = {lab.nodes.id(lab.nodes.all[each]) for each in fault.strike(lab, hit)}
        try:
            if fault.goes_on:
                self._all_get_more("during the fault")
            time.sleep(max(0.0, began + fault.hold - time.monotonic()))
        finally:
            fault.heal(lab, hit)
        self._all_get_more("after the fault")
        lab.wait_whole()
        time.sleep(SETTLE_SECONDS)
        self._all_get_more("at the end")
        end = time.monotonic()
        for job in self._load.jobs:
            of = outcome.gaps if before.get(job) in victims else outcome.others
            of.append(self._load.gap(job, began, end))
        self._judge(outcome, watcher.since(seq), Before(began, before, leader, victims))

    def _all_get_more(self, when: str) -> None:
        """What is written from now on arrives, of every job."""
        wanted = self._load.written + 2

        def late() -> list[str]:
            return [job for job in self._load.jobs if self._load.newest(job) < wanted]

        until(lambda: not late(), lambda: f"{when} nothing new came of {self._shown(late())}", GO_ON_SECONDS)

    def _is_level(self) -> None:
        written = self._load.written

        def behind() -> list[str]:
            return [job for job in self._load.jobs if self._load.newest(job) < written]

        until(lambda: not behind(), lambda: f"not all came of {self._shown(behind())}", LEVEL_SECONDS)
        time.sleep(0.5)  # the newest row is not always the last that is applied

    def _shown(self, jobs: list[str]) -> str:
        owners = self._lab.watcher.owners()
        found = []
        for job in jobs:
            stage = reason = "?"
            for node in self._lab.nodes.all:
                with suppress(UdupError):
                    shown = node.job(job)
                    stage, reason = str(shown.get("Stage")), str(shown.get("StatusDescription") or "")
                    break
            found.append(f"{job} (on {self._lab.nodes.name(owners.get(job, ''))}, {stage} {reason})")
        return ", ".join(found)

    # ---- What the bucket's history shows ----

    def _judge(self, outcome: Outcome, changes: list[Seen], was: Before) -> None:
        for job in self._load.jobs:
            self._judge_job(outcome, job, [each for each in changes if each.key == key_of(job)], was)
        leader = was.leader
        for each in changes:
            if each.key == LEADER and each.owner is not None and each.owner.node != leader:
                if leader and leader not in was.victims:
                    self._taken(outcome, "the leadership", leader, each.owner.node, was.at)
                leader = each.owner.node

    def _judge_job(self, outcome: Outcome, job: str, changes: list[Seen], was: Before) -> None:
        name = self._lab.nodes.name
        path = [was.owners.get(job, "")]
        for each in changes:
            now = each.owner.node if each.owner else ""
            if now != path[-1]:
                outcome.moved += 1
                outcome.taken.append(each.at - was.at)
                if path[-1] and path[-1] not in was.victims:
                    self._taken(outcome, job, path[-1], now, was.at)
                path.append(now)
        if len(path) - 1 > self._fault.moves:
            outcome.violations.append(f"{job} moved {len(path) - 1} times: {[name(each) for each in path]}")
        runs = sum(bool(each.owner and each.owner.run) for each in changes)
        if runs and len(path) == 1 and path[0] not in was.victims:
            outcome.violations.append(f"{runs} runs of {job} began without reason on {name(path[0])}")

    def _taken(self, outcome: Outcome, what: str, of: str, by: str, began: float) -> None:
        """Nobody may take anything from a node that lives; one that this machine gave no time was not heard."""
        name = self._lab.nodes.name
        silent = [length for at, length in self._lab.watcher.silences.get(of, ()) if at - length > began - 5]
        longest = max(silent, default=0.0)
        told = f"{what} went from {name(of)} to {name(by)}"
        if longest >= STARVED_SECONDS:
            outcome.notes.append(f"{told}: it had no time for {longest:.1f} s")
        else:
            outcome.violations.append(f"{told}, which was well (longest silence {longest:.1f} s)")


@dataclass(frozen=True)
class Before:
    """How it was when the fault struck, and whom it hits."""

    at: float
    owners: dict[str, str]
    leader: str
    victims: set[str]


def post_jobs(lab: Lab, load: Load) -> None:
    """Post all jobs, each to the next node, and wait until they run."""
    for number, job in enumerate(load.jobs):
        node = lab.nodes.all[number % len(lab.nodes.all)]
        document = {**job_document(job, load.source, load.target, [job], workers=2), "ID": job}
        until(lambda node=node, document=document: _is_taken(node, document), lambda: "not taken")  # type: ignore[misc]
    for job in load.jobs:
        lab.nodes.all[0].wait_stage(job)


def _is_taken(node: object, document: dict[str, object]) -> bool:
    try:
        node.post_job(document)  # type: ignore[attr-defined]
    except Transient:
        return False
    return True


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
