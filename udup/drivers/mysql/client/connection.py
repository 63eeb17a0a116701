"""Connections to MySQL servers, opened one way everywhere."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import closing
from functools import partial
from typing import Any, TypeAlias

from pymysql.constants import CLIENT, CR

from udup.base.endpoint import Endpoint
from udup.base.errors import Fault, Refused, UdupError
from udup.base.secrets import Unresolvable, read_password
from udup.base.tls import SslMode
from udup.drivers.mysql.client.errors import MySQLError, describe, error_code, failure, is_transient
from udup.drivers.mysql.client.processes import read_processes
from udup.drivers.mysql.client.refusals import connection_refused
from udup.drivers.mysql.client.session_setup import begin
from udup.drivers.mysql.client.sessions import PLAIN, Session
from udup.drivers.mysql.client.silence import ASK_SECONDS, NoAnswerError, Seen
from udup.drivers.mysql.client.wire import Wire

Connection: TypeAlias = Wire

__all__ = [
    "Connection",
    "MySQLError",
    "connect",
    "describe",
    "error_code",
    "failure",
    "is_loopback",
    "is_transient",
    "query",
    "scalar",
]

#: Seconds to wait for a server to accept a connection.
CONNECT_TIMEOUT = 10

#: Seconds of silence after which the kernel asks whether the server is still there; dead after as many again.
KEEPALIVE_IDLE_SECONDS = 20

#: Client-side limit of one packet; the server's own max_allowed_packet is the real one.
MAX_PACKET = 1 << 30

#: Bytes of an answer of which one value is wanted: the longest GTID sets have some megabytes.
SCALAR_BYTES = 256 << 20


_FILES = "put PEM files there that this node's user can read: SslCa the authority, SslCert and SslKey a pair"

_REFERENCE = "set the variable for `udup server` and start it again, or put the file there; see docs/security.md"


def connect(endpoint: Endpoint, session: Session | None = PLAIN, **options: Any) -> Connection:
    """Open a connection for one use of it, with TLS as the endpoint says.

    With `counts_found` an UPDATE tells the rows that it has found, not those that it has changed.
    Its session depends on no default of the server; with None instead of a `session` it is as the server made it, as
    a client's would be. `Unavailable` if the server cannot be reached or takes nobody now; `Transient` if what answers
    cannot be understood; `Refused` if it turns Udup away, or Udup it, if this node has not the password or the files
    that the endpoint names, or if the account may not set what the session needs.
    """
    settings: dict[str, Any] = {
        "autocommit": None,  # the session says so
        "charset": "utf8mb4",
        "connect_timeout": CONNECT_TIMEOUT,
        "max_allowed_packet": MAX_PACKET,
        "program_name": "udup",
        "client_flag": CLIENT.MULTI_STATEMENTS,
    }
    if session is not None and "autocommit" in options:
        session = session.with_(session.use, autocommit="ON" if options.pop("autocommit") else "OFF")
    if options.pop("counts_found", False):
        settings["client_flag"] |= CLIENT.FOUND_ROWS
    settings.update(_tls_options(endpoint))
    settings["ask"] = partial(_seen, endpoint)
    settings.update(options)
    password = _password(endpoint)
    try:
        connection: Connection = Wire(
            host=endpoint.host,
            port=endpoint.port,
            user=endpoint.user,
            password=password,
            **settings,
        )
        _notice_dead_peer(connection)
        if session is not None:
            _begin(connection, session)
    except MySQLError as error:
        raise connection_refused(error, endpoint) from error
    return connection


def greeted_by(endpoint: Endpoint, seconds: float) -> str:
    """Return the version that a server greets with, whether or not it lets the account in; "" if nobody greets."""
    try:
        tls, password = _tls_options(endpoint), _password(endpoint)
    except Refused:
        tls, password = {"ssl_disabled": True}, ""
    settings: dict[str, Any] = {**tls, "connect_timeout": seconds, "read_timeout": seconds, "defer_connect": True}
    wire = Wire(host=endpoint.host, port=endpoint.port, user=endpoint.user, password=password, **settings)
    try:
        wire.connect()
    except (MySQLError, OSError):
        pass  # it has greeted before it turned the account away, or nobody is there
    finally:
        if wire.open:
            wire.close()
    return str(getattr(wire, "server_version", ""))


def _begin(connection: Connection, session: Session) -> None:
    try:
        with connection.answering_within(CONNECT_TIMEOUT):
            begin(connection, session)
    except BaseException:
        connection.close()
        raise


def _seen(endpoint: Endpoint, number: int) -> Seen | None:
    """Return what the server says of one of its sessions, None if it does not let this account ask now."""
    try:
        asking = connect(
            endpoint,
            ask=None,
            connect_timeout=ASK_SECONDS,
            read_timeout=ASK_SECONDS,
            write_timeout=ASK_SECONDS,
            answer_seconds=ASK_SECONDS,
        )
        with closing(asking):
            session = next((each for each in read_processes(asking) if each.number == number), None)
            return Seen(asking.server_uuid, session)
    except MySQLError as error:
        raise NoAnswerError(describe(error)) from error
    except UdupError as error:
        if isinstance(error.__cause__, MySQLError) and error_code(error.__cause__) < CR.CR_UNKNOWN_ERROR:
            return None  # the server itself refuses: too many connections, a password that was changed
        raise NoAnswerError(str(error)) from error


def query(connection: Connection, sql: str, *args: object) -> list[Any]:
    """All rows of one statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, args or None)
        return list(cursor.fetchall())


def scalar(connection: Connection, sql: str, *args: object) -> Any:
    """The first column of the first row, or None without rows."""
    with connection.holding(SCALAR_BYTES):
        rows = query(connection, sql, *args)
    return rows[0][0] if rows else None


def _notice_dead_peer(connection: Connection) -> None:
    """Have the kernel end a connection whose other end is gone without a word, also during a long statement."""
    sock = connection._sock  # type: ignore[attr-defined]
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_IDLE_SECONDS // 4)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 2000 * KEEPALIVE_IDLE_SECONDS)


def _tls_options(endpoint: Endpoint) -> dict[str, Any]:
    """PyMySQL's options; without any it prefers TLS, and looks at no certificate."""
    tls = endpoint.tls
    if tls.mode == SslMode.DISABLED:
        return {"ssl_disabled": True}
    if tls.mode == SslMode.PREFERRED:
        return {"ssl_disabled": is_loopback(endpoint.host)}
    faults = [Fault(f"{endpoint}: {name}", problem, _FILES) for name, problem in tls.file_faults()]
    try:
        return {"ssl": tls.context()}
    except OSError as error:
        named = Fault(str(endpoint), f"the files for TLS ({tls.ca} {tls.cert} {tls.key}) do not fit: {error}", _FILES)
        raise Refused(faults or [named]) from error


def _password(endpoint: Endpoint) -> str:
    try:
        return read_password(endpoint.password)
    except Unresolvable as error:
        named = Fault(f"{endpoint}: Password", f"{endpoint.password!r} {error}", _REFERENCE)
        raise Refused([named]) from error


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
