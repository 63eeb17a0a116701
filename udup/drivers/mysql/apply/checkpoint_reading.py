"""Reading a job's checkpoint beside its run: nothing is locked, nothing is changed."""

from __future__ import annotations

from contextlib import closing

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.apply.checkpoint import COPYING, TABLE
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import MySQLError, connect, error_code, query
from udup.drivers.mysql.client.errors import failure
from udup.pipeline.selection.schemas import UDUP_SCHEMA

#: Errors that say that no job has been here: no such schema, no such table.
_NOTHING_THERE = (1049, 1146)

_ROWS = f"SELECT slot, gtids, selection FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s ORDER BY slot"


def read_executed(endpoint: Endpoint, job: str) -> GtidSet | None:
    """Return the union of the job's rows, as of one moment; None without a base row, or while a copy has not ended."""
    try:
        with closing(connect(endpoint)) as connection:
            rows = query(connection, _ROWS, job)
    except MySQLError as error:
        if error_code(error) in _NOTHING_THERE:
            return None
        raise failure(error, f"reading the checkpoint of job {job} on the target {endpoint}") from error
    if not rows or rows[0][0] != 0 or rows[0][2] == COPYING:
        return None
    executed = GtidSet()
    for _, gtids, _ in rows:
        executed.update(GtidSet.parse(str(gtids)))
    return executed
