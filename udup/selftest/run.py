"""The self-test from beginning to end: look, ask, note, carry the cases, clean up, report."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field

from rich.console import Console

from udup import __version__
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.base.stamps import to_the_second
from udup.cli.client import Api
from udup.cli.where import Where
from udup.drivers.mysql.checks.binlog_access import goes_by_statements
from udup.drivers.mysql.client.connection import MySQLError, connect, describe, query
from udup.drivers.mysql.client.facts import ServerFacts, read_facts
from udup.drivers.mysql.client.names import qualified, quote
from udup.pipeline.ports import ApplyMode
from udup.sandbox.api import job_document
from udup.selftest import CASES
from udup.selftest.case import Case, read_cases
from udup.selftest.choice import PREFIX, Choice, choose
from udup.selftest.journal import NOTES, Journal, Left
from udup.selftest.on_servers import NodeJobs, OnServers
from udup.selftest.own_node import own_node
from udup.selftest.report import Report, Scrubber, ServerSeen
from udup.selftest.screen import Screen
from udup.selftest.suite import groups
from udup.selftest.verdict import Outcome, Verdict

#: Cases that share a job: few, since a case that stops its job has the others tried again.
GROUP_CASES = 25

#: Seconds for a job to run, and for each step of it; what hangs is looked for by halving its group, again and again.
_STEP_SECONDS = 45.0

#: Groups that may fail altogether one after another: behind that the servers or the node are gone.
_LOST_GROUPS = 2

#: What is raised where a server or the node does not answer as it should.
_LOST = (UdupError, MySQLError, OSError)

#: A schema with one table, for the checks that a job's start makes.
_PROBE = f"{PREFIX}probe"


@dataclass(frozen=True)
class Plan:
    """What to do. `node` is a Udup server that runs, None for one of the self-test's own."""

    source: Endpoint
    target: Endpoint
    phases: tuple[str, ...]
    only: str = ""
    node: Where | None = None


@dataclass
class SelfTest:
    """`agreed` is asked before anything is written on the servers."""

    plan: Plan
    console: Console
    agreed: Callable[[str], bool]
    scrub: Scrubber = field(default_factory=Scrubber)
    report: Report | None = None
    _facts: dict[str, ServerFacts] = field(default_factory=dict)

    def run(self) -> Report | None:
        """Return what was found; None if the user does not agree. `UdupError` if the servers cannot be used, but for
        the checks of a start, which are in the report.
        """
        self._look()
        by_statements = goes_by_statements(ApplyMode.BY_PRIVILEGE, self._facts["target"])
        choice = self._choice(by_statements)
        if not self.agreed(self._intention(choice, by_statements)):
            return None
        self.report = self._new_report(choice, by_statements)
        began = time.monotonic()
        with self._journals() as journals:
            try:
                with self._node() as jobs:
                    if self._may_start(jobs, journals):
                        self._carry(jobs, journals, choice, by_statements)
            except KeyboardInterrupt:
                self.report.ended = "interrupted"
                raise
            except _LOST as error:
                if not self.report.checks:
                    raise
                self.report.ended = _told(error)
            finally:
                self.report.seconds["all"] = time.monotonic() - began
        return self.report

    def clean(self) -> None:
        """Remove what an earlier self-test has left on both servers, and on the node that it was carried out by."""
        if self.plan.node is not None:
            with closing(Api(self.plan.node)) as api:
                gone = NodeJobs(api).delete_all(PREFIX)
            self._say(f"the Udup server: {len(gone)} jobs removed")
        for side, endpoint in self._sides():
            with closing(Journal(endpoint, side)) as journal:
                journal.hold()
                self._say(_left_told(side, journal.clean()))

    # ---- before ---------------------------------------------------------------------------------------------------

    def _sides(self) -> tuple[tuple[str, Endpoint], ...]:
        return ("source", self.plan.source), ("target", self.plan.target)

    def _look(self) -> None:
        """Ask both servers what they are; `UdupError` if one cannot be asked, or both are one."""
        for side, endpoint in self._sides():
            facts = self._facts[side] = _facts(side, endpoint)
            self.scrub.learn(side, endpoint, facts)
            self._say(f"{side}: {ServerSeen.of(facts)}")
            reason = facts.kin.no_source if side == "source" else facts.kin.no_target
            if reason:
                raise UdupError(f"the {side} is {facts.kin.name}: {reason}")
        source, target = self.plan.source, self.plan.target
        uuids = {facts.uuid for facts in self._facts.values()}
        if (source.host, source.port) == (target.host, target.port) or (len(uuids) == 1 and "" not in uuids):
            raise UdupError("the source and the target are the same server: name two")
        for side, endpoint in self._sides():
            other = "target" if side == "source" else "source"
            if self._facts[other].uuid in _replicated_from(endpoint):
                raise UdupError(
                    f"the {side} replicates from the {other}, which would carry the cases too, and stop at a"
                    " schema that is there already: name two that are apart"
                )

    def _choice(self, by_statements: bool) -> Choice:
        cases = [case for case in read_cases(CASES) if self.plan.only in case.name]
        source, target = (_kind(self._facts[side]) for side in ("source", "target"))
        return choose(cases, by_statements=by_statements, source=source, target=target)

    def _intention(self, choice: Choice, by_statements: bool) -> str:
        rows = "by statements, as its account may not run BINLOG" if by_statements else "by BINLOG"
        phases = " and ".join(self.plan.phases)
        return (
            f"On both servers schemas {PREFIX}… and {NOTES} will be made, and dropped at the end; on the target Udup's"
            f" own schema, udup, too, unless it is there.\n{len(choice.cases)} cases are carried ({phases}), rows reach"
            f" the target {rows}; {len(choice.left_out)} are left out. Nothing else is written, and nothing global"
            " is set.\n"
            "All of it is in the servers' binary logs: replicas of theirs, and jobs for all schemas, see it as well."
        )

    def _new_report(self, choice: Choice, by_statements: bool) -> Report:
        return Report(
            udup=__version__,
            started=to_the_second(time.time()),
            source=ServerSeen.of(self._facts["source"]),
            target=ServerSeen.of(self._facts["target"]),
            by_statements=by_statements,
            left_out=dict(choice.left_out),
        )

    @contextmanager
    def _journals(self) -> Iterator[tuple[Journal, ...]]:
        """Yield the notes on both servers, begun, without what an earlier run has left; remove all at the end."""
        run = uuid.uuid4().hex
        begun: list[Journal] = []
        with ExitStack() as stack:
            source, target = (Journal(endpoint, side) for side, endpoint in self._sides())
            stack.callback(source.close)
            stack.callback(target.close)
            stack.callback(self._remove, begun)
            self._begin(source, run, begun)
            seen = target.look()
            if seen is not None and run in seen.runs:
                raise UdupError("the target is the source, or replicates from it: name two that are apart")
            self._begin(target, run, begun)
            target.note_checkpoints()
            yield source, target

    def _begin(self, journal: Journal, run: str, begun: list[Journal]) -> None:
        journal.hold()
        left = journal.look()
        if left is not None:
            self._say(_left_told(journal.side, journal.clean()))
        journal.refuse_strange()
        begun.append(journal)
        journal.begin(run)

    def _remove(self, journals: list[Journal]) -> None:
        """Remove what was made on each server; `UdupError` if something stays."""
        if journals:
            self._say("removing what was made")
        kept = []
        for journal in journals:
            try:
                journal.clean()
            except KeyboardInterrupt:
                self._say("not all that was made is removed: give --clean later")
                raise
            except _LOST as error:
                kept.append(f"{journal.side}: {_told(error)}")
        if kept:
            raise UdupError(f"not all that was made could be removed ({'; '.join(kept)}): give --clean later")

    # ---- the cases ------------------------------------------------------------------------------------------------

    @contextmanager
    def _node(self) -> Iterator[NodeJobs]:
        with ExitStack() as stack:
            where = self.plan.node
            if where is None:
                self._say("starting a Udup server for the time of the test")
                where = Where(stack.enter_context(own_node()).url, "")
            api = stack.enter_context(closing(Api(where)))
            jobs = NodeJobs(api)
            jobs.delete_all(PREFIX)
            yield jobs

    def _may_start(self, jobs: NodeJobs, journals: Sequence[Journal]) -> bool:
        """Ask both servers what a job's start asks, with a table to be carried."""
        assert self.report is not None
        for journal in journals:
            journal.note_schemas([_PROBE])
        with closing(connect(self.plan.source)) as connection:
            query(connection, f"CREATE DATABASE {quote(_PROBE)}")
            query(connection, f"CREATE TABLE {qualified(_PROBE, 't')} (id INT PRIMARY KEY) ENGINE=InnoDB")
        checks = jobs.validate(job_document(_PROBE, self.plan.source, self.plan.target, [_PROBE]) | {"ID": _PROBE})
        for journal in journals:
            journal.drop([_PROBE])
        self.report.checks = [
            {name: str(each.get(name, "")) for name in ("Task", "Check", "Result", "Found", "Remedy")}
            for each in checks
        ]
        faults = [each for each in self.report.checks if each["Result"] == "fail"]
        for each in faults:
            remedy = f"\n    {each['Remedy']}" if each["Remedy"] else ""
            self._say(f"  {each['Task'] or 'both'}, {each['Check']}: {each['Found']}{remedy}")
        if faults:
            self.report.ended = f"no job could start: {len(faults)} of the checks failed"
        return not faults

    def _carry(self, jobs: NodeJobs, journals: tuple[Journal, ...], choice: Choice, by_statements: bool) -> None:
        assert self.report is not None
        suite = OnServers(
            self.plan.source,
            self.plan.target,
            jobs,
            (self.plan.source, self.plan.target),
            managed=by_statements,
            prefix=PREFIX,
            job_prefix=f"{PREFIX}{uuid.uuid4().hex[:8]}_",
            deadline=_STEP_SECONDS,
            journals=journals,
        )
        work = {phase: [case for case in choice.cases if phase in case.phases] for phase in self.plan.phases}
        lost = 0
        with Screen(self.console, sum(map(len, work.values()))) as screen:
            for phase, cases in work.items():
                began = time.monotonic()
                for group in groups(cases, GROUP_CASES):
                    screen.doing(f"{phase}: {group[0].name.partition('/')[0]}")
                    verdicts, is_lost = _verdicts(suite, group, phase)
                    lost = lost + 1 if is_lost else 0
                    self.report.verdicts += verdicts
                    self.report.seconds[phase] = time.monotonic() - began
                    screen.took(phase, verdicts, len(group))
                    if lost >= _LOST_GROUPS:
                        raise UdupError(f"given up after {lost} groups of cases: {verdicts[-1].fault}")

    def _say(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)


def _facts(side: str, endpoint: Endpoint) -> ServerFacts:
    """Ask a server about itself; `UdupError` if it cannot be asked, or answers what no MySQL server does."""
    try:
        with closing(connect(endpoint)) as connection:
            return read_facts(connection)
    except MySQLError as error:
        raise UdupError(f"the {side}: {describe(error)}") from error
    except UdupError as error:
        raise UdupError(f"the {side}: {error}") from error
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise UdupError(f"the {side} answers what no MySQL server does: {error}") from error


def _kind(facts: ServerFacts) -> str:
    """Return the kind of a server, as cases name it: `mysql-8.4`, `mariadb-10.11`."""
    family = "mariadb" if facts.is_mariadb else "mysql"
    return f"{family}-{facts.version[0]}.{facts.version[1]}"


def _replicated_from(endpoint: Endpoint) -> set[str]:
    """Return the UUIDs of the servers that a server replicates from, as far as its account may know."""
    with closing(connect(endpoint)) as connection:
        for sql in ("SHOW REPLICA STATUS", "SHOW SLAVE STATUS"):
            with suppress(MySQLError):  # it has another name for it, or does not tell this account
                return {str(value) for row in query(connection, sql) for value in row if value}
    return set()


def _verdicts(suite: OnServers, group: list[Case], phase: str) -> tuple[list[Verdict], bool]:
    """Return the verdicts of a group, and whether it was lost as a whole: twice a server or the node did not answer."""
    try:
        return suite.run(group, phase), False
    except _LOST:
        pass
    try:
        return suite.run(group, phase), False
    except _LOST as error:
        return [Verdict(case, phase, _told(error), Outcome.FAILED) for case in group], True


def _told(error: Exception) -> str:
    return describe(error) if isinstance(error, MySQLError) else str(error) or type(error).__name__


def _left_told(side: str, left: Left) -> str:
    if not (left.schemas or left.runs or left.jobs or left.checkpoints):
        return f"the {side}: nothing is left of a self-test"
    return f"the {side}: what an earlier self-test had left was removed ({len(left.schemas)} schemas)"
