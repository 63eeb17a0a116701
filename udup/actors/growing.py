"""Carries a change of a job's tables on (`jobs/growth.py`): the side job, its standing still, the join.

Whatever happens to either job, `noticed` looks at both and takes the next step that their records allow; a step that
must not be forgotten is stored first. The side job is held back while nothing allows it to run, so that a supervisor
that begins anew never has it run beside a join. What was learnt of a run counts for that run: the target says in its
answer whether it has taken the side job in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from udup.actors.growth_commands import new_incarnation, reload
from udup.actors.job import Job
from udup.actors.journal import RecordJournal
from udup.actors.messages import Ready
from udup.actors.run import Run
from udup.base import runtime
from udup.base.errors import Failure, FailureKind, Refused, Transient
from udup.jobs import DesiredState, JobRecord, Stage
from udup.jobs.growth import Growth, GrowthState, parts_of
from udup.pipeline.cutover.host import NameTaken

#: A side job that is behind by less than this is joined: the rest comes by one log.
LEVEL_MS = 1000

#: Seconds until a join is tried again that could not be, and anything else that has failed.
AGAIN_SECONDS = 15.0


#: Characters of why tables are loaded again that are shown with them.
_PROBLEM_MAX = 500


@dataclass(frozen=True)
class GrowthTick:
    """It is time to look at a job's tables again."""

    job_id: str


class Host(Protocol):
    """What it needs of the supervisor."""

    log: Any

    def wake(self, seconds: float, message: object) -> None: ...
    def reconcile(self, job: Job) -> None: ...
    def create_side(
        self, parent: Job, growth: Growth, then: Callable[[], None], failed: Callable[[Exception], None]
    ) -> None: ...
    def forget_side(self, side: Job) -> None: ...
    def new_job(self, record: JobRecord) -> Job: ...

    def may_be_elsewhere(self, job_id: str) -> bool:
        """Return whether another node may have a job of this ID."""


class Growing:
    """`jobs` are the supervisor's own."""

    def __init__(self, host: Host, jobs: Mapping[str, Job], journal: RecordJournal) -> None:
        self._host, self._jobs, self._journal = host, jobs, journal
        self._looked_at: set[str] = set()  # jobs whose step is being taken
        self._still: set[str] = set()  # jobs whose side job is to stand still
        self._creating: set[str] = set()
        self._not_before: dict[str, float] = {}

    # ---- What has happened ----

    def noticed(self, job: Job) -> None:
        """Something has happened to a job: take the next step if tables of it are under way, or if it is a side job."""
        record = job.record
        self._release(job)
        if record.growth is None and not record.part_of:
            return
        if self._jobs.get(job.id) is not job:
            return
        parent = self._jobs.get(record.part_of) if record.part_of else job
        if record.part_of and not self._is_part(job, parent):
            self._remove(job, parent)
        elif parent is None:
            self._look_later(job)
        elif parent.id not in self._looked_at:
            self._looked_at.add(parent.id)
            try:
                self._step(parent)
            finally:
                self._looked_at.discard(parent.id)

    def gone(self, job: Job) -> None:
        """A job is deleted: so is what it was to get, and a job is told of the end of its side job."""
        growth = job.record.growth
        other = job.record.part_of or (growth.side if growth is not None else "")
        if (there := self._jobs.get(other)) is not None:
            self.noticed(there)

    def tick(self, tick: GrowthTick) -> None:
        if (job := self._jobs.get(tick.job_id)) is not None:
            self.noticed(job)

    def heard(self, job: Job, run: Run, ready: Ready) -> bool:
        """Take what the target has answered; return whether the run is to end, since the two stand apart."""
        growth = job.record.growth
        if growth is None or job.record.part_of or not _goes_by(run, growth):
            return False
        if growth.state in (GrowthState.LEAVING, GrowthState.CLOSING):
            self._has_left(job, growth)
        elif growth.state is GrowthState.JOINING and ready.apart:
            self._apart(job, run, growth, ready.apart)
            return True
        elif growth.state is GrowthState.JOINING:
            self._joined(job, growth)
        return False

    # ---- Steps ----

    def _step(self, parent: Job) -> None:
        growth = parent.record.growth
        if growth is None or self._journal.is_waiting(parent.id):
            return  # what is to be done is not stored yet; then `reconcile` comes again
        side = self._jobs.get(growth.side) if growth.side else None
        if side is not None and side.record.incarnation != growth.incarnation:
            side = None
        if side is not None and not growth.given_up:
            self._follow_document(parent, side)
            growth = self._note_held(parent, side, growth)
        match growth.state:
            case GrowthState.COPYING if side is None:
                self._create(parent, growth)
            case GrowthState.COPYING if side is not None:
                self._bring_together(parent, side, growth)
            case GrowthState.JOINING | GrowthState.CLOSING:
                self._begin_again(parent)
            case GrowthState.ENDING if side is not None:
                self._remove(side, parent)
            case GrowthState.ENDING:
                self._given_up(parent, growth)

    def _create(self, parent: Job, growth: Growth) -> None:
        if parent.id in self._creating or not parent.wanted or self._is_early(parent):
            return
        self._creating.add(parent.id)

        def made() -> None:
            self._creating.discard(parent.id)
            if (side := self._jobs.get(growth.side)) is not None:
                self.noticed(side)

        def failed(error: Exception) -> None:
            self._creating.discard(parent.id)
            taken = isinstance(error, NameTaken)
            self._host.log.warning("side_job_not_made", job=parent.id, error=str(error), taken=taken)
            self._again(parent)

        self._host.create_side(parent, growth, made, failed)

    def _follow_document(self, parent: Job, side: Job) -> None:
        """A side job goes by the document of its job: by its servers and passwords of now."""
        if side.record.document == parent.record.document:
            return
        record = side.record.model_copy(update={"document": parent.record.document})
        made = self._host.new_job(record)
        side.replace(record, made.spec, made.nats_url)
        self._journal.save(side, record, lambda: self._host.reconcile(side))

    def _bring_together(self, parent: Job, side: Job, growth: Growth) -> None:
        """Have the side job run; stand still when both may be joined; and store that it does."""
        if parent.id in self._still and parent.wanted and side.run is None and side.held_back:
            self._still.discard(parent.id)
            if side.told_last:
                self._host.log.info("tables_are_joined", job=parent.id, side=side.id)
                state = {"state": GrowthState.JOINING, "problem": ""}
                self._save(parent, growth.model_copy(update=state))
                return
            self._again(parent)  # it has not come to a boundary: it goes on
        elif parent.id not in self._still and self._are_level(parent, side) and not self._is_early(parent):
            self._still.add(parent.id)
        held_back = not parent.wanted or parent.id in self._still
        if held_back != side.held_back:
            side.held_back = held_back
            self._host.reconcile(side)
            if held_back and side.run is None:
                self._soon(parent)

    def _are_level(self, parent: Job, side: Job) -> bool:
        """Return whether a join would leave little to do: the side job has caught up, and the job follows its log.

        Or the side job stands before what only both can carry: it comes no further by itself.
        """
        follows = parent.run is not None and parent.run.drainable
        if not follows or side.run is None or not side.run.drainable:
            return False
        lag = side.progress.lag_ms
        return bool(side.run.held) or side.progress.is_level or (lag is not None and lag < LEVEL_MS)

    def _note_held(self, parent: Job, side: Job, growth: Growth) -> Growth:
        """Tell that the log of one of them stands at a statement until they are joined."""
        held = next((job.run.held for job in (parent, side) if job.run is not None and job.run.held), "")
        if growth.state is not GrowthState.COPYING or not held or growth.problem == held or self._is_early(parent):
            return growth
        self._host.log.info("statement_held", job=parent.id, side=side.id, statement=held)
        growth = growth.model_copy(update={"problem": held})
        self._journal.save(parent, parent.record.growing(growth))
        return growth

    def _release(self, job: Job) -> None:
        """End a run that stands at a statement for tables that come no more: the next one knows of none."""
        run, growth = job.run, job.record.growth
        waits = growth is not None and not growth.given_up
        if run is not None and run.held and not waits and not run.outdated and not job.record.part_of:
            run.outdate()
            self._host.reconcile(job)

    def learns(self, job: Job, run: Run, failure: Failure) -> bool:
        """Return whether a run stopped at what it would hold had it known of the tables that are under way."""
        growth = job.record.growth
        if failure.kind is not FailureKind.UNSUPPORTED or growth is None or not growth.side or job.record.part_of:
            return False
        if growth.state is not GrowthState.COPYING or _knows(run, growth):
            return False
        self._host.log.info("run_begins_again", job=job.id, run=run.number, why=failure.text)
        return True

    def loads_again(self, job: Job, failure: Failure) -> bool:
        """Have tables loaded again without which the job cannot go on; return whether that is so.

        They are as they were before a statement that others have already (`drivers/mysql/ddl/ahead.py`). Copied as they
        are now they are behind it as well. What cannot be loaded again stops the job, which says what to do. A side job
        begins its copy again as a whole.
        """
        if not failure.reloads:
            return False
        if job.record.part_of:
            return self._copies_again(job, failure)
        try:
            record = reload(job, failure.reloads)
        except (Refused, Transient) as error:
            self._host.log.warning("tables_not_reloaded", job=job.id, tables=failure.reloads, error=str(error))
            return False
        why = {"problem": failure.text[:_PROBLEM_MAX]}
        assert record.growth is not None
        record = record.growing(record.growth.model_copy(update=why))
        self._host.log.warning("tables_reload", job=job.id, tables=failure.reloads, why=failure.text)
        self._journal.save(job, record, lambda: self._host.reconcile(job))
        return True

    def passing(self, job: Job, failure: Failure) -> Failure:
        """Return a failure that other tables are in the way of getting over as one that passes: so do these."""
        if not failure.reloads or job.record.growth is None or job.record.part_of:
            return failure
        return replace(failure, kind=FailureKind.TRANSIENT)

    def _copies_again(self, side: Job, failure: Failure) -> bool:
        """Have a side job removed with its checkpoint, and another one made in its place."""
        parent = self._jobs.get(side.record.part_of)
        growth = parent.record.growth if parent is not None else None
        if parent is None or growth is None or growth.state is not GrowthState.COPYING:
            return False
        if not self._is_part(side, parent) or self._journal.is_waiting(parent.id):
            return False
        self._host.log.warning("tables_copied_again", job=parent.id, side=side.id, why=failure.text)
        self._still.discard(parent.id)
        self._again(parent)  # when the present one is gone
        self._save(parent, growth.model_copy(update={"incarnation": new_incarnation(), "problem": ""}))
        return True

    def _begin_again(self, parent: Job) -> None:
        """Have the job's next run take the side job in, or go by the document that has no part under way."""
        growth = parent.record.growth
        if growth is None or parent.run is None:
            return
        if not _goes_by(parent.run, growth) and not parent.run.outdated:
            parent.run.outdate()
            self._host.reconcile(parent)

    def _has_left(self, job: Job, growth: Growth) -> None:
        """The target has let go of what the job has not any more."""
        self._host.log.info("tables_left", job=job.id)
        if growth.state is GrowthState.CLOSING or not growth.side:
            self._save(job, None)
            return
        state = GrowthState.ENDING if growth.given_up else GrowthState.COPYING
        self._save(job, growth.model_copy(update={"state": state}))

    def _given_up(self, job: Job, growth: Growth) -> None:
        """The side job is gone: the job goes by its document, which may say in other words what the target has."""
        self._host.log.info("tables_given_up", job=job.id)
        selection = job.spec.selection()
        if parts_of(growth, selection).staying.digest == selection.digest:
            self._save(job, None)
        else:
            self._save(job, growth.model_copy(update={"state": GrowthState.CLOSING}))

    def _joined(self, job: Job, growth: Growth) -> None:
        self._host.log.info("tables_joined", job=job.id)
        side = self._jobs.get(growth.side)

        def stored() -> None:
            if side is not None and self._jobs.get(side.id) is side and side.record.incarnation == growth.incarnation:
                self._host.forget_side(side)

        self._journal.save(job, job.record.growing(None), stored)

    def _apart(self, job: Job, run: Run, growth: Growth, why: str) -> None:
        """Both go on by themselves; what kept them apart is tried again in a while."""
        self._host.log.warning("tables_not_joined", job=job.id, error=why)
        self._not_before[job.id] = runtime.now() + AGAIN_SECONDS
        self._host.wake(AGAIN_SECONDS, GrowthTick(job.id))
        run.outdate()
        run.apart = True
        self._save(job, growth.model_copy(update={"state": GrowthState.COPYING, "problem": why}))

    # ---- Ends ----

    def _is_part(self, side: Job, parent: Job | None) -> bool:
        """Return whether a side job is still what its job gets."""
        if parent is None:
            return self._host.may_be_elsewhere(side.record.part_of)
        growth = parent.record.growth
        if parent.record.desired == DesiredState.STOP:
            return False
        return growth is not None and (growth.side, growth.incarnation) == (side.id, side.record.incarnation)

    def _remove(self, side: Job, parent: Job | None) -> None:
        """Remove a side job that is nobody's, or given up, with its checkpoint."""
        if side.record.desired == DesiredState.STOP or self._journal.is_waiting(side.id) or self._is_early(side):
            return
        if parent is not None and self._journal.is_waiting(parent.id):
            return
        self._again(side)  # where that fails
        side.wanted_before = DesiredState.PAUSE
        record = side.record.model_copy(update={"desired": DesiredState.STOP})
        self._journal.save(side, record, lambda: self._host.reconcile(side))

    def retried(self, parent: Job) -> bool:
        """Somebody resumes a job that goes on: its side job gets all its attempts again if it has failed."""
        growth = parent.record.growth
        side = self._jobs.get(growth.side) if growth is not None and growth.side else None
        if side is None or side.record.stage is not Stage.FAILED:
            return False
        side.reset_attempts()
        update = {"stage": Stage.PENDING, "status_description": "", "stopped": None, "failing": False}
        self._journal.save(side, side.record.model_copy(update=update), lambda: self._host.reconcile(side))
        return True

    # ---- Time ----

    def _save(self, job: Job, growth: Growth | None) -> None:
        def stored() -> None:
            if self._jobs.get(job.id) is job:
                self._host.reconcile(job)

        self._journal.save(job, job.record.growing(growth), stored)

    def _is_early(self, job: Job) -> bool:
        return runtime.now() < self._not_before.get(job.id, 0.0)

    def _again(self, job: Job) -> None:
        self._not_before[job.id] = runtime.now() + AGAIN_SECONDS
        self._host.wake(AGAIN_SECONDS, GrowthTick(job.id))

    def _look_later(self, side: Job) -> None:
        """Look again whether there is the job of a side job, which may be deleted on another node meanwhile."""
        if not self._is_early(side):
            self._again(side)

    def _soon(self, job: Job) -> None:
        self._host.wake(0.0, GrowthTick(job.id))


def starts_unsaved(job: Job, journal: RecordJournal) -> bool:
    """Return whether a run would go by tables of which nothing is stored yet: the target must not be first to know."""
    return job.record.growth is not None and journal.is_waiting(job.id)


def _knows(run: Run, growth: Growth) -> bool:
    """Return whether a run has begun since this change of the job's tables."""
    return run.growth is not None and run.growth.incarnation == growth.incarnation


def _goes_by(run: Run, growth: Growth) -> bool:
    """Return whether a run has begun in this state of this change: an earlier change of the job had the same states."""
    began = run.growth
    return began is not None and (began.state, began.incarnation) == (growth.state, growth.incarnation)
