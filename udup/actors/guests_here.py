"""The SrcExtractors on this node of jobs that another node owns: hired when their owner says so, for one run each.

The record is read anew from the store, and is to be the one that the owner goes by; passwords are opened here, and
`file:` and `env:` references are this machine's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from udup.actors.cluster_messages import ReadRecord, RecordRead
from udup.actors.extractor import SrcExtractor
from udup.actors.guest_messages import GuestSays
from udup.actors.holding import is_ours
from udup.actors.job import Job
from udup.actors.level_messages import AskExecuted, SourceExecuted
from udup.actors.messages import Extract, NodeSettings, Probe, Probed, Progress, Ready, RunEnded
from udup.actors.registry import ActorRegistry
from udup.actors.run import Run
from udup.actors.task_settings import extractor_settings
from udup.base.errors import Failure, FailureKind, Side, UdupError
from udup.cluster.guest_words import (
    AskWhatIsExecuted,
    BeginExtract,
    Ended,
    LookAtSource,
    Looked,
    Reported,
    WhatIsExecuted,
    Word,
)
from udup.cluster.guests import GuestOrdered, GuestOver
from udup.jobs import JobRecord, UnreadRecord
from udup.pipeline.ports import InPart

_ROLE = SrcExtractor.role


class Host(Protocol):
    """What they need of the supervisor."""

    log: Any

    @property
    def settings(self) -> NodeSettings: ...
    def tell_keeper(self, message: object) -> None: ...
    def tell_store(self, message: object) -> None: ...
    def new_job(self, record: JobRecord) -> Job: ...


@dataclass
class _Guest:
    run: Run
    wanted: LookAtSource
    job: Job | None = None  # None until the record is read
    reads: bool = False  # the record was asked for, and has not come


class GuestsHere:
    """`jobs` are this node's own."""

    def __init__(self, host: Host, actors: ActorRegistry, jobs: Mapping[str, Job]) -> None:
        self._host, self._actors, self._jobs = host, actors, jobs
        self._guests: dict[str, _Guest] = {}

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._guests

    # ---- What owners say ----

    def ordered(self, order: GuestOrdered) -> None:
        guest = self._guests.get(order.job)
        own = self._jobs.get(order.job)
        if own is not None and is_ours(own):
            self._ends(order.job, order.run, "this node owns the job")
            return
        match order.word:
            case LookAtSource() as wanted:
                if guest is None or guest.run.number != order.run:
                    self.end(order.job)
                    guest = self._guests[order.job] = _Guest(Run(order.run, is_guest=True), wanted)
                guest.wanted, guest.reads = wanted, True
                # Read each time: a ticket below 0 tells it from what clients wish.
                self._host.tell_store(ReadRecord(order.job, -order.run))
            case BeginExtract() as begin if guest is not None and guest.job is not None:
                self._extract(guest, guest.job, begin)
            case AskWhatIsExecuted():
                self._tell(order.job, AskExecuted(order.run))
            case word if guest is not None:
                self._ends(order.job, order.run, f"it was told what it does not expect: {type(word).__name__}")

    def repeat(self) -> None:
        """Ask another StoreKeeper for what the one before has not answered."""
        for job_id, guest in self._guests.items():
            if guest.reads:
                self._host.tell_store(ReadRecord(job_id, -guest.run.number))

    def record_read(self, message: RecordRead) -> None:
        """Hire the extractor, by the record that its owner goes by."""
        guest = self._guests.get(message.job_id)
        if guest is None or guest.run.number != -message.ticket or not guest.reads:
            return
        guest.reads = False
        if why := _why_not(guest.wanted, message):
            self._ends(message.job_id, guest.run.number, why)
            return
        assert message.record is not None
        try:
            guest.job = job = self._host.new_job(message.record)
            plan = job.plan
            server = str(plan.source)
            extractor = self._actors.get_or_create(SrcExtractor, _ROLE, job.id, self._host.settings, 0, server)
        except Exception as error:
            if not isinstance(error, UdupError):
                self._host.log.exception("guest_not_made", job=message.job_id)
            self._fails(message.job_id, guest.run.number, Failure.of_machine(error).at(Side.NODE))
            return
        self._actors.send(extractor, Probe(guest.run.number, plan.source, plan.scope))

    def _extract(self, guest: _Guest, job: Job, begin: BeginExtract) -> None:
        run = guest.run
        assert run.source is not None
        run.target = Ready(
            run.number, begin.start_after, run.source.info, begin.stamps, begin.source_uuid, begin.snapshot,
            begin.snapshots, InPart(*begin.in_part), begin.target, begin.ahead, begin.copied, prepared=begin.prepared,
        )  # fmt: skip
        job.copy_first = begin.copy_first
        run.packs = begin.reads_packed
        self._tell(job.id, Extract(extractor_settings(job, run)))

    def _tell(self, job_id: str, message: object) -> None:
        address = self._actors.address(_ROLE, job_id)
        if address is not None:
            self._actors.send(address, message)

    def over(self, over: GuestOver) -> None:
        guest = self._guests.get(over.job)
        if guest is not None and guest.run.number == over.run:
            self.end(over.job)

    def end(self, job_id: str) -> None:
        """End a guest, whatever it does."""
        if self._guests.pop(job_id, None) is not None:
            self._actors.stop(job_id)

    def end_all(self) -> None:
        """End all of them: the keeper that knew their owners is gone."""
        for job_id in list(self._guests):
            self.end(job_id)

    def dropped(self, job_id: str) -> None:
        """A job of this ID was let go of here, and its actors with it: a guest's as well."""
        if (guest := self._guests.get(job_id)) is not None:
            self._ends(job_id, guest.run.number, "its extractor was ended with what this node had of the job")

    # ---- What guests say ----

    def said(self, job_id: str, message: Any) -> bool:
        """Take what an extractor says; return whether it is a guest."""
        guest = self._guests.get(job_id)
        if guest is None:
            return False
        if guest.run.number == message.run and guest.job is not None and (word := self._word(guest, message)):
            self._says(job_id, message.run, word)
        return True

    def _word(self, guest: _Guest, message: object) -> Word | None:
        assert guest.job is not None
        match message:
            case Probed():
                guest.run.source_seen(message.look)
                drivers = self._host.settings.drivers
                return Looked(look=drivers.look_to_wire(guest.job.plan.source, message.look))
            case Progress():
                return Reported(report=message.report.to_json(), at=message.at)
            case SourceExecuted():
                return WhatIsExecuted(executed=message.executed)
            case RunEnded(failure=failure) if failure is not None:
                return Ended(failure=failure)
            case _:
                return None

    def died(self, role: str, job_id: str) -> bool:
        """An actor's process is gone; return whether it was a guest's."""
        guest = self._guests.get(job_id)
        if guest is None or role != _ROLE:
            return False
        self._ends(job_id, guest.run.number, f"the {_ROLE} died")
        return True

    def _ends(self, job_id: str, run: int, why: str) -> None:
        self._fails(job_id, run, Failure(FailureKind.TRANSIENT, why, side=Side.NODE))

    def _fails(self, job_id: str, run: int, failure: Failure) -> None:
        """End a guest, if it is there, and tell its owner why."""
        self.end(job_id)
        self._says(job_id, run, Ended(failure=failure))

    def _says(self, job_id: str, run: int, word: Word) -> None:
        self._host.tell_keeper(GuestSays(job_id, run, word))


def _why_not(wanted: LookAtSource, read: RecordRead) -> str:
    """Return why a record is not what its owner goes by, "" if it is."""
    record = read.record
    if record is None:
        return "the job's record is not in the store"
    if isinstance(record, UnreadRecord):
        return f"its node does not understand the job's record: {record.status_description}"
    if read.revision < wanted.revision:
        return f"the store has revision {read.revision} of the job's record, and {wanted.revision} is stored elsewhere"
    if (record.incarnation, record.job_modify_index) != (wanted.incarnation, wanted.index):
        return "the job has another document by now"
    return ""
