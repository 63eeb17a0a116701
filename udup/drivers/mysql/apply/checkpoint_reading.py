"""Reading a job's checkpoint beside its run: nothing is locked, nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing, suppress

from udup.base.endpoint import Endpoint
from udup.base.errors import Side
from udup.drivers.mysql.apply.checkpoint import COPYING, TABLE
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, error_code, query
from udup.drivers.mysql.client.errors import NOTHING_THERE, failure
from udup.drivers.mysql.client.seam import behind_the_seam
from udup.pipeline.selection.schemas import UDUP_SCHEMA

#: Seconds for an answer: some rows are read, and nothing is waited for.
ANSWER_SECONDS = 20.0

_ROWS = f"SELECT slot, gtids, selection FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s ORDER BY slot"


@behind_the_seam(Side.TARGET)
class MySQLCheckpointReader:
    """A connection for the same question again and again. Each answer is of the moment in which it is read."""

    def __init__(self, endpoint: Endpoint, job: str) -> None:
        self.endpoint = endpoint
        self._job = job
        self._what = f"reading the checkpoint of job {job} on the target {endpoint}"
        try:
            self._connection = connect(endpoint, answer_seconds=ANSWER_SECONDS)
        except MySQLError as error:
            raise failure(error, self._what) from error

    def executed(self) -> GtidSet | None:
        """Return the union of the job's rows, of one moment; None without a base row, or while a copy has not ended."""
        try:
            return read_union(self._connection, self._job)
        except MySQLError as error:
            if error_code(error) in NOTHING_THERE:
                return None
            raise failure(error, self._what) from error

    def close(self) -> None:
        with suppress(MySQLError, OSError):  # lost already
            self._connection.close()


def read_executed(endpoint: Endpoint, job: str) -> GtidSet | None:
    """Return it once, on a connection for this alone."""
    with closing(MySQLCheckpointReader(endpoint, job)) as reader:
        return reader.executed()


def read_union(connection: Connection, job: str) -> GtidSet | None:
    """Return the same on a connection that is there; an error of MySQL passes through."""
    return _union(query(connection, _ROWS, job))


def _union(rows: Sequence[Sequence[object]]) -> GtidSet | None:
    if not rows or rows[0][0] != 0 or rows[0][2] == COPYING:
        return None
    executed = GtidSet()
    for _, gtids, _ in rows:
        executed.update(GtidSet.parse(str(gtids)))
    return executed
