"""Results of statements whose columns, rows and bytes are counted: a server may send them without end."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from typing import Any

import pymysql
from pymysql.connections import MySQLResult
from pymysql.constants import ER

#: Columns of a result; a table has 4,096 at most.
MAX_COLUMNS = 4096

#: Bytes that a row costs besides its own.
ROW_BYTES = 128

#: In front of a string: that it is NULL, or of how many bytes its length is that follows.
_NULL, _WIDTHS = 0xFB, {0xFC: 2, 0xFD: 3, 0xFE: 8}

#: What PyMySQL raises when bytes are not what they should be.
UNREADABLE = (
    AssertionError,
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    TypeError,
    ValueError,
    struct.error,
)


class Understood:
    """Has what PyMySQL stumbles over end as an error of the connection.

    It is entered some times for each statement: a generator would take five times as long.
    """

    __slots__ = ("_wire",)

    def __init__(self, wire: Any) -> None:
        self._wire = wire

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, (pymysql.err.MySQLError, OSError)):
            return
        if isinstance(error, UNREADABLE) or type(error) in (Exception, RuntimeError):
            raise self._wire.broken_by(error) from error


def _shown(encoding: str, converter: Callable[[str], Any] | None, data: bytes) -> Any:
    text = data.decode(encoding, "backslashreplace")
    return text if converter is None else converter(text)


def _string(data: bytes, at: int) -> tuple[Any, int]:
    """Return the string that begins there behind its length, None for NULL, and where it ends."""
    size = data[at]
    at += 1
    if size >= _NULL:
        if size == _NULL:
            return None, at
        width = _WIDTHS[size]
        size = int.from_bytes(data[at : at + width], "little")
        at += width
    end = at + size
    if end > len(data):
        raise ValueError(f"a value of {size} bytes where {len(data) - at} are left")
    return data[at:end], end


class CountedResult(MySQLResult):
    """A result whose columns and rows are counted.

    Where the connection is `showing_statements`, bytes that are no text stand in it as `\\xe9`.
    """

    connection: Any  # given up as soon as the result is read, or each would keep the other alive
    affected_rows: int | None

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self._cost = 0

    def _read_load_local_packet(self, first_packet: Any) -> None:
        self.connection.refuse_file_request(first_packet)

    def _get_descriptions(self) -> None:
        count: Any = self.field_count
        if not isinstance(count, int) or not 0 < count <= MAX_COLUMNS:
            raise ValueError(f"a result of {count} columns")
        super()._get_descriptions()  # type: ignore[misc]
        if self.connection.shows_statements:
            self.converters = [
                (None, partial(_shown, encoding, converter)) if encoding else (encoding, converter)
                for encoding, converter in self.converters  # type: ignore[has-type]
            ]

    def _read_row_from_packet(self, packet: Any) -> tuple[Any, ...]:
        """Return a row. PyMySQL's own takes a length that there is not, 0xFF, for NULL."""
        data = packet.get_all_data()
        row: list[Any] = []
        at = 0
        for encoding, converter in self.converters:
            value, at = _string(data, at)
            if value is not None:
                if encoding is not None:
                    value = value.decode(encoding)
                if converter is not None:
                    value = converter(value)
            row.append(value)
        return tuple(row)

    def _read_rowdata_packet(self) -> None:
        """All rows, up to the limit of what is held whole."""
        rows: list[tuple[Any, ...]] = []
        while not self._check_packet_is_eof(packet := self.connection._read_packet()):  # type: ignore[attr-defined]
            self._pay(len(packet.get_all_data()))
            rows.append(self._read_row_from_packet(packet))
        self.connection = None
        self.affected_rows = len(rows)
        self.rows = tuple(rows)

    def _read_rowdata_packet_unbuffered(self) -> Any:
        wire = self.connection
        try:
            return super()._read_rowdata_packet_unbuffered()  # type: ignore[misc]
        except UNREADABLE as error:
            self.unbuffered_active = False
            raise wire.broken_by(error) from error

    def _finish_unbuffered_query(self) -> None:
        """Skip the rest of a result that is not wanted any more; a connection whose rest is too long is closed."""
        wire = self.connection
        try:
            while self.unbuffered_active:
                if not wire.open:
                    self.unbuffered_active = False
                    return
                packet = wire._read_packet()
                if self._check_packet_is_eof(packet):  # type: ignore[attr-defined]
                    self.unbuffered_active = False
                    self.connection = None
                else:
                    self._pay(len(packet.get_all_data()))
        except UNREADABLE as error:
            self.unbuffered_active = False
            raise wire.broken_by(error) from error
        except pymysql.err.OperationalError as error:
            if error.args[0] not in (ER.QUERY_TIMEOUT, ER.STATEMENT_TIMEOUT):
                raise
            self.unbuffered_active = False
            self.connection = None

    def _pay(self, size: int) -> None:
        self._cost += size + ROW_BYTES
        if self._cost > self.connection.result_bytes:
            raise ValueError(f"a result of more than {self.connection.result_bytes} bytes")
