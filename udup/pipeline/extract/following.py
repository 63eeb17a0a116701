"""Reads a log that is open, record by record, and sends what it holds, with heartbeats and marks between."""

from __future__ import annotations

from collections.abc import Callable

from udup.base import runtime
from udup.base.errors import Held, Transient
from udup.pipeline.extract.beats import Beats
from udup.pipeline.extract.counters import ExtractCounters
from udup.pipeline.extract.marks import LogMarks
from udup.pipeline.extract.packer import Packer
from udup.pipeline.ports import ChangeLog
from udup.pipeline.records import Record

#: Seconds between two looks at what is to be sent while the log is not read on.
HELD_SECONDS = 0.5


class Following:
    """`run` blocks until the log fails or is closed. `held`: what it stands at, to be told."""

    def __init__(
        self,
        counters: ExtractCounters,
        packer: Packer,
        beats: Beats,
        marks: LogMarks,
        stopped: Callable[[], bool],
    ) -> None:
        self._counters, self._packer, self._beats, self._marks = counters, packer, beats, marks
        self._stopped = stopped
        self.held = ""

    def run(self, log: ChangeLog, where: str) -> None:
        """Read records and send them; stand still, alive, before one that waits for other tables of the job."""
        try:
            for record in log:
                self._pass_on(record)
        except Held as error:
            self.held = str(error)
            log.close()
            self._stand()
        raise Transient(f"the log of {where} has ended")

    def _stand(self) -> None:
        """Send heartbeats until the run is ended: what is in front is applied meanwhile."""
        self._pass_on(None)
        while not self._stopped():
            runtime.sleep(HELD_SECONDS)
            self._pass_on(None)

    def _pass_on(self, record: Record | None) -> None:
        packer = self._packer
        if record is not None:
            self._counters.read(record)
            packer.add(record)
        if (beat := self._beats.due(at_rest=record is None)) is not None:
            packer.add(beat)
        if (mark := self._marks.passed(record, packer.flush)) is not None:
            packer.add(mark)
            packer.flush()
        if record is None:
            packer.flush()
