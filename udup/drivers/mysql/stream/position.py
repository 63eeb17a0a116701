"""Checks that the source has executed its own transactions that the target has.

A source that was restored from a backup has not, and what it writes now does not follow on what the target has. But a
transaction can be read from the log before the source counts it as executed: a semi-synchronous source sends it, and
counts it when a replica has acknowledged it. So the source is given time.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from udup.base import runtime
from udup.base.causes import Cause, reason
from udup.base.endpoint import Endpoint
from udup.base.errors import Unavailable, Unsupported
from udup.base.remedies import FULL_COPY, NEW_COPY
from udup.drivers.mysql.binlog.gtid import GtidSet, brief
from udup.drivers.mysql.client.asking import Asking, asked
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.log_state import read_executed_by, read_server_id
from udup.drivers.mysql.client.processes import read_processes

#: Seconds for which the source may take to count them, and between two looks. Semi-synchronous sources wait for 10 s.
PATIENCE, PAUSE = 12.0, 0.3

#: What the state of a session says that waits for a semi-synchronous replica.
_WAITING = re.compile(r"Waiting for semi-sync (?:ACK|.*(?:replica|slave))")

#: Seconds for which one waits at least: where all is well each commit waits too, for a moment.
_STALLED_SECONDS = 3

#: Seconds between two looks at the counts of commits that were acknowledged.
_COUNTED_SECONDS = 1.0

_COUNTS = re.compile(r"rpl_semi_sync_(?:source|master)_(wait_sessions|yes_tx|no_tx)", re.IGNORECASE)


def never_executed(unknown: GtidSet) -> str:
    """Return what a message says of GTIDs with the source's own uuid that it has not executed."""
    return (
        f"the job goes on after {brief(unknown)}, which bears this server's uuid and which it never executed: it was "
        "restored from a backup, or has lost its last transactions"
    )


def own_part(gtids: GtidSet, uuid: str, executed: GtidSet, server_id: int = 0) -> GtidSet:
    """Return those that the server of this uuid must have; others' may be missing on purpose.

    MySQL's must have what it made itself. A MariaDB numbers what it makes behind what is there, whoever made that: it
    must have all of the domains of which it has `executed` something, and what bears its number, `server_id`.
    """
    domains = {domain for domain, _ in executed.items()}
    found = GtidSet()
    for source, ranges in gtids.items():
        for start, stop in ranges:
            is_maria = source.isdecimal()
            writer = gtids.writer(source, stop - 1) if is_maria else 0
            if source.partition(":")[0] == uuid.lower() or (is_maria and (source in domains or writer == server_id)):
                found.add_range(f"{source}-{writer}" if is_maria else source, start, stop)
    return found


def check_executed(
    endpoint: Endpoint, start_after: GtidSet, stopped: Callable[[], bool], asking: Asking | None = None
) -> None:
    """Wait until the source has executed its part of the set. `Unsupported` if it does not come to it."""
    with asked(endpoint, asking) as connection:
        end = runtime.now() + PATIENCE
        while (unknown := _unknown(connection, start_after)) and not stopped():
            if runtime.now() > end:
                if waits_for_replica(connection):
                    raise Unavailable(
                        f"{endpoint} has not committed {brief(unknown)}, which it has sent: it waits for a "
                        "semi-synchronous replica to acknowledge it"
                    )
                if connection.is_mariadb and not _made_here(unknown, connection):
                    raise Unavailable(
                        f"{endpoint} has not executed {brief(unknown)}, which the target has: it is a replica that is"
                        " behind, or took another's place without these transactions. The job goes on when it has"
                        f" them; if it never will: {NEW_COPY}"
                    )
                raise Unsupported(f"Src {endpoint}: {never_executed(unknown)}; {FULL_COPY}").because(
                    reason(Cause.SOURCE_RESET, {"server": endpoint, "gtids": brief(unknown)})
                )
            runtime.sleep(PAUSE)


def waits_for_replica(connection: Connection) -> bool:
    """Return whether commits wait for a semi-synchronous replica, and have waited for seconds.

    An account without PROCESS sees no sessions of others; the counts of such commits it may see: they stand still.
    """
    if any(_WAITING.match(each.state) and each.seconds >= _STALLED_SECONDS for each in read_processes(connection)):
        return True
    before = _semi_sync_counts(connection)
    if not before.get("wait_sessions"):
        return False
    runtime.sleep(_COUNTED_SECONDS)
    return _semi_sync_counts(connection) == before


def _semi_sync_counts(connection: Connection) -> dict[str, int]:
    """Return how many sessions wait, and how many commits were acknowledged and given up; empty without the plugin."""
    rows = query(connection, "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_%'")
    return {found[1].lower(): int(value) for name, value in rows if (found := _COUNTS.fullmatch(str(name)))}


def _unknown(connection: Connection, start_after: GtidSet) -> GtidSet:
    text, uuid = read_executed_by(connection)
    executed = GtidSet.parse(text)
    missing = start_after - executed
    server_id = read_server_id(connection) if missing and connection.is_mariadb else 0
    return own_part(missing, uuid, executed, server_id)


def _made_here(gtids: GtidSet, connection: Connection) -> bool:
    """Return whether a MariaDB server made the last of them itself."""
    server_id = read_server_id(connection)
    return any(gtids.writer(domain, stop - 1) == server_id for domain, ranges in gtids.items() for _, stop in ranges)
