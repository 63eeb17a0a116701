"""Rows as events on a MariaDB target: BINLOG takes MySQL's events as they are, under its FORMAT_DESCRIPTION too.

There is no `gtid_next`. So no GTID of the server's tells which transactions of tables that undo nothing were applied;
each is noted as it is done, as it is where rows go by statements. CREATE TABLE … START TRANSACTION is not known: the
table is made first, and noted until its rows are committed (`apply/created_table.py`).
"""

from __future__ import annotations

from udup.drivers.mysql.apply.binlog_statements import binlog_statement
from udup.drivers.mysql.apply.rows_by_events import EventRows
from udup.drivers.mysql.binlog.event import has_checksums
from udup.drivers.mysql.client.raw import execute_raw


class MariaRows(EventRows):
    """`RowsPath` by BINLOG, on MariaDB."""

    applies_apart_whole = False

    def write_by(self, format_description: bytes) -> None:
        self._format = format_description
        self._with_crc = has_checksums(format_description)
        execute_raw(self._connection, binlog_statement(format_description), 1)
