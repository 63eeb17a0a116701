"""Reading what a subscription has delivered, for people: the node itself asks the sink."""

from __future__ import annotations

from udup.base.errors import Fault, Refused
from udup.jobs import JobRecord
from udup.jobs.plan import plan_of
from udup.pipeline.ports import DeliverySettings, Drivers, Tail, TailRequest
from udup.pipeline.selection.selection import Selection


def open_tail(drivers: Drivers, record: JobRecord, wanted: TailRequest, nats_url: str) -> Tail:
    """Return a reader of a job's sink. `Refused` for a job that delivers nothing, and for a table that it has not."""
    plan = plan_of(record.spec())
    delivery = plan.target.delivery
    if delivery is None:
        problem = f"job {record.id} is no subscription: its changes go to a database, and no messages are kept"
        raise Refused([Fault("ID", problem, "see how it is doing: udup job status")])
    if wanted.table is not None and not _delivers(plan.scope.selection, wanted.table):
        problem = f"the job delivers no table {'.'.join(wanted.table)}"
        raise Refused([Fault("table", problem, "write SCHEMA.TABLE as the job's messages name it")])
    asking = DeliverySettings.asking(plan.job, delivery, nats_url)
    return drivers.destination(plan.target).tail(asking, wanted)


def _delivers(selection: Selection, table: tuple[str, str]) -> bool:
    """Return whether a job may have this table. Under which names renamed ones come, its source alone can say."""
    return selection.renames or any(selection.folding(folds).wants(*table) for folds in (False, True))
