"""What one run of an applier and of its workers goes by."""

from __future__ import annotations

from dataclasses import dataclass, field

from udup.pipeline.ownership import Known, Owner
from udup.pipeline.ports import Apart, ControlSettings, End, Join, Leaving
from udup.pipeline.selection.selection import Selection
from udup.pipeline.selection.sqlfilter import SqlFilter


@dataclass(frozen=True)
class ApplierSettings:
    nats_url: str = field(repr=False)
    job: str
    run: int
    end: End
    workers: int
    owner: Owner
    selection: Selection
    start_after: str | None  # the job's own position: no full copy
    drop_existing: bool
    window_messages: int  # what the extractor may have under way in the log
    known: Known = Known()  # noqa: RUF009 - frozen
    serial: bool = False  # one transaction at a time, to find the one that fails
    recompute: bool = False  # the copy takes what the target computes where the source has other values
    fill_existing: bool = False  # the copy fills tables that are there, and makes none
    incarnation: str = ""  # of the job: tells it from others of its ID
    copy_alone: bool = False  # the job is complete when its copy is there
    source: End | None = None  # whose records are read, where they are delivered as messages
    sql_filter: SqlFilter = SqlFilter()  # noqa: RUF009 - frozen
    leaves: Leaving | None = None  # as in `JobPlan`
    join: Join | None = None  # the side job that the job takes in
    apart: Apart | None = None  # of what the job is a part
    from_other_node: bool = False  # the source is read on another node than this

    def control(self, slots: int) -> ControlSettings:
        """Return what the target is told of it; `slots` are the rows of the checkpoint beside the base row."""
        return ControlSettings(
            self.job,
            self.owner,
            self.selection,
            slots,
            self.start_after,
            self.known,
            self.incarnation,
            self.copy_alone,
            self.leaves,
            self.join,
            self.apart,
        )


@dataclass(frozen=True)
class WorkerSettings:
    nats_url: str = field(repr=False)
    job: str
    run: int
    slot: int
    number: int  # the worker's own: another of the same slot has another (`crew.py`)
    end: End
    loads_only: bool = False  # no transactions, only rows of a copy
