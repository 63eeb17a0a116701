"""From what a job's document says to what the drivers are told of it."""

from __future__ import annotations

from udup.jobs.document.spec import JobSpec
from udup.jobs.start import DecidedStart
from udup.pipeline.ports import End, JobPlan, Scope


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


def _holder(spec: JobSpec) -> str:
    """Return whose the sessions on the source are: another job of this ID, for another destination, is another."""
    return f"{spec.id} {spec.target_place()}"
