"""What clients ask of single tables of a job: to load them again, to give that up, to deliver them once more."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any, Protocol

from udup.actors.documents import with_room
from udup.actors.growth_commands import giving_up, reload
from udup.actors.job import Job
from udup.actors.journal import RecordJournal
from udup.actors.messages import Accepted, Rejected
from udup.base import runtime
from udup.base.errors import Fault, Refused
from udup.jobs import DesiredState, JobRecord, Stage, history
from udup.jobs.wishing import wished

Answer = Callable[[Accepted | Rejected], None]
#: Store a job's record, answer, then carry it out.
Save = Callable[[Job, JobRecord, Answer], None]


class Host(Protocol):
    """What they need of the supervisor."""

    log: Any

    def new_job(self, record: JobRecord) -> Job: ...


class TableCommands:
    """`save` stores and answers; `carry_on` has a job that has stopped run again, besides."""

    def __init__(self, host: Host, journal: RecordJournal, save: Save, carry_on: Save) -> None:
        self._host = host
        self._journal = journal
        self._save = save
        self._carry_on = carry_on

    def reload(self, job: Job, tables: tuple[str, ...], answer: Answer) -> None:
        """Have tables loaded again: the run begins again without them, and a side job loads them.

        A job that has failed goes on: what it failed at may be of these tables.
        """
        record = reload(job, tables)
        self._host.log.info("tables_reload", job=job.id, tables=tables)
        if job.run is not None:
            job.run.outdate()
        fails = record.stage is Stage.FAILED and record.desired == DesiredState.RUN
        (self._carry_on if fails else self._save)(job, record, answer)

    def give_up(self, job: Job, answer: Answer) -> None:
        """Have the job go on with the tables that it has, by a document that says so."""
        growth = job.record.growth
        if growth is None or growth.given_up:
            answer(Accepted(0, job.id, "", changed=False))
            return
        record = giving_up(job.record).model_copy(update={"job_modify_index": self._journal.next_number})
        record = with_room(record)
        made = self._host.new_job(record)
        self._host.log.info("tables_not_wanted", job=job.id, side=growth.side)
        job.replace(record, made.spec, made.nats_url, goes_on=True)
        self._save(job, record, answer)

    def wish(self, job: Job, tables: tuple[str, ...], answer: Answer) -> None:
        """Note what rows are to come again; a run that goes on begins again with that."""
        if not job.spec.delivers:
            problem = f"job {job.id} is no subscription: it has no snapshots of single tables"
            raise Refused(
                [Fault("Job", problem, f"load tables of it again: udup job reload {shlex.quote(job.id)} SCHEMA.TABLE")]
            )
        wants = job.spec.selection().wants
        unwanted = [each for each in tables if "." not in each or not wants(*each.split(".", 1))]
        wishes = wished(job.record.wishes, unwanted, tables, runtime.wall_ns())
        self._host.log.info("snapshot_wished", job=job.id, tables=tables)
        if job.run is not None:
            job.run.outdate()
        self._save(job, history.registered_again(job.record.model_copy(update={"wishes": wishes})), answer)
