"""What is about to be done on the target that no transaction holds together, where no GTID of Udup's own tells of it.

An account that may not set `gtid_next` cannot have the server run a definition once. So before it runs its intent is
noted in `udup.intent`: which one it is, and what its objects were before (`ddl_state.py`). The next run that is to run
the same one compares them with what they are now: other ones mean that it has run. The same ones mean that it has not,
or has changed nothing that it would not change again. Where neither can be known, somebody is asked (`settle`).

The table of a CREATE TABLE … SELECT is noted here as well, until its rows are committed (`created_table.py`).
The table is made when the first account of that kind comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from udup.base.errors import Divergence
from udup.drivers.mysql.client.connection import Connection, query
from udup.pipeline.selection.schemas import UDUP_SCHEMA

TABLE = "intent"

DEFINITION, MADE = "definition", "table"

APPLIED, NOT_APPLIED = "applied", "not-applied"

CREATE = f"""CREATE TABLE IF NOT EXISTS {UDUP_SCHEMA}.{TABLE} (
        job VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        own VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
        gtid VARCHAR(120) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
        doing TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        objects MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        answer VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
        PRIMARY KEY (job, kind)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='What is being done on this server. Do not change.'"""

#: Characters of a statement that a note keeps for people.
_SHOWN = 500


@dataclass(frozen=True)
class Intent:
    """A definition that was about to run: its number, its transaction, what it was, its objects before, what somebody
    has said of it.
    """

    own: str
    gtid: str
    doing: str
    objects: str
    answer: str


def prepare(connection: Connection) -> None:
    """Make the table, on a connection with autocommit on."""
    sql = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    if not query(connection, sql, UDUP_SCHEMA, TABLE):
        query(connection, CREATE)


def note(connection: Connection, job: str, own: str, gtid: str, doing: str, objects: str) -> None:
    """Note a definition that is about to run, in the place of the one before it."""
    sql = f"REPLACE INTO {UDUP_SCHEMA}.{TABLE} (job, kind, own, gtid, doing, objects) VALUES (%s, %s, %s, %s, %s, %s)"
    query(connection, sql, job, DEFINITION, own, gtid, doing[:_SHOWN], objects)


def read(connection: Connection, job: str, lock: str = "") -> Intent | None:
    """Return the definition that was noted last."""
    sql = f"SELECT own, gtid, doing, objects, answer FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND kind = %s{lock}"
    rows = query(connection, sql, job, DEFINITION)
    return Intent(*map(str, rows[0])) if rows else None


def ask(connection: Connection, job: str, intent: Intent, why: str) -> Divergence:
    """Return the error that asks somebody whether a definition has run."""
    return Divergence(
        f"it is not known whether this has run on the target: {intent.doing}: {why}. Look there, and say which: udup"
        f" job settle {job} --gtid {intent.gtid} --applied if it has, --not-applied if it has not; then the job goes"
        " on",
        gtid=intent.gtid,
    )


def answer(connection: Connection, job: str, gtid: str, *, applied: bool) -> bool:
    """Note what somebody has found, in the open transaction; False if this definition is not the one that was noted."""
    intent = read(connection, job, " FOR UPDATE")
    if intent is None or intent.gtid != gtid:
        return False
    sql = f"UPDATE {UDUP_SCHEMA}.{TABLE} SET answer = %s WHERE job = %s AND kind = %s"
    query(connection, sql, APPLIED if applied else NOT_APPLIED, job, DEFINITION)
    return True


def made_tables(connection: Connection, job: str) -> Sequence[tuple[str, str]]:
    """Return the table of a CREATE TABLE … SELECT whose rows were not committed, schema and name."""
    rows = query(
        connection, f"SELECT doing, objects FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND kind = %s", job, MADE
    )
    return [(str(schema), str(table)) for schema, table in rows]


def note_made(connection: Connection, job: str, schema: str, table: str) -> None:
    """Note a table that is about to be made for rows."""
    sql = f"INSERT INTO {UDUP_SCHEMA}.{TABLE} (job, kind, doing, objects) VALUES (%s, %s, %s, %s)"
    query(connection, sql, job, MADE, schema, table)


def forget_made(connection: Connection, job: str) -> None:
    """Its rows are there, in the same transaction."""
    query(connection, f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND kind = %s", job, MADE)
