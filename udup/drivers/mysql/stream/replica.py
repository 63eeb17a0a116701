"""What a job calls itself towards its source: to a MySQL server whoever reads its log is a replica."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

from udup.drivers.mysql.client.connection import Connection, MySQLError, is_transient, scalar
from udup.drivers.mysql.client.processes import end_session

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


#: Seconds to wait for a dump that was ended to be gone.
_PATIENCE_SECONDS = 5


def end_earlier_dump(connection: Connection, replica_uuid: str) -> None:
    """Name the connection as the replica's dump, and end one that an earlier run has left.

    A source ends the earlier dump of a replica by itself, but for one whose client takes nothing (it is frozen, or its
    machine is gone): that keeps the files of the log that it has not sent from being purged. KILL ends that too. Where
    the source denies named locks, it stays.
    """
    name = f"udup:dump:{replica_uuid}"
    try:
        if scalar(connection, "SELECT GET_LOCK(%s, 0)", name) == 1:
            return
        if (number := scalar(connection, "SELECT IS_USED_LOCK(%s)", name)) is not None:
            end_session(connection, int(number))
        scalar(connection, "SELECT GET_LOCK(%s, %s)", name, _PATIENCE_SECONDS)
    except MySQLError as error:
        if is_transient(error):
            raise
