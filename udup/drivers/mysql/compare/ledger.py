"""`udup.difference` on the target: the rows in which a job's two servers differ, as the last comparison has found them.

A row of it lives until a later comparison of its table does not find it again. It is kept small: beyond `MOST_ROWS` of
a job differences are counted, not kept. Values are there as text, cut where they are long.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress

from udup.base.endpoint import Endpoint
from udup.base.errors import Side
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, query
from udup.drivers.mysql.client.errors import NOTHING_THERE
from udup.drivers.mysql.client.seam import behind_the_seam
from udup.pipeline.ports.compare import RowDifference, TableCompared
from udup.pipeline.selection.schemas import UDUP_SCHEMA

TABLE = "difference"

#: Rows that are kept of a job, and those that are written at once.
MOST_ROWS, AT_A_TIME = 10_000, 100

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
        comparison VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        gtids LONGTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        PRIMARY KEY (row_hash),
        KEY (job)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='Rows that are not what the source has.'"""

_COLUMNS = (
    "job, table_schema, table_name, row_hash, row_key, kind, how_often, computed, differing, place, comparison, gtids"
)


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

    def begin(self, comparison: str) -> None:
        """Begin a round: what it does not find again is no more."""
        self._comparison, self._kept, self._rows = comparison, 0, []
        query(self._open(), CREATE)

    def note(self, difference: RowDifference, position: str) -> None:
        """Keep a difference that was found between two snapshots at this position."""
        told = [
            {"name": each.name, "source": each.source, "target": each.target, "computed": each.computed}
            for each in difference.columns
        ]
        named = json.dumps([self._job, difference.schema, difference.table, difference.key, difference.place])
        self._rows.append(
            (
                *(self._job, difference.schema, difference.table, hashlib.md5(named.encode()).hexdigest()),
                *(difference.key[:600], difference.kind.value, difference.count, difference.computed),
                *(json.dumps(told, ensure_ascii=False), json.dumps(difference.place), self._comparison, position),
            )
        )
        if len(self._rows) >= AT_A_TIME:
            self._write()

    def table_ended(self, table: TableCompared) -> None:
        """A table was compared to its end: differences of it that were not found again are no more."""
        self._write()
        if not table.problem:
            sql = (
                f"DELETE FROM {UDUP_SCHEMA}.{TABLE}"
                " WHERE job = %s AND table_schema = %s AND table_name = %s AND comparison <> %s"
            )
            query(self._open(), sql, self._job, table.schema, table.table, self._comparison)

    def _write(self) -> None:
        rows, self._rows = self._rows[: max(0, MOST_ROWS - self._kept)], []
        if not rows:
            return
        values = ", ".join([f"({', '.join(['%s'] * len(rows[0]))})"] * len(rows))
        sql = (
            f"INSERT INTO {UDUP_SCHEMA}.{TABLE} ({_COLUMNS}) VALUES {values} ON DUPLICATE KEY UPDATE"
            " kind = VALUES(kind), how_often = VALUES(how_often), computed = VALUES(computed),"
            " differing = VALUES(differing), comparison = VALUES(comparison), gtids = VALUES(gtids),"
            " last_seen = CURRENT_TIMESTAMP(3)"
        )
        query(self._open(), sql, *[value for row in rows for value in row])
        self._kept += len(rows)

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


def read_differences(connection: Connection, job: str, limit: int = MOST_ROWS) -> Sequence[tuple[str, str, str, str]]:
    """Return schema, table, key and kind of each difference of a job."""
    sql = (
        f"SELECT table_schema, table_name, row_key, kind FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s"
        f" ORDER BY table_schema, table_name, row_key LIMIT {limit}"
    )
    try:
        return [tuple(map(str, row)) for row in query(connection, sql, job)]  # type: ignore[misc]
    except MySQLError as error:
        if error.args and error.args[0] in NOTHING_THERE:
            return []
        raise
