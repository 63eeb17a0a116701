"""Opens the dump of a source's binary log: the session that it is, and the request.

mysql-replication knows MySQL's registration, GTID set and heartbeats; MariaDB is asked by `mariadb/dump.py`.
"""

from __future__ import annotations

import pymysqlreplication.binlogstream as dump_protocol
from pymysqlreplication import BinLogStreamReader

from udup.base.endpoint import Endpoint
from udup.base.errors import Transient, UdupError
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client import sessions
from udup.drivers.mysql.client.connection import Connection, connect
from udup.drivers.mysql.client.errors import failure
from udup.drivers.mysql.client.raw import raw_socket
from udup.drivers.mysql.mariadb.reading import Reading
from udup.drivers.mysql.mariadb.row_forms import RowForms
from udup.drivers.mysql.stream.packets import QUIET_SECONDS, SILENCE_SECONDS
from udup.drivers.mysql.stream.replica import end_earlier_dump

#: Seconds between the source's heartbeats when it has nothing to send: how soon it is noticed that it says nothing.
HEARTBEAT_SECONDS = 1.5


class _EncodedSet:
    """Stands in for mysql-replication's GtidSet, which does not know tagged GTIDs."""

    def __init__(self, gtids: GtidSet) -> None:
        self._data = gtids.encode()
        self.encoded_length = len(self._data)

    def encoded(self) -> bytes:
        return self._data


class _Position:
    """A GTID set to start after; true even when empty, which mysql-replication would take for "no GTIDs"."""

    def __init__(self, gtids: GtidSet) -> None:
        self.gtids = gtids


def _encode_position(position: _Position) -> _EncodedSet:
    return _EncodedSet(position.gtids)


dump_protocol.GtidSet = _encode_position


def open_dump(
    endpoint: Endpoint, server_id: int, start_after: GtidSet, replica_uuid: str, forms: RowForms | None = None
) -> tuple[Connection, Reading | None]:
    """Return the connection of the dump, and what reads it if it is MariaDB's, with these forms of rows."""
    connection = connect_for_dump(endpoint, replica_uuid)
    reading: Reading | None
    if connection.is_mariadb:
        reading = Reading(start_after, HEARTBEAT_SECONDS, forms)
        reading.ask(connection, server_id)
    else:
        reading = None
        _ask_for_log(connection, endpoint, server_id, start_after, replica_uuid)
    raw_socket(connection).settimeout(QUIET_SECONDS)
    return connection, reading


def connect_for_dump(endpoint: Endpoint, replica_uuid: str) -> Connection:
    """Return a connection that is this replica's dump, none of an earlier run's being left."""
    connection = connect(
        endpoint,
        sessions.DUMP,
        read_timeout=SILENCE_SECONDS,
        # Whatever its binlog_checksum is now, its older files may have been written with checksums.
        init_command="SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32'",
    )
    end_earlier_dump(connection, replica_uuid)
    return connection


def _ask_for_log(
    connection: Connection, endpoint: Endpoint, server_id: int, start_after: GtidSet, replica_uuid: str
) -> None:
    """Have MySQL send what comes after the set."""
    reader = BinLogStreamReader(
        connection_settings={"host": endpoint.host},
        server_id=server_id,
        blocking=True,
        auto_position=_Position(start_after),
        report_slave="udup",
        slave_uuid=replica_uuid,
        slave_heartbeat=HEARTBEAT_SECONDS,
        pymysql_wrapper=lambda **_: connection,
        enable_logging=False,
    )
    # It would ask whether there are checksums, and say then what has been said.
    reader._BinLogStreamReader__checksum_enabled = lambda: False
    try:
        reader._BinLogStreamReader__connect_to_stream()
    except UdupError:
        raise
    except Exception as error:
        raise failure(error, f"cannot open the binlog dump of {endpoint}", Transient) from error
