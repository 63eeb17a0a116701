"""What is about to be done on the target that no transaction holds together, where no GTID of Udup's own tells of it.

An account that may not set `gtid_next` cannot have the server run a definition once. So before it runs its intent is
noted in `udup.intent`: which one it is, and what its objects were before (`ddl_state.py`). The next run that is to run
the same one compares them with what they are now: other ones mean that it has run. The same ones mean that it has not,
or has changed nothing that it would not change again. Where neither can be known, somebody is asked (`settle`).

That comparison is about a statement whose end nobody has heard. One that the server has answered with an error has
not run, and that is noted at once: what somebody then does to its objects, so that it may run, is not taken for it.

The table of a CREATE TABLE … SELECT is noted here as well, until its rows are committed (`created_table.py`).
The table is made when the first account of that kind comes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from udup.base.causes import Cause, reason
from udup.base.errors import Divergence
from udup.drivers.mysql.client.connection import Connection, query
from udup.pipeline.selection.schemas import UDUP_SCHEMA

TABLE = "intent"

DEFINITION, MADE = "definition", "table"

#: What the server or somebody has said of a definition; IN_DOUBT: it was refused, and its objects changed all the same.
APPLIED, NOT_APPLIED, IN_DOUBT = "applied", "not-applied", "in doubt"

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
    """A definition that was about to run: its number, its transaction, what it was, its objects before, what is known
    of it.
    """

    own: str
    gtid: str
    doing: str
    objects: str
    answer: str


def is_there(connection: Connection) -> bool:
    """Return whether the table was made: a job by statements was here."""
    sql = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    return bool(query(connection, sql, UDUP_SCHEMA, TABLE))


def prepare(connection: Connection) -> None:
    """Make the table, on a connection with autocommit on."""
    if not is_there(connection):
        query(connection, CREATE)


def note(connection: Connection, job: str, own: str, gtid: str, doing: str, objects: str) -> None:
    """Note a definition that is about to run, in the place of the one before it."""
    sql = f"REPLACE INTO {UDUP_SCHEMA}.{TABLE} (job, kind, own, gtid, doing, objects) VALUES (%s, %s, %s, %s, %s, %s)"
    query(connection, sql, job, DEFINITION, own, gtid, doing[:_SHOWN], objects)


def conclude(connection: Connection, job: str, own: str, known: str) -> None:
    """Note what the server has answered, of the definition with this number."""
    sql = f"UPDATE {UDUP_SCHEMA}.{TABLE} SET answer = %s WHERE job = %s AND kind = %s AND own = %s"
    query(connection, sql, known, job, DEFINITION, own)


def read(connection: Connection, job: str, lock: str = "") -> Intent | None:
    """Return the definition that was noted last."""
    sql = f"SELECT own, gtid, doing, objects, answer FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND kind = %s{lock}"
    rows = query(connection, sql, job, DEFINITION)
    return Intent(*map(str, rows[0])) if rows else None


def ask(connection: Connection, job: str, intent: Intent, why: str) -> Divergence:
    """Note that it is not known whether a definition has run; return the error that asks somebody."""
    conclude(connection, job, intent.own, IN_DOUBT)
    return Divergence(
        f"it is not known whether this has run on the target: {intent.doing}: {why}. Look there, and say which: udup"
        f" job settle {job} --gtid {intent.gtid} --applied if it has, --not-applied if it has not; then the job goes"
        " on",
        gtid=intent.gtid,
    ).because(reason(Cause.UNSETTLED, statement=intent.doing))


def answer(connection: Connection, job: str, gtid: str, *, applied: bool) -> bool:
    """Note what somebody has found, in the open transaction; False if nothing asks for this definition.

    What asks for it is that nobody knows whether it has run, or that the target has refused it.
    """
    intent = read(connection, job, " FOR UPDATE")
    if intent is None or not intent.answer or intent.gtid.lower() != gtid.lower():
        return False
    sql = f"UPDATE {UDUP_SCHEMA}.{TABLE} SET answer = %s WHERE job = %s AND kind = %s"
    query(connection, sql, APPLIED if applied else NOT_APPLIED, job, DEFINITION)
    return True


@dataclass(frozen=True)
class Made:
    """The table of a CREATE TABLE … SELECT whose rows were not committed; its transaction is the last of `gtids`."""

    schema: str
    table: str
    gtids: str


def made_tables(connection: Connection, job: str) -> Sequence[Made]:
    """Return the tables that were made for rows which were not committed."""
    sql = f"SELECT doing, objects FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND kind = %s"
    made = []
    for doing, gtids in query(connection, sql, job, MADE):
        schema, table = json.loads(str(doing))
        made.append(Made(schema, table, str(gtids)))
    return made


def note_made(connection: Connection, job: str, made: Made) -> None:
    """Note a table that is about to be made for rows."""
    sql = f"INSERT INTO {UDUP_SCHEMA}.{TABLE} (job, kind, doing, objects) VALUES (%s, %s, %s, %s)"
    query(connection, sql, job, MADE, json.dumps([made.schema, made.table]), made.gtids)


def forget_made(connection: Connection, job: str) -> None:
    """Take the note of a table away: its rows are there, in the same transaction, or it is nobody's any more."""
    query(connection, f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND kind = %s", job, MADE)


def forget_definition(connection: Connection, job: str, gtid: str) -> None:
    """Take the note of a definition away, if it is this transaction's."""
    sql = f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND kind = %s AND gtid = %s"
    query(connection, sql, job, DEFINITION, gtid)


def forget_all(connection: Connection, job: str) -> None:
    """Take away what a job of the same ID has left that began elsewhere in the log."""
    query(connection, f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s", job)
