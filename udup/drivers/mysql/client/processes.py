"""Who is connected to a server and what they do: SHOW PROCESSLIST, read here alone.

information_schema.PROCESSLIST is never asked: its columns are utf8mb3, so that any question to it fails (error 3854) as
long as anybody runs a statement with a character beyond that, such as an emoji.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from udup.drivers.mysql.client.errors import MySQLError

if TYPE_CHECKING:
    from udup.drivers.mysql.client.connection import Connection

#: Users that stand for the server's own threads.
_OWN = frozenset({"event_scheduler", "system user"})


@dataclass(frozen=True)
class Process:
    """One connection. `statement` is what it runs, its first 100 characters, "" if it runs nothing."""

    number: int
    user: str
    host: str
    command: str
    seconds: int
    state: str
    statement: str

    @property
    def runs_a_statement(self) -> bool:
        """Whether somebody's statement is under way."""
        return self.command in ("Query", "Execute") and bool(self.statement) and self.user not in _OWN


def passed(seconds: object) -> int:
    """Return for how many seconds a session does what it does, as the server says it, in any of its tables.

    Never negative: a server whose clock is set back says so, and of a session that does nothing it says NULL.
    """
    return max(int(str(seconds or 0)), 0)


def read_processes(connection: Connection) -> list[Process]:
    """Return all connections that the account may see: without PROCESS its own alone."""
    with connection.showing_statements(), connection.cursor() as cursor:
        cursor.execute("SHOW PROCESSLIST")
        rows = cursor.fetchall()
    return [
        Process(
            int(number),
            str(user),
            str(host),
            str(command),
            passed(seconds),
            str(state or ""),
            str(info or ""),
        )
        for number, user, host, _schema, command, seconds, state, info in (row[:8] for row in rows)
    ]


def end_session(connection: Connection, number: int, *, statement_alone: bool = False) -> None:
    """KILL a session, or its statement, as far as the account may: one of its own needs no privilege.

    Nothing is done behind a proxy (ProxySQL, MaxScale, RDS Proxy) that numbers sessions by itself: it takes KILL for
    one of its own, and would end another one.
    """
    if connection.has_servers_numbers:
        with suppress(MySQLError), connection.cursor() as cursor:  # gone by itself, or another account's
            cursor.execute(f"KILL {'QUERY ' if statement_alone else ''}{number}")
