"""One trial of a cluster under writing: a fault strikes, jobs must go on, and nothing may be lost, doubled or taken."""

from __future__ import annotations

import time
from collections.abc import Mapping, Set
from contextlib import closing, suppress

from tests.node.real_cluster import until
from tests.trials.faults import Fault, Lab
from tests.trials.judging import Before, Judge, Outcome
from tests.trials.watch import Load, more_of
from udup.base.errors import Transient, UdupError
from udup.drivers.mysql.client.connection import connect, query
from udup.jobs.words import Stage
from udup.sandbox.api import job_document
from udup.verify.compare import compare

#: Seconds for jobs to go on, and for the target to have everything.
GO_ON_SECONDS, LEVEL_SECONDS = 90.0, 120.0

#: Seconds that nodes listen before they judge, and some more.
SETTLE_SECONDS = 5.0


#: What faults need that bring nodes of other versions: these carry no job on whose tables come.
OTHER_VERSIONS = ("old", "newer")


class Trial:
    """`lab` and `load` are used for trial after trial."""

    def __init__(self, lab: Lab, load: Load, fault: Fault, role: str) -> None:
        self._lab, self._load, self._fault, self._role = lab, load, fault, role

    def run(self) -> Outcome:
        lab, fault = self._lab, self._fault
        self._prepare()
        hit = lab.choose(self._role)
        grows = "" if fault.needs in OTHER_VERSIONS else self._load.jobs[hit % len(self._load.jobs)]
        fault.ready(lab, hit)
        outcome = Outcome(fault.name, f"n{hit}", self._role)
        self._load.start()
        try:
            self._all_get_more("before the fault")
            if grows:
                self._post(grows, [grows, more_of(grows)])
            self._strike(hit, outcome, grows)
            self._load.stop_writing()
            self._is_level()
            if grows:
                self._has_grown(grows)
        except (AssertionError, UdupError) as error:
            outcome.violations.append(str(error)[:600])
        finally:
            self._load.stop()
            lab.nodes.links.heal()
        if self._load.problem:
            outcome.violations.append(self._load.problem)
        if not outcome.violations:
            compared = compare(
                self._load.source, self._load.target, [*self._load.jobs, *([more_of(grows)] if grows else [])]
            )
            if not compared.equal:
                outcome.violations.append(f"not equal: {compared.report()}")
        if grows and not outcome.violations:
            self._post(grows, [grows])
            self._has_grown(grows)
        return outcome

    def _prepare(self) -> None:
        """Everybody is there and has listened, all jobs run, and their tables are empty."""
        self._lab.nodes.start_those_that_are_down()
        self._lab.wait_whole()
        self._all_run()
        self._lab.spread()
        self._all_run()
        with closing(connect(self._load.source)) as connection:
            for job in self._load.jobs:
                query(connection, f"TRUNCATE TABLE {job}.t")
                query(connection, f"TRUNCATE TABLE {job}.log")
        time.sleep(SETTLE_SECONDS)

    def _post(self, job: str, schemas: list[str]) -> None:
        """Have a job have these schemas, as any node is asked for it."""
        made = self._lab.nodes.all[0].job(job)
        document = {key: made[key] for key in ("ID", "Name", "Type", "Failover", "Tasks")}
        document["Tasks"][1]["Config"]["DropTableIfExists"] = True  # a trial before has left them there
        document["Tasks"][0]["Config"]["ReplicateDoDb"] = [{"TableSchema": each} for each in schemas]
        until(lambda: _is_taken(self._lab.nodes.all[0], document), lambda: f"not taken: {document}")

    def _has_grown(self, job: str) -> None:
        """Wait until what a job got while the fault lasted is its own."""

        def joined() -> bool:
            with suppress(UdupError):
                return self._lab.nodes.all[0].job(job)["Growing"] is None
            return False

        until(joined, lambda: f"its new tables do not come: {self._shown([job])}", LEVEL_SECONDS)

    def _all_run(self) -> None:
        shown: dict[str, object] = {}

        def run() -> bool:
            with suppress(UdupError):
                jobs = self._lab.nodes.all[0].api._request("GET", "/v1/jobs").json()
                shown.clear()
                shown.update({each["ID"]: each["JobSummary"].get("Stage", each["Status"]) for each in jobs})
            return len(shown) == len(self._load.jobs) and set(shown.values()) <= {Stage.RUNNING, "running"}

        until(run, lambda: f"jobs do not run: {shown}", GO_ON_SECONDS)

    def _strike(self, hit: int, outcome: Outcome, grows: str) -> None:
        lab, fault, watcher = self._lab, self._fault, self._lab.watcher
        seq, places, leader, hangs = watcher.last, watcher.places(), watcher.leader(), lab.managers_of_agents()
        began = time.monotonic()
        struck = with_agents(fault.strike(lab, hit), hangs)
        victims = {lab.nodes.id(lab.nodes.all[each]) for each in struck}
        try:
            time.sleep(max(0.0, began + fault.hold - time.monotonic()))
            if fault.goes_on:  # by now, where a run that has not yet been taken over would do at first
                apart = {job for job, place in places.items() if place.is_apart} if fault.splits else set()
                self._all_get_more("during the fault", without=apart)
        finally:
            fault.heal(lab, hit)
        self._all_get_more("after the fault")
        lab.wait_whole()
        time.sleep(SETTLE_SECONDS)
        self._all_get_more("at the end")
        end = time.monotonic()
        was = Before(began, places, leader, victims, fault.splits, grows)
        for job in self._load.jobs:
            of = outcome.gaps if was.is_hit(job) else outcome.others
            of.append(self._load.gap(job, began, end))
        Judge(was, fault.moves, watcher.silences, lab.nodes.name).look_through(
            outcome, self._load.jobs, watcher.since(seq)
        )

    def _all_get_more(self, when: str, without: Set[str] = frozenset()) -> None:
        """What is written from now on arrives, of every job but some."""
        wanted = self._load.written + 2

        def late() -> list[str]:
            return [job for job in self._load.jobs if job not in without and self._load.newest(job) < wanted]

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


def with_agents(struck: set[int], hangs: Mapping[int, Set[int]]) -> set[int]:
    """Return who may lose jobs: the nodes that were struck, and the agents that hang on none but these."""
    return struck | {agent for agent, managers in hangs.items() if managers and managers <= struck}


def post_jobs(lab: Lab, load: Load, apart: int) -> None:
    """Post all jobs, each to the next node, and wait until they run; so many have their tasks on two nodes."""
    for number, job in enumerate(load.jobs):
        node = lab.nodes.all[number % len(lab.nodes.all)]
        document = {**job_document(job, load.source, load.target, [job], workers=2), "ID": job}
        if number < apart:
            names = [each.folder.name for each in (node, lab.nodes.all[(number + 1) % len(lab.nodes.all)])]
            document["Failover"] = True
            for task, name in zip(document["Tasks"], names, strict=True):
                task["NodeName"] = name
        until(lambda node=node, document=document: _is_taken(node, document), lambda: "not taken")  # type: ignore[misc]
    for job in load.jobs:
        lab.nodes.all[0].wait_stage(job)


def _is_taken(node: object, document: dict[str, object]) -> bool:
    try:
        node.post_job(document)  # type: ignore[attr-defined]
    except Transient:
        return False
    return True
