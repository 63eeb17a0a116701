"""Asks a MariaDB server for its log: behind a transaction of each domain, or from the beginning of a file.

A server that is told `0-1-42` sends of domain 0 what stands behind the transaction 42 of server 1. With
`@slave_gtid_strict_mode` it answers by an error where it has that server's 43 and no 42: so a server that is guessed,
as who wrote 42 is not known, skips nothing. Then, and where 42 is a number that nobody has used, the newest file is
read from its beginning that has nothing before it but what is executed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.log_state import listed_before, read_executed
from udup.drivers.mysql.client.raw import COMMAND
from udup.drivers.mysql.mariadb.gtids import UNKNOWN_SERVER
from udup.drivers.mysql.mariadb.places import ResumePlace, connect_state, resume_places

#: Behind a file's magic number.
FIRST_EVENT = 4

_NANOSECONDS = 1_000_000_000

#: What a replica says it can take: GTIDs, and everything that came since.
_CAPABILITY = 4

#: In the texts of error 1236, by what they mean: what was asked for is too old; is not there; or is a number, or one
#: of a server, that the log does not have though it has later ones.
PURGED, NOT_THERE, NO_SUCH_NUMBER = "have been purged", "not in the master's binlog", "is missing the GTID"


@dataclass(frozen=True)
class DumpStart:
    """Where a dump begins: behind `places`, or with a `file`. `last` are the numbers before it, by domain."""

    places: Sequence[ResumePlace]
    last: dict[int, int]
    file: str = ""


def start_behind(connection: Connection, executed: GtidSet) -> DumpStart:
    """Return where a dump begins that brings everything else, with servers that are not known guessed."""
    found = []
    now = GtidSet.parse(read_executed(connection))
    writers = {int(domain): now.writer(domain, ranges[-1][1] - 1) for domain, ranges in now.items()}
    for place in resume_places(executed):
        server = place.server if place.server != UNKNOWN_SERVER else writers.get(place.domain, UNKNOWN_SERVER)
        if server != UNKNOWN_SERVER:
            found.append(ResumePlace(place.domain, server, place.number))
    return DumpStart(found, {place.domain: place.number for place in found})


def start_in_file(connection: Connection, executed: GtidSet) -> DumpStart | None:
    """Return the beginning of the newest file that has nothing before it but what is executed; None without one."""
    prefix = {place.domain: place.number for place in resume_places(executed)}
    for file, before in files_backwards(connection):
        last: dict[int, int] = {}
        for domain, _, number in before:
            last[domain] = max(number, last.get(domain, 0))
        if all(prefix.get(domain, 0) >= number for domain, number in last.items()):
            return DumpStart((), last, file)
    return None


def files_backwards(connection: Connection) -> Iterator[tuple[str, list[tuple[int, int, int]]]]:
    """Yield the log's files from the newest on, each with the last transactions before it."""
    for name, *_ in reversed(query(connection, "SHOW BINARY LOGS")):
        yield str(name), listed_before(connection, str(name))


def ask_for_log(connection: Connection, server_id: int, start: DumpStart, heartbeat_seconds: float) -> None:
    """Send the request; packets of the dump follow."""
    query(
        connection,
        "SET @mariadb_slave_capability = %s, @master_binlog_checksum = 'CRC32', @slave_gtid_strict_mode = 1,"
        " @slave_gtid_ignore_duplicates = 0, @master_heartbeat_period = %s, @slave_connect_state = %s",
        _CAPABILITY,
        int(heartbeat_seconds * _NANOSECONDS),
        None if start.file else connect_state(start.places),
    )
    request = struct.pack("<IHI", FIRST_EVENT, 0, server_id) + start.file.encode()
    connection._execute_command(COMMAND.COM_BINLOG_DUMP, request)  # type: ignore[attr-defined]
