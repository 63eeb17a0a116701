"""The seams of the machine: what a source and a target are to it, whatever database is behind them.

`drivers/registry.py` has the one object that makes them (`Drivers`), and is all that knows which exist. It is handed to
the node's actors with their settings, and they hand the driver's parts to the engines.

Methods block unless they are `async`; engines call them on threads of their own. Whatever goes wrong is raised as one
of `base/errors.py`; no driver's own error passes a seam.

A seam lies at the log, the session and the copy: one call a group of transactions costs nothing, one an event would.

The Protocols are in `drivers.py`, `source.py`, `target.py` and `cutover.py`, what they take and give in `values.py`;
all of them are imported from here.
"""

from __future__ import annotations

from udup.pipeline.ports.cutover import (
    Counter,
    CutoverNeeds,
    GateLook,
    ScheduledEvent,
    SourceGate,
    TargetGate,
    Trigger,
)
from udup.pipeline.ports.delivery import (
    DefinitionText,
    Delivery,
    DeliveryPlan,
    DeliverySettings,
    Destination,
    Encoder,
    FoundPlace,
    Message,
    Operation,
    RecordReader,
    RowsText,
    RowText,
    TableText,
    Template,
    Unit,
)
from udup.pipeline.ports.drivers import Drivers
from udup.pipeline.ports.scope import Apart, Scope
from udup.pipeline.ports.source import ChangeLog, SnapshotReading, Source, SourceClock, SourceCopy
from udup.pipeline.ports.tail import Seen, Tail, TailRequest
from udup.pipeline.ports.target import (
    ApplySession,
    CheckpointReader,
    CopyWriter,
    InlineSession,
    LargeRules,
    RowLoader,
    RowRules,
    Target,
    TargetControl,
)
from udup.pipeline.ports.values import (
    ApplyMode,
    Beginning,
    CheckpointState,
    Claim,
    ClockAnswer,
    ControlSettings,
    CopyResume,
    End,
    InPart,
    JobPlan,
    Join,
    Leaving,
    LoadPlan,
    LogPlace,
    LogPlan,
    Piece,
    Position,
    ReadingPlan,
    Recognised,
    RowCounts,
    ServerInfo,
    SourceLook,
    StartPoint,
    TargetNotices,
)

__all__ = [
    "Apart",
    "ApplyMode",
    "ApplySession",
    "Beginning",
    "ChangeLog",
    "CheckpointReader",
    "CheckpointState",
    "Claim",
    "ClockAnswer",
    "ControlSettings",
    "CopyResume",
    "CopyWriter",
    "Counter",
    "CutoverNeeds",
    "DefinitionText",
    "Delivery",
    "DeliveryPlan",
    "DeliverySettings",
    "Destination",
    "Drivers",
    "Encoder",
    "End",
    "FoundPlace",
    "GateLook",
    "InPart",
    "InlineSession",
    "JobPlan",
    "Join",
    "LargeRules",
    "Leaving",
    "LoadPlan",
    "LogPlace",
    "LogPlan",
    "Message",
    "Operation",
    "Piece",
    "Position",
    "ReadingPlan",
    "Recognised",
    "RecordReader",
    "RowCounts",
    "RowLoader",
    "RowRules",
    "RowText",
    "RowsText",
    "ScheduledEvent",
    "Scope",
    "Seen",
    "ServerInfo",
    "SnapshotReading",
    "Source",
    "SourceClock",
    "SourceCopy",
    "SourceGate",
    "SourceLook",
    "StartPoint",
    "TableText",
    "Tail",
    "TailRequest",
    "Target",
    "TargetControl",
    "TargetGate",
    "TargetNotices",
    "Template",
    "Trigger",
    "Unit",
]
