"""When a heartbeat goes to the target: often while records follow each other, rarely at rest, at once with news.

A heartbeat costs a wake-up in three processes, so a quiet job's are few. What they would tell by not coming is told by
one that says so: the source is silent.
"""

from __future__ import annotations

from udup.base import runtime
from udup.pipeline.extract.source_watch import SourceWatch
from udup.pipeline.records import Beat

#: Seconds between heartbeats while records follow each other; and when the source has no more, which it says every
#: 1.5 seconds at rest: a bit less than four times that, so that no fourth one is missed. The target's side counts on it
#: (`SILENT_SECONDS` of `pipeline/apply/lag.py`).
BEAT_SECONDS, BEAT_AT_REST_SECONDS = 1.0, 5.8


class Beats:
    """Heartbeats of one run. One thread at a time."""

    def __init__(self, watch: SourceWatch) -> None:
        self._watch = watch
        self._at = 0.0
        self._told: str | None = None  # what the source has executed
        self._is_silent = False  # so it was said last

    def due(self, *, at_rest: bool = False) -> Beat | None:
        """Return a heartbeat if it is time for one. `at_rest`: nothing more has come from the source yet."""
        passed = runtime.now() - self._at
        if passed <= (BEAT_AT_REST_SECONDS if at_rest else BEAT_SECONDS) and not (at_rest and self._has_news):
            return None
        if (beat := self._watch.beat()) is not None:
            self._at, self._told, self._is_silent = runtime.now(), beat.executed, False
        return beat

    @property
    def _has_news(self) -> bool:
        return self._is_silent or self._watch.executed != self._told

    def silent(self, seconds: float) -> Beat | None:
        """Return one that says that nothing has come from the source for so long."""
        beat = self._watch.beat()
        if beat is None:
            return None
        self._is_silent = True
        return Beat(beat.source_us, beat.executed, int(seconds * 1e6))
