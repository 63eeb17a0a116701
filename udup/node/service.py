"""The API's writes: questions to the supervisor."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from udup.actors.compare_messages import StartCompare, StopCompare
from udup.actors.cutover_messages import AbortCutover, StartCutover
from udup.actors.cutover_rules import check_no_cutover
from udup.actors.messages import (
    Accepted,
    BeginSkip,
    DeleteJob,
    EndSkip,
    FinishJob,
    PauseJob,
    RegisterJob,
    Rejected,
    Rejection,
    ResumeJob,
)
from udup.actors.table_messages import GiveUpTables, ReloadTables, WishSnapshot
from udup.base.errors import ConfigError, Fault, Refused, UdupError
from udup.jobs import (
    IndexConflict,
    JobProgress,
    JobRecord,
    JobSpec,
    UnreadRecord,
    accept,
    check_enforced_index,
    document_id,
    skipping,
)
from udup.jobs.differences import starts_alike
from udup.jobs.start import DecidedStart, check_unchanged, kept_start, other_start
from udup.jobs.versions import POSTED
from udup.jobs.words import EndWhen, JobType
from udup.node.actor_control import ASK_SECONDS, NO_ANSWER, ActorControl
from udup.node.changes import Change, ChangeChecks, growing
from udup.node.cluster_admin import NoSuchManager
from udup.node.ends import Ends
from udup.node.level import LevelQuestion
from udup.node.questions import ServerQuestions
from udup.node.reads import Reads
from udup.node.servers import Asked, Servers
from udup.node.snapshots import SnapshotChecks
from udup.node.starts import StartDecisions
from udup.node.tables import begins_later, what_is_given_up, what_stays
from udup.node.tail import open_tail
from udup.pipeline.cutover.state import Options as CutoverOptions
from udup.pipeline.ownership import Known
from udup.pipeline.ports import DeliveryPlan, Drivers, StartPoint, Tail, TailRequest
from udup.pipeline.verify.state import CompareOptions
from udup.web.ports import Check, NotReady, NotThere, StillThere, WouldNotStart, Written

#: Seconds for the answer to the removal of a checkpoint, which asks the target.
PURGE_SECONDS = 25.0

#: Seconds for all that a document's two servers are asked before it is stored, so that its client still waits when it
#: is; and those that the second question has at least.
LOOK_SECONDS, LEAST_SECONDS = 44.0, 5.0

#: Seconds for which a write waits for a supervisor that is reading the job store, and between two tries.
OPEN_SECONDS, _AGAIN_SECONDS = 5.0, 0.1


class Control(ActorControl, ServerQuestions):
    """`web.ports.JobControl`. `ask` and `supervisor_restarts` as in `ActorControl`."""

    def __init__(
        self,
        ask: Callable[[object, float], Any],
        supervisor_restarts: Callable[[], int],
        reads: Reads,
        drivers: Drivers,
        node: str = "",
        nats_url: str = "",
    ) -> None:
        ActorControl.__init__(self, ask, supervisor_restarts)
        self._reads = reads
        self._drivers = drivers
        self.servers = Servers(drivers, self._known, nats_url)  # as this node reaches them
        self.ends = Ends(self.servers)
        ServerQuestions.__init__(self, reads, drivers, self.ends)
        self._changes = ChangeChecks(self.ends, drivers)
        self._starts = StartDecisions(self.ends)
        self._snapshots = SnapshotChecks(self.ends)
        self.remove: Callable[[str], object] | None = None  # takes a manager out, at one of them
        self._node = node
        self._nats_url = nats_url

    # ---- Jobs ----

    def register(self, document: dict[str, Any], enforce_index: int | None, *, check: bool = True) -> Written:
        stored = self._reads.job(document_id(document) or "")
        return self._registered(document, stored, enforce_index, check=check)

    def revert(self, job_id: str, number: int | None, *, check: bool = True) -> Written:
        stored = self._reads.job(job_id)
        if stored is None:
            raise NotThere("job not found")
        earlier = {each.number: each for each in stored.documents}
        wanted = earlier.get(max(earlier, default=0) if number is None else number)
        if wanted is None:
            kept = f"kept are {', '.join(map(str, earlier))}" if earlier else "no earlier one is kept"
            raise NotThere(f"job {job_id} has no earlier document{'' if number is None else f' {number}'}: {kept}")
        how, command = f"reverted to {wanted.number}", f"udup job revert {job_id} {wanted.number}"
        return self._registered(wanted.document, stored, stored.job_modify_index, check=check, how=how, command=command)

    def _registered(
        self,
        document: dict[str, Any],
        stored: JobRecord | None,
        enforce_index: int | None,
        *,
        check: bool,
        how: str = POSTED,
        command: str = "udup job run",
    ) -> Written:
        """Look at the document in the request's thread, with the files that it names, then have it stored.

        The supervisor stores what was checked only beside the document that it was checked beside.
        """
        end = time.monotonic() + LOOK_SECONDS
        if isinstance(stored, UnreadRecord):
            raise IndexConflict(stored.status_description)
        spec, kept = self._accepted(document, stored)
        check_enforced_index(enforce_index, spec.id, stored)
        start = self._decided(spec, kept, stored)
        checked = None
        if check:
            left = max(LEAST_SECONDS, end - time.monotonic())
            checked = 0 if stored is None else self._checked_beside(stored, spec, kept, start, command, left)
        beside = stored.incarnation if stored else ""
        written = self._written(RegisterJob(document, enforce_index, checked, how, start, beside))
        return replace(written, warning=what_stays(spec, stored, _understood(stored)))

    def _accepted(self, document: dict[str, Any], stored: JobRecord | None) -> tuple[JobSpec, dict[str, Any]]:
        """Return what a posted document says. `Refused` with every fault that needs no server to be told."""
        return accept(document, stored.document if stored else None, judge=self._judge, local=self._local_faults)

    def _local_faults(self, spec: JobSpec, document: Mapping[str, Any]) -> list[Fault]:
        return self.ends.local_faults(Asked(spec, document))

    def _judge(self, source: str, target: str, plan: DeliveryPlan) -> list[Fault]:
        return self._drivers.delivery_faults(source, target, plan)

    def _decided(self, spec: JobSpec, kept: dict[str, Any], stored: JobRecord | None) -> DecidedStart | None:
        """Return where the job begins, if that is not a copy or after a set of its document; ask the source once."""
        found = _start(spec, stored)
        if not isinstance(found, StartPoint):
            return found
        if (before := _understood(stored)) is not None:
            check_unchanged(spec, before, spec.id, stored.progress if stored else JobProgress())
        ends = spec.type == JobType.MIGRATION and spec.end_when is EndWhen.LEVEL
        return self._starts.decide(_asked(spec, kept, found), found, ends_when_level=ends)

    def _checked_beside(
        self,
        stored: JobRecord,
        spec: JobSpec,
        kept: dict[str, Any],
        start: DecidedStart | None,
        command: str,
        seconds: float,
    ) -> int:
        """Return the index of the document that the job goes by, 0 if it is not carried out.

        `WouldNotStart` if it could not start by the new one, or that asks for what has no effect.
        """
        if not starts_alike(kept, stored.document):
            before = _understood(stored)
            other = None if before is None else other_start(spec, before)
            change = Change(growing(_asked(spec, kept, start), stored, before), other)
            faults = (
                self._changes.faults(change, seconds)
                if stored.carried_out
                else self._changes.without_effect(change, seconds)
            )
            if faults:
                raise WouldNotStart(stored.id, faults, command)
        return stored.job_modify_index if stored.carried_out else 0

    def _known(self) -> Known:
        return Known(self._node, self._reads.ids())

    def delete(self, job_id: str, *, purge: bool = False) -> Written:
        return self._written(DeleteJob(job_id, purge), PURGE_SECONDS if purge else ASK_SECONDS)

    def pause(self, job_id: str) -> Written:
        return self._written(PauseJob(job_id))

    def resume(self, job_id: str) -> Written:
        return self._written(ResumeJob(job_id))

    def finish(self, job_id: str) -> Written:
        return self._written(FinishJob(job_id))

    def reload(self, job_id: str, tables: Sequence[str]) -> Written:
        record = self._reads.job(job_id)
        tables = tuple(dict.fromkeys(tables))
        self._changes.check_reload(record, tables)
        written = self._written(ReloadTables(job_id, tables))
        return replace(written, warning=begins_later(record))

    def give_up(self, job_id: str) -> Written:
        record = self._reads.job(job_id)
        warning = "" if record is None else what_is_given_up(record, self._reads.part(record))
        written = self._written(GiveUpTables(job_id))
        return replace(written, warning=warning) if written.changed else written

    def snapshot(self, job_id: str, tables: Sequence[str]) -> Written:
        if (record := self._reads.job(job_id)) is not None:
            self._snapshots.check(record, tables)
        return self._written(WishSnapshot(job_id, tuple(tables)))

    def ask_level(self, job_id: str, gtid: str | None) -> LevelQuestion:
        """Ask the two servers itself, in the request's thread."""
        return LevelQuestion(self._reads, self._drivers, job_id, gtid, self._nats_url, self.ends)

    def tail(self, job_id: str, wanted: TailRequest) -> Tail:
        """Read the sink itself, in the request's thread."""
        record = self._reads.job(job_id)
        if record is None:
            raise NotThere("job not found")
        return open_tail(self._drivers, record, wanted, self._nats_url)

    def settle(self, job_id: str, gtid: str, *, applied: bool) -> Written:
        """Ask the target itself, where the note is; then have the supervisor carry on."""
        record = self._reads.job(job_id)
        if record is None:
            raise NotThere("job not found")
        check_no_cutover(record, "resume")  # what cannot be is said at once, and the target left alone
        skipping.check_database(record, "settled")
        self.ends.settle(_of_record(record), gtid, applied=applied)
        return self.resume(job_id)

    def skip(self, job_id: str, gtid: str) -> Written:
        """Have the ledger say so, then ask the target, then have the supervisor carry on."""
        record = self._reads.job(job_id)
        if record is None:
            raise NotThere("job not found")
        skipping.check_database(record, "passed over")
        skipping.begun(record, gtid, time.time_ns())  # what cannot be is said at once
        assert record.stopped is not None
        begun = self._written(BeginSkip(job_id, gtid))
        try:
            done = self.ends.skip(_of_record(record), record.stopped.gtid, record.stopped.kept)
        except Refused:
            self._written(EndSkip(job_id, gtid, done=False))
            raise
        if not done and begun.changed:
            self._written(EndSkip(job_id, gtid, done=False))
            remedy = f"run udup job resume {shlex.quote(job_id)}"
            raise skipping.NotSkippable.by(Fault("gtid", f"{gtid} is in the target already", remedy))
        return self._written(EndSkip(job_id, gtid, done=True))

    def cut_over(self, job_id: str, options: CutoverOptions) -> Written:
        return self._written(StartCutover(job_id, options))

    def compare(self, job_id: str, options: CompareOptions | None) -> Written:
        return self._written(StopCompare(job_id) if options is None else StartCompare(job_id, options))

    def abort_cutover(self, job_id: str) -> Written:
        return self._written(AbortCutover(job_id))

    def validate(self, document: dict[str, Any]) -> list[Check]:
        """Ask the two servers itself: the supervisor has no part in it. Masks stand for the stored passwords.

        Of a job that is carried out other tables are looked at as when they are posted: those that come new.
        """
        stored = self._reads.job(document_id(document) or "")
        spec, kept = self._accepted(document, stored)
        asked = _asked(spec, kept, _start(spec, stored))
        if stored is not None and stored.carried_out and not starts_alike(kept, stored.document):
            asked = growing(asked, stored, _understood(stored))
        return self.ends.look(asked)

    def _written(self, message: object, seconds: float = ASK_SECONDS) -> Written:
        answer = self._ask_when_open(message, seconds)
        if isinstance(answer, Accepted):
            self._reads.forget()  # who has written reads what he wrote
            return Written(answer.index, answer.job_id, answer.eval_id, answer.changed)
        if isinstance(answer, Rejected):
            raise _error_of(answer)
        raise NotReady(self._why_unanswered())

    def _why_unanswered(self) -> str:
        """Return what keeps a command from being answered, as far as that is known."""
        problems = self._reads.problems()
        return f"not stored yet, and done as soon as it is: {'; '.join(problems)}" if problems else NO_ANSWER

    def _ask_when_open(self, message: object, seconds: float) -> Any:
        """Return the answer; give a supervisor that was started just now a moment to read the job store."""
        end = time.monotonic() + OPEN_SECONDS
        while True:
            answer = self._ask(message, seconds)
            if not isinstance(answer, Rejected) or answer.reason is not Rejection.NOT_OPEN or time.monotonic() > end:
                return answer
            time.sleep(_AGAIN_SECONDS)

    def remove_manager(self, node: str) -> None:
        if self.remove is None:
            raise StillThere("run this at a manager (udup cluster remove): the managers alone know each other")
        try:
            self.remove(node)
        except NoSuchManager:
            return  # it was removed before
        except ConfigError as error:
            raise StillThere(str(error)) from error


def _start(spec: JobSpec, stored: JobRecord | None) -> DecidedStart | StartPoint | None:
    """Return where a job begins by a new document: decided, or to be decided; None for all other jobs."""
    return kept_start(spec, _understood(stored), stored.start if stored else None)


def _understood(stored: JobRecord | None) -> JobSpec | None:
    """Return a stored job's spec; None without one, and for one of another version, which is to be replaced."""
    try:
        return None if stored is None else stored.spec()
    except Refused:
        return None


def _asked(spec: JobSpec, document: dict[str, Any], start: DecidedStart | StartPoint | None) -> Asked:
    decided = start if isinstance(start, DecidedStart) else None
    return Asked(spec, document, decided, start if isinstance(start, StartPoint) else None)


def _of_record(record: JobRecord) -> Asked:
    return Asked(record.spec(), record.document, record.start)


def _error_of(answer: Rejected) -> UdupError:
    failure = answer.failure
    match answer.reason:
        case Rejection.REFUSED:
            return Refused(list(failure.faults))
        case Rejection.INDEX_CONFLICT:
            return IndexConflict(failure.text, faults=failure.faults)
        case Rejection.UNKNOWN_JOB:
            return NotThere(failure.text)
        case Rejection.INTERNAL:
            return UdupError("internal error; the server's log tells more")
        case Rejection.NOT_OPEN | Rejection.NOT_NOW:
            return NotReady(failure.text)
