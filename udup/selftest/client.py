"""Runs the statements of a case on the source as its client would: in its sessions, in their character sets."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress

from udup.base.endpoint import Endpoint
from udup.base.errors import Refused, Transient, UdupError
from udup.drivers.mysql.client.charsets import encoding_named
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, describe, error_code, is_transient
from udup.drivers.mysql.client.session_setup import SessionRefused
from udup.drivers.mysql.client.sessions import PLAIN, Session
from udup.selftest.case import Case, Step

_CHARSET = re.compile(
    r"\s*SET\s+(?:NAMES|CHARACTER\s+SET|CHARSET|character_set_client\s*=)\s*['\"]?(?P<name>\w+)", re.IGNORECASE
)


#: Seconds that a statement waits for somebody who keeps a table, or all of the server, locked; MySQL's own are a year.
_LOCK_SECONDS = 60

#: A case's own sessions: those of a client of a server as MySQL ships it, in a time zone that is nobody's default.
CLIENT = PLAIN.with_(
    "a case's client",
    time_zone="+05:30",
    group_concat_max_len="1024",
    print_identified_with_as_hex="OFF",
    explicit_defaults_for_timestamp="ON",
    sql_require_primary_key="OFF",
    sql_generate_invisible_primary_key="OFF",
    default_collation_for_utf8mb4="utf8mb4_0900_ai_ci",
    lock_wait_timeout=str(_LOCK_SECONDS),
)


#: What a server may not let an account choose, or not in a session. There a case has the server's own: what follows
#: from that, it says itself.
_GIVEN = ("explicit_defaults_for_timestamp", "sql_require_primary_key", "sql_generate_invisible_primary_key")

#: The same of a server that insists on them.
_MODEST_CLIENT = Session(CLIENT.use, {name: value for name, value in CLIENT.own.items() if name not in _GIVEN})

#: How often a session is tried to be had.
_TRIES = 5


class NotRun(UdupError):
    """The source has answered a statement of a case otherwise than the case expects."""


class Client:
    """The sessions of one case in one schema; they stay open between its two parts, with all that they hold."""

    def __init__(self, source: Endpoint, case: Case, schema: str) -> None:
        self._source = source
        self._case = case
        self._schema = schema
        self._sessions: dict[str, Connection] = {}
        self._codecs: dict[str, str] = {}
        self._open = ExitStack()

    def run(self, *, late: bool, after_each: Callable[[], None] = lambda: None) -> None:
        """The statements of one part; `UdupError` with the file and the line if one does not end as it should."""
        for step in self._case.steps:
            if step.late == late:
                self._run_step(step)
                after_each()

    def close(self) -> None:
        self._open.close()

    def _run_step(self, step: Step) -> None:
        session = self._session(step)
        found = _CHARSET.match(step.sql)
        if found:
            name = found["name"].lower()
            self._codecs[step.connection] = _codec(name)
        try:
            _send(session, step.sql.encode(self._codecs[step.connection]))
        except UnicodeEncodeError as error:
            raise UdupError(f"{self._place(step)}: {error}") from error
        except MySQLError as error:
            if error_code(error) != step.error:
                raise self._refused(step, error) from error
        else:
            if step.error:
                raise NotRun(f"{self._place(step)}: the source accepts what it should refuse with {step.error}")

    def _session(self, step: Step) -> Connection:
        """The session of a step, set as the case says."""
        name = step.connection
        if name not in self._sessions:
            session = self._open.enter_context(closing(self._connected(step)))
            if self._case.session:
                try:
                    _send(session, f"SET {self._case.session}".encode())
                except MySQLError as error:
                    raise self._refused(step, error) from error
            self._sessions[name] = session
            self._codecs[name] = "utf-8"
        return self._sessions[name]

    def _connected(self, step: Step) -> Connection:
        """Connect, again if need be: these servers give a client two seconds, which a busy machine may not have."""
        for _ in range(_TRIES - 1):
            with suppress(Transient):
                return self._connect(step)
        return self._connect(step)

    def _connect(self, step: Step) -> Connection:
        try:
            with suppress(SessionRefused):
                return connect(self._source, CLIENT, database=self._schema)
            return connect(self._source, _MODEST_CLIENT, database=self._schema)
        except Refused as error:
            raise NotRun(f"{self._place(step)}: {error}") from error

    def _refused(self, step: Step, error: MySQLError) -> UdupError:
        kind = UdupError if is_transient(error) else NotRun
        return kind(f"{self._place(step)}: {describe(error)}")

    def _place(self, step: Step) -> str:
        return f"{self._case.path}, line {step.line}"


def _codec(charset: str) -> str:
    """Python's name of a MySQL character set; a client that says `binary` or `default` sends the file's own UTF-8."""
    found = None if charset in ("binary", "default") else encoding_named(charset)
    return found or "utf-8"


def _send(session: Connection, sql: bytes) -> None:
    """One text with every result that it has."""
    with session.cursor() as cursor:
        cursor.execute(sql)  # type: ignore[call-overload]
        while cursor.nextset():
            pass
