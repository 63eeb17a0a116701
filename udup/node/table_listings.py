"""Listings of jobs' tables, kept for some seconds: whoever scrolls through ten thousand asks for many pages of one.

Requests for the listing of one job wait for each other, so that its servers are asked once.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from udup.jobs import JobRecord
from udup.node.ends import Ends
from udup.node.tables import Listing, list_tables

#: Seconds for which a listing serves further requests, and how many jobs' are kept.
KEPT_SECONDS, KEPT_JOBS = 4.0, 8


@dataclass
class _Kept:
    """`of` tells what of the job it is a listing of: when that changes, it is none any more."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    of: object = None
    made: float = 0.0
    listing: Listing | None = None


class TableListings:
    """Called from several threads at once."""

    def __init__(self, ends: Ends) -> None:
        self._ends = ends
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def of(self, record: JobRecord, side: JobRecord | None) -> Listing:
        """Return a listing of a job's tables that is some seconds old at most. `NotReady` if its source is away."""
        kept = self._place(record.id)
        now = (record.incarnation, record.job_modify_index, record.stage, record.desired, side and side.stage)
        with kept.lock:
            fresh = kept.of == now and time.monotonic() - kept.made < KEPT_SECONDS
            if kept.listing is None or not fresh:
                kept.listing = None
                listing = list_tables(record, side, self._ends)
                kept.of, kept.made, kept.listing = now, time.monotonic(), listing
            return kept.listing

    def _place(self, job_id: str) -> _Kept:
        with self._lock:
            kept = self._kept.pop(job_id, None) or _Kept()
            self._kept[job_id] = kept  # the last that was asked for is the last to go
            while len(self._kept) > KEPT_JOBS:
                self._kept.pop(next(iter(self._kept)))
            return kept
