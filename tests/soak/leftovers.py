"""What must not be left of tables that were taken in, loaded again or copied, when a job has them and is level."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.jobs.growth import SIDE
from udup.store.snapshot import FILE_NAME, read_snapshot

#: Seconds until the last flush, and the last record, are stored.
_SECONDS = 30.0

#: Tables of Udup's that are empty for a job at rest, and those that have rows of the job alone.
_EMPTY = ("ahead", "copied_part", "copied_chunk", "prepared")
_OF_THE_JOB = ("checkpoint", "claim", "copied_table", "copied_object", "unsure", "difference")


def leftovers(target: Endpoint, job: str, data: Path) -> list[str]:
    """Return what is left though it should not be."""
    end = time.monotonic() + _SECONDS
    found = _found(target, job, data)
    while found and time.monotonic() < end:
        time.sleep(0.5)
        found = _found(target, job, data)
    return found


def _found(target: Endpoint, job: str, data: Path) -> list[str]:
    found = []
    with closing(connect(target)) as connection:
        there = {str(row[0]) for row in query(connection, "SHOW TABLES FROM udup")}
        for table in (*_EMPTY, *_OF_THE_JOB):
            if table in there:
                found += _rows(connection, table, "" if table in _EMPTY else job)
    snapshot = read_snapshot(data / FILE_NAME)
    side = f"{job}{SIDE}".encode()
    values = {} if snapshot is None else snapshot.values
    return found + [
        f"in the store {key}: {value[:300]!r}" for key, value in values.items() if side in value and key != "gone"
    ]


def _rows(connection: Connection, table: str, job: str) -> list[str]:
    """Return the rows of a table that are not the job's."""
    rows = query(connection, f"SELECT job, COUNT(*) FROM udup.{table} WHERE job <> %s GROUP BY job", job)
    return [f"{count} rows of {of!r} in udup.{table}" for of, count in rows]
