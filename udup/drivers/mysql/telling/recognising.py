"""Recognises the source of a snapshot that goes on, as `stream/continuity.py` does that of a log.

A snapshot that was cut goes on at a later moment, and the log is followed from its first try's position. If the
source's GTIDs were reset in between, or its last transactions were lost, that position means something else there. So
each try keeps when the source's last transaction was committed, and the next one compares.
"""

from __future__ import annotations

import json

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError, Unsupported
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import MySQLError
from udup.drivers.mysql.stream.continuity import check_continuity
from udup.drivers.mysql.stream.position import check_executed
from udup.drivers.mysql.stream.replica import Replica
from udup.pipeline.stamps import Stamps


def recognised(endpoint: Endpoint, position: str, state: str) -> str:
    """Return stamps of transactions that a snapshot at this position has; `state` is that of an earlier try, or "".

    `Unsupported` if what the earlier try had is not executed there any more, or is something else. An account that may
    not read the log gets no stamps: whoever follows a snapshot may.
    """
    kept = json.loads(state) if state else {}
    known = Stamps.parse(kept.get("stamps", ""))
    for before in kept.get("positions", ())[-1:]:
        check_executed(endpoint, GtidSet.parse(before), lambda: False)
    me = Replica.of(runtime.new_id())  # another one than the job's own, which may read at the same time
    there = endpoint, me.server_id, me.uuid, GtidSet.parse(position)
    try:
        if known.newest():
            check_continuity(*there, known)
        found = check_continuity(*there, Stamps())
    except Unsupported:
        if known.newest():
            raise
        return ""
    except (UdupError, MySQLError, OSError):
        return str(known)
    known.update(found.seen)
    return str(known)
