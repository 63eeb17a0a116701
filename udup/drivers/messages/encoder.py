"""Makes messages of what was read: one for each row, and those of transactions, definitions and heartbeats.

What is the same for all rows of an event is made once for it, and what is the same for all events of a table once for
its definition. Where the form allows it the source's driver puts a row's texts together itself (`TableText.values`), so
that here each row is nothing but a `Message`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from udup.base import runtime
from udup.base.errors import Refused
from udup.drivers.messages import ids, packing
from udup.drivers.messages.formats import EventForm, event_form
from udup.drivers.messages.further import FurtherMessages
from udup.drivers.messages.names import PlainNames, TopicNames
from udup.drivers.messages.options import MessageOptions, option_faults
from udup.drivers.messages.outbox import Outbox
from udup.drivers.messages.source_block import Origin
from udup.drivers.messages.table_form import TableForm, TableForms
from udup.drivers.messages.transaction_order import TransactionOrder
from udup.pipeline.ports.delivery import DefinitionText, DeliverySettings, Message, Operation, RowsText, RowText
from udup.pipeline.records import SnapshotDefinition, SnapshotRows

NEW_KEY, OLD_KEY = "__debezium.newkey", "__debezium.oldkey"

_PLAIN = PlainNames()

_CREATE, _UPDATE, _DELETE = Operation.CREATE.value, Operation.UPDATE.value, Operation.DELETE.value

#: Debezium's words for places in a snapshot: the first of these that holds for a row is told.
_MARKERS = ("last", "first", "last_in_data_collection", "first_in_data_collection")


class MessageEncoder:
    """The `Encoder` of all sinks. `names` is the sink's rule for topics, `clock_us` what `ts_ms` is taken from."""

    def __init__(
        self, options: MessageOptions, names: TopicNames, clock_us: Callable[[], int] = runtime.wall_us
    ) -> None:
        self._options, self._clock_us = options, clock_us
        self._forms = TableForms(options, names)
        self._outbox = Outbox(options, options.outbox, names) if options.outbox else None
        self._further = FurtherMessages(options, names, self._forms)

    # ---- Rows ----

    def rows(self, gtid: str, committed_us: int, counts: dict[str, int], found: RowsText) -> list[Message]:
        """Return the messages of a rows event; of none where the operation is left out (`skipped.operations`)."""
        form = self._forms.of(found.table)
        first = counts.get(form.name, 0)
        front = f"{gtid}:{form.id}:"
        if form.is_outbox and self._outbox:
            made, rows = self._outbox.messages(front, first, form, found)
        elif found.operation.value in self._options.skipped:
            made, rows = [], len(found.table.rows(found.event))
        else:
            origin = self._origin(gtid, committed_us, found)
            order = TransactionOrder(gtid, form.name, counts) if self._options.transactions else None
            made, rows = self._messages(form, origin, found, front, first, order)
        counts[form.name] = first + rows
        return made

    def snapshot(self, record: SnapshotRows, found: RowsText, first: int) -> list[Message]:
        """Return the messages of an event of a snapshot, one for each row, whose first is `first` in its chunk."""
        form = self._forms.of(found.table)
        front = f"s{record.snapshot}:{form.id}:{record.chunk}:"
        if form.is_outbox and self._outbox:
            return self._outbox.messages(front, first, form, found)[0]
        texts = found.table.rows(found.event)
        now_us = self._clock_us()
        opened: dict[str, EventForm] = {}
        made = []
        for number, text in enumerate(texts, first):
            marker = _marker(record, number - record.before)
            if marker not in opened:
                origin = Origin(record.read_ms * 1000, marker, 0, None, record.file, record.offset)
                opened[marker] = event_form(self._options, form, origin, Operation.READ.value, now_us)
            message_id = f"{front}{number}"
            value = opened[marker].value(None, text.after, 0, message_id, None)
            made.append(Message(form.topic, form.key(text.key), value, message_id, (), Operation.READ.value, form.name))
        return made

    def _origin(self, gtid: str, committed_us: int, found: RowsText) -> Origin:
        return Origin(
            committed_us or found.seconds * 1_000_000,
            "false",
            found.server_id,
            gtid,
            found.file,
            found.position,
            found.thread,
            found.query if self._options.query else None,
        )

    def _messages(
        self, form: TableForm, origin: Origin, found: RowsText, front: str, first: int, order: TransactionOrder | None
    ) -> tuple[list[Message], int]:
        """Return the messages of an event and how many rows it has."""
        operation = found.operation.value
        now_us = self._clock_us()
        event = event_form(self._options, form, origin, operation, now_us)
        template = event.template()
        compares = operation == _UPDATE and self._options.only_changes
        if template is not None and order is None and not compares:
            pairs = found.table.values(found.event, template, 0)
            if pairs is not None:
                return self._quick(form, operation, front, first, pairs), len(pairs)
        texts = found.table.rows(found.event)
        made: list[Message] = []
        for row, text in enumerate(texts):
            if compares and text.before == text.after:
                continue
            if text.old_key is not None:
                made += self._moved(form, origin, now_us, f"{front}{first + row}", row, text, order)
                continue
            message_id = f"{front}{first + row}"
            value = event.value(text.before, text.after, row, message_id, order.next() if order else None)
            self._add(made, form, operation, text.key, value, message_id)
        return made, len(texts)

    def _quick(
        self, form: TableForm, operation: str, front: str, first: int, pairs: Sequence[tuple[bytes | None, bytes]]
    ) -> list[Message]:
        """Return the messages of keys and values that are whole already."""
        topic, name = form.topic, form.name
        if form.key_front:
            pairs = [(form.key(key), value) for key, value in pairs]
        if operation == _DELETE and self._options.tombstones:
            made: list[Message] = []
            for number, (key, value) in enumerate(pairs, first):
                message_id = f"{front}{number}"
                made.append(Message(topic, key, value, message_id, (), operation, name))
                if key is not None:
                    made.append(Message(topic, key, None, f"{message_id}:{ids.TOMBSTONE}", (), "", name))
            return made
        return [
            Message(topic, key, value, f"{front}{number}", (), operation, name)
            for number, (key, value) in enumerate(pairs, first)
        ]

    def _add(
        self, made: list[Message], form: TableForm, operation: str, key: bytes | None, value: bytes, message_id: str
    ) -> None:
        """Add the message of a row, and behind a delete its tombstone; a table without a key has none."""
        whole = form.key(key)
        made.append(Message(form.topic, whole, value, message_id, (), operation, form.name))
        if operation == _DELETE and self._options.tombstones and whole is not None:
            made.append(Message(form.topic, whole, None, f"{message_id}:{ids.TOMBSTONE}", (), "", form.name))

    def _moved(
        self,
        form: TableForm,
        origin: Origin,
        now_us: int,
        message_id: str,
        row: int,
        text: RowText,
        order: TransactionOrder | None,
    ) -> list[Message]:
        """Return the messages of an update that changed the key: a delete, its tombstone, an insert."""
        made = []
        old, new = text.old_key or b"", text.key or b""
        if _DELETE not in self._options.skipped:
            event = event_form(self._options, form, origin, _DELETE, now_us)
            half = f"{message_id}:{ids.DELETED}"
            value = event.value(text.before, None, row, half, order.next() if order else None)
            headers = ((NEW_KEY, new),)
            made.append(Message(form.topic, form.key(old), value, half, headers, _DELETE, form.name))
            if self._options.tombstones:
                tombstone = f"{message_id}:{ids.TOMBSTONE}"
                made.append(Message(form.topic, form.key(old), None, tombstone, (), "", form.name))
        if _CREATE not in self._options.skipped:
            event = event_form(self._options, form, origin, _CREATE, now_us)
            half = f"{message_id}:{ids.CREATED}"
            value = event.value(None, text.after, row, half, order.next() if order else None)
            headers = ((OLD_KEY, old),)
            made.append(Message(form.topic, form.key(new), value, half, headers, _CREATE, form.name))
        return made

    # ---- Everything else ----

    def begin(self, gtid: str, committed_us: int) -> list[Message]:
        return self._further.begin(gtid, committed_us)

    def end(self, gtid: str, committed_us: int, counts: Mapping[str, int]) -> list[Message]:
        return self._further.end(gtid, committed_us, counts)

    def definition(self, gtid: str, committed_us: int, found: DefinitionText) -> list[Message]:
        return self._further.definition(gtid, committed_us, found, self._clock_us())

    def snapshot_definition(self, record: SnapshotDefinition) -> list[Message]:
        return self._further.snapshot_definition(record)

    def heartbeat(self, now_ms: int) -> list[Message]:
        return self._further.heartbeat(now_ms)

    @property
    def heartbeat_seconds(self) -> float:
        return self._options.heartbeat_ms / 1000

    # ---- What is sent ----

    def packed(self, messages: list[Message]) -> list[Message]:
        """Return a unit's messages as they are sent: with `RowsPerMessage` several rows in one."""
        rows = self._options.rows_per_message
        return packing.packed(messages, rows) if rows > 1 else messages

    def row_ids(self, message_id: str) -> list[str]:
        return ids.row_ids(message_id)

    def gtid(self, message_id: str) -> str:
        return ids.gtid(message_id)

    def row_number(self, message_id: str) -> int:
        return ids.row_number(message_id)


def open_encoder(settings: DeliverySettings, names: TopicNames = _PLAIN, tombstones: bool = True) -> MessageEncoder:
    """Return the encoder of a run; `Refused` with all that is wrong with its options.

    `names` is how the sink writes topics, `tombstones` whether it has them where the job does not say.
    """
    if faults := option_faults(settings.plan):
        raise Refused(faults)
    return MessageEncoder(MessageOptions.of(settings.plan, tombstones), names)


def _marker(record: SnapshotRows, row: int) -> str:
    """Return Debezium's word for the place of a row in the snapshot."""
    if record.incremental:
        return "incremental"
    words = {record.first} if row == 0 else set()
    if row == record.rows - 1:
        words.add(record.last)
    return next((word for word in _MARKERS if word in words), "true")
