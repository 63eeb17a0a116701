"""A connection by which row events are applied as they are, by the server itself, with the checkpoint's row.

One round trip for a group: `BINLOG '<base64 of checkpoint + events>'; COMMIT`. The checkpoint's row goes first, so that
a group that was committed before, or that comes from a run that was taken over, fails there (error 1032 on Udup's own
table) before it touches a row of the user's.

Rows of which the target computes something are applied in the context of the session that wrote them, a SET in the same
round trip when it is another one than before; it stays, since other rows do not mind. Statements of our own with values
in them leave it first.

A transaction too large for one statement goes in several BINLOGs of about `PIECE_BYTES` in one open transaction
(`binlog_statements.py`). MySQL's errors pass through here; `session.py` and `inline_session.py` make Udup's of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import TypeAlias

from udup.base.endpoint import Endpoint
from udup.base.errors import Contended, Transient, UdupError, Unavailable
from udup.drivers.mysql.apply import unsure
from udup.drivers.mysql.apply import xa as prepared
from udup.drivers.mysql.apply.binlog_statements import LargeStatements, binlog_statement
from udup.drivers.mysql.apply.checkpoint import TABLE, checkpoint_events
from udup.drivers.mysql.apply.lookup import spatial_remedy
from udup.drivers.mysql.apply.ownership import hold, session_place
from udup.drivers.mysql.apply.run_ddl import run_ddl
from udup.drivers.mysql.binlog.event import has_checksums
from udup.drivers.mysql.binlog.query import parse_query
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, describe, query, scalar
from udup.drivers.mysql.client.raw import execute_counted, execute_raw, shut_down
from udup.drivers.mysql.client.session_setup import reset
from udup.drivers.mysql.client.sessions import apply_session
from udup.pipeline.ports import RowCounts
from udup.pipeline.selection.schemas import UDUP_SCHEMA

#: Bytes of events in one BINLOG of a large transaction.
PIECE_BYTES = 8 << 20

#: Seconds to wait for a row lock; then the server gives up (1205) and the group is tried again.
LOCK_WAIT_SECONDS = 20

#: base64 makes 4 bytes of 3; some room for the statement around it.
_STATEMENT_FACTOR, _STATEMENT_ROOM = 4 / 3, 4096

#: Written rows as the session counts them; our own checkpoint row is among the updated ones.
_ROW_COUNTERS = "SHOW SESSION STATUS WHERE Variable_name IN ('Handler_write', 'Handler_update', 'Handler_delete')"


#: Of a piece of a transaction's events, cut anywhere: the SET that its rows need, empty for none.
Needed: TypeAlias = Callable[[bytes], bytes]

#: The same for a transaction whose context was kept with it; the connection is the session's own.
KeptContext: TypeAlias = Callable[[Connection, bytes], Needed]


def _no_context(_data: bytes) -> bytes:
    return b""


class RowSession:
    """One slot's connection; not for more than one thread."""

    def __init__(
        self,
        endpoint: Endpoint,
        job: str,
        slot: int,
        lock_wait: int = LOCK_WAIT_SECONDS,
        answer_within: float | None = None,
    ) -> None:
        """`answer_within`: seconds in which the server must say something; one that does not is a lost connection."""
        self._endpoint = endpoint
        self._answer_within = answer_within
        self._settings = apply_session(lock_wait, hurried=answer_within is not None)
        self._job = job.encode()
        self._slot = slot
        self._format = self._log_format = b""  # that of the next events, and that of the log's
        self._with_crc = True
        self._large: LargeStatements | None = None
        self._context: bytes | None = b""  # the SET in force; empty: none, None: not known
        self._marks = 0  # rows of the checkpoint that this connection has updated, what was rolled back included
        self._counted = RowCounts()  # of connections before this one
        self._begun = RowCounts()  # what the connection's opening has counted
        self._connection = self._connect()

    def _connect(self) -> Connection:
        connection = connect(self._endpoint, self._settings, read_timeout=self._answer_within)
        self._context = b""
        hold(connection, self._job.decode(), session_place(self._slot))
        self._max_event = int(
            (int(scalar(connection, "SELECT @@global.max_allowed_packet")) - _STATEMENT_ROOM) / _STATEMENT_FACTOR
        )
        self._begun = _handler_counts(connection)
        return connection

    def abandon(self) -> None:
        """Close from another thread, whatever is under way: the server rolls it back."""
        shut_down(self._connection)

    def unhurried(self) -> AbstractContextManager[None]:
        """Let answers take as long as they take."""
        return self._connection.reading_within(None)

    def set_format(self, format_description: bytes) -> None:
        """The events that follow are written by this FORMAT_DESCRIPTION."""
        self._log_format = format_description
        self._write_by(format_description)

    def _write_by(self, format_description: bytes) -> None:
        self._format = format_description
        self._with_crc = has_checksums(format_description)
        execute_raw(self._connection, binlog_statement(format_description), 1)
        # BINLOG of a FORMAT_DESCRIPTION leaves gtid_next in a state in which nothing else runs (error 1782).
        query(self._connection, "SET SESSION gtid_next = 'AUTOMATIC'")

    @property
    def has_crc(self) -> bool:
        """Whether events end in a CRC."""
        return self._with_crc

    @property
    def in_large_transaction(self) -> bool:
        """Whether a transaction is open whose end has not come."""
        return self._large is not None

    def _entering(self, context: bytes) -> bytes:
        """What goes before a statement that needs this context; empty if it is in force, or none is needed."""
        if not context or context == self._context:
            return b""
        self._context = None
        return context + b";"

    def _enter(self, context: bytes) -> None:
        """The same by itself, in whatever transaction is open."""
        if self._entering(context):
            execute_raw(self._connection, context, 1)
            self._context = context

    def _leave(self) -> None:
        """Back to our own session, for a statement of ours with values in it: NO_BACKSLASH_ESCAPES may be in force."""
        if self._context != b"":
            reset(self._connection, self._settings, "sql_mode")
            self._context = b""

    def apply(
        self,
        version: int,
        gtids: str,
        events: Sequence[bytes],
        create: bytes = b"",
        *,
        groups: int = 1,
        context: bytes = b"",
    ) -> None:
        """Apply so many groups and commit them as one. An error leaves nothing behind once `rollback` has run.

        `context` is the SET of the session that the rows need.
        """
        if self._large is not None:
            raise UdupError("a group came inside a large transaction")
        mark = checkpoint_events(self._job, self._slot, version, version + groups, gtids, with_crc=self._with_crc)
        if create:
            self._run_create(create, context)
        entering = self._entering(context)
        self._marks += 1  # whatever comes of it: the server counts what it undoes as well
        execute_raw(self._connection, entering + binlog_statement(mark, *events) + b";COMMIT", 3 if entering else 2)
        if context:
            self._context = context
        if create:
            self._renew()

    def apply_part(
        self,
        version: int,
        gtids: str,
        index: int,
        data: bytes,
        *,
        last: bool,
        create: bytes,
        xid: str = "",
        context: bytes = b"",
    ) -> None:
        """A piece of a large transaction, cut anywhere, by its number from 0; commits with the last.

        With an `xid`, the last applies what the pieces have kept under it: XA COMMIT … ONE PHASE. `context` as in
        `apply`.
        """
        if index == 0:
            if create:
                self._run_create(create, context)
            mark = checkpoint_events(self._job, self._slot, version, version + 1, gtids, with_crc=self._with_crc)
            execute_raw(self._connection, binlog_statement(mark), 1)
            self._marks += 1
            self._large = LargeStatements(min(PIECE_BYTES, self._max_event), self._max_event)
        if self._large is None or self._large.parts != index:
            raise Transient(f"part {index} of a large transaction came without the one before it")
        self._enter(context)
        for statement in self._large.feed(data, last=last):
            execute_raw(self._connection, statement, 1)
        if last:
            self._large = None
            if xid:
                self._apply_kept(xid, lambda data: context)
            execute_raw(self._connection, b"COMMIT", 1)
            if create:
                self._renew()

    def apply_marked(
        self, version: int, gtids: str, items: Sequence[tuple[str, bytes]], tables: str, context: bytes = b""
    ) -> None:
        """Transactions whose tables undo nothing, one by one, between two marks (`unsure.py`).

        Each goes under a GTID of Udup's own, all of them in one packet with the checkpoint. `context` as in `apply`.
        """
        noted = [gtid for gtid, _ in items]
        own = self._begin_mark(version, noted, tables, whole=True)
        packet = b"".join(
            b"SET gtid_next = '%s';%s;COMMIT;" % (gtid.encode(), binlog_statement(events))
            for gtid, (_, events) in zip(own, items, strict=True)
        )
        packet += b"SET gtid_next = 'AUTOMATIC';"
        count, done = 3 * len(items) + 4, 0
        try:
            self._enter(context)
            for succeeded in execute_counted(self._connection, packet + self._end_of_mark(version, gtids), count):
                done = succeeded
        except MySQLError as error:
            raise self._failed_between_marks(error, applied=done // 3) from error
        self._marked()

    def apply_marked_part(
        self,
        version: int,
        gtids: str,
        index: int,
        data: bytes,
        *,
        last: bool,
        note: tuple[str, str],
        context: bytes = b"",
    ) -> None:
        """A piece of a large transaction of that kind; `note`: its GTID and its tables. `context` as in `apply`."""
        if index == 0:
            self._begin_mark(version, [note[0]], note[1], whole=False)
            self._large = LargeStatements(min(PIECE_BYTES, self._max_event), self._max_event)
        if self._large is None or self._large.parts != index:
            raise Transient(f"part {index} of {note[0]} came without the one before it")
        try:
            self._enter(context)
            for statement in self._large.feed(data, last=last):
                execute_raw(self._connection, statement + b";COMMIT", 2)
            if last:
                execute_raw(self._connection, self._end_of_mark(version, gtids), 3)
        except MySQLError as error:
            raise self._failed_between_marks(error) from error
        if last:
            self._large = None
            self._marked()

    def _begin_mark(self, version: int, noted: Sequence[str], tables: str, *, whole: bool) -> list[str]:
        self._leave()
        return unsure.begin(self._connection, self._job.decode(), self._slot, version, noted, tables, whole=whole)

    def _failed_between_marks(self, error: MySQLError, applied: int = 0) -> UdupError:
        with suppress(MySQLError):  # a lost connection is told by what comes next
            self._leave()
        return unsure.failed(self._connection, self._job.decode(), error, applied=applied)

    def _end_of_mark(self, version: int, gtids: str) -> bytes:
        mark = checkpoint_events(self._job, self._slot, version, version + 1, gtids, with_crc=self._with_crc)
        return binlog_statement(mark) + b";" + unsure.end_statement(self._job.decode()) + b";COMMIT"

    def _marked(self) -> None:
        self._marks += 1 + unsure.CHANGES
        unsure.end(self._connection, self._job.decode())

    def end_prepared(
        self,
        version: int,
        gtids: str,
        xid: str,
        *,
        commit: bool,
        context: KeptContext = lambda connection, kept: _no_context,
    ) -> None:
        """XA COMMIT or XA ROLLBACK of what was kept under an xid, in one commit with the checkpoint.

        `context` gets the context that was kept, and gives what tells of each piece which one its rows need.
        Raises `Unsupported` for XA COMMIT of an unknown one.
        """
        self._leave()
        needed: Needed = _no_context
        if commit:
            written_by, kept = prepared.kept_head(self._connection, self._job.decode(), xid)
            needed = context(self._connection, kept) if kept else needed
            self.rollback()  # the reading began a transaction
            if written_by != self._format:
                self._write_by(written_by)
        mark = checkpoint_events(self._job, self._slot, version, version + 1, gtids, with_crc=self._with_crc)
        execute_raw(self._connection, binlog_statement(mark), 1)
        self._marks += 1
        if commit:
            self._apply_kept(xid, needed)
        else:
            prepared.forget(self._connection, self._job.decode(), xid)
        execute_raw(self._connection, b"COMMIT", 1)
        if self._format != self._log_format:
            self._write_by(self._log_format)

    def _apply_kept(self, xid: str, needed: Needed) -> None:
        """The events kept under an xid, in the open transaction, which forgets them."""
        job = self._job.decode()
        statements = LargeStatements(min(PIECE_BYTES, self._max_event), self._max_event)
        context = b""
        self._leave()
        for data in prepared.kept_events(self._connection, job, xid):
            context = context or needed(data)
            for statement in statements.feed(data, last=False):
                self._enter(context)
                execute_raw(self._connection, statement, 1)
            self._leave()  # the next piece is read by a statement of ours
        for statement in statements.feed(b"", last=True):
            self._enter(context)
            execute_raw(self._connection, statement, 1)
        self._leave()
        prepared.forget(self._connection, job, xid)

    def _run_create(self, create: bytes, context: bytes) -> None:
        """CREATE TABLE … START TRANSACTION, in its own session context; the rows follow in the same transaction."""
        # The connection ends with it (`_renew`), and counts what it writes into the dictionary among the rows. What can
        # be asked inside of this transaction is nothing, so its rows are not counted.
        self._counted = self.rows_written()
        try:
            run_ddl(self._connection, parse_query(create, has_crc=False), computing=context)
        except Contended as error:
            # The session is in the statement's context now: not worth another try at once.
            raise Unavailable(str(error)) from error
        self._context = context

    def _renew(self) -> None:
        """A fresh session: the context of a CREATE must not stay. What came before is committed."""
        self._connection.close()
        self._marks = 0
        try:
            self._connection = self._connect()
        except Contended as error:
            raise Unavailable(str(error)) from error  # the same order must not come again
        if self._format:
            self.set_format(self._format)

    def rollback(self) -> None:
        self._large = None
        self._connection.rollback()

    def is_taken_over(self, version: int) -> bool:
        """Whether our checkpoint row is not the expected one; undoes what is open.

        Raises `Unavailable` if the connection is lost meanwhile: then nobody knows, and the next run finds out.
        """
        try:
            self.rollback()
            self._leave()
            return not self._has_version(version)
        except MySQLError as error:
            raise Unavailable(f"and then, while that was undone: {describe(error)}") from error

    def remedy(self, schema: str, table: str) -> str:
        """What to do about a row of this table that was not found, beyond comparing; empty if nothing is known."""
        try:
            self._leave()
            return spatial_remedy(self._connection, schema, table)
        except MySQLError:
            return ""  # the connection is gone: what is told without it is enough

    def _has_version(self, version: int) -> bool:
        sql = f"SELECT 1 FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND slot = %s AND version = %s"
        return bool(query(self._connection, sql, self._job.decode(), self._slot, version))

    def rows_written(self) -> RowCounts:
        """Return the rows that this session has written since it began, less those of CREATE TABLE … SELECT.

        The server counts what it was asked to write: rows ahead of a lock that was not granted count once more when
        their group is tried again. The checkpoint's rows never do.
        """
        now, begun = _handler_counts(self._connection), self._begun
        updated = now.updated - begun.updated - self._marks
        written, deleted = now.inserted - begun.inserted, now.deleted - begun.deleted
        return self._counted.plus(RowCounts(written, updated, deleted))


def _handler_counts(connection: Connection) -> RowCounts:
    """All rows that the session has written, those of tables of the server's own for its answers too."""
    counts = dict(query(connection, _ROW_COUNTERS))
    return RowCounts(*(int(counts[f"Handler_{what}"]) for what in ("write", "update", "delete")))
