"""`udup.difference` on the target: the rows in which a job's two servers differ, as the last comparison has found them.

A row of it lives until a later comparison of its table does not find it again, or finds no such table. It is kept
small: beyond `MOST_ROWS` of a job differences are counted, not kept. Values are there as text, cut where they are long.
Rows that were repaired stay for a while, the latest `MOST_ROWS`, with what they were before and after, unless they are
found again.

The next comparison finds it all again, so a table of another version's shape is not migrated: one that lacks columns is
made again. A later version adds columns with defaults, so that versions may share a target.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from udup.base.endpoint import Endpoint
from udup.base.errors import Side
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, query
from udup.drivers.mysql.client.errors import ER, NOTHING_THERE
from udup.drivers.mysql.client.seam import behind_the_seam
from udup.drivers.mysql.compare import definition_ledger
from udup.pipeline.ports.compare import DefinitionsCompared, LedgerRow, RowDifference, TableCompared
from udup.pipeline.selection.schemas import UDUP_SCHEMA

TABLE = "difference"

#: Rows that are kept of a job, and those that are written at once.
MOST_ROWS, AT_A_TIME = 10_000, 100

#: Days that a row which was repaired stays.
REPAIRED_DAYS = 30

_NAME = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"
CREATE = f"""CREATE TABLE IF NOT EXISTS {UDUP_SCHEMA}.{TABLE} (
        job VARCHAR(255) {_NAME},
        table_schema VARCHAR(64) {_NAME},
        table_name VARCHAR(64) {_NAME},
        row_hash CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        row_key VARCHAR(600) {_NAME},
        kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        how_often BIGINT NOT NULL,
        computed TINYINT NOT NULL,
        differing MEDIUMTEXT {_NAME},
        place MEDIUMTEXT {_NAME},
        first_seen TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
        last_seen TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
        repaired TIMESTAMP(3) NULL DEFAULT NULL,
        row_before MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
        row_after MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
        comparison VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        gtids LONGTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        PRIMARY KEY (row_hash),
        KEY (job)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='Rows that are not what the source has.'"""

_COLUMNS = (
    "job, table_schema, table_name, row_hash, row_key, kind, how_often, computed, differing, place, comparison, gtids"
)


def make(connection: Connection) -> None:
    """Make the table; again, if an earlier version's lacks something."""
    definition_ledger.make_again(connection, TABLE, CREATE)


@behind_the_seam(Side.TARGET)
class MySQLLedger:
    """`comparison` tells one round from the others. Used by one thread."""

    def __init__(self, endpoint: Endpoint, job: str) -> None:
        self.endpoint = endpoint
        self._job = job
        self._comparison = ""
        self._connection: Connection | None = None
        self._rows: list[tuple[object, ...]] = []
        self._kept = 0
        self._seen: set[tuple[str, str]] = set()  # tables that were compared, or could not be

    def begin(self, comparison: str) -> None:
        """Begin a round: what it does not find again is no more."""
        self._comparison, self._kept, self._rows, self._seen = comparison, 0, [], set()
        connection = self._open()
        make(connection)
        definition_ledger.make(connection)
        old = f"repaired < CURRENT_TIMESTAMP(3) - INTERVAL {REPAIRED_DAYS} DAY"
        query(connection, f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND {old}", self._job)
        for which, order in (("repaired IS NOT NULL", "repaired"), ("repaired IS NULL", "last_seen")):
            self._trim(connection, which, order)

    def _trim(self, connection: Connection, which: str, order: str) -> None:
        """Leave the latest rows, as many as are kept."""
        sql = f"FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND {which}"
        more = int(query(connection, f"SELECT COUNT(*) {sql}", self._job)[0][0]) - MOST_ROWS
        if more > 0:
            query(connection, f"DELETE {sql} ORDER BY {order} LIMIT {more}", self._job)

    def note(self, difference: RowDifference, position: str) -> None:
        """Keep a difference that was found between two snapshots at this position."""
        self._rows.append(_row(self._job, difference, self._comparison, position))
        if len(self._rows) >= AT_A_TIME:
            self._write()

    def table_ended(self, table: TableCompared) -> None:
        """A table was compared to its end: differences of it that were not found again are no more."""
        self._write()
        self._seen.add((table.schema, table.table))
        if not table.problem:
            sql = (
                f"DELETE FROM {UDUP_SCHEMA}.{TABLE}"
                " WHERE job = %s AND table_schema = %s AND table_name = %s AND comparison <> %s"
                " AND repaired IS NULL"
            )
            query(self._open(), sql, self._job, table.schema, table.table, self._comparison)

    def definitions(self, compared: DefinitionsCompared, position: str) -> None:
        """Keep in which definitions the two differ, in the place of those of before."""
        definition_ledger.keep(self._open(), self._job, compared, self._comparison, position)

    def round_ended(self) -> None:
        """All of the job's tables were told: what is kept of others is no more."""
        sql = f"FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND repaired IS NULL AND comparison <> %s"
        kept = query(self._open(), f"SELECT DISTINCT table_schema, table_name {sql}", self._job, self._comparison)
        for schema, table in kept:
            if (str(schema), str(table)) not in self._seen:
                of_table = f"DELETE {sql} AND table_schema = %s AND table_name = %s"
                query(self._open(), of_table, self._job, self._comparison, schema, table)

    def page(self, after: str, limit: int) -> list[LedgerRow]:
        """Return so many rows behind one, on a connection that ends with it; definitions come first."""
        with closing(connect(self.endpoint)) as connection:
            found = definition_ledger.read_page(connection, self._job, after, limit)
            if len(found) < limit:
                rows_after = "" if after.startswith(definition_ledger.FRONT) else after
                found += read_page(connection, self._job, rows_after, limit - len(found))
            return found

    def _write(self) -> None:
        if rows := self._rows[: max(0, MOST_ROWS - self._kept)]:
            _insert(self._open(), rows)
            self._kept += len(rows)
        self._rows = []  # not before: what a lost connection leaves is written by the next one

    def _open(self) -> Connection:
        """Return a connection, another one where that of before has ended."""
        if self._connection is None or not self._connection.open:
            self._connection = connect(self.endpoint)
        return self._connection

    def close(self) -> None:
        """End its connection."""
        if self._connection is not None:
            with suppress(MySQLError, OSError):
                self._connection.close()
            self._connection = None


def _row(job: str, difference: RowDifference, comparison: str, position: str) -> tuple[object, ...]:
    told = [
        {"name": each.name, "source": each.source, "target": each.target, "computed": each.computed}
        for each in difference.columns
    ]
    return (
        *(job, difference.schema, difference.table, hash_of(job, difference), difference.key[:600]),
        *(difference.kind.value, difference.count, difference.computed),
        *(json.dumps(told, ensure_ascii=False), json.dumps(difference.place), comparison, position),
    )


def hash_of(job: str, difference: RowDifference) -> str:
    """Return what a row of the ledger is told by."""
    named = json.dumps([job, difference.schema, difference.table, difference.key, difference.place])
    return hashlib.md5(named.encode()).hexdigest()


def _insert(connection: Connection, rows: Sequence[tuple[object, ...]]) -> None:
    values = ", ".join([f"({', '.join(['%s'] * len(rows[0]))})"] * len(rows))
    sql = (
        f"INSERT INTO {UDUP_SCHEMA}.{TABLE} ({_COLUMNS}) VALUES {values} ON DUPLICATE KEY UPDATE"
        " kind = VALUES(kind), how_often = VALUES(how_often), computed = VALUES(computed),"
        " differing = VALUES(differing), comparison = VALUES(comparison), gtids = VALUES(gtids),"
        " repaired = NULL, row_before = NULL, row_after = NULL, last_seen = CURRENT_TIMESTAMP(3)"
    )
    query(connection, sql, *[value for row in rows for value in row])


def add(connection: Connection, job: str, found: Sequence[RowDifference], position: str) -> list[Kept]:
    """Note differences in the caller's transaction, which puts them right."""
    for start in range(0, len(found), AT_A_TIME):
        _insert(connection, [_row(job, each, "repair", position) for each in found[start : start + AT_A_TIME]])
    return [Kept(hash_of(job, each), each.schema, each.table, each.place) for each in found]


@dataclass(frozen=True)
class Kept:
    """A row of the ledger that is to be repaired. Its names are the source's; `place` as in `RowDifference`."""

    row_hash: str
    schema: str
    table: str
    place: tuple[str, ...]


def read_unrepaired(connection: Connection, job: str, tables: Sequence[str] = ()) -> list[Kept]:
    """Return the rows that were found and not repaired, of these tables (`schema.table`) or of all, in their order."""
    sql = (
        f"SELECT row_hash, table_schema, table_name, place FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s"
        f" AND repaired IS NULL ORDER BY table_schema, table_name, row_key LIMIT {MOST_ROWS}"
    )
    found = [
        Kept(str(row_hash), str(schema), str(table), tuple(json.loads(place)))
        for row_hash, schema, table, place in _rows(connection, sql, job)
    ]
    return [row for row in found if not tables or f"{row.schema}.{row.table}" in tables]


def note_repaired(connection: Connection, row_hash: str, before: str | None, after: str | None, position: str) -> None:
    """Note in the transaction that repairs a row what it was there, and is now; None for no row."""
    sql = (
        f"UPDATE {UDUP_SCHEMA}.{TABLE} SET repaired = CURRENT_TIMESTAMP(3), row_before = %s, row_after = %s, gtids = %s"
        " WHERE row_hash = %s"
    )
    query(connection, sql, before, after, position, row_hash)


def read_page(connection: Connection, job: str, after: str, limit: int) -> list[LedgerRow]:
    """Return so many rows of a job behind a place (`LedgerRow.at`), those that were repaired among them."""
    columns = (
        "row_hash, table_schema, table_name, row_key, kind, how_often, computed, differing,"
        " UNIX_TIMESTAMP(first_seen) * 1000, UNIX_TIMESTAMP(last_seen) * 1000, gtids,"
        " COALESCE(UNIX_TIMESTAMP(repaired) * 1000, 0), row_before, row_after"
    )
    sql = f"SELECT {columns} FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND row_hash > %s ORDER BY row_hash LIMIT %s"
    return [_shown(row) for row in _rows(connection, sql, job, after, limit)]


def _shown(row: Sequence[Any]) -> LedgerRow:
    at, schema, table, key, kind, count, computed, differing, first, last, position, repaired, before, after = row
    return LedgerRow(
        at=str(at),
        schema=str(schema),
        table=str(table),
        key=str(key),
        kind=str(kind),
        count=int(count),
        computed=bool(computed),
        columns=tuple(str(each["name"]) for each in json.loads(differing)),
        first_seen=int(first),
        last_seen=int(last),
        position=str(position),
        repaired=int(repaired),
        before=before,
        after=after,
    )


def read_differences(connection: Connection, job: str, limit: int = MOST_ROWS) -> Sequence[tuple[str, str, str, str]]:
    """Return schema, table, key and kind of each difference of a job that was not repaired."""
    sql = (
        f"SELECT table_schema, table_name, row_key, kind FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s"
        f" AND repaired IS NULL ORDER BY table_schema, table_name, row_key LIMIT {limit}"
    )
    return [tuple(map(str, row)) for row in _rows(connection, sql, job)]  # type: ignore[misc]


def _rows(connection: Connection, sql: str, *args: object) -> Sequence[Any]:
    try:
        return query(connection, sql, *args)
    except MySQLError as error:
        if error.args and error.args[0] in (*NOTHING_THERE, ER.BAD_FIELD_ERROR):  # or of an earlier version's shape
            return []
        raise
