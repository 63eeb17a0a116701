"""The fields of keys and images as Kafka Connect's JSON schemas have them, with the names that Debezium gives types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from json import loads
from typing import Any

from udup.drivers.mysql.rows.table import Table
from udup.drivers.mysql.rowtext.letters import letters_of
from udup.drivers.mysql.rowtext.masks import MaskKind
from udup.drivers.mysql.rowtext.ops import ColumnProgram, TextOp

_Type = Mapping[str, Any]


def fields_of(table: Table, columns: Sequence[ColumnProgram]) -> list[Mapping[str, Any]]:
    """Return a field for each of these columns, in their order."""
    return [_field(table, column) for column in columns]


def _field(table: Table, column: ColumnProgram) -> Mapping[str, Any]:
    found = dict(_type(table, column))
    shown_null = column.op is TextOp.NULL or column.nullable
    return {"type": found.pop("type"), "optional": shown_null, **found, "field": loads(column.label[:-1])}


def _type(table: Table, column: ColumnProgram) -> _Type:
    mask = column.mask
    if mask is None:
        return _TYPES[column.op](table, column)
    found = _TYPES[column.under](table, column)
    told = {"truncateLength": str(mask.length)} if mask.kind is MaskKind.TRUNCATE else {"masked": "true"}
    return {**found, "parameters": {**found.get("parameters", {}), **told}}


_Make = Callable[[Table, ColumnProgram], _Type]


def _plain(kind: str, name: str = "") -> _Make:
    found: _Type = {"type": kind, "name": name, "version": 1} if name else {"type": kind}
    return lambda table, column: found


def _integer(table: Table, column: ColumnProgram) -> _Type:
    signed = not table.columns[column.index].unsigned
    return {"type": (_SIGNED if signed else _UNSIGNED)[column.width]}


_SIGNED = {1: "int8", 2: "int16", 3: "int32", 4: "int32", 8: "int64"}
_UNSIGNED = {1: "int16", 2: "int32", 3: "int32", 4: "int64", 8: "int64"}

_DECIMAL = "org.apache.kafka.connect.data.Decimal"


def _decimal(_: Table, column: ColumnProgram) -> _Type:
    precision = column.precision or 20
    parameters = {"scale": str(column.digits), "connect.decimal.precision": str(precision)}
    return {"type": "bytes", "name": _DECIMAL, "version": 1, "parameters": parameters}


def _bits(_: Table, column: ColumnProgram) -> _Type:
    parameters = {"length": str(column.precision)}
    return {"type": "bytes", "name": "io.debezium.data.Bits", "version": 1, "parameters": parameters}


def _listed(name: str) -> _Make:
    def make(table: Table, column: ColumnProgram) -> _Type:
        found = table.columns[column.index]
        letters = letters_of(found.collation or 0)
        allowed = ",".join(letters.text(member) for member in found.members or ())
        return {"type": "string", "name": name, "version": 1, "parameters": {"allowed": allowed}}

    return make


_SHAPE: list[_Type] = [
    {"type": "bytes", "optional": False, "field": "wkb"},
    {"type": "int32", "optional": True, "field": "srid"},
]
_AXES: list[_Type] = [{"type": "double", "optional": False, "field": each} for each in "xy"]


def _geometry(name: str, fields: list[_Type]) -> _Make:
    return lambda table, column: {"type": "struct", "fields": fields, "name": name, "version": 1}


def _named(kind: str) -> _Make:
    """Return the type of a number that has another name where times are Connect's own: `kind` of the column."""
    return lambda table, column: {"type": kind, "name": column.kind, "version": 1}


_TYPES: dict[TextOp, _Make] = {
    TextOp.INT: _integer,
    TextOp.BOOLEAN: _plain("boolean"),
    TextOp.UNSIGNED_BASE64: _decimal,
    TextOp.YEAR: _plain("int32", "io.debezium.time.Year"),
    TextOp.FLOAT: _plain("float"),
    TextOp.FLOAT_WIDE: _plain("double"),
    TextOp.DOUBLE: _plain("double"),
    TextOp.DECIMAL_BASE64: _decimal,
    TextOp.DECIMAL_STRING: _plain("string"),
    TextOp.DECIMAL_DOUBLE: _plain("double"),
    TextOp.BITS: _bits,
    TextOp.ENUM: _listed("io.debezium.data.Enum"),
    TextOp.SET: _listed("io.debezium.data.EnumSet"),
    TextOp.TEXT_UTF8: _plain("string"),
    TextOp.TEXT_BYTES: _plain("string"),
    TextOp.TEXT_OTHER: _plain("string"),
    TextOp.BASE64: lambda table, column: {"type": column.kind},
    TextOp.BASE64_URL: _plain("string"),
    TextOp.HEX: _plain("string"),
    TextOp.JSON_LEGACY: _plain("string", "io.debezium.data.Json"),
    TextOp.JSON_DATABASE: _plain("string", "io.debezium.data.Json"),
    TextOp.GEOMETRY: _geometry("io.debezium.data.geometry.Geometry", _SHAPE),
    TextOp.POINT: _geometry("io.debezium.data.geometry.Point", [*_AXES, {**_SHAPE[0], "optional": True}, _SHAPE[1]]),
    TextOp.VECTOR: lambda table, column: {
        "type": "array",
        "items": {"type": "float", "optional": False},
        "name": "io.debezium.data.FloatVector",
        "version": 1,
    },
    TextOp.DATE_DAYS: _named("int32"),
    TextOp.DATE_ISO: _plain("string", "io.debezium.time.IsoDate"),
    TextOp.DATETIME_MS: _named("int64"),
    TextOp.DATETIME_US: _plain("int64", "io.debezium.time.MicroTimestamp"),
    TextOp.DATETIME_NS: _plain("int64", "io.debezium.time.NanoTimestamp"),
    TextOp.DATETIME_ISO: _plain("string", "io.debezium.time.IsoTimestamp"),
    TextOp.TIMESTAMP_ISO: _plain("string", "io.debezium.time.ZonedTimestamp"),
    TextOp.TIME_MS: _plain("int32", "io.debezium.time.Time"),
    TextOp.TIME_US: _plain("int64", "io.debezium.time.MicroTime"),
    TextOp.TIME_NS: _plain("int64", "io.debezium.time.NanoTime"),
    TextOp.TIME_CONNECT: _plain("int32", "org.apache.kafka.connect.data.Time"),
    TextOp.TIME_ISO: _plain("string", "io.debezium.time.IsoTime"),
}
