"""What a session has changed and not committed: nobody else sees it, and nobody else may change those rows.

Every function here runs under the server's lock.
"""

from __future__ import annotations

from udup.base.errors import Conflict
from udup.drivers.fake.changes import Change, Op, Row, Statement, Table, entry_in, from_text
from udup.drivers.fake.server import Connection, FakeServer
from udup.pipeline.ownership import TableName
from udup.pipeline.ports import RowCounts


class Work:
    """An open transaction. `zone` is the time zone that the session is in."""

    def __init__(self, server: FakeServer, connection: Connection, lock_wait_s: float) -> None:
        self._server = server
        self._connection = connection
        self._lock_wait_s = lock_wait_s
        self._rows: dict[tuple[TableName, str], Row | None] = {}
        self._created: dict[TableName, Table] = {}
        self._kept: dict[str, bytes] = {}
        self._kept_context: dict[str, bytes] = {}
        self._forgotten: set[str] = set()
        self._counts = RowCounts()
        self.zone = ""

    def create(self, statement: Statement) -> None:
        """Make a table that becomes one with the commit."""
        if statement.table in self._server.tables:
            raise Conflict(f"table {_shown(statement.table)} is there already")
        self._created[statement.table] = Table.of(statement)

    def change(self, change: Change) -> None:
        """Lock the row and change it. `Conflict` if it is not as the change says, `Contended` if it stays locked."""
        if change.op is Op.KEEP:
            self._kept[change.key] = self._kept.get(change.key, b"") + from_text(change.entry)
            return
        if change.op is Op.KEEP_CONTEXT:
            self._kept_context[change.key] = from_text(change.entry)
            return
        name = (change.table, change.key)
        table = self._table(change.table)
        if change.table not in self._created:
            self._server.lock_row(name, self._connection, self._lock_wait_s)
        before = self._rows[name] if name in self._rows else table.rows.get(change.key)
        if table.keyed and (before is not None) == (change.op is Op.INSERT):
            problem = "is there already" if before is not None else "is not there"
            raise Conflict(f"row {change.key!r} of {_shown(change.table)} {problem}")
        entry = entry_in(table, change.entry, self.zone)
        after = None if change.op is Op.DELETE else (*(before or ()), entry)
        if table.transactional:
            self._rows[name] = after
        else:
            _put(table, change.key, after)  # at once, whatever becomes of the transaction
        counted = {Op.INSERT: RowCounts(1, 0, 0), Op.UPDATE: RowCounts(0, 1, 0), Op.DELETE: RowCounts(0, 0, 1)}
        self._counts = self._counts.plus(counted[change.op])

    def _table(self, name: TableName) -> Table:
        table = self._created.get(name) or self._server.tables.get(name)
        if table is None:
            raise Conflict(f"table {_shown(name)} is not there")
        return table

    def kept_events(self, job: str, xid: str) -> bytes | None:
        """Return what is kept of a prepared transaction, in this one's eyes."""
        there = self._server.jobs.kept.get((job, xid))
        return self._kept.get(xid) if there is None else there + self._kept.get(xid, b"")

    def kept_context(self, job: str, xid: str) -> bytes:
        return self._kept_context.get(xid) or self._server.jobs.kept_context.get((job, xid), b"")

    def forget_kept(self, xid: str) -> None:
        self._forgotten.add(xid)

    def commit(self, job: str) -> RowCounts:
        """Let everybody see it; return how many rows were written."""
        jobs = self._server.jobs
        self._server.tables.update(self._created)
        for (table, key), row in self._rows.items():
            _put(self._table(table), key, row)
        for xid, events in self._kept.items():
            jobs.kept[job, xid] = jobs.kept.get((job, xid), b"") + events
        for xid, context in self._kept_context.items():
            jobs.kept_context[job, xid] = context
        for xid in self._forgotten:
            jobs.kept.pop((job, xid), None)
            jobs.kept_context.pop((job, xid), None)
        self._server.unlock(self._connection)
        return self._counts

    def rollback(self) -> None:
        self._server.unlock(self._connection)


def _put(table: Table, key: str, row: Row | None) -> None:
    if row is None:
        table.rows.pop(key, None)
    else:
        table.rows[key] = row


def _shown(table: TableName) -> str:
    return ".".join(table)
