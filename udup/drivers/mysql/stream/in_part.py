"""Checks that transactions which were told in part come again from the source's log, and are the same.

A destination of messages may have the beginning of a transaction when a run ends. The next run tells the rest of it. A
source that has lost its last transactions meanwhile (its machine has crashed and its log was not synced, or it was
restored from a backup) gives their GTIDs to others: what is told of these would be left out as being there. And a
server that was failed over to may never have had them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from udup.base import runtime
from udup.base.causes import Cause, reason
from udup.base.endpoint import Endpoint
from udup.base.errors import Unavailable, Unsupported
from udup.drivers.mysql.binlog.gtid import GtidSet, brief
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.client.log_state import read_executed_by, read_server_id
from udup.drivers.mysql.stream.continuity import GtidEvents, time_text
from udup.drivers.mysql.stream.position import PATIENCE, PAUSE, own_part, waits_for_replica
from udup.drivers.mysql.stream.stream import BinlogStream
from udup.pipeline.ports import InPart
from udup.pipeline.stamps import Stamps

NEW_COPY = (
    "what consumers have of it cannot be completed, and nothing more was delivered: compare what they have with the"
    " source; delete the job with its position (DELETE /v1/job/ID?purge=true), and post it again: it begins with a"
    " snapshot"
)


def check_in_part(
    endpoint: Endpoint,
    server_id: int,
    replica_uuid: str,
    in_part: InPart,
    stopped: Callable[[], bool],
    opened: Callable[[BinlogStream], None],
) -> None:
    """Wait until the source has executed them, and compare when they were committed.

    `Unsupported` if they were the source's own and it has lost them, or has given their GTIDs to others; `Unavailable`
    if another server's are not there yet. `opened` as in `check_continuity`.
    """
    wanted = GtidSet.parse(in_part.gtids)
    _await_executed(endpoint, wanted, stopped)
    known = {(stamp.source, stamp.number): stamp for stamp in Stamps.parse(in_part.stamps).within(wanted)}
    if not known or stopped():
        return
    for gtid in GtidEvents(endpoint, server_id, replica_uuid, opened).read(list(known)):
        stamp = known[gtid.source, gtid.number]
        if gtid.original_us and gtid.original_us != stamp.committed_us:
            raise Unsupported(
                f"Src {endpoint}: {stamp.gtid}, of which messages were delivered, was committed at"
                f" {time_text(stamp.committed_us)}, and in the log it is another transaction, of"
                f" {time_text(gtid.original_us)}: the source has lost its last transactions, or was reset; {NEW_COPY}"
            ).because(reason(Cause.SOURCE_RESET, {"server": endpoint, "gtids": stamp.gtid}))


def _await_executed(endpoint: Endpoint, wanted: GtidSet, stopped: Callable[[], bool]) -> None:
    with closing(connect(endpoint)) as connection:
        end = runtime.now() + PATIENCE
        while not stopped():
            text, uuid = read_executed_by(connection)
            executed = GtidSet.parse(text)
            missing = wanted - executed
            if not missing:
                return
            if runtime.now() > end:
                server_id = read_server_id(connection) if connection.is_mariadb else 0
                own = own_part(missing, uuid, GtidSet(), server_id)
                if own and not waits_for_replica(connection):
                    raise Unsupported(
                        f"Src {endpoint}: {brief(own)}, of which messages were delivered, is not executed there: the"
                        f" source has lost its last transactions, or was restored from a backup; {NEW_COPY}"
                    ).because(reason(Cause.SOURCE_RESET, {"server": endpoint, "gtids": brief(own)}))
                raise Unavailable(
                    f"{endpoint} has not executed {brief(missing)}, of which messages were delivered: the rest comes"
                    f" when this server has it. If it never will, since it took another's place without it: {NEW_COPY}"
                )
            runtime.sleep(PAUSE)
