"""`udup.changed_table` on the target: how many rows of each table a job has changed there, and when last.

What is added comes in the transaction that writes the base row of the checkpoint (`checkpoint.py`): what is counted is
what that row says to be executed. A row without names says since when it is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from udup.base import runtime
from udup.drivers.mysql.client.connection import Connection, query
from udup.pipeline.ports.tables import TableChange
from udup.pipeline.selection.schemas import UDUP_SCHEMA

TABLE = "changed_table"

_NAME = "VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"
_NUMBERS = ("inserted", "updated", "deleted", "uncounted")
CREATE = f"""CREATE TABLE IF NOT EXISTS {UDUP_SCHEMA}.{TABLE} (
        job VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        table_schema {_NAME},
        table_name {_NAME},
        {", ".join(f"{each} BIGINT NOT NULL" for each in _NUMBERS)},
        changed_us BIGINT NOT NULL,
        gtid VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        PRIMARY KEY (job, table_schema, table_name)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='Rows of each table that its job has changed.'"""

_COLUMNS = f"table_schema, table_name, {', '.join(_NUMBERS)}, changed_us, gtid"

#: Where a table has a row: the numbers are added up, and the later change is the last one.
_ADDED = (
    *(f"{each} = {TABLE}.{each} + VALUES({each})" for each in _NUMBERS),
    f"gtid = IF(VALUES(changed_us) >= {TABLE}.changed_us, VALUES(gtid), {TABLE}.gtid)",
    f"changed_us = GREATEST({TABLE}.changed_us, VALUES(changed_us))",
)
_ADD = f"ON DUPLICATE KEY UPDATE {', '.join(_ADDED)}"

#: Tables that are asked about in one statement.
_AT_A_TIME = 500


def begin(connection: Connection, job: str) -> None:
    """Note that changes are counted from now on, if they are not counted already."""
    sql = f"INSERT IGNORE INTO {UDUP_SCHEMA}.{TABLE} (job, {_COLUMNS}) VALUES (%s, '', '', 0, 0, 0, 0, %s, '')"
    query(connection, sql, job, int(runtime.wall() * 1e6))


def forget_all(connection: Connection, job: str) -> None:
    """Remove what a job has counted.

    A DELETE that finds nothing locks the gap, and of two jobs that begin at once neither could insert then.
    """
    if query(connection, f"SELECT 1 FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s LIMIT 1", job):
        query(connection, f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s", job)


def add(connection: Connection, job: str, changes: Sequence[TableChange]) -> None:
    """Add what tables have come to, within the caller's transaction."""
    if not changes:
        return
    places = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s, %s)"] * len(changes))
    values = [value for each in changes for value in (job, *_values(each))]
    query(connection, f"INSERT INTO {UDUP_SCHEMA}.{TABLE} (job, {_COLUMNS}) VALUES {places} {_ADD}", *values)


def _values(change: TableChange) -> tuple[object, ...]:
    counts = change.inserted, change.updated, change.deleted, change.uncounted
    return change.schema, change.table, *counts, change.changed_us, change.gtid


def move(connection: Connection, job: str, side: str) -> None:
    """Add what a side job has counted to what its job has, within the caller's transaction."""
    sql = (
        f"INSERT INTO {UDUP_SCHEMA}.{TABLE} (job, {_COLUMNS}) SELECT %s, {_COLUMNS} FROM"
        f" (SELECT {_COLUMNS} FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND table_name <> '') AS side {_ADD}"
    )
    query(connection, sql, job, side)
    query(connection, f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s", side)


def read_since(connection: Connection, job: str) -> int:
    """Return from when on a job counts, in microseconds since the epoch; 0 if it does not."""
    sql = f"SELECT changed_us FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND table_schema = '' AND table_name = ''"
    rows = query(connection, sql, job)
    return int(rows[0][0]) if rows else 0


def read(connection: Connection, job: str, names: Sequence[tuple[str, str]]) -> Iterable[TableChange]:
    """Yield what a job has counted of tables, by their names on the target."""
    for start in range(0, len(names), _AT_A_TIME):
        some = names[start : start + _AT_A_TIME]
        listed = ", ".join(["(%s, %s)"] * len(some))
        sql = (
            f"SELECT {_COLUMNS} FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND (table_schema, table_name) IN ({listed})"
        )
        yield from map(_of_row, query(connection, sql, job, *(part for name in some for part in name)))


def _of_row(row: Sequence[Any]) -> TableChange:
    schema, table, inserted, updated, deleted, uncounted, changed_us, gtid = row
    counts = int(inserted), int(updated), int(deleted), int(uncounted)
    return TableChange(str(schema), str(table), *counts, int(changed_us), str(gtid))
