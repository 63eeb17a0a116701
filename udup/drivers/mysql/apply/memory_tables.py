"""MEMORY tables of the target are empty after its server's restart, and those of the source are not.

Nothing in the log tells of that restart, so a sign is kept in a MEMORY table of Udup's own, `udup.alive`: it goes
exactly when theirs go. Which of a job's tables are MEMORY tables is kept with its note in `udup.unsure`.
"""

from __future__ import annotations

from collections.abc import Iterable

from udup.base.causes import Cause, reason
from udup.base.errors import Divergence
from udup.drivers.mysql.apply import unsure
from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query, scalar
from udup.pipeline.selection.schemas import UDUP_SCHEMA

TABLE = "alive"

_CREATE = f"""CREATE TABLE IF NOT EXISTS {UDUP_SCHEMA}.{TABLE} (
        job VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        PRIMARY KEY (job)
    ) ENGINE=MEMORY COMMENT='Jobs whose MEMORY tables are as they left them. Empty after a restart.'"""

_NO_SUCH_TABLE = 1146


def note_memory_tables(connection: Connection, job: str, names: Iterable[str]) -> None:
    """The job fills these from now on (schema.table), with autocommit on."""
    known = _noted(connection, job)
    wanted = sorted({*known, *names})
    if not wanted:
        return
    query(connection, _CREATE)
    query(connection, f"INSERT IGNORE INTO {UDUP_SCHEMA}.{TABLE} VALUES (%s)", job)
    sql = f"UPDATE {UDUP_SCHEMA}.{unsure.TABLE} SET memory_tables = %s WHERE job = %s"
    query(connection, sql, "\n".join(wanted), job)


def look_at_memory_tables(connection: Connection, job: str) -> None:
    """Raises `Divergence` if the server has been restarted since a MEMORY table of the job was filled."""
    names = [name for name in _noted(connection, job) if _is_memory_table(connection, name)]
    if not names or _is_alive(connection, job):
        return
    listed = ", ".join(names)
    raise Divergence(
        f"the target's server was restarted, so that its MEMORY tables are empty and the source's are not: {listed}. "
        'Give the job another ID, so that it is copied again, best with "Engine": "InnoDB" in the Dest\'s Config. If '
        "they are empty on the source too, or you have filled them, run on the target: "
        f"UPDATE {UDUP_SCHEMA}.{unsure.TABLE} SET memory_tables = '' WHERE job = {job!r}, and resume the job",
        table=listed,
    ).because(reason(Cause.MEMORY_LOST, {"table": listed}))


def _noted(connection: Connection, job: str) -> list[str]:
    text = scalar(connection, f"SELECT memory_tables FROM {UDUP_SCHEMA}.{unsure.TABLE} WHERE job = %s", job)
    return str(text).split("\n") if text else []


def _is_memory_table(connection: Connection, name: str) -> bool:
    sql = (
        "SELECT 1 FROM information_schema.TABLES WHERE ENGINE = 'MEMORY' AND TABLE_SCHEMA <> %s"
        " AND CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) = %s"
    )
    return bool(query(connection, sql, UDUP_SCHEMA, name))


def _is_alive(connection: Connection, job: str) -> bool:
    try:
        return bool(query(connection, f"SELECT 1 FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s", job))
    except MySQLError as error:
        if error_code(error) == _NO_SUCH_TABLE:
            return False
        raise
