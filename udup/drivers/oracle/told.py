"""What of a source's position this process has told beside SCNs: what it says to have executed must have that too."""

from __future__ import annotations

from udup.base import runtime
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.oracle.position import BEGIN, RESUME
from udup.pipeline.records import Record, Skipped, Transaction


class Told:
    """The numbers of tags; noted by the thread that reads the log, asked by others."""

    def __init__(self) -> None:
        self._lock = runtime.Lock()
        self._numbers = GtidSet()

    def begin(self, executed: GtidSet) -> None:
        """Note what a position has of them from which the log is followed."""
        with self._lock:
            for key, ranges in executed.items():
                for start, stop in ranges if ":" in key else ():
                    self._numbers.add_range(key, start, stop)

    def note(self, record: Record) -> None:
        with self._lock:
            if isinstance(record, Transaction) and ":" in record.id.source:
                self._numbers.add(record.id.source, record.id.number)
            elif isinstance(record, Skipped) and (f":{RESUME}:" in record.gtids or f":{BEGIN}:" in record.gtids):
                self._numbers.update(GtidSet.parse(record.gtids))

    def executed(self, source: str, scn: int) -> GtidSet:
        """Return the position of a source that has executed everything up to an SCN."""
        with self._lock:
            found = self._numbers.copy()
        found.add_range(source, 1, scn + 1)
        return found
