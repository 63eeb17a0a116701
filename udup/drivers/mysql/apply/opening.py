"""Opens a slot's connection for one of the two paths that rows can take to the target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.apply.rows_by_events import EventRows
from udup.drivers.mysql.apply.rows_by_statements import StatementRows
from udup.drivers.mysql.apply.rows_path import RowsPath
from udup.drivers.mysql.client.connection import Connection, connect, error_code
from udup.drivers.mysql.client.session_setup import SessionRefused
from udup.drivers.mysql.client.sessions import apply_session, statement_session
from udup.drivers.mysql.mariadb.rows import MariaRows
from udup.pipeline.ports import ApplyMode

#: "you need (at least one of) the … privilege(s)".
_DENIED = 1227


@dataclass(frozen=True)
class OpenedPath:
    """`mode` becomes `STATEMENTS` if the account showed already that it may not do otherwise."""

    connection: Connection
    rows: RowsPath
    mode: ApplyMode


def open_path(
    endpoint: Endpoint,
    mode: ApplyMode,
    lock_wait: int,
    answer_within: float | None,
    hold: Callable[[Connection], None],
) -> OpenedPath:
    """Connect, have `hold` take the connection's place, and return it with its path.

    By privilege it is the path by events, until the server denies that; see `gives_way`.
    """
    hurried = answer_within is not None
    if mode not in (ApplyMode.STATEMENTS, ApplyMode.CONVERTED):
        session = apply_session(lock_wait, hurried=hurried)
        try:
            connection = connect(endpoint, session, read_timeout=answer_within)
        except SessionRefused:
            if mode is not ApplyMode.BY_PRIVILEGE:
                raise
            return open_path(endpoint, ApplyMode.STATEMENTS, lock_wait, answer_within, hold)
        path = MariaRows if connection.is_mariadb else EventRows
        return _opened(connection, hold, lambda: path(connection, session), mode)
    session = statement_session(lock_wait, hurried=hurried)
    connection = connect(endpoint, session, read_timeout=answer_within, counts_found=True)
    converts = mode is ApplyMode.CONVERTED
    return _opened(connection, hold, lambda: StatementRows(connection, session, converts=converts), mode)


def _opened(
    connection: Connection, hold: Callable[[Connection], None], path: Callable[[], RowsPath], mode: ApplyMode
) -> OpenedPath:
    try:
        rows = path()
        hold(connection)
    except BaseException:
        connection.close()
        raise
    return OpenedPath(connection, rows, mode)


def gives_way(mode: ApplyMode, error: BaseException) -> bool:
    """Return whether this error of the first BINLOG means that rows go by statements."""
    return mode is ApplyMode.BY_PRIVILEGE and error_code(error) == _DENIED
