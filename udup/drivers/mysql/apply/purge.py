"""Removing a job's checkpoint from the target: whoever posts a job of that ID again begins with a full copy."""

from __future__ import annotations

from contextlib import closing

from udup.base.endpoint import Endpoint
from udup.base.errors import Superseded, Transient
from udup.drivers.mysql.apply import later_keys
from udup.drivers.mysql.apply.own_tables import TABLES
from udup.drivers.mysql.apply.ownership import taking_over
from udup.drivers.mysql.client.connection import MySQLError, connect, error_code, query
from udup.drivers.mysql.client.errors import NOTHING_THERE, failure
from udup.drivers.mysql.client.sessions import PURGE
from udup.drivers.mysql.compare.definition_ledger import TABLE as DEFINITIONS
from udup.drivers.mysql.compare.ledger import TABLE as DIFFERENCES
from udup.pipeline.ownership import Owner
from udup.pipeline.selection.schemas import UDUP_SCHEMA

#: Seconds to connect.
_CONNECT_SECONDS = 5


def purge(endpoint: Endpoint, job: str, number: int = 0) -> None:
    """Remove the rows, all tables' or none. The schema and the copied tables stay, and the `number` of the removal.

    No run of the job is left on the target meanwhile. Whatever one might still send finds its row gone and applies
    nothing.
    """
    try:
        with (
            closing(connect(endpoint, PURGE, autocommit=True, connect_timeout=_CONNECT_SECONDS)) as connection,
            taking_over(connection, job, Owner("", number=number)),
        ):
            connection.begin()
            for table in (*TABLES, DIFFERENCES, DEFINITIONS):
                try:
                    query(connection, f"DELETE FROM {UDUP_SCHEMA}.{table} WHERE job = %s", job)
                    if table == later_keys.TABLE:  # a side job's are noted for the job that it comes to
                        query(connection, f"DELETE FROM {UDUP_SCHEMA}.{table} WHERE side = %s AND due = 0", job)
                except MySQLError as error:
                    if error_code(error) not in NOTHING_THERE:
                        raise
            connection.commit()
    except Superseded as error:
        raise Transient(f"cannot remove the checkpoint of job {job} on the target {endpoint}: {error}") from error
    except MySQLError as error:
        raise failure(error, f"cannot remove the checkpoint of job {job} on the target {endpoint}") from error
