"""What is made of the values of each column type under the options of a subscription."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from json.encoder import encode_basestring as quoted

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.remedies import UNKNOWN
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, ColumnType
from udup.drivers.mysql.rows.shapes import is_binary, octets, shape_of
from udup.drivers.mysql.rowtext.defaults import default_text
from udup.drivers.mysql.rowtext.facts import ColumnFacts
from udup.drivers.mysql.rowtext.letters import Letters, letters_of
from udup.drivers.mysql.rowtext.ops import ColumnProgram, TextOp
from udup.drivers.mysql.rowtext.options import Binary, Decimals, JsonForm, Times, UnsignedBigint, ValueOptions

#: Types whose values an image of all but large values (NOBLOB) does not have.
_LARGE = frozenset({ColumnType.BLOB, ColumnType.JSON, ColumnType.GEOMETRY, ColumnType.VECTOR})

_POINT = 1


@dataclass(frozen=True)
class _Asked:
    column: ColumnDefinition
    options: ValueOptions
    facts: ColumnFacts
    base: ColumnProgram

    def made(self, op: TextOp, **parameters: object) -> ColumnProgram:
        return replace(self.base, op=op, **parameters)  # type: ignore[arg-type]


def operation_of(index: int, column: ColumnDefinition, options: ValueOptions, facts: ColumnFacts) -> ColumnProgram:
    """Return what is made of a column's values; `Unsupported` if the log does not say enough about it."""
    make = _MAKERS.get(column.kind)
    if make is None:
        raise Unsupported(f"values of type {column.kind.name} cannot be read by this version; {UNKNOWN}")
    shape = shape_of(column)
    base = ColumnProgram(
        index,
        f"{quoted(column.name or '')}:",
        TextOp.NULL,
        shape.width,
        sized=shape.sized,
        longest=shape.longest,
        nullable=column.nullable,
        quirks=options.quirks,
        large=column.kind in _LARGE,
    )
    found = _with_default(make(_Asked(column, options, facts, base)), column, options, facts)
    return replace(found, unset=_unset(found)) if found.large else found


def _unset(found: ColumnProgram) -> str:
    """Return the text of a large value that an INSERT did not name: large columns have no default but expressions.

    Those are in the image whatever `binlog_row_image` says, as what the server computes always is.
    """
    if found.nullable:
        return found.null
    if found.op in (TextOp.JSON_LEGACY, TextOp.JSON_DATABASE):  # as of a document without bytes
        return '"{}"' if found.quirks and found.op is TextOp.JSON_LEGACY else '"null"'
    return '""' if found.unavailable else ""


def _with_default(
    found: ColumnProgram, column: ColumnDefinition, options: ValueOptions, facts: ColumnFacts
) -> ColumnProgram:
    """Return the column with what its default stands for: a date that is none, and with quirks NULL."""
    if facts.default is None:
        return found
    text = default_text(found, facts.default)
    if text is None:
        return found
    if not column.nullable and found.op in _DATES:
        return replace(found, zero=text)
    return replace(found, null=text) if options.quirks and column.nullable else found


_DATES = frozenset(range(TextOp.DATE_DAYS, TextOp.TIME_ISO + 1))


# ---- Numbers ----


def _integer(asked: _Asked) -> ColumnProgram:
    unsigned = bool(asked.column.unsigned)
    kind = asked.column.kind
    if kind is ColumnType.TINY and asked.options.tinyint1 and asked.facts.is_tinyint1:
        return asked.made(TextOp.BOOLEAN)
    if kind is ColumnType.LONGLONG and unsigned:
        if asked.options.unsigned_bigint is UnsignedBigint.PRECISE:
            return asked.made(TextOp.UNSIGNED_BASE64)
        unsigned = False  # Java's long
    return asked.made(TextOp.INT, signed=not unsigned)


def _float(asked: _Asked) -> ColumnProgram:
    wide = asked.options.quirks and asked.facts.has_digits
    return asked.made(TextOp.FLOAT_WIDE if wide else TextOp.FLOAT)


def _decimal(asked: _Asked) -> ColumnProgram:
    precision, scale = asked.column.metadata
    return asked.made(_DECIMALS[asked.options.decimals], precision=precision, digits=scale)


_DECIMALS = {
    Decimals.PRECISE: TextOp.DECIMAL_BASE64,
    Decimals.STRING: TextOp.DECIMAL_STRING,
    Decimals.DOUBLE: TextOp.DECIMAL_DOUBLE,
}


def _bit(asked: _Asked) -> ColumnProgram:
    bits = asked.column.metadata[0] + 8 * asked.column.metadata[1]
    return asked.made(TextOp.BOOLEAN if bits == 1 else TextOp.BITS, precision=bits)


# ---- Texts and bytes ----


def _letters(column: ColumnDefinition, options: ValueOptions) -> Letters:
    if column.collation is None:
        is_binary(column)  # raises what says so
    return letters_of(column.collation or 0, java=options.quirks)


def _listed(asked: _Asked) -> ColumnProgram:
    members = asked.column.members
    if members is None:
        raise Unsupported(
            f"the log does not say the members of {asked.column.kind.name} columns; run SET PERSIST"
            " binlog_row_metadata=FULL on the source, and give the job another ID"
        )
    letters = _letters(asked.column, asked.options)
    texts = tuple(quoted(letters.text(member)) for member in members)
    if asked.column.kind is ColumnType.ENUM:
        return asked.made(TextOp.ENUM, texts=('""', *texts))
    return asked.made(TextOp.SET, texts=tuple(text[1:-1] for text in texts))


def _characters(asked: _Asked) -> ColumnProgram:
    """Return what is made of CHAR, VARCHAR and TEXT, or of BINARY, VARBINARY and BLOB."""
    kind = asked.column.kind
    if is_binary(asked.column):
        found = _bytes(asked)
        return replace(found, fill=octets(asked.column)) if kind is ColumnType.STRING else found
    letters = _letters(asked.column, asked.options)
    length = 0 if kind is ColumnType.BLOB else asked.base.longest // letters.bytes_max
    unavailable = quoted(asked.options.placeholder) if kind is ColumnType.BLOB else ""
    found = asked.made(TextOp.TEXT_UTF8, characters=length, unavailable=unavailable, charset=letters.charset)
    if letters.is_utf8:
        return found
    if letters.table:
        return replace(found, op=TextOp.TEXT_BYTES, texts=tuple(quoted(each)[1:-1] for each in letters.table))
    return replace(found, op=TextOp.TEXT_OTHER)


def _bytes(asked: _Asked) -> ColumnProgram:
    coded = asked.options.placeholder.encode()
    if asked.options.binary is Binary.HEX:
        return asked.made(TextOp.HEX, unavailable=f'"{coded.hex()}"' if asked.base.large else "")
    text = b64encode(coded).decode()
    if asked.options.binary is Binary.BASE64_URL_SAFE:
        text = text.replace("+", "-").replace("/", "_")
        return asked.made(TextOp.BASE64_URL, unavailable=f'"{text}"' if asked.base.large else "")
    kind = "bytes" if asked.options.binary is Binary.BYTES else "string"
    return asked.made(TextOp.BASE64, kind=kind, unavailable=f'"{text}"' if asked.base.large else "")


def _json(asked: _Asked) -> ColumnProgram:
    op = TextOp.JSON_DATABASE if asked.options.json is JsonForm.DATABASE else TextOp.JSON_LEGACY
    return asked.made(op, unavailable=quoted(asked.options.placeholder))


def _geometry(asked: _Asked) -> ColumnProgram:
    return asked.made(TextOp.POINT if asked.column.geometry == _POINT else TextOp.GEOMETRY)


# ---- Dates and times ----


def _zero(asked: _Asked, text: str) -> str:
    return "null" if asked.column.nullable else text


def _date(asked: _Asked) -> ColumnProgram:
    adjust = asked.options.adjust_years
    if asked.options.times is Times.ISOSTRING:
        return asked.made(TextOp.DATE_ISO, adjust=adjust, zero=_zero(asked, '"1970-01-01Z"'))
    kind = "org.apache.kafka.connect.data.Date" if asked.options.times is Times.CONNECT else "io.debezium.time.Date"
    return asked.made(TextOp.DATE_DAYS, kind=kind, adjust=adjust, zero=_zero(asked, "0"))


def _datetime(asked: _Asked) -> ColumnProgram:
    digits, adjust = asked.column.metadata[0], asked.options.adjust_years
    if asked.options.times is Times.ISOSTRING:
        zero = _zero(asked, '"1970-01-01T00:00:00Z"')
        return asked.made(TextOp.DATETIME_ISO, digits=digits, adjust=adjust, zero=zero)
    op = _DATETIMES.get(asked.options.times)
    if op is None:
        op = TextOp.DATETIME_US if digits > 3 else TextOp.DATETIME_MS
    connect = asked.options.times is Times.CONNECT
    kind = "org.apache.kafka.connect.data.Timestamp" if connect else "io.debezium.time.Timestamp"
    return asked.made(op, kind=kind, digits=digits, adjust=adjust, zero=_zero(asked, "0"))


_DATETIMES = {
    Times.CONNECT: TextOp.DATETIME_MS,
    Times.MICROSECONDS: TextOp.DATETIME_US,
    Times.NANOSECONDS: TextOp.DATETIME_NS,
}


def _timestamp(asked: _Asked) -> ColumnProgram:
    zero = _zero(asked, '"1970-01-01T00:00:00Z"')
    return asked.made(TextOp.TIMESTAMP_ISO, digits=asked.column.metadata[0], zero=zero)


def _time(asked: _Asked) -> ColumnProgram:
    digits = asked.column.metadata[0]
    op = _TIMES.get(asked.options.times, TextOp.TIME_US)
    if op is TextOp.TIME_MS and digits > 3:
        op = TextOp.TIME_US
    return asked.made(op, digits=digits, zero=_zero(asked, '"00:00:00Z"' if op is TextOp.TIME_ISO else "0"))


_TIMES = {
    Times.ADAPTIVE: TextOp.TIME_MS,
    Times.CONNECT: TextOp.TIME_CONNECT,
    Times.NANOSECONDS: TextOp.TIME_NS,
    Times.ISOSTRING: TextOp.TIME_ISO,
}

_Make = Callable[[_Asked], ColumnProgram]


def _plain(op: TextOp) -> _Make:
    return lambda asked: asked.made(op)


_MAKERS: dict[ColumnType, _Make] = {
    **dict.fromkeys(
        (ColumnType.TINY, ColumnType.SHORT, ColumnType.INT24, ColumnType.LONG, ColumnType.LONGLONG), _integer
    ),
    ColumnType.FLOAT: _float,
    ColumnType.DOUBLE: _plain(TextOp.DOUBLE),
    ColumnType.YEAR: _plain(TextOp.YEAR),
    ColumnType.NEWDECIMAL: _decimal,
    ColumnType.BIT: _bit,
    ColumnType.ENUM: _listed,
    ColumnType.SET: _listed,
    ColumnType.DATE: _date,
    ColumnType.DATETIME: _datetime,
    ColumnType.TIME: _time,
    ColumnType.TIMESTAMP: _timestamp,
    **dict.fromkeys((ColumnType.VARCHAR, ColumnType.VAR_STRING, ColumnType.STRING, ColumnType.BLOB), _characters),
    ColumnType.JSON: _json,
    ColumnType.GEOMETRY: _geometry,
    ColumnType.VECTOR: _plain(TextOp.VECTOR),
}
