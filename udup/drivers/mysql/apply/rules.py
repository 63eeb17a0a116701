"""What rows need on a MySQL target besides their bytes: to run alone, a context, to be kept until a prepared end."""

from __future__ import annotations

from collections import deque

from udup.drivers.mysql.apply.apart import TablesApart
from udup.drivers.mysql.apply.computing import Computing
from udup.drivers.mysql.apply.contexts import TargetContexts
from udup.drivers.mysql.apply.preludes import Preludes
from udup.drivers.mysql.apply.xa import PreparedRows
from udup.drivers.mysql.binlog.event import has_checksums
from udup.drivers.mysql.binlog.table_map import TableMaps, TableName, table_name
from udup.drivers.mysql.rows.tally import MySQLTally
from udup.pipeline.records import Context, Part, Transaction


class MySQLRowRules:
    """`RowRules` of `pipeline/ports/`."""

    def __init__(self, job: str, contexts: TargetContexts, computing: Computing) -> None:
        self._contexts = contexts
        self._computing = computing
        self._prepared = PreparedRows(job)
        self.apart = TablesApart()
        self.tally = MySQLTally()

    def note_context(self, context: Context) -> None:
        self._contexts.note(context)

    def note_format(self, event: bytes) -> None:
        self.tally.comes_with_crc = has_checksums(event)
        self._prepared.set_format(event, with_crc=has_checksums(event))

    def keep(self, record: Transaction) -> bytes:
        return self._prepared.whole(record, self._contexts.kept(record.context))

    def keep_part(self, part: Part) -> Part:
        """Return the part with the events that keep it, the first with its context."""
        return self._prepared.part(part, self._contexts.kept(part.context))

    def context_of(self, record: Transaction) -> int:
        if not self._computing or record.xid or record.create:
            return 0  # what is only kept computes nothing, and CREATE … SELECT has its own
        return record.context if self._computing.in_events(record.events) else 0

    def runs_alone(self, events: bytes) -> bool:
        return self.apart.touched_by(events)

    def marked(self, record: Transaction | Part) -> str:
        """Return the tables of its mark. A CREATE … SELECT makes its table first, so what is known of that is old."""
        if record.create:
            self.apart.forget()
        return self.apart.marked(record.id.gtid, record.events, prepared=bool(record.xid))


class MySQLLargeRules:
    """`LargeRules` of `pipeline/ports/`: each part is added, and later sent, in their order."""

    def __init__(self, rules: MySQLRowRules, preludes: Preludes) -> None:
        self._rules = rules
        self._preludes = preludes
        self._maps = TableMaps()
        self._create = b""
        self._tables: set[TableName] = set()  # of the parts that were sent
        self._waiting: deque[list[TableName]] = deque()

    def add(self, part: Part) -> Part:
        self._waiting.append([table_name(event) for event in self._maps.feed(part.events)])
        return self._rules.keep_part(part) if part.xid else part

    async def prelude(self, part: Part, *, marked: bool) -> bytes:
        """Return the context that the tables so far need; `Unsupported` if one is of the other kind than `marked`."""
        tables = self._waiting.popleft()
        if part.index:
            self._rules.apart.expect(part.id.gtid, tables, marked=marked)
        self._tables.update(tables)
        self._create = part.create or self._create
        # What is kept as bytes computes nothing until it is applied, with the last part or later.
        if part.xid and not part.one_phase:
            return b""
        return await self._preludes.of_rows(part.id.gtid, part.context, self._tables, self._create)
