"""The lock of sessions that apply rows to tables without transactions (`unsure.py`): one of them at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256

from udup.base import runtime
from udup.base.errors import Contended, Unavailable
from udup.drivers.mysql.client.connection import Connection, query, scalar
from udup.drivers.mysql.client.processes import end_session, read_processes

#: Seconds that a take-over waits for a session that applies such rows; then the run begins again.
LOCK_SECONDS = 10

#: Seconds of such a session in which it asks for nothing: then its client is frozen or gone, and a take-over ends it.
_IDLE_SECONDS = 3


def lock_name(job: str) -> str:
    """One for each job; the server takes 64 characters."""
    return f"udup.unsure.{sha256(job.encode()).hexdigest()[:48]}"


@contextmanager
def locked(
    connection: Connection,
    job: str,
    seconds: int = LOCK_SECONDS,
    *,
    by_force: bool = False,
    may_end: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Hold the job's lock: no other session is between its marks. `Unavailable` if one stays there.

    `by_force`: end one that has run nothing for a while, unless `may_end` raises; `Contended` if it runs something.
    """
    if by_force:
        _lock_by_force(connection, job, seconds, may_end)
    else:
        take(connection, job, seconds)
    try:
        yield
    finally:
        if connection.open:
            release(connection, job)


def take(connection: Connection, job: str, seconds: int = LOCK_SECONDS) -> None:
    """Take the lock for a session that applies; `Unavailable` if another keeps it."""
    if not _got(connection, job, seconds):
        raise Unavailable(_still_applying(job))  # who applies must not take it for worth another try at once


def _lock_by_force(connection: Connection, job: str, seconds: int, may_end: Callable[[], None]) -> None:
    end = runtime.now() + seconds
    while not _got(connection, job, 1):
        if runtime.now() > end:
            raise Contended(_still_applying(job))
        _end_idle_holder(connection, job, may_end)


def _still_applying(job: str) -> str:
    return (
        f"a session of an earlier run of job {job} is still applying rows to a table without transactions on the "
        f"target; it holds the lock {lock_name(job)}, and may itself wait for a lock on that table"
    )


def _got(connection: Connection, job: str, seconds: int) -> bool:
    return bool(scalar(connection, f"SELECT GET_LOCK('{lock_name(job)}', {seconds})") == 1)


def _end_idle_holder(connection: Connection, job: str, may_end: Callable[[], None]) -> None:
    """End a session that holds the lock and runs nothing: its client is frozen or gone, and no rows are on their way.

    One that runs a statement is left alone: ended in its middle, it would leave a part of the rows.
    """
    number = scalar(connection, f"SELECT IS_USED_LOCK('{lock_name(job)}')")
    may_end()
    for each in read_processes(connection):
        if each.number == number and each.command == "Sleep" and each.seconds >= _IDLE_SECONDS:
            end_session(connection, each.number)


def release(connection: Connection, job: str) -> None:
    query(connection, f"SELECT RELEASE_LOCK('{lock_name(job)}')")
