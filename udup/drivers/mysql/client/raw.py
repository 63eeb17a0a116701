"""Below PyMySQL's API: its socket, and statements as bytes with their results counted.

A BINLOG statement's OK packet has lost the "more results" flag, so PyMySQL's own walk through the results of a
multi-statement stops short and the connection falls out of step. The statements are known here, so their results are
counted instead; the server stops at the first one that fails.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from pymysql.constants import COMMAND as COMMAND
from pymysql.cursors import SSCursor as SSCursor  # rows as they come

from udup.drivers.mysql.client.connection import Connection

#: What COM_BINLOG_DUMP says: offset, flags, server id; behind it the name of the file.
_FILE_DUMP = struct.Struct("<IHI")

#: Where a file's first event stands, and the flag of a dump that waits for nothing to be written.
_FIRST_EVENT, _ENDS = 4, 0x01

#: The flag by which MariaDB sends the events that say a statement's text, too: without them offsets have gaps.
_ANNOTATED = 0x02


def raw_socket(connection: Connection) -> Any:
    """The connection's socket (plain or TLS); None once it is closed."""
    return connection._sock  # type: ignore[attr-defined]


def shut_down(connection: Connection) -> None:
    """End a connection from another thread: a statement under way fails there, and the server rolls back."""
    sock = raw_socket(connection)
    if sock is not None:
        with suppress(OSError):  # it may be gone already
            # Not SSLSocket's own: that drops the decryption first, and the reader would take ciphertext for packets.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


def execute_counted(connection: Connection, sql: bytes, statements: int) -> Iterator[int]:
    """The same, telling after each statement how many have succeeded."""
    wire: Any = connection
    wire._execute_command(COMMAND.COM_QUERY, sql)
    for done in range(1, statements + 1):
        wire._read_packet()
        yield done


def execute_raw(connection: Connection, sql: bytes, statements: int) -> None:
    """Run so many statements that return no rows, in one round trip. Raises the first one's error."""
    wire: Any = connection
    wire._execute_command(COMMAND.COM_QUERY, sql)
    for _ in range(statements):
        wire.read_ok()


def dump_file(connection: Connection, server_id: int, file: str) -> None:
    """Ask for the events of one file of the binary log from its beginning; what follows ends where the log ends now."""
    wire: Any = connection
    flags = _ENDS | _ANNOTATED if connection.is_mariadb else _ENDS
    wire._execute_command(COMMAND.COM_BINLOG_DUMP, _FILE_DUMP.pack(_FIRST_EVENT, flags, server_id) + file.encode())


def execute_affected(connection: Connection, sql: bytes, statements: int) -> Iterator[tuple[int, int]]:
    """Run so many statements that return no rows, in one round trip; yield each one's rows and warnings.

    All of it has to be taken before the next statement. Raises the first one's error.
    """
    wire: Any = connection
    wire._execute_command(COMMAND.COM_QUERY, sql)
    for _ in range(statements):
        ok = wire._read_ok_packet()
        yield ok.affected_rows, ok.warning_count
