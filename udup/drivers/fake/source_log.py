"""The log of a server that is copied from: who writes a transaction here has it logged, with what it depends on.

A transaction depends on the last one before it that has written one of its rows, as a source with write sets says it;
on everything, if it is a definition. XA PREPARE holds its rows' locks until its end comes, and what changes them after
that depends, as in MySQL's log, on XA PREPARE alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec

from udup.base import runtime
from udup.drivers.fake.changes import Change, Op, Statement, Table, Verb, entry_in
from udup.drivers.fake.position import FakePosition
from udup.pipeline.ownership import TableName
from udup.pipeline.records import CommitOrder, TransactionId

if TYPE_CHECKING:
    from udup.drivers.fake.server import FakeServer

#: The session of whoever says nothing else.
DEFAULT_CONTEXT: Mapping[str, str] = {"time_zone": "UTC"}


@dataclass(frozen=True)
class Logged:
    """A transaction of the log. With an `xid` it is prepared, or, where `commit` says how, ended.

    `one_phase`: of one that was large when it was prepared and commits at once after all.
    """

    id: TransactionId
    changes: tuple[Change, ...] = ()
    statement: Statement | None = None  # alone, or ahead of the changes (CREATE TABLE … SELECT)
    xid: str = ""
    commit: bool | None = None
    one_phase: bool = False
    context: Mapping[str, str] = field(default_factory=lambda: DEFAULT_CONTEXT)
    shapes: Mapping[TableName, str] = field(default_factory=dict)  # of its tables, when it was written


class Writing:
    """The rows of a transaction that is being written: `insert`, `update`, `delete`."""

    def __init__(self, entry: str) -> None:
        self._entry = entry
        self.changes: list[Change] = []

    def insert(self, table: TableName, key: str) -> Writing:
        return self._add(table, Op.INSERT, key)

    def update(self, table: TableName, key: str) -> Writing:
        return self._add(table, Op.UPDATE, key)

    def delete(self, table: TableName, key: str) -> Writing:
        return self._add(table, Op.DELETE, key)

    def _add(self, table: TableName, op: Op, key: str) -> Writing:
        self.changes.append(Change(table, op, key, self._entry))
        return self


class SourceLog:
    """Every method that writes takes the server's lock, and returns the transaction's number."""

    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self.entries: list[Logged] = []
        self.purged = FakePosition()
        self.formats: list[tuple[int, str]] = [(0, "format 1")]  # before which entry, and what
        self._number = self._sequence = 0
        self._fence = True
        self._clock_us = 0
        self._last_writer: dict[tuple[TableName, str], int] = {}  # sequence numbers of this log file
        self._last_definition = 0
        self._prepared: dict[str, Logged] = {}

    # ---- What writers do ----

    def write(
        self,
        fill: Callable[[Writing], object],
        *,
        context: Mapping[str, str] = DEFAULT_CONTEXT,
        create: Statement | None = None,
    ) -> int:
        """Commit a transaction; `create` makes the table that it fills."""
        with self._server.changed:
            self._server.check_open()
            if create is not None:
                self._define(create)
            changes = self._filled(fill)
            self._apply(changes, context)
            of = self._numbered(changes, is_definition=create is not None)
            return self._log(Logged(of, changes, create, context=context))

    def define(self, statement: Statement) -> int:
        """Run a definition."""
        with self._server.changed:
            self._server.check_open()
            entry = f"#{self._number + 1}" if statement.verb is Verb.ALTER else ""
            changed = msgspec.structs.replace(statement, entry=entry)
            self._define(changed)
            return self._log(Logged(self._numbered((), is_definition=True), statement=changed))

    def create(
        self,
        table: TableName,
        *,
        shape: str = "id",
        keyed: bool = True,
        transactional: bool = True,
        computes: bool = False,
    ) -> int:
        return self.define(Statement(Verb.CREATE, table, shape, keyed, transactional, computes))

    def alter(self, table: TableName, shape: str) -> int:
        return self.define(Statement(Verb.ALTER, table, shape))

    def drop(self, table: TableName) -> int:
        return self.define(Statement(Verb.DROP, table))

    def prepare(
        self,
        xid: str,
        fill: Callable[[Writing], object],
        *,
        one_phase: bool = False,
        context: Mapping[str, str] = DEFAULT_CONTEXT,
    ) -> int:
        """XA PREPARE; with `one_phase` a XA COMMIT … ONE PHASE, which the log tells at its end only."""
        with self._server.changed:
            changes = self._filled(fill)
            logged = Logged(self._numbered(changes), changes, xid=xid, one_phase=one_phase, context=context)
            if one_phase:
                self._apply(changes, context)
            else:
                self._prepared[xid] = logged
            return self._log(logged)

    def end(self, xid: str, *, commit: bool) -> int:
        """XA COMMIT or XA ROLLBACK."""
        with self._server.changed:
            prepared = self._prepared.pop(xid)
            if commit:
                self._apply(prepared.changes, prepared.context)
            return self._log(Logged(self._numbered(()), xid=xid, commit=commit))

    def forget_prepared(self, xid: str) -> None:
        """Lose a prepared transaction in a crash: the log says nothing of it."""
        with self._server.changed:
            del self._prepared[xid]
            self._server.changed.notify_all()

    def rotate(self, new_format: str = "") -> None:
        """Begin another log file, whose numbers begin again; perhaps written by another format."""
        with self._server.changed:
            self._sequence = self._last_definition = 0
            self._fence = True
            self._last_writer.clear()
            if new_format:
                self.formats.append((len(self.entries), new_format))

    def purge(self, up_to: int) -> None:
        """Remove transactions up to this number from the log; they stay executed."""
        with self._server.changed:
            for each in self.entries:
                if each.id.number <= up_to:
                    self.purged.add(each.id.source, each.id.number)

    def reset(self) -> None:
        """RESET BINARY LOGS AND GTIDS: the rows stay, numbers begin at 1 again."""
        with self._server.changed:
            self.entries.clear()
            self._number = 0
            self.purged = FakePosition()
            self.formats = [(0, self.formats[-1][1])]
        self.rotate()

    def lose(self, behind: int) -> None:
        """Lose the transactions behind this number, as a crash does whose log was not synced: others get their numbers.

        The rows stay, which is of no matter where they are other ones.
        """
        with self._server.changed:
            self.entries = [each for each in self.entries if each.id.number <= behind]
            self._number = behind
        self.rotate()

    # ---- What readers ask, under the lock ----

    @property
    def executed(self) -> FakePosition:
        return FakePosition((each.id.source, each.id.number) for each in self.entries)

    @property
    def prepared(self) -> Mapping[str, Logged]:
        return self._prepared

    def now_us(self) -> int:
        return runtime.wall_us() + self._server.settings.clock_ahead_us

    def format_at(self, place: int) -> str:
        """Return the format that the entry at this place is written by."""
        return [name for first, name in self.formats if first <= place][-1]

    # ---- Inside ----

    def _filled(self, fill: Callable[[Writing], object]) -> tuple[Change, ...]:
        writing = Writing(str(self._number + 1))
        fill(writing)
        locked = {(change.table, change.key) for each in self._prepared.values() for change in each.changes}
        for change in writing.changes:
            if (change.table, change.key) in locked:
                raise ValueError(f"row {change.key!r} is locked by a prepared transaction")
        return tuple(writing.changes)

    def _numbered(self, changes: Iterable[Change], *, is_definition: bool = False) -> TransactionId:
        self._number += 1
        self._sequence += 1
        rows = [(change.table, change.key) for change in changes]
        needed = max([self._last_writer.get(row, 0) for row in rows], default=0)
        last = self._sequence - 1 if is_definition else max(needed, self._last_definition)
        if is_definition:
            self._last_definition = self._sequence
        self._last_writer.update(dict.fromkeys(rows, self._sequence))
        self._clock_us = max(self._clock_us + 1, self.now_us())
        fence, self._fence = self._fence, False
        return TransactionId(
            self._server.uuid, self._number, CommitOrder(last, self._sequence, self._clock_us, fence, self._clock_us)
        )

    def _log(self, logged: Logged) -> int:
        tables = self._server.tables
        shapes = {each.table: tables[each.table].shape for each in logged.changes}
        self.entries.append(replace(logged, shapes=shapes))
        self._server.changed.notify_all()
        return logged.id.number

    def _define(self, statement: Statement) -> None:
        define(self._server.tables, statement)

    def _apply(self, changes: Iterable[Change], context: Mapping[str, str]) -> None:
        for change in changes:
            write(self._server.tables[change.table], change, context["time_zone"])


def write(table: Table, change: Change, zone: str) -> None:
    """Make a change of a row. `KeyError` if a table with a key has not the row, or has it already."""
    there = change.key in table.rows
    if table.keyed and there == (change.op is Op.INSERT):
        raise KeyError(change.key)
    if change.op is Op.DELETE:
        table.rows.pop(change.key, None)
    else:
        table.rows[change.key] = (*table.rows.get(change.key, ()), entry_in(table, change.entry, zone))


def define(tables: dict[TableName, Table], statement: Statement) -> None:
    """Carry out a definition. `KeyError` if its table is not there, or is there already."""
    if statement.verb is Verb.CREATE:
        if statement.table in tables:
            raise KeyError(statement.table)
        tables[statement.table] = Table.of(statement)
        return
    table = tables[statement.table]
    if statement.verb is Verb.ALTER:
        table.shape = statement.shape
        table.rows = {key: (*row, statement.entry) for key, row in table.rows.items()}
        return
    del tables[statement.table]
    if statement.new_name is not None:
        tables[statement.new_name] = table
