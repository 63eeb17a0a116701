"""What a server says of its log: which transactions it has executed, and which of them it has purged.

MySQL has GTID sets for both. MariaDB has of each domain the last transaction in its log, and in front of each file of
the log those that were last before it.
"""

from __future__ import annotations

import re
from contextlib import suppress

from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query, scalar

_EXECUTED = "@@global.gtid_executed"
_IN_LOG = "@@global.gtid_binlog_pos"

_LISTED = re.compile(r"(\d+)-(\d+)-(\d+)")

#: Errors of a server without a log, of an account that may not ask for its files, of a file that is gone meanwhile.
_WITHOUT_LOG, _DENIED, _NO_FILE = 1381, 1227, 1220

#: How often the oldest file is asked for, which may be purged in this moment.
_TRIES = 3


def executed_sql(connection: Connection) -> str:
    """Return the expression that says what is executed."""
    return _IN_LOG if connection.is_mariadb else _EXECUTED


def read_executed(connection: Connection) -> str:
    """Return the executed GTIDs as the server writes them."""
    return _joined(scalar(connection, f"SELECT {executed_sql(connection)}"))


def read_log_state(connection: Connection) -> tuple[str, str]:
    """Return what is executed, and what of it is purged from the log: of one moment, or what is purged later."""
    if connection.is_mariadb:
        return read_executed(connection), read_purged(connection)
    [(executed, purged)] = query(connection, "SELECT @@global.gtid_executed, @@global.gtid_purged")
    return _joined(executed), _joined(purged)


def read_purged(connection: Connection) -> str:
    """Return what the log holds no more."""
    if not connection.is_mariadb:
        return _joined(scalar(connection, "SELECT @@global.gtid_purged"))
    for _ in range(_TRIES):
        try:
            files = query(connection, "SHOW BINARY LOGS")
            before = listed_before(connection, str(files[0][0])) if files else []
            return ",".join(f"{domain}-{server}-{number}" for domain, server, number in before)
        except MySQLError as error:
            if error_code(error) in (_WITHOUT_LOG, _DENIED):
                return ""
            if error_code(error) != _NO_FILE:
                raise
    return ""


def listed_before(connection: Connection, file: str) -> list[tuple[int, int, int]]:
    """Return domain, server and number of each last transaction before a file of MariaDB's log."""
    with connection.showing_statements():
        events = query(connection, "SHOW BINLOG EVENTS IN %s LIMIT 3", file)
    text = next((str(event[5]) for event in events if event[2] == "Gtid_list"), None)
    if text is None:
        raise MySQLError(_NO_FILE, f"the file {file} does not say which transactions were before it")
    return [(int(one), int(two), int(three)) for one, two, three in _LISTED.findall(text)]


def read_executed_by(connection: Connection) -> tuple[str, str]:
    """Return the executed GTIDs, and the UUID of the server that says so: behind a proxy it may be any."""
    if connection.is_mariadb:
        return read_executed(connection), connection.server_uuid
    [(executed, uuid)] = query(connection, "SELECT @@global.gtid_executed, @@global.server_uuid")
    return _joined(executed), str(uuid)


def read_log_end(connection: Connection) -> tuple[str, int, str] | None:
    """Return the log's last file, where it ends, and what is executed there; None where that cannot be asked."""
    for statement in ("SHOW BINARY LOG STATUS", "SHOW MASTER STATUS"):
        with suppress(MySQLError):  # an older server, or an account that may not
            rows = query(connection, statement)
            if not rows:
                return None
            file, offset = str(rows[0][0]), int(rows[0][1])
            if connection.is_mariadb:
                return file, offset, str(scalar(connection, "SELECT BINLOG_GTID_POS(%s, %s)", file, offset) or "")
            return file, offset, _joined(rows[0][4])
    return None


def read_server_id(connection: Connection) -> int:
    """Return the server's number, which its GTIDs bear in MariaDB."""
    with suppress(MySQLError):
        return int(scalar(connection, "SELECT @@global.server_id"))
    return 0


def _joined(value: object) -> str:
    return str(value or "").replace("\n", "")
