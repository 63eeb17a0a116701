"""How far a server is, whichever family it is of."""

from __future__ import annotations

from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.client.log_state import read_executed


def executed(connection: Connection) -> GtidSet:
    """Return what is in the server's log."""
    return GtidSet.parse(read_executed(connection))
