"""What Udup does on a connection to MySQL, to be tried on servers that answer otherwise than they should."""

from __future__ import annotations

from collections.abc import Callable

from pymysql.cursors import SSCursor

from udup.drivers.mysql.client.connection import Connection, query, scalar
from udup.drivers.mysql.client.raw import execute_raw

Act = Callable[[Connection], object]


def streamed(connection: Connection) -> None:
    with connection.cursor(SSCursor) as cursor:
        cursor.execute("ASKED")
        cursor.fetchall()


def second_result(connection: Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ASKED")
        cursor.nextset()


#: What Udup does on a connection: by name, what it does, and what the server is then asked.
ACTS: dict[str, tuple[Act, bytes]] = {
    "query": (lambda connection: query(connection, "ASKED"), b"ASKED"),
    "scalar": (lambda connection: scalar(connection, "ASKED"), b"ASKED"),
    "streamed": (streamed, b"ASKED"),
    "raw": (lambda connection: execute_raw(connection, b"ASKED", 1), b"ASKED"),
    "commit": (lambda connection: connection.commit(), b"COMMIT"),
    "rollback": (lambda connection: connection.rollback(), b"ROLLBACK"),
    "ping": (lambda connection: connection.ping(), b"\x0e"),
    "schema": (lambda connection: connection.select_db("asked"), b"\x02asked"),
    "charset": (lambda connection: connection.set_character_set("binary"), b"SET NAMES binary"),
    "warnings": (lambda connection: connection.show_warnings(), b"SHOW WARNINGS"),
}
