"""How far a server is, whichever family it is of."""

from __future__ import annotations

from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, scalar


def executed(connection: Connection) -> GtidSet:
    """Return what is in the server's log."""
    variable = "gtid_binlog_pos" if connection.is_mariadb else "gtid_executed"
    return GtidSet.parse(str(scalar(connection, f"SELECT @@GLOBAL.{variable}")))
