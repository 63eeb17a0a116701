"""Notes of tables that are ahead of a job's position (`pipeline/positions.py`), as the target keeps them.

They are written in the transaction that writes the base row they belong to, and go with the flush by which it has
caught up. An Udup that does not know them must not go on from such a row: it would apply again what these tables have.
So the row's selection is another digest while there are notes, which such an Udup refuses as another selection.
"""

from __future__ import annotations

import hashlib

from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, query
from udup.pipeline.positions import AheadNote, AheadNotes
from udup.pipeline.selection.schemas import UDUP_SCHEMA

TABLE = "ahead"

CREATE = f"""CREATE TABLE IF NOT EXISTS {UDUP_SCHEMA}.{TABLE} (
    job VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    number INT NOT NULL,
    tables LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    gtids LONGTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    rest LONGTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (job, number)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='Tables that are ahead of the position of their job. Do not change.'"""


def digest_with(notes: AheadNotes, digest: str) -> str:
    """Return what a base row says of the job's selection while there are these notes."""
    return hashlib.sha256(f"ahead{digest}".encode()).hexdigest() if notes else digest


def has_notes(selection: str, digest: str) -> bool:
    """Return whether a base row of this selection has notes beside it."""
    return selection == hashlib.sha256(f"ahead{digest}".encode()).hexdigest()


def read(connection: Connection, job: str) -> AheadNotes:
    sql = f"SELECT tables, gtids, rest FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s ORDER BY number"
    rows = query(connection, sql, job)
    return AheadNotes(AheadNote.of_kept(map(str, row), GtidSet.parse) for row in rows)


def write(connection: Connection, job: str, notes: AheadNotes) -> None:
    """Put these notes in the place of those that are there, within the caller's transaction."""
    forget_all(connection, job)
    for number, note in enumerate(notes):
        sql = f"INSERT INTO {UDUP_SCHEMA}.{TABLE} (job, number, tables, gtids, rest) VALUES (%s, %s, %s, %s, %s)"
        query(connection, sql, job, number, *note.kept())


def forget_all(connection: Connection, job: str) -> None:
    query(connection, f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s", job)
