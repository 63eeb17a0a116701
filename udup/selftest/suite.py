"""Carries out cases with real jobs: many cases a job, so that hundreds take two minutes.

Each case has a schema of its own on a source, and the job carries the schemas of a whole group. If a job fails, the
case that its reason names is taken out and the others are tried again; if it names none, the group is halved. A case
that must be refused has a job alone.

The cases themselves run in sessions of a client of an ordinary server, whatever the servers' own settings are.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from udup.base.endpoint import Endpoint
from udup.base.errors import UNFORESEEN, UdupError
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.client.sessions import PLAIN
from udup.drivers.mysql.cutover.source_gate import MySQLSourceGate
from udup.drivers.mysql.cutover.target_gate import MySQLTargetGate
from udup.pipeline.ports import Scope
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection
from udup.sandbox.api import Json, job_document
from udup.selftest.case import Case
from udup.selftest.client import Client, NotRun
from udup.selftest.verdict import NOT_RUN, CaseFault, Outcome, Verdict
from udup.verify.compare import compare_strictly
from udup.verify.positions import executed

#: Cases that share a job.
GROUP_CASES = 80

#: A transaction in a reason: of MySQL, or of MariaDB.
_GTID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:\d|\b\d+-\d+-\d+\b")

_REMOVING = PLAIN.with_("removing schemas", foreign_key_checks="OFF")

#: Rows of a chunk, so small that a table of a few hundred rows has several.
CHUNK_ROWS = 40

#: Seconds for a group's job to run, and without a step towards being level; a busy machine takes a tenth of it.
DEADLINE = 150.0

#: Seconds between two looks: at the servers, and at most of those at a job that begins, each of which costs the node
#: and the test more. A case that is alone begins in a moment.
_POLL_SECONDS, _LONGEST_POLL_SECONDS = 0.05, 0.4

#: Looks at the servers until the node is asked whether the job has failed.
_LOOKS = 8

#: Runs of a job that end without its having failed: it waits for what does not come.
_RUNS = 4

#: Seconds that a trigger waits for its table.
_LOCK_SECONDS = 10


def groups(cases: Sequence[Case], size: int = GROUP_CASES) -> list[list[Case]]:
    """The cases that share a job, and each one that must be refused alone. Row filters have a job of their own."""
    shared: list[list[Case]] = []
    for filtered in (False, True):
        carried = [case for case in cases if not case.refusal and bool(case.filters) is filtered]
        shared += [carried[start : start + size] for start in range(0, len(carried), size)]
    return shared + [[case] for case in cases if case.refusal]


class Jobs(Protocol):
    """A Udup server, as far as it carries out jobs."""

    def post_job(self, document: Json) -> str: ...

    def job(self, job_id: str) -> Json: ...

    def delete_job(self, job_id: str) -> None: ...


@dataclass
class Suite:
    """Two servers, with the account that makes and compares the cases, and a Udup server.

    Cases leave their schemas behind, which go with the servers. `prefix` is what the names of their schemas begin
    with, `job_prefix` what those of the jobs do.
    """

    source: Endpoint
    target: Endpoint
    node: Jobs
    accounts: tuple[Endpoint, Endpoint]  # of the jobs
    managed: bool = False  # rows go by statements, and a cut-over makes the triggers
    prefix: str = ""
    job_prefix: str = ""
    deadline: float = DEADLINE
    _number: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def run(self, cases: Sequence[Case], phase: str) -> list[Verdict]:
        """A verdict for each of these cases that has the phase."""
        verdicts: list[Verdict] = []
        for group in groups([case for case in cases if phase in case.phases]):
            if group[0].refusal:
                verdicts += [self._refused(case, phase) for case in group]
            else:
                verdicts += self._group(group, phase)
        return verdicts

    def _group(self, cases: Sequence[Case], phase: str) -> list[Verdict]:
        """One job for all; when it fails, others for those that are not its cause."""
        tried = self._tried(cases, phase)
        return tried if isinstance(tried, list) else self._without_culprit(*tried)

    def _tried(self, cases: Sequence[Case], phase: str) -> list[Verdict] | tuple[Trial, _JobFailed]:
        trial = Trial(self, cases, phase, f"{phase[0]}{next(self._number)}")
        try:
            faults = trial.carry_out()
        except _JobFailed as failure:
            return trial, failure
        return [Verdict.of(case, phase, faults.get(case)) for case in cases]

    def _without_culprit(self, trial: Trial, failure: _JobFailed) -> list[Verdict]:
        """The verdicts of cases whose job has failed. The reason names its cause, or it is in one of two halves; if
        both stop with the same reason again, it lies in no case.
        """
        reason, phase = str(failure), trial.phase
        culprits = trial.named_in(reason) if len(trial.cases) > 1 else list(trial.cases)
        if culprits:
            rest = [case for case in trial.cases if case not in culprits]
            stopped = [Verdict(case, phase, f"the job stopped: {reason}", failure.outcome) for case in culprits]
            return stopped + (self._group(rest, phase) if rest else [])
        half = len(trial.cases) // 2
        parts = [self._tried(part, phase) for part in (trial.cases[:half], trial.cases[half:])]
        if all(not isinstance(part, list) and str(part[1]) == reason for part in parts):
            text = f"the job stops whatever its cases: {reason}"
            return [Verdict(case, phase, text, Outcome.FAILED) for case in trial.cases]
        return [
            verdict for part in parts for verdict in (part if isinstance(part, list) else self._without_culprit(*part))
        ]

    def _refused(self, case: Case, phase: str) -> Verdict:
        """What became of a case that must stop its job; at fault if it did not, or not as it should."""
        trial = Trial(self, [case], phase, f"{phase[0]}{next(self._number)}")
        try:
            fault = trial.carry_out().get(case)
        except _JobFailed as failure:
            reason = str(failure)
            if case.refusal not in reason:
                text = f"the job stopped for another reason than {case.refusal!r}: {reason}"
                return Verdict(case, phase, text, failure.outcome)
            if phase == "incremental" and not _GTID.search(reason) and trial.schema[case] not in reason:
                text = f"the job's reason names neither a GTID nor a table: {reason}"
                return Verdict(case, phase, text, failure.outcome)
            return Verdict(case, phase, outcome=Outcome.REFUSED, refusal=reason)
        carried = CaseFault(Outcome.FAILED, f"the job carried what it should refuse ({case.refusal})")
        return Verdict.of(case, phase, fault or carried)

    def prepare(self, trial: Trial) -> None:
        """Before the schemas of a trial are made: none of them is there."""
        self.remove(schema for case in trial.cases for schema in case.schemas)

    def leave(self, trial: Trial) -> None:
        """After a trial, however it ended."""

    def remove(self, schemas: Iterable[str]) -> None:
        names = list(schemas)
        for server in (self.source, self.target):
            with closing(connect(server, _REMOVING)) as connection:
                for schema in names:
                    query(connection, f"DROP DATABASE IF EXISTS {quote(schema)}")


class _JobFailed(UdupError):
    """The job ended as failed, and the text is its reason; or (`outcome`) it did not get where it should."""

    def __init__(self, text: str, outcome: Outcome = Outcome.FAILED) -> None:
        super().__init__(text)
        self.outcome = outcome


class Trial:
    """One job that carries some cases."""

    def __init__(self, suite: Suite, cases: Sequence[Case], phase: str, label: str) -> None:
        self.suite = suite
        self.cases = list(cases)
        self.phase = phase
        self.job = f"{suite.job_prefix}{label}"
        self.schema = {case: f"{suite.prefix}{label}_{case.stem}" for case in cases}
        self.faults: dict[Case, CaseFault] = {}

    @property
    def schemas(self) -> list[str]:
        return [schema for case in self.cases for schema in self.schemas_of(case)]

    def carry_out(self) -> dict[Case, CaseFault]:
        """The faults by case; raises `_JobFailed` if the job stops."""
        self.suite.prepare(self)
        try:
            self._carry_out()
        finally:
            self.suite.leave(self)
        return self.faults

    def _carry_out(self) -> None:
        with ExitStack() as stack:
            clients = self._clients()
            for client in clients.values():
                stack.callback(client.close)
            self._run(clients, late=False)
            if self.phase == "copy":
                self._run(clients, late=True)
            with self._job():
                if self.phase == "incremental":
                    self._run(clients, late=True)
                self._wait_level()
        if self.suite.managed:
            self._make_triggers()
        self._compare()

    def named_in(self, reason: str) -> list[Case]:
        """The cases whose schemas a reason names."""
        words = set(re.findall(r"\w+", reason))
        return [case for case in self.cases if not words.isdisjoint(self.schemas_of(case))]

    def schemas_of(self, case: Case) -> tuple[str, ...]:
        return (self.schema[case], *case.schemas)

    def _clients(self) -> dict[Case, Client]:
        with closing(connect(self.suite.source)) as connection:
            for case in self.cases:
                query(connection, f"CREATE DATABASE {quote(self.schema[case])}")
        return {case: Client(self.suite.source, case, self.schema[case]) for case in self.cases}

    def _run(self, clients: Mapping[Case, Client], *, late: bool) -> None:
        """Run one part of every case, two cases at a time; a case that the source itself refuses is at fault."""

        def run(case: Case) -> None:
            if case in self.faults:
                return
            try:
                clients[case].run(late=late)
            except UdupError as error:
                outcome = Outcome.SKIPPED if isinstance(error, NotRun) else Outcome.FAILED
                self.faults[case] = CaseFault(outcome, f"{NOT_RUN}{error}")

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(run, self.cases))

    @contextmanager
    def _job(self) -> Iterator[None]:
        """A job of all schemas that runs; deleted at the end."""
        source, target = self.suite.accounts
        document = job_document(self.job, source, target, self.schemas, workers=2 if len(self.cases) > 1 else 1) | {
            "ID": self.job
        }
        document["Tasks"][0]["Config"]["ChunkSize"] = CHUNK_ROWS
        document["Tasks"][0]["Config"]["ReplicateDoDb"] = self._chosen()
        self.suite.node.post_job(document)
        try:
            self._wait_running()
            yield
        finally:
            self.suite.node.delete_job(self.job)

    def _chosen(self) -> list[Json]:
        """Return what the job carries: whole schemas, and tables with the rows that pass."""
        chosen: list[Json] = []
        for case in self.cases:
            tables = [{"TableName": table, "Where": condition} for table, condition in case.filters]
            chosen += [{"TableSchema": schema, "Tables": tables} for schema in self.schemas_of(case)]
        return chosen

    def _wait_running(self) -> None:
        deadline = self.suite.deadline
        end, pause = time.monotonic() + deadline, _POLL_SECONDS
        while (shown := self._shown())["Stage"] != "running":
            if time.monotonic() > end:
                raise _JobFailed(f"it is {shown['Stage']} after {deadline:.0f} s: {shown['StatusDescription']}")
            time.sleep(pause)
            pause = min(pause * 1.2, _LONGEST_POLL_SECONDS)

    def _wait_level(self) -> None:
        """Until the target has all that the source has executed."""
        with (
            closing(connect(self.suite.source)) as source,
            closing(connect(self.suite.target)) as target,
        ):
            wanted, before = executed(source), ""
            end = time.monotonic() + self.suite.deadline
            for look in itertools.count(1):
                applied = _applied(target, self.job)
                if wanted <= GtidSet.parse(applied):
                    return
                if applied != before:
                    before, end = applied, time.monotonic() + self.suite.deadline
                if look % _LOOKS == 0:
                    shown = self._shown()
                    if time.monotonic() > end:
                        told = str(shown["StatusDescription"])
                        if not self.named_in(told):  # the progress names every case
                            told = f"{told} {shown.get('Progress')}"
                        raise _JobFailed(f"it makes no step for {self.suite.deadline:.0f} s and is not level: {told}")
                time.sleep(_POLL_SECONDS)

    def _shown(self) -> Json:
        shown = self.suite.node.job(self.job)
        if shown["Stage"] == "failed":
            reason = str(shown["StatusDescription"])
            raise _JobFailed(reason, Outcome.FAILED if UNFORESEEN in reason else Outcome.REFUSED)
        progress = shown.get("Progress") or {}
        if (progress.get("restarts") or 0) >= _RUNS and progress.get("last_error"):
            raise _JobFailed(f"it begins again and again: {progress['last_error']}")
        return shown

    def _make_triggers(self) -> None:
        """Make what a cut-over makes on a target whose rows came by statements."""
        source, target = self.suite.accounts
        old, new = MySQLSourceGate(source), MySQLTargetGate(target)
        for case in self.cases:
            scope = Scope(Selection.of([(schema, []) for schema in self.schemas_of(case)]))
            try:
                new.make(old.defined(scope, new.lacking(old.triggers(scope))), _LOCK_SECONDS)
            except UdupError as error:
                self.faults[case] = CaseFault(Outcome.FAILED, f"a cut-over does not make its triggers: {error}")

    def _compare(self) -> None:
        """Note every difference with the case to whose schema it belongs."""
        owners = {schema: case for case in self.cases for schema in self.schemas_of(case)}
        rules = [
            SchemaRule(
                self.schema[case], tables=tuple(NameRule(table, where=condition) for table, condition in case.filters)
            )
            for case in self.cases
        ]
        sides = self.suite.source, self.suite.target
        found = compare_strictly(*sides, list(owners), Selection(tuple(rules)))
        for difference in found:
            case = owners[difference.schema]
            if difference.counter and not case.same_counters:
                continue
            known = self.faults.get(case)
            self.faults[case] = CaseFault(
                Outcome.DIFFERENT, f"{known.text}\n{difference.text}" if known else difference.text
            )


def _applied(connection: Connection, job: str) -> str:
    rows = query(connection, "SELECT gtids FROM udup.checkpoint WHERE job = %s AND gtids <> ''", job)
    return ",".join(str(row[0]) for row in rows)
