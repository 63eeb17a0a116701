"""The number of the newest run of each job, where several nodes may carry it out: table `udup.run` on the target.

The cluster grants a run its number, and a later one has a higher number. A node may stand still at any point after that
and go on much later, when another has the job: then its run must end nothing of the newer one's, whatever it was about
to do. By named locks and the base row alone it could not know, since it has not been there before.

So a run notes its number before any connection of it takes a place of the job (`ownership.py`), and whoever is to end
connections first reads whose they are, then the newest number. If that is its own, all that it has read are of earlier
runs; numbers of connections are never given again, so it may end them at any time later. A run that has all places
reads the number once more: a newer one that notes itself behind that finds those places taken, and ends it.

Each is one statement that commits by itself, so nobody who stands still keeps the row locked. The row outlives the
job's checkpoint, since a run of before it was removed must not begin the job again.
"""

from __future__ import annotations

from udup.base.errors import Superseded
from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query, scalar
from udup.drivers.mysql.client.errors import NOTHING_THERE
from udup.pipeline.selection.schemas import UDUP_SCHEMA

TABLE = "run"

#: What is numbered: runs, and whoever carries on the job's cut-over.
RUN, CUTOVER = "run", "cut-over"

_CREATE = f"""CREATE TABLE IF NOT EXISTS {UDUP_SCHEMA}.{TABLE} (
        job VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        what VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        number BIGINT NOT NULL,
        PRIMARY KEY (job, what)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='The newest run of each job. Do not change.'"""

_NOTE = (
    f"INSERT INTO {UDUP_SCHEMA}.{TABLE} (job, what, number) VALUES (%s, %s, %s)"
    " ON DUPLICATE KEY UPDATE number = GREATEST(number, %s)"
)


def enter(connection: Connection, job: str, number: int, what: str = RUN) -> None:
    """Note the run with this number; `Superseded` if a newer one has noted itself. 0 is no cluster's, and is free.

    On a connection with autocommit on, which has no place of the job yet.
    """
    if not number:
        return
    if not _noted(connection, job, number, what):
        try:
            query(connection, _CREATE)
        except MySQLError as error:
            if error_code(error) not in NOTHING_THERE:
                raise
            return  # Udup has made nothing on this server: there is nothing to remove, and nothing to end
        _noted(connection, job, number, what)
    look(connection, job, number, what)


def enter_if_there(connection: Connection, job: str, number: int) -> None:
    """Do the same where the table is there; where it is not, no run with a number was there either."""
    if number and _noted(connection, job, number, RUN):
        look(connection, job, number)


def look(connection: Connection, job: str, number: int, what: str = RUN) -> None:
    """Raise `Superseded` if a run with a higher number has noted itself."""
    if not number:
        return
    sql = f"SELECT MAX(number) FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND what = %s"
    newest = scalar(connection, sql, job, what)
    if newest is not None and newest > number:
        raise Superseded(
            f"job {job}: {what} {newest} has begun on the target since this node was granted {what} {number}, so"
            " another carries the job out and nothing was changed. If there is none, as where another cluster had the"
            f" job, run on the target: DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = {job!r}"
        )


def _noted(connection: Connection, job: str, number: int, what: str) -> bool:
    try:
        query(connection, _NOTE, job, what, number, number)
    except MySQLError as error:
        if error_code(error) not in NOTHING_THERE:
            raise
        return False
    return True
