"""Rows as the server keeps them: by a prepared statement, whose results are binary.

A FLOAT comes with all of its bits and a number as its bytes, where a plain statement's text costs both sides a
conversion, and a FLOAT some digits. The packets are cut out of large pieces of the stream, many at a time.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from pymysql.constants import COMMAND

from udup.drivers.mysql.client import silence
from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.client.line import lost

#: Bytes asked of the stream at a time.
READ_BYTES = 256 << 10

_PACKET_MAX = 0xFFFFFF
_ROW, _END, _ERROR = 0x00, 0xFE, 0xFF

#: Bytes of the packet that ends a result are fewer; a row may begin with the same byte in no binary result.
_END_BYTES = 9

#: In the answer to PREPARE: a zero, then the statement's number, of columns and of parameters.
_PREPARED = struct.Struct("<xIHH")

#: What EXECUTE says: the statement, no cursor, once.
_EXECUTE = struct.Struct("<IBI")


def binary_rows(connection: Connection, sql: str | bytes) -> Iterator[list[bytes]]:
    """Yield the rows of a SELECT in lists, each row as its packet's bytes: a zero, the bitmap of NULLs, the values.

    MySQL's own errors pass. All has to be taken: who ends before has the connection closed.
    """
    wire: Any = connection
    wire._execute_command(COMMAND.COM_STMT_PREPARE, sql)
    number, columns, parameters = _PREPARED.unpack_from(wire._read_packet().get_all_data())
    for count in (parameters, columns):
        _pass_over(wire, count + 1 if count else 0)
    wire._execute_command(COMMAND.COM_STMT_EXECUTE, _EXECUTE.pack(number, 0, 1))
    wire._read_packet()  # the number of columns
    _pass_over(wire, columns + 1)
    done = False
    try:
        yield from _rows(wire)
        done = True
    finally:
        if not done:
            wire._end()
    wire._execute_command(COMMAND.COM_STMT_CLOSE, number.to_bytes(4, "little"))  # which has no answer


def _pass_over(wire: Any, packets: int) -> None:
    for _ in range(packets):
        wire._read_packet()


def _rows(wire: Any) -> Iterator[list[bytes]]:
    stream = _Stream(wire)
    while stream.more:
        if found := stream.rows():
            yield found
        elif stream.more:
            stream.fill()


class _Stream:
    """The packets of a result, behind the definitions of its columns."""

    def __init__(self, wire: Any) -> None:
        self._wire = wire
        self._number: int = wire._next_seq_id
        self._data = b""
        self._at = 0
        self._parts: list[bytes] = []  # of a row that has more bytes than a packet
        self.more = True

    def rows(self) -> list[bytes]:
        """Return the rows that have come whole."""
        data, at, number, found = self._data, self._at, self._number, []
        size = len(data)
        while size - at >= 4:
            length = data[at] | data[at + 1] << 8 | data[at + 2] << 16
            end = at + 4 + length
            if end > size:
                break
            if data[at + 3] != number:
                raise self._wire._broken(f"its number is {data[at + 3]} where {number} is due")
            number = (number + 1) & 255
            at, packet = end, data[at + 4 : end]
            if length == _PACKET_MAX or self._parts:
                self._parts.append(packet)
                if length < _PACKET_MAX:
                    found.append(b"".join(self._parts))
                    self._parts = []
            elif length and packet[0] == _ROW:
                found.append(packet)
            else:
                self._ends(packet)
                break
        self._at, self._number = at, number
        return found

    def _ends(self, packet: bytes) -> None:
        """Take the packet that is none of a row."""
        if packet[:1] == bytes([_ERROR]):
            self._wire._raise_error(packet)
        if packet[:1] != bytes([_END]) or len(packet) >= _END_BYTES:
            raise self._wire._broken("a row that is none")
        self.more = False

    def fill(self) -> None:
        """Wait for more bytes: of a long packet for all of them at once."""
        wire, rest = self._wire, self._data[self._at :]
        wire._limit_waits(silence.SILENT_SECONDS if wire._is_watched else wire._read_timeout)
        wire._silence = None
        missing = 0
        if len(rest) >= 4:
            missing = 4 + int.from_bytes(rest[:3], "little") - len(rest)
        try:
            more = wire._rfile.read(missing) if missing > READ_BYTES else wire._rfile.read1(READ_BYTES)
        except (OSError, AttributeError) as error:
            wire._end()
            raise lost(str(error)) from error
        if not more:
            wire._end()
            raise lost()
        self._data, self._at = rest + more, 0
