"""What clients ask of a job's tables: other ones by a document, or the same once more. Stored, then carried out."""

from __future__ import annotations

import shlex
from typing import Any

from udup.actors.cutover_rules import check_no_cutover
from udup.actors.job import Job
from udup.base import runtime
from udup.base.errors import Fault, Refused, Transient
from udup.jobs import JobProgress, JobRecord, JobSpec, Stage, history
from udup.jobs.differences import differences
from udup.jobs.given_up import document_without, gives_up
from udup.jobs.growth import (
    CHOOSING,
    Growth,
    GrowthState,
    changed,
    check_change,
    check_one_at_a_time,
    check_reload,
    chosen_by,
    contains,
    doing,
    give_up_instead,
    side_id,
)
from udup.jobs.record import GROWING
from udup.jobs.start import has_another_target
from udup.jobs.versions import GIVEN_UP, Posted, with_replaced
from udup.jobs.words import Driver


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
        if gives_up(growth, old, new, chosen_by(stored.document)):
            return given_up(growth, stored)
        check_one_at_a_time(stored.id, growth, runs=stored.carried_out)
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


def given_up(growth: Growth, stored: JobRecord) -> Growth:
    """Return what becomes of tables under way that are not wanted any more, by a document that is not stored yet.

    A job that is to let go of tables does that first: its target may have done so.
    """
    state = GrowthState.LEAVING if growth.state is GrowthState.LEAVING else GrowthState.ENDING
    update = {"state": state, "given_up": True, "after": chosen_by(stored.document), "problem": ""}
    return growth.model_copy(update=update)


def giving_up(record: JobRecord) -> JobRecord:
    """Return the record of a job that gives up the tables under way: its document does not choose them any more.

    Raise if they cannot be given up, or not now.
    """
    check_no_cutover(record, "give tables of")
    growth = record.growth
    assert growth is not None
    if not give_up_instead(record.id, growth):
        named = shlex.quote(record.id)
        raise Transient(
            f"job {record.id} is {doing(growth)}, which is nearly done and cannot be given up now; wait until it is"
            f" (udup job status {named}), then post the tables that it is to have"
        )
    posted = Posted(number=record.posted.number + 1, time_ns=runtime.wall_ns(), how=GIVEN_UP)
    update = {
        "document": document_without(record.document, growth, record.id),
        "posted": posted,
        "documents": with_replaced(record.documents, record.replaced),
    }
    made = record.model_copy(update=update).growing(given_up(growth, record))
    return history.registered_again(made)


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
    growth = record.growth
    if growth is None or growth.state not in (GrowthState.COPYING, GrowthState.ENDING) or not before.goes_on:
        return False
    return all(any(key in each.path for key in CHOOSING) for each in differences(before.record.document, document))


def going_on(record: JobRecord, stored: JobRecord) -> JobRecord:
    """Return the new record of a job whose run goes on as it is."""
    kept = ("allocations", "stage", "status_description", "progress", "outage", "failing", "finish")
    return record.model_copy(update={key: getattr(stored, key) for key in kept})


def reload(job: Job, tables: tuple[str, ...]) -> JobRecord:
    """Return the record of a job of which tables are loaded again; raise if they cannot be, or not now."""
    record, spec = job.record, job.spec
    check_no_cutover(record, "reload")
    check_one_at_a_time(job.id, record.growth, runs=record.carried_out)
    progress = record.progress.overlaid(job.progress)
    if spec.delivers or spec.copy_alone or spec.source.driver != Driver.MYSQL:
        remedy = "for rows of a subscription's tables once more: udup job snapshot"
        raise Refused([Fault("Job", f"job {job.id} follows no database with another one", remedy)])
    if spec.fill_existing:
        problem = f"job {job.id} fills tables that somebody else has made (SkipCreateDbTable), and makes none"
        remedy = "take the table out of ReplicateDoDb, empty it on the target, and add it again"
        raise Refused([Fault("Job", problem, remedy)])
    if record.stage is Stage.COMPLETED:
        problem, remedy = f"job {job.id} has ended", "post it again: it goes on after its checkpoint; then reload them"
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
