"""Rows as events on a MariaDB target: BINLOG takes MySQL's events as they are, under its FORMAT_DESCRIPTION too.

There is no `gtid_next`. So no GTID of the server's tells which transactions of tables that undo nothing were applied;
each is noted as it is done, as it is where rows go by statements. CREATE TABLE … START TRANSACTION is not known: the
table is made first, and noted until its rows are committed (`apply/created_table.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from udup.base.errors import Contended, Unavailable
from udup.drivers.mysql.apply import intents, unsure
from udup.drivers.mysql.apply.binlog_statements import binlog_statement
from udup.drivers.mysql.apply.created_table import make_for_rows
from udup.drivers.mysql.apply.rows_by_events import EventRows
from udup.drivers.mysql.apply.rows_path import Mark
from udup.drivers.mysql.apply.run_ddl import MYSQL
from udup.drivers.mysql.binlog.event import has_checksums, server_version
from udup.drivers.mysql.client.connection import Connection, describe, query
from udup.drivers.mysql.client.errors import Meaning, MySQLError, meaning
from udup.drivers.mysql.client.raw import execute_raw
from udup.drivers.mysql.client.session_setup import enter
from udup.drivers.mysql.client.sessions import Session
from udup.drivers.mysql.mariadb.collations import Server
from udup.drivers.mysql.mariadb.rewriting import RowRewriting
from udup.drivers.mysql.mariadb.row_settings import check_row_settings
from udup.drivers.mysql.mariadb.sequence_values import SequenceValues


class MariaRows(EventRows):
    """`RowsPath` by BINLOG, on MariaDB."""

    applies_apart_whole = False

    def __init__(self, connection: Connection, session: Session) -> None:
        super().__init__(connection, session)
        self._source = MYSQL
        self._created = False
        self._rewriting = RowRewriting()
        self._sequences = SequenceValues(connection)

    def write_by(self, format_description: bytes) -> None:
        self._format = format_description
        self._with_crc = has_checksums(format_description)
        self._source = Server.of(server_version(format_description))
        check_row_settings(self._connection, f"{self._connection.host}:{self._connection.port}")
        execute_raw(self._connection, binlog_statement(format_description), 1)

    def apply(self, mark: Mark, events: Sequence[bytes], context: bytes) -> None:
        if not self._created:
            super().apply(mark, events, context)
            return
        try:
            self.begin(mark)
            self.enter(context)  # the statement's own is left by now
            data = self.rows_of(events)
            rows = binlog_statement(data) + b";" if data else b""
            execute_raw(self._connection, rows + b"COMMIT", 1 + bool(rows))
        except MySQLError as error:
            if meaning(error) is Meaning.CONTENDED:
                # A rollback does not undo the table: the next take-over drops it, and then the order may come again.
                raise Unavailable(f"behind CREATE TABLE … SELECT: {describe(error)}") from error
            raise

    def rows_of(self, events: Sequence[bytes]) -> bytes:
        """Return the events with what MariaDB keeps in another type; what they say of sequences is set."""
        others = self._sequences.without(b"".join(events), has_crc=self._with_crc)
        return self._rewriting.rewritten(others, has_crc=self._with_crc)

    def begin(self, mark: Mark) -> None:
        super().begin(mark)
        if self._created:  # in the transaction of the rows, the table is an ordinary one
            intents.forget_made(self._connection, mark.job.decode())
            self._created = False

    def apply_apart(
        self, gtids: Sequence[str], transactions: Sequence[bytes], mark: Mark, ending: bytes, context: bytes
    ) -> Iterator[int]:
        """Apply one after the other, and note each as it is done: no GTID of the server's tells it."""
        self.enter(context)
        for done, events in enumerate(transactions, start=1):
            execute_raw(self._connection, binlog_statement(self.rows_of([events])) + b";COMMIT", 2)
            yield done
            noted = unsure.applied_statement(mark.job.decode(), done)
            execute_raw(self._connection, noted + b";COMMIT", 2)
        self.finish(mark, ending)

    def run_create(self, mark: Mark, create: bytes, context: bytes) -> None:
        """Make the table, whose rows follow in a transaction of their own; see `created_table.py`."""
        self._counted_before_create = self.rows_written()
        try:
            make_for_rows(self._connection, mark, create, context, self._source)
            enter(self._connection, self._session)
            query(self._connection, "SET SESSION timestamp = DEFAULT")
        except Contended as error:
            # The session is in the statement's context now: not worth another try at once.
            raise Unavailable(str(error)) from error
        self._context = b""
        self._created = True
