"""What rows need on a fake target: contexts where tables compute, a commit of their own where tables undo nothing."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from udup.base.errors import Divergence, Unsupported
from udup.drivers.fake.changes import (
    Change,
    Op,
    Splitter,
    as_text,
    decode,
    decode_shape,
    decode_statement,
    encode,
    encode_settings,
)
from udup.drivers.fake.server import Connection, FakeServer
from udup.drivers.fake.tally import FakeTally
from udup.pipeline.ownership import TableName
from udup.pipeline.records import Context, Part, Transaction
from udup.pipeline.selection.schemas import UDUP_SCHEMA

#: Where prepared transactions are kept.
PREPARED: TableName = (UDUP_SCHEMA, "prepared")


class FakeRules:
    """Knows of the tables what `check` has found. Used in the event loop, `check` in the control's thread."""

    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self._contexts: dict[int, Context] = {}
        self._apart: set[TableName] = set()
        self._computing: set[TableName] = set()
        self.tally = FakeTally()

    def check(self, connection: Connection, gtid: str, maps: Sequence[bytes]) -> bool:
        """Compare tables with what the log says of them; return whether others than before undo nothing."""
        found = set()
        with self._server.call("TargetControl.check_tables", connection):
            for name, shape in ((each.table, each.shape) for each in map(decode_shape, maps)):
                table = self._server.tables.get(name)
                if table is None:
                    raise Divergence(f"{gtid}: {'.'.join(name)} has rows in the source's log and is not on the target")
                if table.shape != shape:
                    raise Unsupported(
                        f"{gtid}: {'.'.join(name)} is {shape!r} on the source, {table.shape!r} on the target"
                    )
                if not table.transactional:
                    found.add(name)
                (self._computing.add if table.computes else self._computing.discard)(name)
        new = found - self._apart
        self._apart |= found
        return bool(new)

    def forget(self, table: TableName) -> None:
        """The table was changed: what is known of it is old."""
        self._apart.discard(table)
        self._computing.discard(table)

    # ---- RowRules ----

    def note_context(self, context: Context) -> None:
        self._contexts[context.number] = context

    def note_format(self, event: bytes) -> None:
        """Nothing depends on it here: all of a fake server's formats are the same."""

    def keep(self, record: Transaction) -> bytes:
        kept = [Change(PREPARED, Op.KEEP, record.xid, as_text(record.events))]
        return encode([*self._kept_context(record.xid, record.context), *kept])

    def _kept_context(self, xid: str, number: int) -> list[Change]:
        context = self._contexts.get(number)
        if context is None or context.problem:
            return []
        return [Change(PREPARED, Op.KEEP_CONTEXT, xid, as_text(encode_settings(context.settings)))]

    def context_of(self, record: Transaction) -> int:
        if record.xid or record.create:
            return 0
        return record.context if self._computing & tables_of(record.events) else 0

    def runs_alone(self, events: bytes) -> bool:
        return bool(self._apart & _tables_in(events))

    def marked(self, record: Transaction | Part) -> str:
        tables = _tables_in(record.events)
        apart = tables & self._apart
        if not apart or record.create:
            return ""
        if tables - apart or record.xid:
            raise Unsupported(
                f"{record.id.gtid}: changes {_shown(apart)}, which undoes nothing, together with other tables"
            )
        return _shown(apart)

    # ---- What the control and large transactions ask ----

    def statement(self, label: str, number: int, tables: set[TableName], create: bytes = b"") -> bytes:
        """Return what a session must be set to for rows of these tables."""
        computes = tables & self._computing
        if create and decode_statement(create).computes:
            computes = {decode_statement(create).table}
        if not computes or not number:
            return b""
        context = self._contexts.get(number)
        if context is None or context.problem:
            problem = context.problem if context is not None else "its session is not known"
            raise Unsupported(f"{label}: {_shown(computes)} computes in the session that changes its rows: {problem}")
        return encode_settings(context.settings)

    def large(self) -> FakeLarge:
        return FakeLarge(self)

    def kept_part(self, part: Part) -> bytes:
        context = self._kept_context(part.xid, part.context) if part.index == 0 else []
        return encode([*context, Change(PREPARED, Op.KEEP, part.xid, as_text(part.events))])

    def check_marked(self, gtid: str, tables: set[TableName], *, marked: bool) -> None:
        """Raise `Unsupported` if the tables of a part are not of the kind that its transaction was begun as."""
        wrong = tables - self._apart if marked else tables & self._apart
        if wrong:
            raise Unsupported(f"{gtid}: changes tables that undo nothing together with others: {_shown(wrong)}")


class FakeLarge:
    """The parts of one large transaction: which tables they change, and how they are sent."""

    def __init__(self, rules: FakeRules) -> None:
        self._rules = rules
        self._splitter = Splitter()
        self._tables: dict[int, set[TableName]] = {}
        self._sent: set[TableName] = set()
        self._create = b""

    def add(self, part: Part) -> Part:
        self._tables[part.index] = {change.table for change in self._splitter.feed(part.events)}
        self._create = part.create or self._create
        return msgspec.structs.replace(part, events=self._rules.kept_part(part)) if part.xid else part

    async def prelude(self, part: Part, *, marked: bool) -> bytes:
        tables = self._tables.pop(part.index)
        if part.index:
            self._rules.check_marked(part.id.gtid, tables, marked=marked)
        self._sent |= tables
        if part.xid and not part.one_phase:
            return b""  # what is kept computes nothing until it is applied
        return self._rules.statement(part.id.gtid, part.context, self._sent, self._create)


def tables_of(events: bytes) -> set[TableName]:
    """Return the tables that whole events change."""
    return {change.table for change in decode(events)}


def _tables_in(events: bytes) -> set[TableName]:
    """Return those of events that may be cut at their end."""
    return {change.table for change in Splitter().feed(events)}


def _shown(tables: set[TableName]) -> str:
    return ", ".join(sorted(".".join(table) for table in tables))
