"""What SrcExtractor has read and sent, counted as it goes: for statistics alone.

The reading threads count, the event loop reads, so all of it is under one lock; it is taken once a record and once a
message, never once an event.
"""

from __future__ import annotations

from typing import Any

from udup.base import runtime
from udup.drivers.mysql.binlog.event import CRC_SIZE, HEADER_SIZE, EventType, checksum_is_right
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.pipeline.records import Definition, Part, Record, Skipped, Transaction

#: Where a ROTATE event's file name begins: header, then the position in that file.
_ROTATE_NAME = HEADER_SIZE + 8


class Tally:
    """Counts of one run. `values` has the names under which they are shown (docs/statistics.md)."""

    def __init__(self) -> None:
        self._lock = runtime.Lock()
        self._extracted: GtidSet | None = None  # until the binary log is open
        self._text = ""
        self._stale = False  # the text is behind the set
        self._file = ""
        self._position = 0
        self._transactions = self._definitions = self._skipped = 0
        self._copied_rows = self._copied_messages = self._copied_bytes = 0

    def begin(self, start_after: GtidSet) -> None:
        """The binary log is read after this set."""
        with self._lock:
            self._extracted, self._stale = start_after.copy(), True

    @property
    def extracted(self) -> GtidSet | None:
        """What is in the target or has been read; None until the binary log is open."""
        with self._lock:
            return None if self._extracted is None else self._extracted.copy()

    def rotated(self, event: bytes) -> None:
        """A ROTATE event: the log goes on in another file. One that is made for the dump may come without its CRC."""
        name = event[_ROTATE_NAME : -CRC_SIZE if checksum_is_right(event) else None]
        with self._lock:
            self._file = name.decode("utf-8", "replace")
            self._position = int.from_bytes(event[HEADER_SIZE:_ROTATE_NAME], "little")

    def read(self, record: Record, event: bytes) -> None:
        """A record, which this event completed."""
        position = int.from_bytes(event[13:17], "little")
        with self._lock:
            if position and event[4] != EventType.FORMAT_DESCRIPTION:  # 0 inside of a compressed transaction
                self._position = position
            match record:
                case Transaction():
                    self._transactions += 1
                case Part():
                    if not record.last:
                        return
                    self._transactions += 1
                case Definition():
                    self._definitions += 1
                case Skipped():
                    self._note_skipped(record)
                    return
            mark = getattr(record, "mark", None)  # heartbeats and the like have none
            if mark is not None:
                self._note(mark.source, mark.number)

    def _note(self, source: str, number: int) -> None:
        if self._extracted is not None:
            self._extracted.add(source, number)
            self._stale = True

    def _note_skipped(self, record: Skipped) -> None:
        gtids = GtidSet.parse(record.gtids)
        self._skipped += len(gtids)
        if self._extracted is not None:
            self._extracted.update(gtids)
            self._stale = True

    def copied(self, rows: int, size: int) -> None:
        """A piece of copied rows was sent."""
        with self._lock:
            self._copied_rows += rows
            self._copied_messages += 1
            self._copied_bytes += size

    @property
    def amount(self) -> tuple[int, ...]:
        """Differs whenever something was read since: whether the source is at work."""
        return self._transactions, self._definitions, self._skipped, self._copied_messages

    def values(self) -> dict[str, Any]:
        with self._lock:
            if self._stale and self._extracted is not None:
                self._text, self._stale = str(self._extracted), False
            return {
                "extracted_gtid": self._text,
                "extracted_transactions": self._transactions,
                "extracted_definitions": self._definitions,
                "skipped_transactions": self._skipped,
                "binlog_file": self._file,
                "binlog_position": self._position,
                "copy_read_rows": self._copied_rows,
                "copy_sent_messages": self._copied_messages,
                "copy_sent_bytes": self._copied_bytes,
            }
