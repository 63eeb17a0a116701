"""A slot's transactions on the target: what belongs into one commit with the checkpoint's row, and in which order.

The checkpoint's row is changed first, so that a group that was committed before, or that comes from a run that was
taken over, fails there (error 1032) before it touches a row of the user's. How rows get to the server is another
matter (`rows_path.py`): as events, or as statements where the account may not run BINLOG. Which of the two it is, the
server itself says: it refuses the first FORMAT_DESCRIPTION of an account that may not.

MySQL's errors pass through here; `session.py` and `inline_session.py` make Udup's of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import TypeAlias

from udup.base.endpoint import Endpoint
from udup.base.errors import Contended, Transient, UdupError, Unavailable
from udup.drivers.mysql.apply import unsure
from udup.drivers.mysql.apply import xa as prepared
from udup.drivers.mysql.apply.checkpoint import TABLE
from udup.drivers.mysql.apply.lookup import spatial_remedy
from udup.drivers.mysql.apply.opening import gives_way, open_path
from udup.drivers.mysql.apply.ownership import hold, session_place
from udup.drivers.mysql.apply.rows_path import Mark, RowsPath, RowStream
from udup.drivers.mysql.client.connection import Connection, MySQLError, describe, query
from udup.drivers.mysql.client.raw import execute_raw, shut_down
from udup.pipeline.ports import ApplyMode, RowCounts
from udup.pipeline.selection.schemas import UDUP_SCHEMA

#: Seconds to wait for a row lock; then the server gives up (1205) and the group is tried again.
LOCK_WAIT_SECONDS = 20

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
        mode: ApplyMode = ApplyMode.BY_PRIVILEGE,
    ) -> None:
        """`answer_within`: seconds in which the server must say something; one that does not is a lost connection."""
        self._endpoint = endpoint
        self._mode = mode
        self._lock_wait = lock_wait
        self._answer_within = answer_within
        self._job = job.encode()
        self._slot = slot
        self._log_format = b""  # of the log's events; those of a kept transaction may have another
        self._large: RowStream | None = None
        self._counted = RowCounts()  # of connections before this one
        self._connection, self._rows = self._connect()

    def _connect(self) -> tuple[Connection, RowsPath]:
        opened = open_path(
            self._endpoint,
            self._mode,
            self._lock_wait,
            self._answer_within,
            lambda connection: hold(connection, self._job.decode(), session_place(self._slot)),
        )
        self._mode = opened.mode
        return opened.connection, opened.rows

    def abandon(self) -> None:
        """Close from another thread, whatever is under way: the server rolls it back."""
        shut_down(self._connection)

    def unhurried(self) -> AbstractContextManager[None]:
        """Let answers take as long as they take."""
        return self._connection.reading_within(None)

    def set_format(self, format_description: bytes) -> None:
        """The events that follow are written by this FORMAT_DESCRIPTION."""
        self._log_format = format_description
        try:
            self._rows.write_by(format_description)
        except MySQLError as error:
            if not gives_way(self._mode, error):
                raise
            self._mode = ApplyMode.STATEMENTS
            self._reconnect()

    @property
    def has_crc(self) -> bool:
        """Whether events end in a CRC."""
        return self._rows.has_crc

    @property
    def in_large_transaction(self) -> bool:
        """Whether a transaction is open whose end has not come."""
        return self._large is not None

    def _mark(self, version: int, gtids: str, groups: int = 1) -> Mark:
        return Mark(self._job, self._slot, version, version + groups, gtids)

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
        mark = self._mark(version, gtids, groups)
        if create:
            self._rows.run_create(mark, create, context)
        self._rows.apply(mark, events, context)
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
            mark = self._mark(version, gtids)
            if create:
                self._rows.run_create(mark, create, context)
            self._rows.begin(mark)
            self._large = self._rows.stream()
        if self._large is None or self._large.parts != index:
            raise Transient(f"part {index} of a large transaction came without the one before it")
        self._large.feed(data, context, last=last)
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

        `context` as in `apply`.
        """
        own = self._begin_mark(version, [gtid for gtid, _ in items], tables, whole=self._rows.applies_apart_whole)
        transactions = [events for _, events in items]
        applied = 0
        try:
            for done in self._rows.apply_apart(own, transactions, self._mark(version, gtids), self._ending, context):
                applied = done
        except MySQLError as error:
            raise self._failed_between_marks(error, applied) from error
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
            self._large = self._rows.stream(commits=True)
        if self._large is None or self._large.parts != index:
            raise Transient(f"part {index} of {note[0]} came without the one before it")
        try:
            self._large.feed(data, context, last=last)
            if last:
                self._rows.finish(self._mark(version, gtids), self._ending)
        except MySQLError as error:
            raise self._failed_between_marks(error) from error
        if last:
            self._large = None
            self._marked()

    def _begin_mark(self, version: int, noted: Sequence[str], tables: str, *, whole: bool) -> list[str]:
        self._rows.leave()
        return unsure.begin(self._connection, self._job.decode(), self._slot, version, noted, tables, whole=whole)

    @property
    def _ending(self) -> bytes:
        """Return the statement that takes the note away, in the transaction of the checkpoint."""
        return unsure.end_statement(self._job.decode())

    def _failed_between_marks(self, error: MySQLError, applied: int = 0) -> UdupError:
        with suppress(MySQLError):  # a lost connection is told by what comes next
            self._rows.leave()
        own_gtids = self._rows.applies_apart_whole
        return unsure.failed(self._connection, self._job.decode(), error, applied=applied, own_gtids=own_gtids)

    def _marked(self) -> None:
        self._rows.note_own(unsure.CHANGES)
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
        self._rows.leave()
        needed: Needed = _no_context
        if commit:
            written_by, kept = prepared.kept_head(self._connection, self._job.decode(), xid)
            needed = context(self._connection, kept) if kept else needed
            self.rollback()  # the reading began a transaction
            if written_by != self._rows.format:
                self._rows.write_by(written_by)
        self._rows.begin(self._mark(version, gtids))
        if commit:
            self._apply_kept(xid, needed)
        else:
            prepared.forget(self._connection, self._job.decode(), xid)
        execute_raw(self._connection, b"COMMIT", 1)
        if self._rows.format != self._log_format:
            self._rows.write_by(self._log_format)

    def _apply_kept(self, xid: str, needed: Needed) -> None:
        """The events kept under an xid, in the open transaction, which forgets them."""
        job = self._job.decode()
        stream = self._rows.stream()
        context = b""
        self._rows.leave()
        for data in prepared.kept_events(self._connection, job, xid):
            context = context or needed(data)
            stream.feed(data, context, last=False)
            self._rows.leave()  # the next piece is read by a statement of ours
        stream.feed(b"", context, last=True)
        self._rows.leave()
        prepared.forget(self._connection, job, xid)

    def _renew(self) -> None:
        """A fresh session: the context of a CREATE must not stay. What came before is committed."""
        self._counted = self._counted.plus(self._rows.rows_written())
        self._reconnect()

    def _reconnect(self) -> None:
        self._connection.close()
        try:
            self._connection, self._rows = self._connect()
        except Contended as error:
            raise Unavailable(str(error)) from error  # the same order must not come again
        if self._log_format:
            self.set_format(self._log_format)

    def rollback(self) -> None:
        self._large = None
        self._connection.rollback()
        self._rows.undo()

    def is_taken_over(self, version: int) -> bool:
        """Whether our checkpoint row is not the expected one; undoes what is open.

        Raises `Unavailable` if the connection is lost meanwhile: then nobody knows, and the next run finds out.
        """
        try:
            self.rollback()
            self._rows.leave()
            return not self._has_version(version)
        except MySQLError as error:
            raise Unavailable(f"and then, while that was undone: {describe(error)}") from error

    def remedy(self, schema: str, table: str) -> str:
        """What to do about a row of this table that was not found, beyond comparing; empty if nothing is known."""
        if not (self._rows.applies_apart_whole or self._connection.is_mariadb):
            return ""  # a statement finds rows by any index, and without one
        try:
            self._rows.leave()
            return spatial_remedy(self._connection, schema, table)
        except MySQLError:
            return ""  # the connection is gone: what is told without it is enough

    def _has_version(self, version: int) -> bool:
        sql = f"SELECT 1 FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND slot = %s AND version = %s"
        return bool(query(self._connection, sql, self._job.decode(), self._slot, version))

    def rows_written(self) -> RowCounts:
        """Return the rows that this session has written since it began, less those of CREATE TABLE … SELECT.

        The checkpoint's rows never count.
        """
        return self._counted.plus(self._rows.rows_written())
