"""What makes the ends of jobs."""

from __future__ import annotations

from typing import Protocol

from udup.base.errors import Fault
from udup.pipeline.checks import Check
from udup.pipeline.ownership import Known
from udup.pipeline.ports.compare import ComparePlan, Comparer, Ledger
from udup.pipeline.ports.cutover import SourceGate, TargetGate
from udup.pipeline.ports.delivery import DeliveryPlan, Destination, RecordReader
from udup.pipeline.ports.inspect import Grants, Inspector
from udup.pipeline.ports.rows import Rows
from udup.pipeline.ports.source import Source
from udup.pipeline.ports.target import Target
from udup.pipeline.ports.values import (
    End,
    JobPlan,
    ServerInfo,
    SourceLook,
)
from udup.pipeline.selection.selection import Selection


class Drivers(Protocol):
    """Makes the ends of jobs. Travels to actors by pickling, so it holds no connection."""

    def share_logs(self) -> None:
        """Have the logs of one source that are followed in this process be read from it once, where that is exact."""
        ...

    def source(self, end: End) -> Source: ...

    def target(self, end: End) -> Target: ...

    def delivers(self, end: End) -> bool:
        """Return whether an end is a sink of messages: `destination` makes it, not `target`."""
        ...

    def destination(self, end: End) -> Destination: ...

    def reader(self, end: End, plan: DeliveryPlan) -> RecordReader:
        """Return what reads the records of this source as texts, for one run; the source is not asked."""
        ...

    def delivery_faults(self, source: str, target: str, plan: DeliveryPlan) -> list[Fault]:
        """Return what is wrong with a plan of messages between these drivers and no server needs to be asked for.

        Its places are those of the Dest's Config: `Options.time.precision.mode`, `NatsConfig.MaxBytes`.
        """
        ...

    def source_gate(self, end: End) -> SourceGate: ...

    def target_gate(self, end: End) -> TargetGate: ...

    def comparer(self, source: End, target: End, selection: Selection, plan: ComparePlan) -> Comparer:
        """Return what compares these two; `Refused` for two that cannot be compared."""
        ...

    def ledger(self, target: End, job: str) -> Ledger:
        """Return where a target keeps what differs from its source."""
        ...

    def inspector(self, end: End) -> Inspector:
        """Return what looks at a server before there is a job; `Refused` for a driver that has nothing for that."""
        ...

    def grants(self, plan: JobPlan, source_version: str, target_version: str) -> tuple[Grants, Grants]:
        """Return the statements that make the accounts of a job's source and target.

        Versions as the servers say them; a server whose version is not named is asked for it, and need not be there.
        """
        ...

    def rows(self, source: End, target: End, selection: Selection, job: str) -> Rows:
        """Return what reads rows of a job's ledger on both sides; `Refused` for two that are not compared."""
        ...

    def look_to_wire(self, end: End, look: SourceLook) -> bytes:
        """Return a look at a source for another node, whose same driver reads it."""
        ...

    def look_from_wire(self, end: End, data: bytes) -> SourceLook:
        """Return a look that another node had; raise `ValueError` for one that this version cannot read."""
        ...

    def start_faults(
        self, plan: JobPlan, source: SourceLook | None, target: ServerInfo | None, start_after: str | None, known: Known
    ) -> list[Fault]:
        """Return what speaks against starting, as far as both sides were seen; `start_after` is the checkpoint's.

        That no job can run between these two drivers is a fault like any other here; the others raise `Refused`.
        """
        ...

    def warnings(self, plan: JobPlan, source: ServerInfo, target: ServerInfo) -> list[str]:
        """Return what does not keep the job from running and should be known."""
        ...

    def validate(self, plan: JobPlan, known: Known) -> list[Check]:
        """Return every check that a start would make, and more; nothing is written."""
        ...
