"""Messages that are of no row: BEGIN and END of transactions, definitions, TRUNCATE, heartbeats."""

from __future__ import annotations

from collections.abc import Mapping

from udup.drivers.messages import ids, schemas, transaction_order
from udup.drivers.messages.formats import event_form
from udup.drivers.messages.names import TopicNames
from udup.drivers.messages.options import MessageOptions
from udup.drivers.messages.source_block import Origin, SourceBlock
from udup.drivers.messages.table_form import TableForm, TableForms
from udup.drivers.messages.texts import json_number, json_text
from udup.pipeline.ports.delivery import DefinitionText, Message, Operation
from udup.pipeline.records import SnapshotDefinition

_TRUNCATE = Operation.TRUNCATE.value


class _Wrap:
    """What stands around key and value of one kind of message; nothing without schemas."""

    def __init__(self, key: schemas.Schema | None, value: schemas.Schema | None) -> None:
        self._key = schemas.wrapped(key) if key else b""
        self._value = schemas.wrapped(value) if value else b""

    def key(self, text: bytes) -> bytes:
        return self._key + text + b"}" if self._key else text

    def value(self, text: bytes) -> bytes:
        return self._value + text + b"}" if self._value else text


class FurtherMessages:
    """Makes them; keeps the time of the last heartbeat."""

    def __init__(self, options: MessageOptions, names: TopicNames, forms: TableForms) -> None:
        self._options, self._forms = options, forms
        self._transaction_topic = names.joined(options.delimiter, (options.prefix, options.transaction_topic))
        self._definition_topic = names.whole(options.prefix)
        first, *rest = options.heartbeat_topic or (options.prefix,)
        self._heartbeat_topic = names.whole(options.delimiter.join([first, *rest]))
        self._last_heartbeat: int | None = None
        with_schemas = options.schemas
        self._transaction = _Wrap(
            schemas.transaction_key() if with_schemas else None, schemas.transaction_value() if with_schemas else None
        )
        self._heartbeat = _Wrap(
            schemas.heartbeat_key() if with_schemas else None, schemas.heartbeat_value() if with_schemas else None
        )
        self._definition = _Wrap(
            schemas.schema_change_key() if with_schemas else None,
            schemas.schema_change_value() if with_schemas else None,
        )

    def begin(self, gtid: str, committed_us: int) -> list[Message]:
        if not self._options.transactions:
            return []
        return [self._status("BEGIN", gtid, committed_us, b'"event_count":null,"data_collections":null', ids.BEGIN)]

    def end(self, gtid: str, committed_us: int, counts: Mapping[str, int]) -> list[Message]:
        """Return END with the changes of each table, in the order in which the tables came."""
        if not self._options.transactions:
            return []
        tables = b",".join(
            b'{"data_collection":%b,"event_count":%d}' % (json_text(name), count)
            for name, count in transaction_order.by_table(counts)
        )
        told = b'"event_count":%d,"data_collections":[%b]' % (transaction_order.total(counts), tables)
        return [self._status("END", gtid, committed_us, told, ids.END)]

    def definition(self, gtid: str, committed_us: int, found: DefinitionText, now_us: int) -> list[Message]:
        """Return the message of a DDL statement, or those of TRUNCATE: of the tables, not of their definitions."""
        committed_us = committed_us or found.seconds * 1_000_000
        origin = Origin(committed_us, "false", found.server_id, gtid, found.file, found.position, found.thread)
        if found.truncates and found.tables:
            if _TRUNCATE in self._options.skipped:
                return []
            forms = [self._forms.named(*name) for name in found.tables]
            return [self._truncate(origin, gtid, form, now_us) for form in forms if not form.is_outbox]
        if not self._options.schema_changes:
            return []
        return [self._definition_of(origin, found, f"{gtid}:{ids.DDL}")]

    def snapshot_definition(self, record: SnapshotDefinition) -> list[Message]:
        """Return the message of a statement that makes, or removes, a snapshot's table."""
        if not self._options.schema_changes:
            return []
        found = DefinitionText(record.statement, record.schema, record.tables, False, record.changes)
        origin = Origin(record.read_ms * 1000, "true", 0, None, record.file, record.offset)
        return [self._definition_of(origin, found, f"s{record.snapshot}:{record.number}:{ids.DDL}")]

    def _definition_of(self, origin: Origin, found: DefinitionText, message_id: str) -> Message:
        schema = found.tables[0][0] if found.tables else found.schema
        names = ",".join(name for _, name in found.tables) if found.tables else None
        source = SourceBlock(self._options.prefix, schema, names).whole(origin)
        database = json_text(schema)
        value = b'{"source":%b,"ts_ms":%d,"databaseName":%b,"schemaName":null,"ddl":%b,"tableChanges":%b}' % (
            source,
            origin.committed_us // 1000,
            database,
            json_text(found.statement),
            found.changes or b"[]",
        )
        key = self._definition.key(b'{"databaseName":%b}' % database)
        return Message(self._definition_topic, key, self._definition.value(value), message_id)

    def heartbeat(self, now_ms: int) -> list[Message]:
        """Return a heartbeat if it is time for one; may be asked as often as one likes."""
        interval, last = self._options.heartbeat_ms, self._last_heartbeat
        if not interval or (last is not None and 0 <= now_ms - last < interval):
            return []
        self._last_heartbeat = now_ms
        key = self._heartbeat.key(b'{"serverName":%b}' % json_text(self._options.prefix))
        value = self._heartbeat.value(b'{"ts_ms":%b}' % json_number(now_ms))
        return [Message(self._heartbeat_topic, key, value, f"{ids.HEARTBEAT}:{now_ms}")]

    def _status(self, status: str, gtid: str, committed_us: int, told: bytes, what: str) -> Message:
        name = json_text(gtid)
        value = b'{"status":"%b","id":%b,%b,"ts_ms":%d}' % (status.encode(), name, told, committed_us // 1000)
        key = self._transaction.key(b'{"id":%b}' % name)
        return Message(self._transaction_topic, key, self._transaction.value(value), f"{gtid}:{what}")

    def _truncate(self, origin: Origin, gtid: str, form: TableForm, now_us: int) -> Message:
        message_id = f"{gtid}:{form.id}:{ids.TRUNCATE}"
        value = event_form(self._options, form, origin, _TRUNCATE, now_us).value(None, None, 0, message_id, None)
        return Message(form.topic, None, value, message_id, (), _TRUNCATE, form.name)
