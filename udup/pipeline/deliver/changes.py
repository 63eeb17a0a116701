"""Makes units of records: the transactions of the log in their order, XA held back, what is there already left out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace

import msgspec

from udup.base.errors import UdupError
from udup.base.transaction_names import origin_and_number
from udup.pipeline.deliver.partial import check_rules, check_same
from udup.pipeline.deliver.place import OpenTransaction, Place
from udup.pipeline.deliver.prepared import PreparedTransactions
from udup.pipeline.deliver.units import Units
from udup.pipeline.ports import InPart, Position
from udup.pipeline.ports.delivery import Encoder, FoundPlace, Message, RecordReader, RowsText, Unit
from udup.pipeline.records import (
    Definition,
    Part,
    SnapshotDefinition,
    SnapshotEnd,
    SnapshotRows,
    Transaction,
    TransactionId,
    XaEnd,
)
from udup.pipeline.stamps import Stamps


class Changes:
    """`send` takes a unit, and returns when the next may come. `position` parses a position of the source.

    `found`: what the sink has behind the place.
    """

    def __init__(
        self,
        reader: RecordReader,
        encoder: Encoder,
        units: Units,
        place: Place,
        found: FoundPlace,
        send: Callable[[Unit], Awaitable[None]],
        position: Callable[[str], Position],
    ) -> None:
        self.place = place
        self._reader = reader
        self._encoder = encoder
        self._units = units
        self._send = send
        self._parse = position
        place.times.update(found.times)
        place.there = self._due({*place.there, *(row for each in found.ids for row in encoder.row_ids(each))})
        self._is_resumed = False  # the open transaction has begun in an earlier run
        self._committed_us = 0  # when the open transaction was: of a prepared one its end
        self._already: dict[str, int] = {}  # rows of the open transaction that the sink has, by table
        self._prepared = PreparedTransactions()
        self._format = b""
        self._stored_text = place.text()
        self._cut = b""  # the beginning of a record of a snapshot's rows

    @property
    def prepared(self) -> int:
        """Return how many XA transactions are prepared and held back."""
        return len(self._prepared)

    @property
    def is_inside(self) -> bool:
        """Whether a transaction has come in part."""
        return self.place.open is not None

    @property
    def partial(self) -> set[str]:
        """Return the transactions that earlier runs have delivered in part and that have not come to their end."""
        found = set(map(self._encoder.gtid, self.place.there)) | set(self.place.begun)
        return found if self.place.open is None or not self._is_resumed else found | {self.place.open.gtid}

    async def take_rules(self, job: str, rules: str, *, stores: bool) -> None:
        """Take the rules by which rows are told from now on (`partial.py`); `Refused` if that cannot be.

        `stores`: the sink knows of them ahead of the first such row. It need not where no row comes before a position.
        """
        if self.place.rules != rules:
            if self.place.rules is not None:
                check_rules(job, self.partial)
            self.place.rules = rules
            if stores:
                await self.store_place(always=True)

    @property
    def in_part(self) -> InPart:
        """Return the same for the source: its log has to bring them again."""
        times = {gtid: self.place.times.get(gtid, 0) for gtid in self.partial}
        times |= {each.gtid: each.committed_us for each in self.place.begun.values()}
        gtids, stamps = self._parse(""), Stamps()
        for gtid, us in times.items():
            source, number = origin_and_number(gtid)
            gtids.add(source, number)
            stamps.note(source, number, us)
        return InPart(str(gtids), str(stamps))

    def close(self) -> None:
        """Give up what is held back."""
        self._prepared.close()

    # ---- The log ----

    def set_format(self, event: bytes) -> None:
        """The records that follow are written by this FORMAT_DESCRIPTION."""
        self._format = event
        self._reader.set_format(event)

    async def transaction(self, record: Transaction) -> None:
        """Deliver a transaction, or hold it back where it is prepared only."""
        if record.xid:
            self._prepare(record)
            return
        self._begin(record.id)
        await self._rows(record)
        await self._end(record.id)

    async def part(self, record: Part) -> None:
        """Deliver a part of a large transaction, or hold it back."""
        if record.xid:
            self._prepare(record)
            if record.last and record.one_phase:
                await self._held(record.xid, record.id)
            return
        if record.index == 0:
            self._begin(record.id)
        await self._rows(record)
        if record.last:
            await self._end(record.id)

    async def end_of_xa(self, record: XaEnd) -> None:
        """Deliver what was prepared, as the transaction that commits it; or forget it."""
        if record.commit:
            await self._held(record.xid, record.id)
            return
        prepared = self._prepared.drop(record.xid)
        if prepared is not None:
            self._executed(prepared)
        self._executed(record.id)

    def _prepare(self, record: Transaction | Part) -> None:
        lost = self._prepared.add(record, self._format)
        if lost is not None:
            self._executed(lost)
        self.place.prepared.add(record.id.gtid)

    async def _held(self, xid: str, end: TransactionId) -> None:
        """Deliver what was prepared. Both of its halves are executed in one unit: one of them alone is never ended."""
        prepared, written_by, records = self._prepared.take(xid, end.gtid)
        self._begin(end)
        if written_by != self._format:
            self._reader.set_format(written_by)
        for record in records:
            await self._rows(record)
        if written_by != self._format:
            self._reader.set_format(self._format)
        if prepared != end:
            self._executed(prepared)
        await self._end(end)

    def _begin(self, of: TransactionId) -> None:
        gtid = of.gtid
        self._committed_us = _committed_us(of)
        resumed = self.place.begun.pop(gtid, None)
        self.place.open = OpenTransaction(gtid, {}, of.order.original_us)
        self._is_resumed, self._already = resumed is not None, resumed.counts if resumed else {}
        if resumed is not None:
            check_same(resumed, of)
        else:
            self._add(self._encoder.begin(gtid, self._committed_us))

    async def _rows(self, record: Transaction | Part) -> None:
        opened = self.place.open
        if opened is None or (not record.xid and opened.gtid != record.id.gtid):
            raise UdupError(f"rows of {record.id.gtid} came outside of it")
        if record.create and not self._is_resumed:
            found_table = self._reader.definition(Definition(record.id, record.create, "", told=record.told))
            self._add(self._encoder.definition(opened.gtid, self._committed_us, found_table))
        for found in self._reader.rows(record):
            await self._event(opened, found)

    async def _event(self, opened: OpenTransaction, found: RowsText) -> None:
        table = f"{found.table.schema}.{found.table.name}"
        before = opened.counts.get(table, 0)
        messages = self._encoder.rows(opened.gtid, self._committed_us, opened.counts, found)
        there = self._already.get(table, 0)
        if before < there:
            messages = [each for each in messages if self._encoder.row_number(each.id) >= there]
        self._add(messages)
        if self._units.is_full and opened.counts.get(table, 0) >= there:
            await self._close_unit()

    async def _end(self, of: TransactionId) -> None:
        opened, self.place.open, self._already = self.place.open, None, {}
        assert opened is not None
        self._add(self._encoder.end(opened.gtid, self._committed_us, opened.counts))
        self._executed(of)
        if self._units.is_full:
            await self._close_unit()

    def _executed(self, of: TransactionId) -> None:
        self.place.executed.add(of.source, of.number)
        self.place.prepared.discard(of.gtid)
        if self.place.there:
            begins = f"{of.gtid}:"
            self.place.there = {each for each in self.place.there if not each.startswith(begins)}
            self.place.times.pop(of.gtid, None)
        self.place.stamps.note(of.source, of.number, of.order.original_us)
        self._units.filling.transactions.append(of)

    async def definition(self, record: Definition) -> None:
        """Deliver a DDL statement."""
        found = self._reader.definition(record)
        self._add(self._encoder.definition(record.id.gtid, _committed_us(record.id), found))
        self._units.filling.definitions += 1
        self._executed(record.id)

    def skipped(self, gtids: str, last: str = "") -> None:
        """Note transactions that hold nothing of the job's, or nothing any more; `last` is the last one's stamp."""
        place = self.place
        place.executed.update(self._parse(gtids))
        place.stamps.update(Stamps.parse(last))
        self._prepared.forget(place.executed)
        place.there = self._due(place.there)
        place.begun = {gtid: rows for gtid, rows in place.begun.items() if not self._is_executed(gtid)}
        place.prepared = {gtid for gtid in place.prepared if not self._is_executed(gtid)}

    def _is_executed(self, gtid: str) -> bool:
        return self.place.executed.contains(*origin_and_number(gtid))

    def known(self, source_uuid: str, stamps: str) -> None:
        """Note which server is followed, and the stamps of transactions that it was recognised by."""
        self.place.source_uuid = source_uuid
        self.place.stamps.update(Stamps.parse(stamps))

    def heartbeat(self, now_ms: int) -> None:
        self._add(self._encoder.heartbeat(now_ms))

    def _add(self, messages: list[Message]) -> None:
        if self.place.there and messages:
            messages = [each for each in messages if not self._is_there(each.id)]
        if messages:
            self._units.add(messages)

    def _due(self, there: Collection[str]) -> set[str]:
        """Return those of the messages in the sink that will come again: what is of executed transactions does not."""
        gtid = self._encoder.gtid
        due = {each for each in map(gtid, there) if each and not self._is_executed(each)}
        return {each for each in there if gtid(each) in due}

    def _is_there(self, message_id: str) -> bool:
        found = message_id in self.place.there
        self.place.there.discard(message_id)
        return found

    # ---- A snapshot ----

    async def snapshot_definition(self, record: SnapshotDefinition) -> None:
        """Deliver, ahead of a snapshot's rows, the statements by which its tables would be made.

        A run that ends before the last one leaves them to the next, which tells all of them under another number: that
        the number is taken is stored ahead of them.
        """
        made, place = self._encoder.snapshot_definition(record), self.place
        if not made:
            return
        if place.snapshots < record.snapshot:
            await self.flush()
            place.snapshots, place.copying = record.snapshot, True
            await self._close_unit()
        self._add(made)
        if record.last:
            place.snapshot = record.state
        if record.last or self._units.is_full:
            await self._close_unit()

    async def snapshot_rows(self, record: SnapshotRows) -> None:
        """Deliver rows of a snapshot, all or none: read again after a death they would be others.

        A row that is too long for a record comes in several, of which the last says that there are rows.
        """
        self._cut += record.events
        if not record.rows:
            return
        record, self._cut = msgspec.structs.replace(record, events=self._cut), b""
        await self.flush()
        first = record.before
        for found in self._reader.rows(record):
            messages = self._encoder.snapshot(record, found, first)
            self._units.add(messages)
            first += len(messages)
            table = f"{found.table.schema}.{found.table.name}"
            counted = self._units.filling.snapshot_rows
            counted[table] = counted.get(table, 0) + len(messages)
        self.place.snapshot, self.place.copying = record.state, not record.incremental
        self.place.snapshots = max(self.place.snapshots, record.snapshot)
        await self._close_unit(atomic=True)

    async def snapshot_end(self, record: SnapshotEnd) -> None:
        """The snapshot is complete: the log is followed from its position; or nothing of it counts any more."""
        await self.flush()
        self.place.snapshot = record.state
        if record.position:
            self.place.executed.update(self._parse(record.position))
        self.place.copying = False
        await self._close_unit()

    # ---- Units ----

    async def flush(self) -> None:
        """Send what has gathered."""
        if self._units.has_messages:
            await self._close_unit()
        else:
            self._units.settle()

    async def store_place(self, *, always: bool = False) -> None:
        """Store the place as it is now, if it is not the one that was stored last."""
        if always or self._units.has_messages or self._position() != self._stored_text:
            await self._close_unit()

    async def _close_unit(self, *, atomic: bool = False) -> None:
        self._stored_text = text = self._position()
        await self._send(self._units.close(text, atomic=atomic))

    def _position(self) -> str:
        """Return the place as it is stored: with all rows of the open transaction that the sink has.

        A transaction that a run resumes is told from its beginning again, so its own counts may be behind.
        """
        place = self.place
        if place.open is None or not self._already:
            return place.text()
        counts = place.open.counts
        most = {name: max(count, counts.get(name, 0)) for name, count in self._already.items()}
        return replace(place, open=replace(place.open, counts={**counts, **most})).text()


def _committed_us(of: TransactionId) -> int:
    """Return when the transaction was first committed, in µs since the epoch; where that is not said, when here."""
    return of.order.original_us or of.order.committed_us
