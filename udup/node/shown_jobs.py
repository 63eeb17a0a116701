"""Jobs as they are shown: each with what a `Watch` says of it, and the same object as before where nothing is new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from udup.base import runtime
from udup.jobs import JobProgress, JobRecord
from udup.jobs.shown import ShownState, Watch
from udup.jobs.staleness import ReportAges


@dataclass(frozen=True)
class _Made:
    """What was read, how it was found to be, and both together."""

    read: JobRecord
    state: ShownState
    shown: JobRecord


class ShownJobs:
    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._made: dict[str, _Made] = {}

    def of(
        self, records: Iterable[JobRecord], live: Mapping[str, JobProgress | None], ages: ReportAges
    ) -> dict[str, JobRecord]:
        """Return the jobs by their IDs; `live` is what their runs report."""
        made = {record.id: self._made_of(record, live.get(record.id), ages) for record in records}
        self._made = made
        self._watch.forget_all_but(made.keys())
        return {job_id: each.shown for job_id, each in made.items()}

    def _made_of(self, record: JobRecord, live: JobProgress | None, ages: ReportAges) -> _Made:
        told = None if live is None else live.reported_at
        age = None if told is None else max(0.0, ages.now(record.id, live) - told)
        now = runtime.wall()
        state = self._watch.look(record, None if age is None else now - age, now)
        known = self._made.get(record.id)
        if known is not None and known.read is record and known.state == state:
            return known
        return _Made(record, state, record.model_copy(update={"shown": state}))
