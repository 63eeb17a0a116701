"""What SrcExtractor has read and sent, counted as it goes: for statistics alone.

The reading threads count, the event loop reads, so all of it is under one lock; it is taken once a record and once a
message, never once an event.
"""

from __future__ import annotations

from collections.abc import Callable

from udup.base import runtime
from udup.pipeline.extract.progress import Extracted
from udup.pipeline.ports import Position
from udup.pipeline.records import Definition, Part, Record, Skipped, SnapshotRows, Transaction


class ExtractCounters:
    """Counts of one run. `position` makes a position of its text."""

    def __init__(self, position: Callable[[str], Position]) -> None:
        self._lock = runtime.Lock()
        self._parse = position
        self._extracted: Position | None = None  # until the log is open
        self._text = ""
        self._stale = False  # the text is behind the position
        self._transactions = self._definitions = self._skipped = 0
        self._copied_rows = self._copied_messages = self._copied_bytes = 0
        self._moved: Callable[[], object] | None = None
        self.read_so_far = 0  # records, of whatever kind, and that the log is open

    def begin(self, start_after: str) -> None:
        """Note that the log is read after this position."""
        with self._lock:
            self._extracted, self._stale = self._parse(start_after), True
            self.read_so_far += 1

    @property
    def extracted(self) -> Position | None:
        """Return what is in the target or has been read; None until the log is open."""
        with self._lock:
            return None if self._extracted is None else self._extracted.copy()

    def read(self, record: Record) -> None:
        """Count a record of the log, or of a snapshot for a destination."""
        self._tell_moved()
        with self._lock:
            self.read_so_far += 1
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
                case SnapshotRows():
                    self._count_copied(record.rows, len(record.events))
                    return
            of = getattr(record, "id", None)  # a FORMAT_DESCRIPTION and the like have none, what is lost an empty one
            if of is not None and of.source and self._extracted is not None:
                self._extracted.add(of.source, of.number)
                self._stale = True

    def _note_skipped(self, record: Skipped) -> None:
        gtids = self._parse(record.gtids)
        self._skipped += len(gtids)
        if self._extracted is not None:
            self._extracted.update(gtids)
            self._stale = True

    def copied(self, rows: int, size: int) -> None:
        """Count a piece of copied rows that was sent."""
        self._tell_moved()
        with self._lock:
            self._count_copied(rows, size)

    def _count_copied(self, rows: int, size: int) -> None:
        self._copied_rows += rows
        self._copied_messages += 1
        self._copied_bytes += size

    def when_moved(self, then: Callable[[], object]) -> None:
        """Call `then` once, on a reading thread, with the next that is read: the source is at work."""
        self._moved = then

    def _tell_moved(self) -> None:
        if (moved := self._moved) is not None:
            self._moved = None
            moved()

    def values(self) -> Extracted:
        """Return all counts as of one moment."""
        with self._lock:
            if self._stale and self._extracted is not None:
                self._text, self._stale = str(self._extracted), False
            return Extracted(
                self._text,
                self._transactions,
                self._definitions,
                self._skipped,
                self._copied_rows,
                self._copied_messages,
                self._copied_bytes,
            )
