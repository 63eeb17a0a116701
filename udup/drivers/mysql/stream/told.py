"""What the log says of a record's events beside their bytes (`records.Transaction.told`).

Where each rows event begins in its log file, who wrote it and by which statement: an event's own bytes do not say it,
or say it no more once it was shaped by a filter. Only a job whose destination shows these things has them.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from udup.drivers.mysql.binlog.event import CRC_SIZE, HEADER_SIZE, ROWS_EVENTS, EventType
from udup.drivers.mysql.binlog.rotate import parse_rotate

#: Bytes of a statement's text at most: a record must fit into a message, and a text may be of megabytes.
QUERY_MAX = 64 << 10

#: The text in a ROWS_QUERY event comes behind one byte of its length, which says nothing of long ones.
_TEXT_OFFSET = HEADER_SIZE + 1

#: An event tells its end in 32 bits.
_WRAPS_AT = 1 << 32

#: Events whose end is that of a place in the file; heartbeats and what the server makes up tell other things.
_PLACED = ROWS_EVENTS | {EventType.GTID, EventType.GTID_TAGGED, EventType.QUERY}


class Told(msgspec.Struct, frozen=True, array_like=True):
    """`file`: the log file; `thread`: the session's number. `starts`: where each rows event of the record begins.

    The rows events are those that end in this record, in its order; of a `Definition` it is where its Query event
    begins. One of a compressed transaction begins where the event begins that it was compressed into. `queries` has
    a statement's text once, under the number of its first rows event in this record; "" where the log has none for a
    statement behind one that has. `statements` spreads them. `folds_names`: the source keeps names
    in lower case, whatever its statement says.

    Of a definition, `tables` has what the dictionary says now of tables that it made or changed, as schema, table and
    the JSON text of a schema change; `facts` what it says of their columns (`rowtext/facts.py`), None if it was not
    asked. Both under the job's names.
    """

    file: str
    thread: int
    starts: list[int]
    queries: dict[int, str] = {}
    folds_names: bool = False
    tables: list[tuple[str, str, bytes]] = []
    facts: bytes | None = None

    def statements(self) -> list[str | None]:
        """Return for each rows event the statement that made it, None where the log does not have it."""
        made: list[str | None] = []
        statement = ""
        for index in range(len(self.starts)):
            statement = self.queries.get(index, statement)
            made.append(statement or None)
        return made


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Told)


def encode(told: Told) -> bytes:
    return _encoder.encode(told)


def decode_told(data: bytes) -> Told:
    return _decoder.decode(data)


class Telling:
    """Follows a log, and has what is to be told of the rows that were kept and not sent yet."""

    def __init__(self, *, folds_names: bool = False) -> None:
        self._folds_names = folds_names
        self._file = ""
        self._end = 0  # of the last event that tells it
        self._start = 0  # of the event that is looked at
        self._statement = ""
        self._starts: list[int] = []
        self._statements: list[str] = []

    def look_at(self, event: bytes, *, has_crc: bool) -> None:
        """Note where an event stands, and what it says of those behind it. Every event passes here, in order."""
        kind = event[4]
        if kind in _PLACED:
            self._place(event)
            if kind in (EventType.GTID, EventType.GTID_TAGGED):
                self.forget()
        elif kind == EventType.ROWS_QUERY:
            self._statement = _text(event, has_crc=has_crc)
        elif kind == EventType.ROTATE:
            self._file, self._end = parse_rotate(event)

    def _place(self, event: bytes) -> None:
        end = int.from_bytes(event[13:17], "little")
        if not end:  # compressed, together with all of its transaction behind the GTID
            self._start = self._end
            return
        end += self._end - self._end % _WRAPS_AT
        if end < self._end:
            end += _WRAPS_AT
        self._start, self._end = end - int.from_bytes(event[9:13], "little"), end

    def keep_rows(self, count: int) -> int:
        """Note that the rows event looked at was kept, as so many events. Return the bytes that this adds."""
        added = 0
        if self._statement and (not self._statements or self._statements[-1] is not self._statement):
            added = len(self._statement)
        self._starts += [self._start] * count
        self._statements += [self._statement] * count
        return added

    def close_statement(self) -> None:
        self._statement = ""

    def forget(self) -> None:
        """Drop what was noted of a transaction that is not sent."""
        self._statement = ""
        self._starts.clear()
        self._statements.clear()

    def take(self, thread: int, count: int | None = None) -> bytes:
        """Return what is to be told of the first `count` rows events that are not sent yet, of all by default."""
        count = len(self._starts) if count is None else count
        starts, statements = self._starts[:count], self._statements[:count]
        del self._starts[:count], self._statements[:count]
        queries: dict[int, str] = {}
        last = ""
        for index, statement in enumerate(statements):
            if statement is not last:
                queries[index] = last = statement
        return encode(Told(self._file, thread, starts, queries, self._folds_names))

    def definition(self, thread: int) -> bytes:
        """Return what is to be told of the Query event looked at."""
        return encode(Told(self._file, thread, [self._start], folds_names=self._folds_names))


def rows_ends(events: Sequence[bytes]) -> list[int]:
    """Return where the rows events among these end, in all of their bytes."""
    ends, size = [], 0
    for event in events:
        size += len(event)
        if event[4] in ROWS_EVENTS:
            ends.append(size)
    return ends


def _text(event: bytes, *, has_crc: bool) -> str:
    """Return the statement in a ROWS_QUERY event, cut where it is too long."""
    text = event[_TEXT_OFFSET : -CRC_SIZE if has_crc else None]
    return text[:QUERY_MAX].decode("utf-8", "ignore" if len(text) > QUERY_MAX else "replace")
