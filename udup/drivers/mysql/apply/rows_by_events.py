"""Rows as the events that they came in, applied by the server itself: BINLOG.

One round trip for a group: `BINLOG '<base64 of checkpoint + events>'; COMMIT`. The checkpoint's row goes first, so that
a group that was committed before, or that comes from a run that was taken over, fails there (error 1032 on Udup's own
table) before it touches a row of the user's.

Rows of which the target computes something are applied in the context of the session that wrote them, a SET in the same
round trip when it is another one than before; it stays, since other rows do not mind. Statements of our own with values
in them leave it first.

A transaction too large for one statement goes in several BINLOGs of about `PIECE_BYTES` in one open transaction
(`binlog_statements.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from udup.base.errors import Contended, Unavailable
from udup.drivers.mysql.apply.binlog_statements import LargeStatements, binlog_statement
from udup.drivers.mysql.apply.checkpoint_events import checkpoint_events
from udup.drivers.mysql.apply.fitted_ddl import fitted_ddl
from udup.drivers.mysql.apply.rows_path import Mark
from udup.drivers.mysql.apply.run_ddl import run_ddl
from udup.drivers.mysql.binlog.event import has_checksums, server_version
from udup.drivers.mysql.binlog.query import parse_query
from udup.drivers.mysql.client.connection import Connection, query, scalar
from udup.drivers.mysql.client.raw import execute_counted, execute_raw
from udup.drivers.mysql.client.session_setup import reset
from udup.drivers.mysql.client.sessions import Session
from udup.drivers.mysql.ddl.classify import classify_query
from udup.drivers.mysql.mariadb.collations import Server, server_of
from udup.drivers.mysql.mariadb.documents import DocumentRewriting, document_columns
from udup.pipeline.ports import RowCounts

#: Bytes of events in one BINLOG of a large transaction.
PIECE_BYTES = 8 << 20

#: base64 makes 4 bytes of 3; some room for the statement around it.
_STATEMENT_FACTOR, _STATEMENT_ROOM = 4 / 3, 4096

#: Written rows as the session counts them; our own checkpoint row is among the updated ones.
_ROW_COUNTERS = "SHOW SESSION STATUS WHERE Variable_name IN ('Handler_write', 'Handler_update', 'Handler_delete')"


class EventRows:
    """`RowsPath` by BINLOG."""

    applies_apart_whole = True

    def __init__(self, connection: Connection, session: Session) -> None:
        self._connection = connection
        self._session = session
        self._format = b""
        self._with_crc = True
        self._context: bytes | None = b""  # the SET in force; empty: none, None: not known
        self._marks = 0  # rows of Udup's own that this connection has updated, what was rolled back included
        self._counted_before_create: RowCounts | None = None
        packet = int(scalar(connection, "SELECT @@global.max_allowed_packet"))
        self._max_event = int((packet - _STATEMENT_ROOM) / _STATEMENT_FACTOR)
        self._begun = _handler_counts(connection)
        self._documents: DocumentRewriting | None = None  # where the log is a MariaDB's, which has them as texts

    @property
    def format(self) -> bytes:
        return self._format

    @property
    def has_crc(self) -> bool:
        return self._with_crc

    def write_by(self, format_description: bytes) -> None:
        self._format = format_description
        self._with_crc = has_checksums(format_description)
        of_mariadb = Server.of(server_version(format_description)).is_mariadb
        self._documents = DocumentRewriting(partial(document_columns, self._connection)) if of_mariadb else None
        execute_raw(self._connection, binlog_statement(format_description), 1)
        # BINLOG of a FORMAT_DESCRIPTION leaves gtid_next in a state in which nothing else runs (error 1782).
        query(self._connection, "SET SESSION gtid_next = 'AUTOMATIC'")

    # ---- Rows ----

    def apply(self, mark: Mark, events: Sequence[bytes], context: bytes) -> None:
        entering = self._entering(context)
        self._marks += 1  # whatever comes of it: the server counts what it undoes as well
        rows = binlog_statement(self._events_of(mark), self.rows_of(events))
        execute_raw(self._connection, entering + rows + b";COMMIT", 3 if entering else 2)
        if context:
            self._context = context

    def begin(self, mark: Mark) -> None:
        execute_raw(self._connection, binlog_statement(self._events_of(mark)), 1)
        self._marks += 1

    def stream(self, *, commits: bool = False) -> EventStream:
        statements = LargeStatements(min(PIECE_BYTES, self._max_event), self._max_event, self.rows_of)
        return EventStream(self, statements, commits=commits)

    def rows_of(self, events: Sequence[bytes]) -> bytes:
        """Return what the server is given of a statement's events."""
        data = b"".join(events)
        if self._documents is None or self._counted_before_create is not None:  # a table of the log's own making
            return data
        return self._documents.rewritten(data, has_crc=self._with_crc)

    def apply_apart(
        self, gtids: Sequence[str], transactions: Sequence[bytes], mark: Mark, ending: bytes, context: bytes
    ) -> Iterator[int]:
        """All of them in one packet with the end: the server carries it out even when the sender has died."""
        packet = b"".join(
            b"SET gtid_next = '%s';%s;COMMIT;" % (gtid.encode(), binlog_statement(self.rows_of([events])))
            for gtid, events in zip(gtids, transactions, strict=True)
        )
        packet += b"SET gtid_next = 'AUTOMATIC';" + self._end(mark, ending)
        self.enter(context)
        for done in execute_counted(self._connection, packet, 3 * len(transactions) + 4):
            yield done // 3
        self._marks += 1

    def finish(self, mark: Mark, ending: bytes) -> None:
        execute_raw(self._connection, self._end(mark, ending), 3)
        self._marks += 1

    def _end(self, mark: Mark, ending: bytes) -> bytes:
        return binlog_statement(self._events_of(mark)) + b";" + ending + b";COMMIT"

    def _events_of(self, mark: Mark) -> bytes:
        return checkpoint_events(mark.job, mark.slot, mark.version, mark.after, mark.gtids, with_crc=self._with_crc)

    # ---- Contexts ----

    def _entering(self, context: bytes) -> bytes:
        """Return what goes before a statement that needs this context; empty if it is in force, or none is needed."""
        if not context or context == self._context:
            return b""
        self._context = None
        return context + b";"

    def enter(self, context: bytes) -> None:
        """Do the same by itself, in whatever transaction is open."""
        if self._entering(context):
            execute_raw(self._connection, context, 1)
            self._context = context

    def leave(self) -> None:
        """Go back to our own session: NO_BACKSLASH_ESCAPES may be in force."""
        if self._context != b"":
            reset(self._connection, self._session, "sql_mode")
            self._context = b""

    def run_create(self, mark: Mark, create: bytes, context: bytes) -> None:
        """Run CREATE TABLE … START TRANSACTION, in its own session context; the rows follow in the same transaction."""
        # The connection ends with it, and counts what it writes into the dictionary among the rows. What can be asked
        # inside of this transaction is nothing, so its rows are not counted.
        self._counted_before_create = self.rows_written()
        try:
            event, source = parse_query(create, has_crc=False), Server.of(server_version(self._format))
            fitted, _ = fitted_ddl(event, classify_query(event), source, server_of(self._connection))
            run_ddl(self._connection, fitted or event, computing=context, source=source)
        except Contended as error:
            # The session is in the statement's context now: not worth another try at once.
            raise Unavailable(str(error)) from error
        self._context = context

    def undo(self) -> None:
        """Nothing: what is gathered is sent at once, and the session's context stays."""

    # ---- Counts ----

    def note_own(self, changes: int) -> None:
        self._marks += changes

    def rows_written(self) -> RowCounts:
        """Return what the server was asked to write.

        Rows ahead of a lock that was not granted count once more when their group is tried again.
        """
        if self._counted_before_create is not None:
            return self._counted_before_create
        now, begun = _handler_counts(self._connection), self._begun
        updated = now.updated - begun.updated - self._marks
        return RowCounts(now.inserted - begun.inserted, updated, now.deleted - begun.deleted)

    def send(self, statement: bytes, *, commits: bool) -> None:
        """Run a BINLOG of a large transaction."""
        execute_raw(self._connection, statement + b";COMMIT" if commits else statement, 1 + commits)


class EventStream:
    """`RowStream` by BINLOG."""

    def __init__(self, rows: EventRows, statements: LargeStatements, *, commits: bool) -> None:
        self._rows = rows
        self._statements = statements
        self._commits = commits

    @property
    def parts(self) -> int:
        return self._statements.parts

    def feed(self, data: bytes, context: bytes, *, last: bool) -> None:
        self._rows.enter(context)
        for statement in self._statements.feed(data, last=last):
            self._rows.send(statement, commits=self._commits)


def _handler_counts(connection: Connection) -> RowCounts:
    """Return all rows that the session has written, those of tables of the server's own for its answers too."""
    counts = dict(query(connection, _ROW_COUNTERS))
    return RowCounts(*(int(counts[f"Handler_{what}"]) for what in ("write", "update", "delete")))
