"""What DestApplier tells of its target before a run begins: that it may be one, and from where the run goes on."""

from __future__ import annotations

from dataclasses import dataclass, field

from udup.pipeline.apply.crew import Seat
from udup.pipeline.ports import CheckpointState, InPart, ServerInfo


@dataclass(frozen=True)
class Staff:
    """The workers that a run wants from now on: all of them, none but these."""

    seats: tuple[Seat, ...]


@dataclass(frozen=True)
class TargetReady:
    """Everything on the target's side is ready for the log after this set, or for a full copy (None).

    `snapshot`: what a destination has of a snapshot, in the source driver's words (`records.SnapshotRows.state`),
    and `snapshots` how many it has had; `in_part`: transactions that it has in part. `ahead` as in `LogPlan`, `copied`
    as in `CopyResume`, `apart` as in `CheckpointState`, `prepared` as in `LogPlan`.
    """

    start_after: str | None
    info: ServerInfo
    stamps: str = ""
    source_uuid: str = ""
    snapshot: str = ""
    snapshots: int = 0
    in_part: InPart = field(default_factory=InPart)
    ahead: str = ""
    copied: str = ""
    apart: str = ""
    prepared: tuple[str, ...] | None = None

    @property
    def server(self) -> str:
        """Return the target's version, as its server says it."""
        return self.info.version_text

    @classmethod
    def at(cls, state: CheckpointState | None, info: ServerInfo, copied: str = "") -> TargetReady:
        if state is None:
            return cls(None, info, copied=copied, prepared=())
        known = str(state.executed), info, state.stamps, state.source_uuid
        return cls(*known, ahead=state.ahead.to_json(), apart=state.apart, prepared=state.prepared)
