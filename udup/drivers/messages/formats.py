"""The forms of a change's value: Debezium's envelope, a flat object, CloudEvents.

Opened for each event with what all of its rows have in common (`EventForm`), so that what is left for each row is to
put texts together. Of the envelope the source's driver does even that (`Template`).

**debezium**: `before, after, source, transaction, op, ts_ms, ts_us, ts_ns`, in this order, all of them always there.

**flat**: the columns after the change, of a delete those before it, and behind them `__op` (Debezium's letter),
`__gtid` (null in a snapshot), `__ts_us` (when it was committed) and `__deleted` ("true" or "false", a string). Debezium
makes the same by ExtractNewRecordState with `delete.tombstone.handling.mode=rewrite` and
`add.fields=op,source.gtid:gtid,source.ts_us:ts_us`, but for the order of these four.

**cloudevents**: structured JSON as Debezium's converter makes it: attributes, the source block as extensions
`iodebezium…` (64-bit numbers as strings), and `data` with both images. `id` is the message's own ID, since Debezium's
(`name:…;file:…;pos:…`) is the same for all rows of an event; with `DebeziumQuirks` it is that.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from udup import __version__
from udup.drivers.messages.options import MessageOptions
from udup.drivers.messages.source_block import CONNECTOR, Origin
from udup.drivers.messages.table_form import TableForm
from udup.drivers.messages.texts import NULL, json_text
from udup.pipeline.ports.delivery import Template

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Block(NamedTuple):
    """The place of a change in its transaction, each counted from 1."""

    id: str
    total: int
    of_table: int


class EventForm(Protocol):
    """The form of the rows of one event (and of one kind of change)."""

    def template(self) -> Template | None:
        """Return what stands around the images; None where a value takes more."""
        ...

    def value(self, before: bytes | None, after: bytes | None, row: int, message_id: str, block: Block | None) -> bytes:
        """Return a value. `row` is the row's number in the event, `message_id` its ID, `block` its place if told."""
        ...


class EnvelopeForm:
    """Debezium's envelope."""

    def __init__(self, table: TableForm, origin: Origin, operation: str, now_us: int) -> None:
        self._front = table.value_front + b'{"before":'
        source, self._behind_row = table.source.parts(origin)
        self._source = b',"source":' + source
        self._end = b',"op":"%b","ts_ms":%d,"ts_us":%d,"ts_ns":%d}' % (
            operation.encode(),
            now_us // 1000,
            now_us,
            now_us * 1000,
        )
        self._end += b"}" if table.value_front else b""

    def template(self) -> Template | None:
        end = self._behind_row + b',"transaction":null' + self._end
        return Template(self._front, b',"after":', self._source, end)

    def value(self, before: bytes | None, after: bytes | None, row: int, message_id: str, block: Block | None) -> bytes:
        return b'%b%b,"after":%b%b%d%b,"transaction":%b%b' % (
            self._front,
            NULL if before is None else before,
            NULL if after is None else after,
            self._source,
            row,
            self._behind_row,
            _block(block),
            self._end,
        )


class FlatForm:
    """One object of the columns and what happened to them."""

    def __init__(self, table: TableForm, origin: Origin, operation: str) -> None:
        self._front = table.value_front
        self._end = b'"__op":"%b","__gtid":%b,"__ts_us":%d,"__deleted":"%b"}' % (
            operation.encode(),
            json_text(origin.gtid),
            origin.committed_us,
            b"true" if operation == "d" else b"false",
        )
        self._end += b"}" if table.value_front else b""

    def template(self) -> Template | None:
        return None  # of the two images one is left out

    def value(self, before: bytes | None, after: bytes | None, row: int, message_id: str, block: Block | None) -> bytes:
        image = before if after is None else after
        if image is None or image == b"{}":
            return self._front + b"{" + self._end
        return b"%b%b,%b" % (self._front, image[:-1], self._end)


class CloudEventForm:
    """CloudEvents 1.0, structured."""

    def __init__(self, table: TableForm, origin: Origin, operation: str, prefix: str, quirks: bool) -> None:
        us, name = origin.committed_us, json_text(prefix)
        self._id = f"name:{prefix};file:{origin.file};pos:{origin.position}" if quirks else ""
        self._attributes = (
            b',"source":%b,"specversion":"1.0","type":"io.debezium.connector.mysql.DataChangeEvent","time":"%b",'
            b'"datacontenttype":"application/json","iodebeziumop":"%b","iodebeziumversion":"%b",'
            b'"iodebeziumconnector":"%b","iodebeziumname":%b,"iodebeziumtsms":"%d","iodebeziumsnapshot":"%b",'
            b'"iodebeziumdb":%b,"iodebeziumsequence":null,"iodebeziumtsus":"%d","iodebeziumtsns":"%d",'
            b'"iodebeziumtable":%b,"iodebeziumserverid":"%d","iodebeziumgtid":%b,"iodebeziumfile":%b,'
            b'"iodebeziumpos":"%d","iodebeziumrow":'
        ) % (
            json_text(f"/debezium/{CONNECTOR}/{prefix}"),
            _time(us),
            operation.encode(),
            __version__.encode(),
            CONNECTOR.encode(),
            name,
            us // 1000,
            origin.snapshot.encode(),
            json_text(table.table.schema),
            us,
            us * 1000,
            json_text(table.table.name),
            origin.server_id,
            json_text(origin.gtid),
            json_text(origin.file),
            origin.position,
        )
        thread = NULL if origin.thread is None else b'"%d"' % origin.thread
        self._behind_row = b',"iodebeziumthread":%b,"iodebeziumquery":%b' % (thread, json_text(origin.query))
        self._data = b',"data":' + table.data_front + b'{"before":'
        self._end = b"}}}" if table.data_front else b"}}"

    def template(self) -> Template | None:
        return None  # the ID has a number of its own

    def value(self, before: bytes | None, after: bytes | None, row: int, message_id: str, block: Block | None) -> bytes:
        return b'{"id":%b%b%d%b%b%b%b,"after":%b%b' % (
            json_text(self._id or message_id),
            self._attributes,
            row,
            self._behind_row,
            _extensions(block),
            self._data,
            NULL if before is None else before,
            NULL if after is None else after,
            self._end,
        )


def event_form(options: MessageOptions, table: TableForm, origin: Origin, operation: str, now_us: int) -> EventForm:
    """Return the form of an event's rows by the job's format."""
    if options.format == "flat":
        return FlatForm(table, origin, operation)
    if options.format == "cloudevents":
        return CloudEventForm(table, origin, operation, options.prefix, options.quirks)
    return EnvelopeForm(table, origin, operation, now_us)


def _block(block: Block | None) -> bytes:
    if block is None:
        return NULL
    return b'{"id":%b,"total_order":%d,"data_collection_order":%d}' % (
        json_text(block.id),
        block.total,
        block.of_table,
    )


def _extensions(block: Block | None) -> bytes:
    """Return the transaction's extensions; Debezium's are there without one, too."""
    texts = (NULL, NULL, NULL)
    if block is not None:
        texts = (json_text(block.id), b'"%d"' % block.total, b'"%d"' % block.of_table)
    front = b',"iodebeziumtx'
    return b'%bid":%b%btotalorder":%b%bdatacollectionorder":%b' % (front, texts[0], front, texts[1], front, texts[2])


def _time(us: int) -> bytes:
    at = _EPOCH + timedelta(milliseconds=us // 1000)
    return at.strftime("%Y-%m-%dT%H:%M:%S.").encode() + b"%03dZ" % (us // 1000 % 1000)
