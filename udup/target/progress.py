"""How far a run is and how fast: counts, rates over the last seconds, lag."""

from __future__ import annotations

import time
from collections import deque

#: Seconds over which rates are taken.
RATE_SECONDS = 5.0

#: Seconds without a word from the source after which an idle job's lag grows again: heartbeats come every second.
BEAT_SECONDS = 3.0


class Rate:
    """A count's growth per second."""

    def __init__(self) -> None:
        self.total = 0
        self._samples: deque[tuple[float, int]] = deque()

    def sample(self) -> float:
        """Call it regularly; the growth per second over the last `RATE_SECONDS`."""
        now = time.monotonic()
        self._samples.append((now, self.total))
        while len(self._samples) > 2 and now - self._samples[0][0] > RATE_SECONDS:
            self._samples.popleft()
        since, count = self._samples[0]
        return (self.total - count) / (now - since) if now > since else 0.0


class Lag:
    """How far the target is behind, in milliseconds of the source's clock.

    0 while the source says by its heartbeats that there is nothing more and everything is committed; otherwise the age
    of the oldest transaction that is not committed; and growing since the last heartbeat when the source is silent.
    """

    def __init__(self) -> None:
        self._clock_offset_us = 0
        self._last_word = time.monotonic()
        self._last_commit_us = 0

    def heard(self) -> None:
        """Something came from the source."""
        self._last_word = time.monotonic()

    def beat(self, source_us: int) -> None:
        """The source's clock."""
        self.heard()
        self._clock_offset_us = source_us - time.time_ns() // 1000

    def passed(self, committed_us: int) -> None:
        """A transaction of this commit time is done with."""
        self._last_commit_us = max(self._last_commit_us, committed_us)

    def is_recent(self, milliseconds: int) -> bool:
        """Whether the last transaction that is done with was committed on the source so little ago."""
        return self._now_us() - self._last_commit_us < milliseconds * 1000

    def _now_us(self) -> int:
        return time.time_ns() // 1000 + self._clock_offset_us

    def milliseconds(self, oldest_us: int | None) -> int:
        """`oldest_us`: commit time of the oldest transaction that is not committed here, None if there is none."""
        if oldest_us is not None:
            return max(0, (self._now_us() - oldest_us) // 1000)
        silent = time.monotonic() - self._last_word
        return int(silent * 1000) if silent > BEAT_SECONDS else 0
