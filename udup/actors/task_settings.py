"""What the tasks of a run are told: the settings of their engines, by the job's document, its record and the run."""

from __future__ import annotations

from dataclasses import replace

from udup.actors.job import Job
from udup.actors.run import Run
from udup.pipeline.apply.settings import ApplierSettings
from udup.pipeline.extract.settings import ExtractorSettings
from udup.pipeline.ownership import Owner
from udup.pipeline.ports import ApplyMode, InPart
from udup.pipeline.transport.flow import Windows


def applier_settings(job: Job, run: Run) -> ApplierSettings:
    """Return by what DestApplier and its workers go in this run."""
    spec, plan, began = job.spec, job.plan, run.plan or job.plan
    return ApplierSettings(
        nats_url=job.nats_url,
        job=job.id,
        run=run.number,
        end=plan.target,
        workers=spec.parallel_workers,
        known=job.known,
        owner=Owner(job.token, job.node, by_force=not job.owned, number=job.fence(run)),
        selection=began.scope.selection,
        sql_filter=began.scope.sql_filter,
        from_other_node=bool(run.source_node),
        start_after=plan.start_after,
        drop_existing=plan.drop_existing,
        window_messages=spec.channel_size,
        serial=job.serial,
        recompute=plan.recompute,
        fill_existing=plan.fill_existing,
        incarnation=job.record.incarnation,
        copy_alone=plan.copy_alone,
        source=plan.source,
        leaves=began.leaves,
        join=began.join,
        apart=plan.scope.apart,
    )


def extractor_settings(job: Job, run: Run) -> ExtractorSettings:
    """Return by what SrcExtractor goes in this run."""
    spec, plan, began = job.spec, job.plan, run.plan or job.plan
    folds = run.folds_names
    return ExtractorSettings(
        nats_url=job.nats_url,
        job=job.id,
        run=run.number,
        end=plan.source,
        scope=replace(
            began.scope,
            selection=began.scope.selection.folding(folds),
            fold_names=folds,
            copy_first=frozenset(job.copy_first),
            number=job.fence(run),
        ),
        start_after=run.start_after,
        stamps=run.target.stamps if run.target else "",
        source_uuid=run.target.source_uuid if run.target else "",
        workers=spec.parallel_workers,
        windows=Windows.of(job.buffer_bytes, spec.parallel_workers),
        window_messages=spec.channel_size,
        message_bytes=spec.msg_bytes_limit,
        chunk_rows=spec.chunk_size,
        copy_alone=spec.copy_alone,
        delivers=plan.target.delivery is not None,
        by_values=plan.target.apply_mode in (ApplyMode.STATEMENTS, ApplyMode.CONVERTED),
        snapshot=run.target.snapshot if run.target else "",
        snapshots=run.target.snapshots if run.target else 0,
        in_part=run.target.in_part if run.target else InPart(),
        ahead=run.target.ahead if run.target else "",
        prepared=run.target.prepared if run.target else None,
        copied=run.target.copied if run.target else "",
        target=run.target.server if run.target else "",
        wishes=tuple((each.number, each.tables) for each in job.record.wishes),
        to_other_node=run.is_guest and run.packs,
        compresses=spec.compresses(between_nodes=run.is_guest) and run.packs,
    )
