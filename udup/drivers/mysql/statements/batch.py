"""Statements gathered into packets, and what each of them must have changed.

Rows of one INSERT follow each other as they came; statements of one packet do. The server stops at the first error. How
many rows each statement has found or written is known when the packet is answered, before anything is committed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from udup.base.errors import Fault, Refused, UdupError, Unsupported
from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.client.errors import MySQLError, is_transient, missing_row
from udup.drivers.mysql.client.raw import execute_affected
from udup.pipeline.checks import DEST

#: Bytes of a packet and statements in it, and of one INSERT and rows in it: more gain nothing, and cost memory.
PACKET_BYTES, PACKET_STATEMENTS = 2 << 20, 1000
INSERT_BYTES, INSERT_ROWS = 256 << 10, 500

#: Bytes that a packet has beside its statements, and the largest max_allowed_packet.
_ROOM, _LARGEST = 1024, 1 << 30


@dataclass(frozen=True, slots=True)
class _Expected:
    """`rows` that a statement changes or finds; None if that is not looked at. `told` says for people of what.

    `quietly`: without a warning.
    """

    rows: int | None
    told: Callable[[], str]
    quietly: bool = False


def _nothing() -> str:
    return ""


class WarnedError(Exception):
    """A statement in a session that is not strict has warned: its values may have been changed."""


class Batch:
    """One connection's; `limit` is the server's max_allowed_packet."""

    def __init__(self, connection: Connection, limit: int) -> None:
        self._connection = connection
        self._limit = limit - _ROOM
        self._packet = min(PACKET_BYTES, self._limit)
        self._statements: list[str] = []
        self._expected: list[_Expected] = []
        self._size = 0
        self._head = ""
        self._rows: list[str] = []
        self._rows_size = 0
        self._told: Callable[[], str] = _nothing
        self._quietly = False

    def add(
        self, sql: str, rows: int | None = None, told: Callable[[], str] = _nothing, *, quietly: bool = False
    ) -> None:
        """Add a statement behind all others."""
        self._end_insert()
        self._add(sql, _Expected(rows, told, quietly))

    def insert(self, head: str, row: str, told: Callable[[], str], *, quietly: bool = False) -> None:
        """Add a row, to the INSERT before it if that has the same head."""
        if self._rows and (
            head != self._head or self._rows_size + len(row) > INSERT_BYTES or len(self._rows) >= INSERT_ROWS
        ):
            self._end_insert()
        if not self._rows:
            self._head, self._told, self._rows_size, self._quietly = head, told, len(head), quietly
        self._rows.append(row)
        self._rows_size += len(row) + 1

    def _end_insert(self) -> None:
        if self._rows:
            rows, self._rows = self._rows, []
            self._add(self._head + ",".join(rows), _Expected(len(rows), self._told, self._quietly))

    def _add(self, sql: str, expected: _Expected) -> None:
        if self._statements and (self._size + len(sql) > self._packet or len(self._statements) >= PACKET_STATEMENTS):
            self._send()
        if len(sql) > self._limit:
            raise _too_large(len(sql), self._limit)
        self._statements.append(sql)
        self._expected.append(expected)
        self._size += len(sql) + 1

    def send(self) -> int:
        """Run what has been added; return the warnings of the last statement.

        Raise 1032 if one changed other rows, `WarnedError` if one warned that should not have.
        """
        self._end_insert()
        return self._send()

    def _send(self) -> int:
        if not self._statements:
            return 0
        packet = ";".join(self._statements).encode()
        expected = self._expected
        self.clear()
        if len(packet) > self._limit + _ROOM:  # names beyond ASCII
            raise _too_large(len(packet), self._limit)
        wrong: tuple[_Expected, int] | None = None
        warnings, loud = 0, False
        answers = execute_affected(self._connection, packet, len(expected))
        try:
            for each, (rows, warned) in zip(expected, answers, strict=True):
                warnings = warned
                loud = loud or (each.quietly and warned > 0)
                if each.rows is not None and each.rows != rows and wrong is None:
                    wrong = each, rows
        except MySQLError as error:
            if wrong is None or is_transient(error):
                raise
            raise _not_found(*wrong) from error  # what a statement behind it was refused for may come of it
        if wrong is not None:
            raise _not_found(*wrong)
        if loud:
            raise WarnedError
        return warnings

    def clear(self) -> None:
        """Forget what has not been sent."""
        self._statements, self._expected, self._size = [], [], 0
        self._rows, self._rows_size = [], 0


def _not_found(expected: _Expected, rows: int) -> MySQLError:
    return missing_row(f"{rows or 'no'} rows were found where {expected.rows} had to be: {expected.told()}")


def _too_large(size: int, limit: int) -> UdupError:
    problem = f"a row makes a statement of {size} bytes, more than the server's max_allowed_packet takes"
    if limit + _ROOM >= _LARGEST:
        return Unsupported(
            f"{problem}, and no server takes more: give the job's account on the target REPLICATION_APPLIER, so that"
            " rows go there as events, or make the value smaller on the source, then give the job another ID"
        )
    wanted = min(_LARGEST, 1 << (size * 2).bit_length())
    return Refused([Fault("Dest", problem, f"run there: SET PERSIST max_allowed_packet = {wanted}", DEST)])
