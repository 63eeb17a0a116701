"""One job as the supervisor carries it: its state and what comes next, as plain bookkeeping without any actor."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from udup.errors import Conflict, Fault, Transient
from udup.job import DesiredState, JobRecord, JobSpec, Stage
from udup.mysql.facts import ServerFacts
from udup.plane.flow import Windows
from udup.source.extractor import ExtractorSettings
from udup.source.preflight import check_source, warn_source
from udup.target.applier import ApplierSettings
from udup.target.preflight import check_pair, warn_pair, warn_target

#: Seconds before the second try of a run; doubled with each, up to the node's `retry.backoff_max_s`.
FIRST_PAUSE = 0.2

#: Seconds that both sides may take until the run is under way.
START_SECONDS = 120.0

#: Times in a row that a conflict is looked into transaction by transaction.
CAREFUL_TRIES = 2

#: Errors kept in the restart history.
HISTORY = 20


@dataclass
class Job:
    """`run` is 0 while nothing is attempted. What the tasks have said so far belongs to that run."""

    record: JobRecord
    spec: JobSpec
    nats_url: str = field(repr=False)
    buffer_bytes: int
    run: int = 0
    running: bool = False
    extracting: bool = False
    began: float = 0.0
    proven: bool = False  # the run has applied something: failures are counted anew
    failures: int = 0
    conflicts: int = 0
    careful: bool = False
    source: ServerFacts | None = None
    target: ServerFacts | None = None
    start_after: str | None = None
    target_answered: bool = False
    faults: list[Fault] = field(default_factory=list)
    restarts: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    progress: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def wanted(self) -> bool:
        """Whether it is to be carried out now."""
        return self.record.desired == DesiredState.RUN and self.record.stage not in (Stage.FAILED, Stage.COMPLETED)

    def next_run(self) -> int:
        """Begin another attempt. Its number is the time, so that it is new even after all else was forgotten."""
        self.run = max(self.run + 1, time.time_ns() // 1_000_000)
        self.running, self.extracting, self.target_answered = True, False, False
        self.began = time.monotonic()
        self.proven = False
        self.source = self.target = None
        self.faults = []
        return self.run

    def applier_settings(self) -> ApplierSettings:
        spec = self.spec
        return ApplierSettings(
            nats_url=self.nats_url,
            job=self.id,
            run=self.run,
            endpoint=spec.target_endpoint(),
            workers=spec.parallel_workers,
            incarnation=self.record.incarnation,
            selection=spec.selection(),
            start_after=spec.gtid or None,
            drop_existing=spec.drop_table_if_exists,
            careful=self.careful,
        )

    def extractor_settings(self) -> ExtractorSettings:
        spec = self.spec
        return ExtractorSettings(
            nats_url=self.nats_url,
            job=self.id,
            run=self.run,
            endpoint=spec.source_endpoint(),
            selection=spec.selection(),
            start_after=self.start_after,
            workers=spec.parallel_workers,
            readers=spec.parallel_workers,
            windows=self._windows(),
            window_messages=spec.channel_size,
            message_bytes=spec.msg_bytes_limit,
            chunk_rows=spec.chunk_size,
            fold_names=self.source is not None and self.source.lower_case_table_names != 0,
        )

    def _windows(self) -> Windows:
        return Windows.of(self.buffer_bytes, self.spec.parallel_workers)

    def all_faults(self) -> list[Fault]:
        """What speaks against starting, on both sides and between them, as far as both have answered."""
        faults = list(self.faults)
        if self.source is not None:
            faults += check_source(self.source, self.spec.selection(), self.start_after)
        if self.source is not None and self.target is not None:
            faults += check_pair(self.source, self.target)
        return faults

    @property
    def overdue(self) -> bool:
        """Both sides should have answered by now."""
        return self.running and not self.extracting and time.monotonic() - self.began >= START_SECONDS

    def warnings(self) -> list[str]:
        """What does not keep the job from running, and should be known."""
        if self.source is None or self.target is None:
            return []
        found = warn_source(self.source) + warn_target(self.target) + warn_pair(self.source, self.target)
        return [str(each) for each in found]

    def note_failure(self, kind: str, text: str, attempts: int, longest_pause: float) -> float | None:
        """Seconds until the next attempt, or None to give up. `attempts` counts failures in a row."""
        if self.proven:
            self.failures = self.conflicts = 0
        self.failures += 1
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.history = [*self.history, {"time": stamp, "error": text}][-HISTORY:]
        if kind == Conflict.__name__:
            self.conflicts += 1
            self.careful = True
            return 0.0 if self.conflicts <= CAREFUL_TRIES else None
        if kind != Transient.__name__ or self.failures > attempts:
            return None
        pause: float = FIRST_PAUSE * 2 ** min(self.failures - 1, 10)
        return min(pause, longest_pause)

    def shown_progress(self) -> dict[str, Any]:
        last = self.history[-1]["error"] if self.history else ""
        return {**self.progress, "restarts": self.restarts, "last_error": last, "restart_history": self.history}
