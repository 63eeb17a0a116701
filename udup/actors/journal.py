"""The way of records to the job store: at once where somebody waits for it, else gathered for a moment.

A job that comes and goes must not flood the store, and a hundred jobs that report must not be a hundred messages. Each
write is a numbered order to the StoreKeeper, and is given again to another StoreKeeper if that one dies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from udup.actors.job import Job
from udup.actors.store_messages import Forget, HideProgress, Save, ShowProgress
from udup.base import logs, runtime
from udup.jobs import JobRecord, history
from udup.jobs.allocation import Evaluation
from udup.jobs.fitting import STORED_MAX, fitting
from udup.jobs.numbers import last_index, ordered, placed, with_indexes

#: The index before the first write of a new server, as clients know it: the first job has 6, its evaluation 7.
FIRST_INDEX = 5

#: Seconds between two writes of a record for nothing but what has happened.
_WRITE_SECONDS = 1.0

#: Seconds after which a write that is not stored is told.
_STORED_SECONDS = 5.0

#: Seconds after which NATS is not taken to refuse any more, if the StoreKeeper says nothing: a try of its takes less.
_REFUSAL_SECONDS = 15.0

Then = Callable[[], None]


class RecordJournal:
    """`send` gives a message to the StoreKeeper that is there now; `wake` asks for a call of `flush` in a moment."""

    def __init__(self, jobs: Mapping[str, Job], send: Callable[[object], None], wake: Callable[[], None]) -> None:
        self._jobs = jobs
        self._send = send
        self._wake = wake
        self._awaited = False
        self._reported: set[str] = set()  # jobs with new progress
        self._ticket = 0
        self._placed = (0, 0)  # the last order that is stored, and its position
        self._waiting: dict[int, tuple[Save | Forget, Then]] = {}
        self._ordered_at: dict[int, float] = {}
        self._refused: tuple[float, float] | None = None  # since when NATS refuses, and when that was heard last
        self._unstorable: dict[str, str] = {}  # why the last record of a job is not in the store
        #: The last that was given to a write that is stored.
        self.index = FIRST_INDEX
        #: Bytes of a record that NATS takes.
        self.max_bytes = STORED_MAX

    # ---- What happens to jobs ----

    def save(self, job: Job, record: JobRecord, then: Then | None = None) -> None:
        """Store a job's new record at once, then call `then`: `index` is that of the write by then.

        What it reports is shown with it: who sees that a job runs sees by what.

        Raise `Refused`, with the job as it was, if what was asked of it has become too large for the store. What comes
        late of a job that is not here any more is not stored: a job that was deleted would be there again.
        """
        if self._jobs.get(job.id) is not job:
            logs.logger("supervisor").error("job_is_gone", job=job.id, stage=record.stage.value)
            return
        if job.hold is not None:
            record = history.on_nodes(record, job.hold.places)
        record = fitting(record, job.stored, self.max_bytes)
        job.record, _ = history.numbered(record, job.stored, self.next_number)
        job.stored, job.changed, job.saved_at = job.record, False, runtime.now()
        if job.id in self._reported:
            self.show(job)
        self._ticket += 1
        behind = None if job.hold is None else job.hold.revision
        self._order(Save(job.record, self._ticket, awaited=then is not None, behind=behind), then)

    @property
    def next_number(self) -> int:
        """Return what stands for the index of the next write until it is stored (`jobs/numbers.py`)."""
        return ordered(self._ticket + 1)

    def note(self, job: Job, record: JobRecord) -> None:
        """Take a record that something has happened to, to be stored soon."""
        job.record, job.changed = record, True
        self._flush_soon()

    def progress_changed(self, job: Job) -> None:
        """Have the job's progress shown soon."""
        self._reported.add(job.id)
        self._flush_soon()

    def show(self, job: Job) -> None:
        """Have the job's progress shown with the next of its records that is stored, and not after it."""
        self._reported.discard(job.id)
        self._send(ShowProgress({job.id: job.told}))

    def forget(self, job_id: str, gone: tuple[Evaluation, ...], then: Then, behind: int | None = None) -> None:
        """Remove a job from the store, then call `then`. `gone` is what stays of deleted jobs."""
        self._reported.discard(job_id)
        self._unstorable.pop(job_id, None)
        self._ticket += 1
        self._order(Forget(job_id, gone, self._ticket, behind), then)

    def drop(self, job_id: str) -> None:
        """Forget what was to be stored of a job that is not this node's any more: its record is another's."""
        self._reported.discard(job_id)
        self._unstorable.pop(job_id, None)
        for ticket, (order, _) in list(self._waiting.items()):
            if isinstance(order, Save) and order.record.id == job_id:
                self._done_with(ticket)
        self._send(HideProgress(job_id))

    # ---- In a moment ----

    def _flush_soon(self) -> None:
        if not self._awaited:
            self._awaited = True
            self._wake()

    def flush(self) -> None:
        """Send the progress of all jobs in one message, and each record that has changed and was not written just now.

        Call it when `wake` has asked for it.
        """
        self._awaited = False
        progress = {job_id: self._jobs[job_id].told for job_id in self._reported if job_id in self._jobs}
        self._reported.clear()
        if progress:
            self._send(ShowProgress(progress))
        for job in self._jobs.values():
            if job.changed and runtime.now() - job.saved_at >= _WRITE_SECONDS:
                self._save_noted(job)
            elif job.changed:
                self._flush_soon()

    def _save_noted(self, job: Job) -> None:
        """Store what was noted. What cannot be stored of one job must not keep those of others back."""
        try:
            self.save(job, job.record)
        except Exception:  # noqa: BLE001 - it is logged, with its trace
            job.changed = False  # what is noted next is tried again
            logs.logger("supervisor").exception("record_not_stored", job=job.id)

    def save_all(self) -> None:
        """Store everything that was to be stored soon: the server ends."""
        for job in self._jobs.values():
            if job.changed or job.record is not job.stored:
                self._save_noted(job)

    # ---- Orders ----

    def _order(self, order: Save | Forget, then: Then | None) -> None:
        self._waiting[order.ticket] = order, then or _nothing
        self._ordered_at[order.ticket] = runtime.now()
        self._send(order)

    def saved(self, ticket: int, position: int, revision: int = 0) -> str:
        """The StoreKeeper has carried an order out. It says so twice of one that was repeated.

        Return the ID of the job whose record is stored by that, "" for anything else.
        """
        self._refused = None
        waiting = self._done_with(ticket)
        if waiting is not None:
            order, then = waiting
            self.index, self._placed = max(self.index, last_index(position)), (ticket, position)
            if isinstance(order, Save):
                self._unstorable.pop(order.record.id, None)
                self._place(order.record.id, ticket, position, revision)
            else:
                self._place_gone(ticket, position)
            then()
            return order.record.id if isinstance(order, Save) else ""
        return ""

    def _place(self, job_id: str, ticket: int, position: int, revision: int) -> None:
        """Put the indexes of a write in wherever what was written is kept."""
        job = self._jobs.get(job_id)
        if job is not None:
            same, record = job.record is job.stored, placed(job.record, ticket, position)
            if job.stored is not None:
                job.stored = record if same else placed(job.stored, ticket, position)
            job.record = record
            if job.hold is not None:
                job.hold.revision = revision
        for number, (order, then) in self._waiting.items():
            if isinstance(order, Save) and order.record.id == job_id:
                self._waiting[number] = replace(order, record=placed(order.record, ticket, position)), then

    def placed_gone(self, gone: tuple[Evaluation, ...]) -> tuple[Evaluation, ...]:
        """Return these with the indexes of the order whose `then` is called."""
        ticket, position = self._placed
        return tuple(with_indexes(each, ticket, {ticket: position}) for each in gone)

    def _place_gone(self, ticket: int, position: int) -> None:
        for number, (order, then) in self._waiting.items():
            if isinstance(order, Forget):
                gone = tuple(with_indexes(each, ticket, {ticket: position}) for each in order.gone)
                self._waiting[number] = replace(order, gone=gone), then

    def not_saved(self, job_id: str, ticket: int, why: str) -> bool:
        """The store never takes this record; whoever waits for it has no answer, and the node says why.

        Return whether that is news: a job that goes on is written again and again.
        """
        told = f"what has happened to job {job_id} is not stored: {why}"
        before = self._unstorable.get(job_id)
        self._unstorable[job_id] = told
        self._done_with(ticket)
        return before != told

    def refused(self) -> None:
        """The StoreKeeper says that NATS has not taken a write just now."""
        now = runtime.now()
        lasts = self._refused is not None and now - self._refused[1] <= _REFUSAL_SECONDS
        self._refused = (self._refused[0] if self._refused is not None and lasts else now), now

    def _done_with(self, ticket: int) -> tuple[Save | Forget, Then] | None:
        self._ordered_at.pop(ticket, None)
        return self._waiting.pop(ticket, None)

    def repeat(self) -> None:
        """Give another StoreKeeper everything that the one before has not said to be done."""
        for order, _ in self._waiting.values():
            self._send(order)

    def is_waiting(self, job_id: str) -> bool:
        """Return whether a record of the job was ordered and is not stored yet."""
        return any(isinstance(order, Save) and order.record.id == job_id for order, _ in self._waiting.values())

    @property
    def orders_waiting(self) -> int:
        return len(self._waiting)

    @property
    def longest_wait(self) -> float:
        """Return seconds since the first order that is not carried out yet; 0 if all are."""
        return runtime.now() - min(self._ordered_at.values()) if self._ordered_at else 0.0

    @property
    def refused_for(self) -> float:
        """Return seconds for which NATS itself takes no writes, as the StoreKeeper says; 0 if it says nothing."""
        if self._refused is None or runtime.now() - self._refused[1] > _REFUSAL_SECONDS:
            return 0.0
        return runtime.now() - self._refused[0]

    @property
    def ailments(self) -> tuple[str, ...]:
        """Return what is not stored, for people."""
        waits = self.longest_wait
        late = (f"{len(self._waiting)} writes wait to be stored, the first for {waits:.0f} s",)
        return (*(late if waits >= _STORED_SECONDS else ()), *self._unstorable.values())


def _nothing() -> None:
    """Nobody waits."""
