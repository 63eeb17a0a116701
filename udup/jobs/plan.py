"""From what a job's document says to what the drivers are told of it."""

from __future__ import annotations

from udup.jobs.document.spec import JobSpec
from udup.pipeline.ports import End, JobPlan, Scope


def plan_of(spec: JobSpec) -> JobPlan:
    """Return the job as the drivers know it. Whether the source folds names is not known yet."""
    return JobPlan(
        job=spec.id,
        source=End(spec.source.driver.value, spec.source_endpoint()),
        target=End(spec.target.driver.value, spec.target_endpoint(), spec.apply_mode),
        scope=Scope(spec.selection(), spec.sql_filter(), spec.kept_users(), spec.innodb),
        start_after=spec.gtid or None,
        drop_existing=spec.drop_table_if_exists,
        recompute=spec.recompute,
    )
