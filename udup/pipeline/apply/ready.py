"""How far the target's side has come before a run begins, as its engine tells it."""

from __future__ import annotations

from dataclasses import dataclass

from udup.pipeline.ports import CheckpointState, ServerInfo


@dataclass(frozen=True)
class TargetChecked:
    """The target's preconditions hold: workers may start."""


@dataclass(frozen=True)
class TargetReady:
    """Everything on the target's side is ready for the log after this set, or for a full copy (None)."""

    start_after: str | None
    info: ServerInfo
    stamps: str = ""
    source_uuid: str = ""

    @classmethod
    def at(cls, state: CheckpointState | None, info: ServerInfo) -> TargetReady:
        """Return it for a checkpoint, None where there is none."""
        if state is None:
            return cls(None, info)
        return cls(str(state.executed), info, state.stamps, state.source_uuid)
