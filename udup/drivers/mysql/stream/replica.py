"""What a job calls itself towards its source: to a MySQL server whoever reads its log is a replica."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

#: Server ids of dumps are taken from the upper half, where people rarely put their servers.
_SERVER_ID_BASE = 1 << 31

_NAMESPACE = uuid.UUID("5a7dc0de-75d0-4b8e-9d00-75647570a001")


@dataclass(frozen=True)
class Replica:
    """`server_id` differs between jobs, so that the source does not take two dumps for one replica's.

    `uuid` is the same for each run of a job, so that the source ends a dump that an earlier run has left.
    """

    server_id: int
    uuid: str

    @classmethod
    def of(cls, job: str) -> Replica:
        """Return what this job is to its source."""
        digest = hashlib.sha256(job.encode()).digest()
        server_id = _SERVER_ID_BASE + int.from_bytes(digest[:4], "little") % (_SERVER_ID_BASE - 1)
        return cls(server_id, str(uuid.uuid5(_NAMESPACE, job)))
