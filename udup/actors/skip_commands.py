"""What is asked to pass over the transaction at which a job stands: the ledger first, then that the job goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from udup.actors.cutover_rules import check_no_cutover
from udup.actors.job import Job
from udup.actors.messages import Accepted, Rejected
from udup.base import runtime
from udup.jobs import JobRecord, skipping

Answer: TypeAlias = Callable[[Accepted | Rejected], None]

#: Stores a job's record, then answers.
Store: TypeAlias = Callable[[Job, JobRecord, Answer], None]


class Host(Protocol):
    log: Any


class SkipCommands:
    """`save` and `carry_on` are those of `JobCommands`."""

    def __init__(self, host: Host, save: Store, carry_on: Store) -> None:
        self._host = host
        self._save = save
        self._carry_on = carry_on

    def begin(self, job: Job, gtid: str, answer: Answer) -> None:
        check_no_cutover(job.record, "resume")  # which it is, once that is done
        record = skipping.begun(job.record, gtid, runtime.wall_ns())
        if record is job.record:
            answer(Accepted(0, job.id, "", changed=False))
            return
        self._host.log.info("transaction_skip_begins", job=job.id, gtid=gtid)
        self._save(job, record, answer)

    def end(self, job: Job, gtid: str, answer: Answer, *, done: bool) -> None:
        record = skipping.ended(job.record, gtid, done=done)
        self._host.log.info("transaction_skip_ends", job=job.id, gtid=gtid, done=done)
        if done and not job.wanted:
            self._carry_on(job, record, answer)
        else:
            self._save(job, record, answer)
