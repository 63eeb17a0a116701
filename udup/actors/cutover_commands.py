"""What clients ask of cut-overs: to begin or carry on one, and to undo it. Each is stored, answered, carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from udup.actors.cutover_rules import aborted, asked
from udup.actors.job import Job
from udup.actors.journal import RecordJournal
from udup.actors.messages import Accepted, Rejected
from udup.pipeline.cutover.state import Cutover, Options

Answer = Callable[[Accepted | Rejected], None]


class Host(Protocol):
    """What they need of the supervisor: its log, and that an engine carries a cut-over on or ends."""

    log: Any

    def carry_on_cutover(self, job: Job) -> None: ...
    def end_cutover(self, job: Job) -> None: ...


class CutoverCommands:
    """`jobs` are the supervisor's own."""

    def __init__(self, host: Host, journal: RecordJournal, jobs: Mapping[str, Job]) -> None:
        self._host = host
        self._journal = journal
        self._jobs = jobs

    def start(self, job: Job, options: Options, answer: Answer) -> None:
        self._keep(job, asked(job.record, options), answer)

    def abort(self, job: Job, answer: Answer) -> None:
        plan = job.plan
        cutover = aborted(job.record, str(plan.source), str(plan.target))
        if cutover is not None and not cutover.is_active:
            self._host.end_cutover(job)  # at once: it would keep its next step over what is stored now
        self._keep(job, cutover, answer)

    def _keep(self, job: Job, cutover: Cutover | None, answer: Answer) -> None:
        if cutover is None:
            answer(Accepted(0, job.id, "", changed=False))
            self._host.carry_on_cutover(job)  # where one is under way and its engine could not be made
            return

        def stored() -> None:
            answer(Accepted(self._journal.index, job.id, cutover.id))
            if self._jobs.get(job.id) is job:
                self._host.carry_on_cutover(job)

        self._host.log.info("cutover_asked", job=job.id, state=cutover.state.value, abort=bool(cutover.abort))
        self._journal.save(job, job.record.model_copy(update={"cutover": cutover}), stored)
