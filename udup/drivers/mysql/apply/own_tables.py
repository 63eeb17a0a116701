"""Udup's own tables on the target: which there are, made where they are missing, and grown from an older version's."""

from __future__ import annotations

from functools import partial

from udup.drivers.mysql.apply import ahead, begun, checkpoint_events, claims, intents, later_keys, table_changes, unsure
from udup.drivers.mysql.apply import xa as prepared
from udup.drivers.mysql.client import patience
from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query
from udup.drivers.mysql.client.session_setup import reset
from udup.drivers.mysql.client.sessions import PLAIN
from udup.drivers.mysql.dictionary.claims import TABLE as CLAIM_TABLE
from udup.drivers.mysql.load import copied_parts
from udup.pipeline.selection.schemas import UDUP_SCHEMA

TABLE = checkpoint_events.TABLE
COPY_TABLE = "copied_table"

#: Stored objects that a full copy makes: views, routines, triggers, events.
OBJECT_TABLE = "copied_object"

#: What of an unfinished copy may stay.
COPIED_PARTS = (copied_parts.PART_TABLE, copied_parts.CHUNK_TABLE)

#: Every table of Udup's: rows of each belong to a job.
TABLES = (
    TABLE,
    COPY_TABLE,
    OBJECT_TABLE,
    CLAIM_TABLE,
    prepared.TABLE,
    unsure.TABLE,
    intents.TABLE,
    ahead.TABLE,
    later_keys.TABLE,
    table_changes.TABLE,
    *COPIED_PARTS,
)

#: Columns that came later: tables of older versions are given them.
_ADDED = {
    "stamps": "VARCHAR(1000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT ''",
    "source_uuid": "CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT ''",
    "owner": "VARCHAR(250) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT ''",
    "began": "VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT ''",
    begun.COLUMN: begun.KIND,
}

_DUPLICATE_COLUMN = 1060

#: Names are told apart by their case, whatever the target's default is.
_NAMES = "utf8mb4_bin"
_NAME = f"VARCHAR(64) CHARACTER SET utf8mb4 COLLATE {_NAMES} NOT NULL"
_TELL_NAMES_APART = f"MODIFY table_schema {_NAME}, MODIFY table_name {_NAME}"

_CREATE_SCHEMA = f"CREATE DATABASE IF NOT EXISTS {UDUP_SCHEMA} CHARACTER SET utf8mb4"

#: The keys are longer than 767 bytes, which a target whose innodb_default_row_format is COMPACT would refuse (1709).
_CREATE = {
    # Columns after `gtids` are left alone by the row events, whose TABLE_MAP ends there.
    TABLE: f"""CREATE TABLE IF NOT EXISTS {UDUP_SCHEMA}.{TABLE} (
        job VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        slot INT NOT NULL,
        version BIGINT NOT NULL,
        gtids LONGTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        mark CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
        definitions BIGINT NOT NULL DEFAULT 0,
        selection CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
        {", ".join(f"{name} {kind}" for name, kind in _ADDED.items())},
        PRIMARY KEY (job, slot, version)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='What of each source is in this server. Do not change.'""",
    COPY_TABLE: f"""CREATE TABLE IF NOT EXISTS {UDUP_SCHEMA}.{COPY_TABLE} (
        job VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        table_schema {_NAME},
        table_name {_NAME},
        incarnation VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        PRIMARY KEY (job, table_schema, table_name)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='Tables made by a full copy that has not ended.'""",
    OBJECT_TABLE: f"""CREATE TABLE IF NOT EXISTS {UDUP_SCHEMA}.{OBJECT_TABLE} (
        job VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        object_schema {_NAME},
        object_name {_NAME},
        PRIMARY KEY (job, kind, object_schema, object_name)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='Objects made by a full copy that has not ended.'""",
    CLAIM_TABLE: claims.CREATE,
    prepared.TABLE: prepared.CREATE,
    unsure.TABLE: unsure.CREATE,
    ahead.TABLE: ahead.CREATE,
    later_keys.TABLE: later_keys.CREATE,
    table_changes.TABLE: table_changes.CREATE,
    copied_parts.PART_TABLE: copied_parts.CREATE_PARTS,
    copied_parts.CHUNK_TABLE: copied_parts.CREATE_CHUNKS,
}


def create_tables(connection: Connection) -> frozenset[str]:
    """Udup's own tables on the target, if any is missing, and what an older version has made otherwise.

    Return those that were there already.
    It is asked for first: CREATE … IF NOT EXISTS waits for every transaction of other jobs that is open in the schema.
    """
    sql = "SELECT TABLE_NAME, COLUMN_NAME, COLLATION_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s"
    there = {(str(table), str(column)): collation for table, column, collation in query(connection, sql, UDUP_SCHEMA)}
    tables = {table for table, _ in there}
    missing = [] if tables else [_CREATE_SCHEMA]
    missing += [statement for table, statement in _CREATE.items() if table not in tables]
    if TABLE in tables:
        columns = [name for name in _ADDED if (TABLE, name) not in there]
        missing += [f"ALTER TABLE {UDUP_SCHEMA}.{TABLE} ADD COLUMN {name} {_ADDED[name]}" for name in columns]
    if there.get((COPY_TABLE, "table_name"), _NAMES) != _NAMES:  # names that differ in case alone were one
        missing.append(f"ALTER TABLE {UDUP_SCHEMA}.{COPY_TABLE} {_TELL_NAMES_APART}")
    if missing:
        query(connection, patience.SESSION)  # what comes behind waits as long
        for statement in missing:
            patience.patiently(partial(_make, connection, statement))
        reset(connection, PLAIN, "lock_wait_timeout")
    return frozenset(tables)


def _make(connection: Connection, statement: str) -> None:
    try:
        query(connection, statement)
    except MySQLError as error:
        if error_code(error) != _DUPLICATE_COLUMN:  # another job was quicker
            raise
