"""From what a job's document says to what the drivers are told of it."""

from __future__ import annotations

from dataclasses import replace

from udup.jobs.document.spec import JobSpec
from udup.jobs.growth import Growth, GrowthState, parts_of, whole_id
from udup.jobs.record import JobRecord
from udup.jobs.start import DecidedStart
from udup.pipeline.ports import Apart, End, JobPlan, Join, Leaving, Scope


def plan_of(spec: JobSpec, start: DecidedStart | None = None) -> JobPlan:
    """Return the job as the drivers know it. Whether the source folds names is not known yet.

    `start` is where it begins, if that is decided and its document has a start of such a kind.
    """
    position = start.position if start is not None else spec.gtid or None
    return JobPlan(
        job=spec.id,
        source=End(spec.source.driver.value, spec.source_endpoint(), settings=spec.source_settings()),
        target=End(spec.target.driver.value, spec.target_endpoint(), spec.apply_mode, spec.delivery_plan()),
        scope=Scope(spec.selection(), spec.sql_filter(), spec.kept_users(), spec.innodb, holder=_holder(spec)),
        start_after=position,
        drop_existing=spec.drop_table_if_exists,
        recompute=spec.recompute,
        fill_existing=spec.fill_existing,
        start_at=spec.begins_at if position is None else None,
        copy_alone=spec.copy_alone,
    )


def plan_of_record(record: JobRecord, spec: JobSpec) -> JobPlan:
    """Return the plan of a job, which has not all tables of its document as long as some of them are under way."""
    return plan_by(plan_of(spec, record.start), record.growth, is_side=bool(record.part_of))


def plan_by(plan: JobPlan, growth: Growth | None, *, is_side: bool) -> JobPlan:
    """Return the plan of a job whose tables change as `growth` says, or of its side job."""
    if growth is None:
        return plan
    return _side(plan, growth) if is_side else _growing(plan, growth)


def _side(plan: JobPlan, growth: Growth) -> JobPlan:
    """Return the plan of a side job: a copy of the new tables, and of nothing else."""
    parts = parts_of(growth, plan.scope.selection)
    new = parts.new
    assert new is not None, "a side job has tables"
    apart = Apart(parts.staying, parts.after, is_new=True, job=whole_id(growth.side), side=growth.side)
    scope = replace(plan.scope, selection=new, kept_users=None, apart=apart)
    drops = plan.drop_existing or bool(growth.reloads)
    return replace(plan, job=growth.side, scope=scope, start_after=None, start_at=None, drop_existing=drops)


def _growing(plan: JobPlan, growth: Growth) -> JobPlan:
    parts = parts_of(growth, plan.scope.selection)
    if growth.state is GrowthState.JOINING:
        assert parts.new is not None
        return replace(plan, join=Join(growth.side, parts.staying, parts.new))
    if growth.state is GrowthState.CLOSING:
        return replace(plan, leaves=Leaving(parts.staying.digest, given_up=growth.side))
    leaves = None
    if growth.state is GrowthState.LEAVING and parts.leaves:
        side = growth.side if growth.reloads else ""
        leaves = Leaving(parts.before.digest, side, growth.incarnation)
    apart = None
    if parts.new is not None and growth.state is not GrowthState.ENDING:
        apart = Apart(parts.new, parts.after, is_new=False, job=plan.job, side=growth.side)
    return replace(plan, scope=replace(plan.scope, selection=parts.staying, apart=apart), leaves=leaves)


def _holder(spec: JobSpec) -> str:
    """Return whose the sessions on the source are: another job of this ID, for another destination, is another."""
    return f"{spec.id} {spec.target_place()}"
