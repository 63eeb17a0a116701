"""Whether the target is there and takes changes: asked while a job is idle, or while it answers nothing for long."""

from __future__ import annotations

from contextlib import closing

from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError, Unavailable
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, query
from udup.drivers.mysql.client.errors import error_code, failure
from udup.drivers.mysql.client.silence import ASK_SECONDS

#: Seconds for an answer on an idle connection.
ANSWER_SECONDS = 10

#: From here on an error's number is the client's own: no server has answered.
_CLIENT_ERRORS = range(2000, 3000)

_STATE = "SELECT @@global.super_read_only, @@global.read_only"
_STATE_OF_MARIADB = "SELECT 0, @@global.read_only"


def check_now(connection: Connection, *, is_admin: bool) -> None:
    """Ask on a connection that is idle. `Unavailable` if the server takes no changes.

    `is_admin`: the account may write to a server that is read-only. That the server is gone, or does not answer in
    time, is an error of MySQL's.
    """
    with connection.answering_within(ANSWER_SECONDS):
        [(super_read_only, read_only)] = query(connection, _STATE_OF_MARIADB if connection.is_mariadb else _STATE)
    if super_read_only or (read_only and not is_admin):
        name = "super_read_only" if super_read_only else "read_only"
        raise Unavailable(f"the target {connection.host}:{connection.port} takes no changes: {name} is ON there")


def answers(endpoint: Endpoint) -> None:
    """Ask on a connection of its own. `Unavailable` if nobody answers; a server that refuses this one does answer.

    It has as much time as the question by which a connection is watched that hears nothing (`silence.py`).
    """
    try:
        with closing(connect(endpoint, None, connect_timeout=ASK_SECONDS, read_timeout=ASK_SECONDS)) as asking:
            query(asking, "SELECT 1")
    except MySQLError as error:
        if not error_code(error) or error_code(error) in _CLIENT_ERRORS:
            raise failure(error, f"the target {endpoint} does not answer", Unavailable) from error
    except Unavailable as error:
        if not isinstance(error.__cause__, MySQLError) or error_code(error.__cause__) in _CLIENT_ERRORS:
            raise
    except UdupError:
        return  # it was refused, so somebody is there
