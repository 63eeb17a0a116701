"""Schemas in the form of Kafka Connect's JSON converter, for messages that carry them (`Schemas: true`).

A message is then `{"schema":…,"payload":…}`, key and value alike. The text of a schema is constant for a definition
of a table, so it is made once and put in front. Names and versions are Debezium's (`SchemaFactory`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from udup.drivers.messages.texts import compact

Schema = dict[str, Any]


def wrapped(schema: Schema) -> bytes:
    """Return what stands in front of a payload; `}` ends it."""
    return b'{"schema":' + compact(schema) + b',"payload":'


def field(kind: str, name: str, optional: bool = False) -> Schema:
    return {"type": kind, "optional": optional, "field": name}


def struct(
    fields: Sequence[Mapping[str, Any]], name: str = "", optional: bool = False, version: int = 0, field: str = ""
) -> Schema:
    """Return a struct's schema, its members in the converter's order."""
    schema: Schema = {"type": "struct", "fields": list(fields), "optional": optional}
    if name:
        schema["name"] = name
    if version:
        schema["version"] = version
    if field:
        schema["field"] = field
    return schema


def array(items: Mapping[str, Any], name: str, optional: bool) -> Schema:
    return {"type": "array", "items": dict(items), "optional": optional, "field": name}


def source() -> Schema:
    """Return the source block's schema."""
    snapshot = {
        "type": "string",
        "optional": True,
        "name": "io.debezium.data.Enum",
        "version": 1,
        "parameters": {"allowed": "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental"},
        "default": "false",
        "field": "snapshot",
    }
    fields = [
        field("string", "version"),
        field("string", "connector"),
        field("string", "name"),
        field("int64", "ts_ms"),
        snapshot,
        field("string", "db"),
        field("string", "sequence", True),
        field("int64", "ts_us", True),
        field("int64", "ts_ns", True),
        field("string", "table", True),
        field("int64", "server_id"),
        field("string", "gtid", True),
        field("string", "file"),
        field("int64", "pos"),
        field("int32", "row"),
        field("int64", "thread", True),
        field("string", "query", True),
    ]
    return struct(fields, "io.debezium.connector.mysql.Source", version=1, field="source")


def _transaction_block() -> Schema:
    fields = [field("string", "id"), field("int64", "total_order"), field("int64", "data_collection_order")]
    return struct(fields, "event.block", optional=True, version=1, field="transaction")


def images(topic: str, row: Sequence[Mapping[str, Any]]) -> list[Schema]:
    return [struct(row, f"{topic}.Value", optional=True, field=name) for name in ("before", "after")]


def envelope(topic: str, row: Sequence[Mapping[str, Any]]) -> Schema:
    """Return the schema of a change of a table."""
    times = [field("int64", name, True) for name in ("ts_ms", "ts_us", "ts_ns")]
    fields = [*images(topic, row), source(), _transaction_block(), field("string", "op"), *times]
    return struct(fields, f"{topic}.Envelope", version=2)


def key(topic: str, columns: Sequence[Mapping[str, Any]]) -> Schema:
    return struct(columns, f"{topic}.Key")


def transaction_key() -> Schema:
    return struct([field("string", "id")], "io.debezium.connector.common.TransactionMetadataKey", version=1)


def transaction_value() -> Schema:
    counted = [field("string", "data_collection"), field("int64", "event_count")]
    fields = [
        field("string", "status"),
        field("string", "id"),
        field("int64", "event_count", True),
        array(struct(counted, "event.collection", optional=True, version=1), "data_collections", optional=True),
        field("int64", "ts_ms"),
    ]
    return struct(fields, "io.debezium.connector.common.TransactionMetadataValue", version=1)


def heartbeat_key() -> Schema:
    return struct([field("string", "serverName")], "io.debezium.connector.common.ServerNameKey", version=1)


def heartbeat_value() -> Schema:
    return struct([field("int64", "ts_ms")], "io.debezium.connector.common.Heartbeat", version=1)


def schema_change_key() -> Schema:
    return struct([field("string", "databaseName")], "io.debezium.connector.mysql.SchemaChangeKey", version=1)


def schema_change_value() -> Schema:
    """Return the schema of a DDL statement's message."""
    fields = [
        source(),
        field("int64", "ts_ms"),
        field("string", "databaseName", True),
        field("string", "schemaName", True),
        field("string", "ddl", True),
        array(_change(), "tableChanges", optional=False),
    ]
    return struct(fields, "io.debezium.connector.mysql.SchemaChangeValue", version=1)


def _change() -> Schema:
    strings = {"type": "string", "optional": False}
    columns = [
        field("string", "name"),
        field("int32", "jdbcType"),
        field("int32", "nativeType", True),
        field("string", "typeName"),
        field("string", "typeExpression", True),
        field("string", "charsetName", True),
        field("int32", "length", True),
        field("int32", "scale", True),
        field("int32", "position"),
        field("boolean", "optional", True),
        field("boolean", "autoIncremented", True),
        field("boolean", "generated", True),
        field("string", "comment", True),
        field("string", "defaultValueExpression", True),
        array(strings, "enumValues", optional=True),
    ]
    table = [
        field("string", "defaultCharsetName", True),
        array(strings, "primaryKeyColumnNames", optional=True),
        array(struct(columns, "io.debezium.connector.schema.Column", version=1), "columns", optional=False),
        field("string", "comment", True),
    ]
    fields = [
        field("string", "type"),
        field("string", "id"),
        struct(table, "io.debezium.connector.schema.Table", optional=True, version=1, field="table"),
    ]
    return struct(fields, "io.debezium.connector.schema.Change", version=1)


def flat(topic: str, row: Sequence[Mapping[str, Any]]) -> Schema:
    """Return the schema of a row in the flat form."""
    further = [field("string", "__op"), field("string", "__gtid", True), field("int64", "__ts_us", True)]
    return struct([*row, *further, field("string", "__deleted")], f"{topic}.Value")


def data(topic: str, row: Sequence[Mapping[str, Any]]) -> Schema:
    """Return the schema of a CloudEvent's data."""
    return struct(images(topic, row), "io.debezium.connector.mysql.Data")
