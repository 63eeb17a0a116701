"""The SrcExtractors of this node's jobs that are on other nodes: what `Tasks` tells them, and what they say.

The other node reads the job's record itself, so one is not asked to look before all that was ordered of the record is
stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import msgspec

from udup.actors.extractor import SrcExtractor
from udup.actors.guest_messages import Abroad, EndGuest, LookAgain, TellGuest
from udup.actors.job import Job
from udup.actors.journal import RecordJournal
from udup.actors.level_messages import SourceExecuted
from udup.actors.messages import NodeSettings, Probed, Progress, RunEnded
from udup.actors.run import Run
from udup.base.errors import Failure, FailureKind, Side
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
from udup.cluster.guests import GuestLost, GuestSaid
from udup.cluster.view import View
from udup.jobs.progress import TaskReport

#: Seconds until it is looked again whether a record is stored.
STORED_SECONDS = 0.1


class Host(Protocol):
    """What they need of the supervisor. `hear` takes what an extractor says."""

    @property
    def settings(self) -> NodeSettings: ...
    def tell_keeper(self, message: object) -> None: ...
    def wake(self, seconds: float, message: object) -> None: ...
    def hear(self, message: object, sender: Any) -> None: ...


class GuestsAbroad:
    """`jobs` are this node's; `view` is how the cluster looks now."""

    def __init__(
        self, host: Host, jobs: Mapping[str, Job], journal: RecordJournal, view: Callable[[], View | None]
    ) -> None:
        self._host, self._jobs, self._journal, self._view = host, jobs, journal, view

    # ---- What tasks are told ----

    def look(self, job: Job, run: Run) -> None:
        """Have the source looked at."""
        record, hold = job.record, job.hold
        assert hold is not None
        if self._journal.is_waiting(job.id):
            self._host.wake(STORED_SECONDS, LookAgain(job.id, run.number))
            return
        self._tell(job, run, LookAtSource(
            revision=hold.revision, incarnation=record.incarnation, index=record.job_modify_index
        ))  # fmt: skip

    def look_again(self, wake: LookAgain) -> None:
        job = self._jobs.get(wake.job_id)
        if job is not None and job.run is not None and job.run.number == wake.run and job.run.may_refuse:
            self.look(job, job.run)

    def extract(self, job: Job, run: Run) -> None:
        """Begin to read: both sides are ready."""
        ready = run.target
        assert ready is not None
        self._tell(job, run, BeginExtract(
            start_after=run.start_after, stamps=ready.stamps, source_uuid=ready.source_uuid, snapshot=ready.snapshot,
            snapshots=ready.snapshots, in_part=(ready.in_part.gtids, ready.in_part.stamps), copy_first=job.copy_first,
            ahead=ready.ahead, copied=ready.copied, target=ready.server, prepared=ready.prepared, reads_packed=True,
        ))  # fmt: skip

    def ask_executed(self, job: Job, run: Run) -> None:
        """Have the source asked what it has executed."""
        self._tell(job, run, AskWhatIsExecuted())

    def stop(self, job: Job, run: Run) -> None:
        """Read no further."""
        self._host.tell_keeper(EndGuest(job.id, run.number))

    def _tell(self, job: Job, run: Run, word: Word) -> None:
        self._host.tell_keeper(TellGuest(job.id, run.number, run.source_node, word))

    # ---- What they say ----

    def said(self, said: GuestSaid) -> None:
        job = self._jobs.get(said.job)
        if job is None or job.run is None or job.run.number != said.run:
            return
        try:
            message = self._message(job, said.run, said.word)
        except (msgspec.MsgspecError, ValueError) as error:
            why = f"node {self._called(job.run)} speaks another version, which this one does not understand: {error}"
            message = self._ended(said.run, FailureKind.TRANSIENT, why)
        if message is not None:
            self._host.hear(message, Abroad(job.id))

    def _message(self, job: Job, run: int, word: Word) -> object | None:
        match word:
            case Looked():
                return Probed(run, self._host.settings.drivers.look_from_wire(job.plan.source, word.look))
            case Reported():
                return Progress(SrcExtractor.role, run, TaskReport.from_json(word.report), word.at)
            case WhatIsExecuted():
                return SourceExecuted(run, word.executed)
            case Ended():
                return RunEnded(SrcExtractor.role, run, word.failure.at(Side.SOURCE))
            case _:
                return None

    def lost(self, lost: GuestLost) -> None:
        """A guest is not there any more: time heals it, or the job's placement."""
        job = self._jobs.get(lost.job)
        if job is not None and job.run is not None and job.run.number == lost.run:
            why = f"task Src on node {self._called(job.run)} {lost.why}; the job goes on when it is back"
            self._host.hear(self._ended(lost.run, FailureKind.UNAVAILABLE, why), Abroad(job.id))

    def keeper_lost(self, jobs: Iterable[Job]) -> None:
        """Nobody here hears guests any more, until another keeper does: their runs end, and others begin."""
        for job in jobs:
            if job.run is not None and job.run.source_node:
                why = "the NodeKeeper died, which hears of task Src on another node"
                self._host.hear(self._ended(job.run.number, FailureKind.TRANSIENT, why), Abroad(job.id))

    def _called(self, run: Run) -> str:
        view = self._view()
        return run.source_node if view is None else view.called(run.source_node)

    def _ended(self, run: int, kind: FailureKind, why: str) -> RunEnded:
        return RunEnded(SrcExtractor.role, run, Failure(kind, why, side=Side.NODE))
