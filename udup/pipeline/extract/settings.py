"""What one run of an extractor goes by."""

from __future__ import annotations

from dataclasses import dataclass, field

from udup.pipeline.ports import End, InPart, Scope
from udup.pipeline.transport.flow import Windows


@dataclass(frozen=True)
class ExtractorSettings:
    """`start_after` is None for a full copy, which as many readers read as there are `workers` to load it.

    `stamps` say when the last transactions before `start_after` were committed, `source_uuid` which server they were
    read from. `copy_alone`: the log is not read. `delivers`: to a destination of messages, which is told what the log
    says beside its events; `snapshot` is what it has of a snapshot (`records.SnapshotRows.state`), `snapshots` how many
    it has had, each try of one. `by_values`, `wishes`, `in_part`, `target`, `ahead`, `prepared` as in `LogPlan`.
    `to_other_node`: who applies is on another node; `compresses`: what is sent is compressed. `copied`: as in
    `CopyResume`.
    """

    nats_url: str = field(repr=False)
    job: str
    run: int
    end: End
    scope: Scope
    start_after: str | None
    workers: int
    windows: Windows
    window_messages: int
    message_bytes: int
    chunk_rows: int | None = None
    stamps: str = ""
    source_uuid: str = ""
    copy_alone: bool = False
    delivers: bool = False
    by_values: bool = False
    snapshot: str = ""
    snapshots: int = 0
    wishes: tuple[tuple[int, tuple[str, ...]], ...] = ()
    in_part: InPart = field(default_factory=InPart)
    ahead: str = ""
    prepared: tuple[str, ...] | None = None
    copied: str = ""
    target: str = ""
    to_other_node: bool = False
    compresses: bool = False
