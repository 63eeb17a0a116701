"""What happened to a job, in the order of time: entries that are made of its record, and of what changes in it.

The record keeps much with its time: documents, failures, the tasks' events, skipped transactions, the cut-over, the
comparison (`record_events.py`). So a node that was started again has these entries again. What no record keeps (a copy
that is complete, a table, a wait) is noted when it is seen, and is lost with the node.

Entries are numbered by their times in milliseconds since the epoch, each greater than the one before: so who has seen
all up to a number goes on there, also at a node that was started meanwhile, or at another one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from udup.jobs.record import JobRecord
from udup.jobs.record_events import Happened, events_of
from udup.jobs.seen_events import changes

#: Entries kept of one job, and of all jobs together; the oldest go first, of the job that has most.
OF_ONE, OF_ALL = 500, 50_000

_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """`number` is what clients go on by; `order` counts what a node has noted, of all jobs together."""

    number: int
    order: int
    what: Happened


class Timeline:
    """The entries of one job."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=OF_ONE)
        self._record: JobRecord | None = None
        self._known: frozenset[tuple[object, ...]] = frozenset()
        self._number = 0

    def take(self, record: JobRecord, now_ns: int, order: int) -> int:
        """Note what is new; return how many entries that made, or would have where the oldest had to go."""
        before = self._record
        if before is record:
            return 0
        self._record = record
        if before is not None and before.incarnation != record.incarnation:  # another job of this ID
            self.entries.clear()
            before, self._known = None, frozenset()
        new = list(self._of_record(before, record))
        if before is not None:
            new += changes(before, record, now_ns)
        new.sort(key=lambda each: each.time_ns)
        for place, each in enumerate(new, 1):
            self._number = max(self._number + 1, each.time_ns // _MS)
            self.entries.append(Entry(self._number, order + place, each))
        return len(new)

    def _of_record(self, before: JobRecord | None, record: JobRecord) -> Iterator[Happened]:
        """Yield what the record has and had not before. It is looked through when it was stored again, not before."""
        if before is not None and _stored(before) == _stored(record):
            return
        found = list(events_of(record))
        for each in found:
            if each.identity not in self._known:
                yield each
        self._known = frozenset(each.identity for each in found)

    def page(self, after: int, limit: int, kinds: Collection[str]) -> list[Entry]:
        """Return the entries behind a number, the oldest first; with `after` 0 the newest ones."""
        found = [each for each in self.entries if each.number > after and (not kinds or each.what.kind in kinds)]
        return found[:limit] if after else found[-limit:]


class TimelineBook:
    """The time lines of all jobs."""

    def __init__(self) -> None:
        self._timelines: dict[str, Timeline] = {}
        self._count = 0

    def take(self, records: Iterable[JobRecord], now_ns: int, order: int) -> int:
        """Note what is new of all jobs that there are; forget the others. Return the order of the last entry."""
        there = set()
        for record in records:
            there.add(record.id)
            timeline = self._timelines.get(record.id)
            if timeline is None:
                timeline = self._timelines[record.id] = Timeline()
            held = len(timeline.entries)
            order += timeline.take(record, now_ns, order)
            self._count += len(timeline.entries) - held
        for gone in self._timelines.keys() - there:
            self._count -= len(self._timelines.pop(gone).entries)
        self._bound()
        return order

    def of(self, job_id: str) -> Timeline:
        return self._timelines.get(job_id) or Timeline()

    def _bound(self) -> None:
        while self._count > OF_ALL:
            longest = max(self._timelines.values(), key=lambda each: len(each.entries))
            longest.entries.popleft()
            self._count -= 1


def _stored(record: JobRecord) -> tuple[object, ...]:
    return record.modify_index, record.incarnation
