"""Query events: a statement, and the session it ran in.

Layout after the 19-byte common header: thread id 4, execution time 4, length of the schema name 1, error code 2,
length of the status variables 2; then the status variables, the schema name with a zero behind it, and the
statement up to the end of the event (or to its CRC). See mysql/libs/mysql/binlog/event/statement_events.h.

Status variables are (code, value) pairs without lengths, so a code that is not known hides where the next one
starts. Reading on would set a session wrongly without a sign; `Unsupported` says which code it was.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import CRC_SIZE, HEADER_SIZE, resized
from udup.drivers.mysql.binlog.remedies import UNKNOWN, damaged

_FIXED = struct.Struct("<IIBHH")
_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")

#: Bits of flags2 (thd->variables.option_bits); the two _CHECKS bits are set where the check is off.
FLAG_AUTO_IS_NULL = 0x4000
FLAG_NO_FOREIGN_KEY_CHECKS = 0x4000000
FLAG_RELAXED_UNIQUE_CHECKS = 0x8000000

#: The end of the schema's name and the statement that begins a transaction.
_BEGIN = b"\0BEGIN"

#: Count of updated schemas that stands for "more than the server lists".
_TOO_MANY_SCHEMAS = 254

#: Value of a one-byte switch that the session did not have.
_SWITCH_UNSET = 0xFF


@dataclass(frozen=True)
class Charset:
    """Collation numbers: of the client's text, of literals, and of the server (for CREATE DATABASE)."""

    client: int
    connection: int
    server: int


@dataclass(frozen=True)
class StatusVariables:
    """What the event says about its session; None for what it does not say."""

    flags2: int | None = None
    sql_mode: int | None = None
    auto_increment: tuple[int, int] | None = None  # increment, offset
    charset: Charset | None = None
    time_zone: bytes | None = None
    lc_time_names: int | None = None
    collation_database: int | None = None
    invoker: tuple[bytes, bytes] | None = None  # user, host
    updated_schemas: tuple[bytes, ...] | None = None  # None also for "too many to list"
    microseconds: int | None = None
    explicit_defaults_for_timestamp: bool | None = None
    ddl_xid: int | None = None
    default_collation_for_utf8mb4: int | None = None
    sql_require_primary_key: bool | None = None
    default_table_encryption: bool | None = None


@dataclass(frozen=True)
class QueryEvent:
    """One Query event. `schema` and `sql` are bytes as the client sent them, `timestamp` is in seconds.

    `lasted`: seconds that the statement took until it was logged.
    """

    timestamp: int
    thread_id: int
    error_code: int
    schema: bytes
    sql: bytes
    status: bytes
    lasted: int = 0

    def variables(self) -> StatusVariables:
        """Return the status variables; `Unsupported` for a code that this version does not know."""
        return parse_status(self.status)


def parse_query(event: bytes, *, has_crc: bool) -> QueryEvent:
    """Return the parts of a Query event."""
    thread_id, lasted, schema_length, error_code, status_length = _FIXED.unpack_from(event, HEADER_SIZE)
    status_start = HEADER_SIZE + _FIXED.size
    schema_start = status_start + status_length
    schema_end = schema_start + schema_length
    return QueryEvent(
        timestamp=_U32.unpack_from(event)[0],
        thread_id=thread_id,
        error_code=error_code,
        schema=bytes(event[schema_start:schema_end]),
        sql=bytes(event[schema_end + 1 : -CRC_SIZE if has_crc else None]),
        status=bytes(event[status_start:schema_start]),
        lasted=lasted,
    )


def is_begin(event: bytes, *, has_crc: bool) -> bool:
    """Return whether a Query event's statement is BEGIN, as almost every one is: told without taking it apart."""
    end = len(event) - CRC_SIZE if has_crc else len(event)
    if event[end - len(_BEGIN) : end] != _BEGIN:
        return False
    schema_length: int = event[HEADER_SIZE + 8]
    status_length: int = _U16.unpack_from(event, HEADER_SIZE + 11)[0]
    return HEADER_SIZE + _FIXED.size + status_length + schema_length + len(_BEGIN) == end


def status_of(event: bytes) -> bytes:
    """Return the status variables of a Query event, as bytes."""
    length = _U16.unpack_from(event, HEADER_SIZE + _FIXED.size - _U16.size)[0]
    start = HEADER_SIZE + _FIXED.size
    return event[start : start + length]


def thread_of(event: bytes) -> int:
    """Return the number of the session that a Query event comes from."""
    number: int = _U32.unpack_from(event, HEADER_SIZE)[0]
    return number


def with_statement(event: bytes, schema: bytes, sql: bytes, *, has_crc: bool) -> bytes:
    """Return the event as if its session had been in `schema` (at most 255 bytes) and had sent `sql`."""
    fixed_end = HEADER_SIZE + _FIXED.size
    thread_id, seconds, _, error_code, status_length = _FIXED.unpack_from(event, HEADER_SIZE)
    fixed = _FIXED.pack(thread_id, seconds, len(schema), error_code, status_length)
    status = event[fixed_end : fixed_end + status_length]
    crc = event[-CRC_SIZE:] if has_crc else b""
    return resized(event[:HEADER_SIZE] + fixed + status + schema + b"\0" + sql + crc, has_crc=has_crc)


def parse_status(status: bytes) -> StatusVariables:
    """Read every status variable of MySQL 5.7 to 9.7."""
    found: dict[str, Any] = {}
    offset = 0
    try:
        while offset < len(status):
            code = status[offset]
            reader = _READERS.get(code)
            if reader is None:
                raise Unsupported(
                    f"a Query event has status variable {code}, which this version does not know "
                    f"({status[offset:].hex()}); its statement cannot be run in the session it was made in; {UNKNOWN}"
                )
            name, read = reader
            value, offset = read(status, offset + 1)
            if name:
                found[name] = value
    except (struct.error, IndexError, ValueError) as error:
        raise damaged(f"a Query event's status variables end too early: {status.hex()}") from error
    return StatusVariables(**found)


_Reader = Callable[[bytes, int], tuple[Any, int]]


def _number(layout: struct.Struct) -> _Reader:
    def read(data: bytes, offset: int) -> tuple[int, int]:
        return layout.unpack_from(data, offset)[0], offset + layout.size

    return read


def _text(data: bytes, offset: int) -> tuple[bytes, int]:
    start = offset + 1
    end = start + data[offset]
    if end > len(data):
        raise IndexError
    return data[start:end], end


def _text_with_zero(data: bytes, offset: int) -> tuple[bytes, int]:
    value, end = _text(data, offset)
    return value, end + 1


def _pair(data: bytes, offset: int) -> tuple[tuple[int, int], int]:
    increment, start = struct.unpack_from("<HH", data, offset)
    return (increment, start), offset + 4


def _charset(data: bytes, offset: int) -> tuple[Charset, int]:
    return Charset(*struct.unpack_from("<HHH", data, offset)), offset + 6


def _invoker(data: bytes, offset: int) -> tuple[tuple[bytes, bytes], int]:
    user, offset = _text(data, offset)
    host, offset = _text(data, offset)
    return (user, host), offset


def _schemas(data: bytes, offset: int) -> tuple[tuple[bytes, ...] | None, int]:
    count = data[offset]
    offset += 1
    if count == _TOO_MANY_SCHEMAS:
        return None, offset
    names = []
    for _ in range(count):
        end = data.index(b"\0", offset)
        names.append(data[offset:end])
        offset = end + 1
    return tuple(names), offset


def _microseconds(data: bytes, offset: int) -> tuple[int, int]:
    low, high = struct.unpack_from("<HB", data, offset)
    return low | high << 16, offset + 3


def _switch(data: bytes, offset: int) -> tuple[bool | None, int]:
    value = data[offset]
    return None if value == _SWITCH_UNSET else bool(value), offset + 1


#: Code to (field, or "" for what no session needs; reader).
_READERS: dict[int, tuple[str, _Reader]] = {
    0: ("flags2", _number(_U32)),
    1: ("sql_mode", _number(_U64)),
    2: ("", _text_with_zero),  # catalog, as servers before 5.0.4 wrote it
    3: ("auto_increment", _pair),
    4: ("charset", _charset),
    5: ("time_zone", _text),
    6: ("", _text),  # catalog, always "std"
    7: ("lc_time_names", _number(_U16)),
    8: ("collation_database", _number(_U16)),
    9: ("", _number(_U64)),  # tables of a multi-table update
    10: ("", _number(_U32)),  # length of the original event
    11: ("invoker", _invoker),
    12: ("updated_schemas", _schemas),
    13: ("microseconds", _microseconds),
    16: ("explicit_defaults_for_timestamp", _switch),
    17: ("ddl_xid", _number(_U64)),
    18: ("default_collation_for_utf8mb4", _number(_U16)),
    19: ("sql_require_primary_key", _switch),
    20: ("default_table_encryption", _switch),
    21: ("", _switch),  # 9.7 logs it, one byte, with changes of rows in statement format, which are never run
}
