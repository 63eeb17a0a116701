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

    @classmethod
    def of_several(cls, server_uuid: str, roster: int) -> Replica:
        """Return what a dump of several jobs is, by the session that holds their names (`roster.py`)."""
        return cls.of(f"roster {roster} of {server_uuid}")

    @property
    def lock(self) -> str:
        """Return the named lock that the session holds that reads as this replica, or keeps the place for it."""
        return f"udup:dump:{self.uuid}"


#: Seconds to wait for a dump that was ended to be gone.
_PATIENCE_SECONDS = 5


def end_earlier_dump(connection: Connection, replica_uuid: str) -> None:
    """Name the connection as the replica's dump, and end one that an earlier run has left.

    A source ends the earlier dump of a replica by itself, but for one whose client takes nothing (it is frozen, or its
    machine is gone): that keeps the files of the log that it has not sent from being purged. KILL ends that too, and
    the dump that the earlier run shared with other jobs, whose runs begin again. Where the source denies named locks,
    it stays.
    """
    name = Replica(0, replica_uuid).lock
    try:
        if scalar(connection, "SELECT GET_LOCK(%s, 0)", name) == 1:
            return
        if (number := holder_of(connection, name)) is not None:
            several = holder_of(connection, Replica.of_several(connection.server_uuid, number).lock)
            end_session(connection, number)
            if several is not None:
                end_session(connection, several)
        scalar(connection, "SELECT GET_LOCK(%s, %s)", name, _PATIENCE_SECONDS)
    except MySQLError as error:
        if is_transient(error):
            raise


def holder_of(connection: Connection, lock: str) -> int | None:
    """Return which session has a named lock, None if none has it."""
    number = scalar(connection, "SELECT IS_USED_LOCK(%s)", lock)
    return None if number is None else int(number)
