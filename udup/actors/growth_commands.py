"""What clients ask of a job's tables: other ones by a document, or the same once more. Stored, then carried out."""

from __future__ import annotations

from typing import Any

from udup.actors.cutover_rules import check_no_cutover
from udup.actors.job import Job
from udup.base import runtime
from udup.base.errors import Fault, Refused
from udup.jobs import JobProgress, JobRecord, JobSpec, history
from udup.jobs.differences import differences
from udup.jobs.growth import (
    Growth,
    GrowthState,
    changed,
    check_change,
    check_one_at_a_time,
    check_reload,
    chosen_by,
    contains,
    parts_of,
    side_id,
)
from udup.jobs.record import GROWING
from udup.jobs.start import has_another_target
from udup.jobs.versions import Posted
from udup.jobs.words import Driver
from udup.pipeline.selection.selection import Selection

#: Keys of a document that choose tables.
_CHOOSING = ("ReplicateDoDb", "ReplicateIgnoreDb")


def growth_by(spec: JobSpec, stored: JobRecord, before: JobSpec, progress: JobProgress) -> Growth | None:
    """Return what becomes of a job's tables by a new document; None: nothing, or the job has not begun.

    `stored` is the job's record, `before` its spec. `Refused` or `Transient` for a change of tables that cannot be
    brought about, or not now.
    """
    old, new = before.selection(), spec.selection()
    growth = stored.growth
    if growth is not None:
        if new.digest == old.digest and not has_another_target(spec, before):
            return growth
        if _gives_up(growth, old, new):
            return growth.model_copy(update={"state": GrowthState.ENDING, "reloads": ()})
        check_one_at_a_time(stored.id, growth)
    if new.digest == old.digest or not (stored.has_begun or progress.applied_gtid) or not _goes_on(spec, before):
        return None
    check_change(old, new)
    side = _side_of(stored.id) if not contains(old, new) else ""
    state = GrowthState.LEAVING if changed(old, new, has_side=bool(side)).leaves else GrowthState.COPYING
    return _growth(state, side, before=chosen_by(stored.document))


def _growth(state: GrowthState, side: str, **more: Any) -> Growth:
    return Growth(state=state, side=side, incarnation=new_incarnation(), since_ns=runtime.wall_ns(), **more)


def new_incarnation() -> str:
    """Return what tells a side job from others of its ID."""
    return runtime.new_id().replace("-", "")


def _gives_up(growth: Growth, after: Selection, new: Selection) -> bool:
    """Return whether a document wants what the job has now, and nothing of what is under way."""
    if growth.state is not GrowthState.COPYING or growth.reloads or not growth.side:
        return False
    return parts_of(growth, after).staying.digest == new.digest


def _goes_on(spec: JobSpec, before: JobSpec) -> bool:
    """Return whether a job goes on with the tables that it has, on a target that is a database."""
    if spec.delivers or spec.copy_alone or before.copy_alone or has_another_target(spec, before):
        return False
    return spec.source.driver == Driver.MYSQL


def _side_of(job: str) -> str:
    if made := side_id(job):
        return made
    problem = f"the ID of job {job[:50]}… is so long that its new tables cannot be copied while it goes on"
    raise Refused([Fault("ID", problem, "give the job a shorter one")])


def goes_on(before: Job, document: dict[str, Any], record: JobRecord) -> bool:
    """Return whether the job's run is not touched by a new document: new tables alone, which are another's as yet."""
    if record.growth is None or record.growth.state is not GrowthState.COPYING or not before.goes_on:
        return False
    return all(any(key in each.path for key in _CHOOSING) for each in differences(before.record.document, document))


def going_on(record: JobRecord, stored: JobRecord) -> JobRecord:
    """Return the new record of a job whose run goes on as it is."""
    kept = ("allocations", "stage", "status_description", "progress", "outage", "failing", "finish")
    return record.model_copy(update={key: getattr(stored, key) for key in kept})


def reload(job: Job, tables: tuple[str, ...]) -> JobRecord:
    """Return the record of a job of which tables are loaded again; raise if they cannot be, or not now."""
    record, spec = job.record, job.spec
    check_no_cutover(record, "reload")
    check_one_at_a_time(job.id, record.growth)
    progress = record.progress.overlaid(job.progress)
    if spec.delivers or spec.copy_alone or spec.source.driver != Driver.MYSQL:
        remedy = "for rows of a subscription's tables once more: udup job snapshot"
        raise Refused([Fault("Job", f"job {job.id} follows no database with another one", remedy)])
    if spec.fill_existing:
        problem = f"job {job.id} fills tables that somebody else has made (SkipCreateDbTable), and makes none"
        remedy = "take the table out of ReplicateDoDb, empty it on the target, and add it again"
        raise Refused([Fault("Job", problem, remedy)])
    if not (record.has_begun or progress.applied_gtid):
        raise Refused([Fault("Job", f"job {job.id} has not copied its tables yet", "wait until it follows its source")])
    check_reload(job.id, spec.selection(), tables)
    growth = _growth(GrowthState.LEAVING, _side_of(job.id), reloads=tables)
    return history.registered_again(record.growing(growth))


def side_record(parent: JobRecord, growth: Growth, index: int) -> JobRecord:
    """Return the record of the side job."""
    record = JobRecord(
        id=growth.side,
        document=parent.document,
        create_index=index,
        job_modify_index=index,
        incarnation=growth.incarnation,
        posted=Posted(time_ns=runtime.wall_ns(), how=parent.posted.how),
        growth=growth,
        part_of=parent.id,
        format=GROWING,
    )
    return history.registered(record, None, runtime.wall_ns())
