"""Which log files LogMiner needs: those from an SCN on, archived ones and the one that is written, without a gap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from udup.base.errors import Unsupported
from udup.base.remedies import NEW_COPY


@dataclass(frozen=True)
class LogFile:
    """A file of redo: changes from `first` on and below `next`; `current` is being written."""

    name: str
    first: int
    next: int
    sequence: int
    thread: int
    current: bool


class NotArchived(Exception):
    """A log is neither written any more nor archived yet: it will be in a moment."""


def log_of(row: Sequence[Any]) -> LogFile:
    """Return a row of `statements.LOGS`."""
    name, first, following, _, status, _, sequence, _, _, thread, *_ = row
    return LogFile(str(name), int(first), int(following or 0), int(sequence), int(thread), status == "CURRENT")


def needed_logs(found: Iterable[LogFile], scn: int) -> list[LogFile]:
    """Return the files that hold every change behind an SCN, in the order of their sequence.

    A log that is listed twice, as the current one and archived in between, is taken once, as archived. Raise
    `Unsupported` if the first of them is gone, `NotArchived` if one in between is not there yet.
    """
    by_sequence: dict[int, LogFile] = {}
    found = list(found)
    if len(threads := sorted({each.thread for each in found})) > 1:
        raise Unsupported(
            f"the source lists logs of {len(threads)} redo threads ({', '.join(map(str, threads))}), which are not read"
            f" together: an instance was added (RAC). {NEW_COPY}"
        )
    for each in found:
        before = by_sequence.get(each.sequence)
        if before is None or before.current:
            by_sequence[each.sequence] = each
    logs = [by_sequence[sequence] for sequence in sorted(by_sequence)]
    logs = [each for each in logs if each.current or each.next > scn + 1]
    if not logs:
        raise NotArchived(f"no log holds what comes behind SCN {scn}")
    if logs[0].first > scn + 1:
        raise Unsupported(
            f"the redo behind SCN {scn} is gone: the oldest log that the source lists is number {logs[0].sequence},"
            f" which begins with SCN {logs[0].first}. Keep archived logs for longer than a job may stand still;"
            f" {NEW_COPY}"
        )
    for before, after in pairwise(logs):
        if after.sequence != before.sequence + 1 or after.first != before.next:
            raise NotArchived(
                f"log {before.sequence + 1} is not listed, between {before.sequence} and {after.sequence}: it is to be"
                " archived yet, or was removed"
            )
    if not logs[-1].current:
        raise NotArchived(f"the log behind number {logs[-1].sequence} is not listed as current yet")
    return logs
