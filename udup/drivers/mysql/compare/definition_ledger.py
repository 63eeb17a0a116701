"""`udup.unlike_definition` on the target: the definitions in which a job's two servers differ, by the last comparison.

A row of it lives until a later comparison of its table does not find it again. What does not count is there too: what
the target alone has.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query
from udup.drivers.mysql.client.errors import NOTHING_THERE
from udup.pipeline.ports.compare import DefinitionDifference, DefinitionsCompared, LedgerRow
from udup.pipeline.selection.schemas import UDUP_SCHEMA

TABLE = "unlike_definition"

#: What stands in front of the places of its rows among those of the ledger, so that they are the first.
FRONT = "!"

_BINARY = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"
CREATE = f"""CREATE TABLE IF NOT EXISTS {UDUP_SCHEMA}.{TABLE} (
        job VARCHAR(255) {_BINARY},
        row_hash CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        table_name VARCHAR(200) {_BINARY},
        part VARCHAR(200) {_BINARY},
        kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        counts TINYINT NOT NULL,
        told TEXT {_BINARY},
        remedy TEXT {_BINARY},
        first_seen TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
        last_seen TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
        comparison VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        gtids LONGTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        PRIMARY KEY (row_hash),
        KEY (job)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='Definitions that are not what the source has.'"""

_COLUMN = re.compile(r"^ +([a-z_]+) (?!KEY)[A-Z]+", re.MULTILINE)

#: Letters that are kept of a text.
_LETTERS = 4000


def make(connection: Connection) -> None:
    """Make the table; again, if an earlier version's lacks something."""
    make_again(connection, TABLE, CREATE)


def make_again(connection: Connection, table: str, create: str) -> None:
    """Make a table of what the next comparison finds again; one that lacks columns is dropped first."""
    sql = "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    there = {str(name).lower() for (name,) in query(connection, sql, UDUP_SCHEMA, table)}
    if there and not there >= set(_COLUMN.findall(create)):
        query(connection, f"DROP TABLE {UDUP_SCHEMA}.{table}")
    query(connection, create)


def keep(connection: Connection, job: str, compared: DefinitionsCompared, comparison: str, position: str) -> None:
    """Keep what was found; what was found before in the same tables, and not again, is no more."""
    for each in compared.found:
        sql = (
            f"INSERT INTO {UDUP_SCHEMA}.{TABLE}"
            " (job, row_hash, table_name, part, kind, counts, told, remedy, comparison, gtids)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON DUPLICATE KEY UPDATE"
            " counts = VALUES(counts), told = VALUES(told), remedy = VALUES(remedy), comparison = VALUES(comparison),"
            " gtids = VALUES(gtids), last_seen = CURRENT_TIMESTAMP(3)"
        )
        told, remedy = str(each)[:_LETTERS], each.remedy[:_LETTERS]
        row = each.table[:200], each.what[:200], each.kind.value, each.counts, told, remedy
        query(connection, sql, job, _hash(job, each), *row, comparison, position)
    sql = f"SELECT row_hash, table_name FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND comparison <> %s"
    for row_hash, table in query(connection, sql, job, comparison):
        if str(table) not in compared.left_out and (not compared.tables or str(table) in compared.tables):
            query(connection, f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE row_hash = %s", row_hash)


def read_page(connection: Connection, job: str, after: str, limit: int) -> list[LedgerRow]:
    """Return so many rows of a job behind a place, none behind that of a row of the other ledger."""
    if after and not after.startswith(FRONT):
        return []
    columns = (
        "row_hash, table_name, kind, counts, told, remedy, UNIX_TIMESTAMP(first_seen) * 1000,"
        " UNIX_TIMESTAMP(last_seen) * 1000, gtids"
    )
    sql = f"SELECT {columns} FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND row_hash > %s ORDER BY row_hash LIMIT %s"
    try:
        return [_shown(row) for row in query(connection, sql, job, after.removeprefix(FRONT), limit)]
    except MySQLError as error:
        if error_code(error) in NOTHING_THERE:
            return []
        raise


def _shown(row: Sequence[Any]) -> LedgerRow:
    row_hash, table, kind, counts, told, remedy, first, last, position = row
    schema, _, name = str(table).partition(".")
    return LedgerRow(
        at=f"{FRONT}{row_hash}",
        schema=schema.rpartition(" ")[2],  # `view shop.v`
        table=name,
        key="",
        kind=str(kind),
        count=1,
        computed=False,
        columns=(),
        first_seen=int(first),
        last_seen=int(last),
        position=str(position),
        definition=str(told),
        counts=bool(counts),
        remedy=str(remedy),
    )


def _hash(job: str, difference: DefinitionDifference) -> str:
    named = json.dumps([job, difference.table, difference.what, difference.kind.value])
    return hashlib.md5(named.encode()).hexdigest()
