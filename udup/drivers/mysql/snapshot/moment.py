"""The moment of a snapshot: what all of its connections see, and the questions that tell which one it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code
from udup.drivers.mysql.client.log_state import read_executed
from udup.drivers.mysql.client.xa_recover import XA_RECOVER_DENIED, recover

_COM_QUERY = 3
_START = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
#: What a server answers an account that may not.
ACCESS_DENIED = frozenset({1044, 1045, 1142, 1227})
LOCK_WAIT_TIMEOUT = 1205


class TableLocks(Protocol):
    """Locks that are held from before the snapshot on."""

    def take(self) -> None: ...
    def try_to_take(self) -> bool: ...
    def release(self) -> None: ...


@dataclass(frozen=True)
class Moment:
    """What all connections see, and the xids that were prepared then."""

    gtid_set: str
    prepared: list[str]


def start_all(readers: Sequence[Connection]) -> None:
    """Begin, or begin again, on all connections: all requests are sent before the first answer is read."""
    for reader in readers:
        reader._execute_command(_COM_QUERY, _START)  # type: ignore[attr-defined]
    for reader in readers:
        reader._read_query_result()  # type: ignore[attr-defined]


def executed(connection: Connection) -> str:
    """Return the server's executed GTIDs."""
    return read_executed(connection)


def prepared(connection: Connection) -> list[str]:
    """Return the xids that are prepared, as XA COMMIT takes them.

    Empty also without XA_RECOVER_ADMIN; then the job stops when such a transaction commits.
    """
    return prepared_now(connection) or []


def prepared_now(connection: Connection) -> list[str] | None:
    """Return the same; None without XA_RECOVER_ADMIN."""
    try:
        return [str(each) for each in recover(connection)]
    except MySQLError as error:
        if error_code(error) == XA_RECOVER_DENIED:
            return None
        raise
