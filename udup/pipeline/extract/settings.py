"""What one run of an extractor goes by."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field

from udup.pipeline.ports import End, Scope
from udup.pipeline.transport.flow import Windows

#: Server ids of dumps are taken from the upper half, where people rarely put their servers.
_SERVER_ID_BASE = 1 << 31

_NAMESPACE = uuid.UUID("5a7dc0de-75d0-4b8e-9d00-75647570a001")


@dataclass(frozen=True)
class ExtractorSettings:
    nats_url: str = field(repr=False)
    job: str
    run: int
    end: End
    scope: Scope
    start_after: str | None  # None: full copy
    workers: int
    readers: int
    windows: Windows
    window_messages: int
    message_bytes: int
    chunk_rows: int | None = None
    stamps: str = ""  # when the last transactions before `start_after` were committed
    source_uuid: str = ""  # the server that they were read from

    @property
    def server_id(self) -> int:
        """Differs between jobs, so that the source does not take two dumps for one replica's."""
        digest = hashlib.sha256(self.job.encode()).digest()
        return _SERVER_ID_BASE + int.from_bytes(digest[:4], "little") % (_SERVER_ID_BASE - 1)

    @property
    def replica_uuid(self) -> str:
        """The same for each run, so that the source ends a dump that an earlier run has left."""
        return str(uuid.uuid5(_NAMESPACE, self.job))
