"""How fast a run is and how far behind it is: rates over the last seconds, and the lag."""

from __future__ import annotations

from collections import deque

from udup.base import runtime

#: Seconds over which rates are taken.
RATE_SECONDS = 5.0

#: Seconds without a word from the source's side after which it counts as silent: at rest heartbeats come every six.
#: That the source itself says nothing is told sooner, by the extractor.
SILENT_SECONDS = 8.5

#: Microseconds by which a stamp of the source's may lie ahead of its clock, as that is known here.
_AHEAD_US = 1_000_000


class Rate:
    """A count's growth per second."""

    def __init__(self, seconds: float = RATE_SECONDS) -> None:
        self.total = 0
        self._seconds = seconds
        self._samples: deque[tuple[float, int]] = deque()

    def sample(self) -> float:
        """Return the growth per second over the last `seconds`; to be called regularly."""
        now = runtime.now()
        self._samples.append((now, self.total))
        while len(self._samples) > 2 and now - self._samples[0][0] > self._seconds:
            self._samples.popleft()
        since, count = self._samples[0]
        return (self.total - count) / (now - since) if now > since else 0.0


class Lag:
    """How far the target is behind, in milliseconds of the source's clock.

    * The age of the oldest transaction that has come and is not committed.
    * None has, and everything that the source says to have executed is in the target: 0.
    * None has, and the source says that there is more: the time for which this is so, but no more than the age of the
      last transaction that is in the target. Not known (None) before there is one.
    * The source is silent: at least the time since its last word, since nobody knows what it does meanwhile.

    The source's clock may be set back: what it has stamped before lies in its future then, and has no age by it.
    """

    def __init__(self) -> None:
        self._clock_offset_us = 0  # from the clock that this machine's owner does not set
        self._last_word = runtime.now()
        self._told_silent = False
        self._last_commit_us = 0
        self._behind_since: float | None = None
        self._oldest: tuple[int, float] = 0, self._last_word  # the one that waits, and since when it is seen to

    def heard(self) -> None:
        """Note that something came from the source."""
        self._last_word, self._told_silent = runtime.now(), False

    def silent_for(self, seconds: float) -> None:
        """Note that the extractor is there and has heard nothing of the source for so long."""
        self._last_word, self._told_silent = runtime.now() - seconds, True

    @property
    def silent_in(self) -> float:
        """Return seconds until the source counts as silent if nothing comes."""
        return 0.0 if self._told_silent else max(0.0, self._last_word + SILENT_SECONDS - runtime.now())

    def beat(self, source_us: int) -> None:
        """Note the source's clock."""
        self.heard()
        self._clock_offset_us = source_us - runtime.now_us()

    def passed(self, committed_us: int) -> None:
        """Note that a transaction of this commit time is done with."""
        of_before = self._last_commit_us > self._now_us() + _AHEAD_US  # of a clock that was set back since
        self._last_commit_us = committed_us if of_before else max(self._last_commit_us, committed_us)

    def is_recent(self, milliseconds: int) -> bool:
        """Return whether the last transaction that is done with was committed on the source so little ago."""
        return abs(self._now_us() - self._last_commit_us) < milliseconds * 1000

    def _now_us(self) -> int:
        return runtime.now_us() + self._clock_offset_us

    @property
    def silent_ms(self) -> int:
        """Return how long the source has said nothing; 0 as long as that is nothing unusual."""
        silent = runtime.now() - self._last_word
        return int(silent * 1000) if self._told_silent or silent > SILENT_SECONDS else 0

    def milliseconds(self, oldest_us: int | None, *, level: bool) -> int | None:
        """Return the lag. Call it regularly.

        `oldest_us`: commit time of the oldest transaction that is not committed here, None if there is none. `level`:
        whether the target has everything that the source has said to have executed.
        """
        if level or oldest_us is not None:
            self._behind_since = None
        if oldest_us is not None:
            return max(0, self.silent_ms, self._waited_ms(oldest_us), (self._now_us() - oldest_us) // 1000)
        if level:
            return self.silent_ms
        return self._behind()

    def _waited_ms(self, oldest_us: int) -> int:
        """Return for how long this one has been the oldest that waits."""
        if self._oldest[0] != oldest_us:
            self._oldest = oldest_us, runtime.now()
        return int((runtime.now() - self._oldest[1]) * 1000)

    def _behind(self) -> int | None:
        """Return the lag where the source has more and nothing of it has come yet."""
        now = runtime.now()
        if self._behind_since is None:
            self._behind_since = now
        if not self._last_commit_us:
            return None
        behind_ms = int((now - self._behind_since) * 1000)
        age_us = self._now_us() - self._last_commit_us
        return max(0, self.silent_ms, behind_ms if age_us < -_AHEAD_US else min(behind_ms, age_us // 1000))
