"""Flow control: how much may be under way that the other side has not done with.

The receiver says up to which number it is done (`Credit`); the sender waits while its window is full. A slow target so
slows the reading of the source, and no buffer on the way grows beyond the window.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from udup.base import runtime
from udup.base.errors import Transient

#: What may be on the way in the log, and to one worker while rows are copied, at most: receivers hold it in memory.
LOG_WINDOW_MAX, COPY_WINDOW_MAX = 32 << 20, 4 << 20

#: What must fit in any case: a piece, and the next one.
WINDOW_MIN = 1 << 20


@dataclass(frozen=True)
class Windows:
    """How what a job may have under way is shared out."""

    log: int
    copy: int

    @classmethod
    def of(cls, buffer_bytes: int, workers: int) -> Windows:
        log = min(LOG_WINDOW_MAX, max(WINDOW_MIN, buffer_bytes // 2))
        copy = min(COPY_WINDOW_MAX, max(WINDOW_MIN, buffer_bytes // 2 // workers))
        return cls(log, copy)


class Window:
    """The sender's side, for one channel. `take` is called by the sending thread, `credit` from any."""

    def __init__(self, messages: int, size: int) -> None:
        self._max_messages = messages
        self._max_bytes = size
        self._out: deque[tuple[int, int, bool]] = deque()
        self._bytes = 0
        self._beats = self._beat_bytes = 0  # of that, what heartbeats take
        self._changed = runtime.Condition()
        self._error: BaseException | None = None
        self._waiting_since: float | None = None
        self._taken_at = 0.0

    def take(self, number: int, size: int, *, beat: bool = False) -> None:
        """Wait for room, then count message `number` as under way. Raises what `abort` was given.

        `beat`: it holds heartbeats alone, which need room like any other and are not shown: their credits come late.
        """
        with self._changed:
            while self._error is None and self._out and self._is_full(size):
                if self._waiting_since is None:
                    self._waiting_since = runtime.now()
                self._changed.wait()
            self._waiting_since = None
            if self._error is not None:
                raise Transient(f"sending stopped: {self._error}") from self._error
            self._out.append((number, size, beat))
            self._bytes += size
            self._count_beat(size, beat, 1)
            self._taken_at = runtime.now()

    def _is_full(self, size: int) -> bool:
        return len(self._out) >= self._max_messages or self._bytes + size > self._max_bytes

    def _count_beat(self, size: int, beat: bool, sign: int) -> None:
        if beat:
            self._beats += sign
            self._beat_bytes += sign * size

    def credit(self, number: int) -> None:
        """Everything up to `number` is done with."""
        with self._changed:
            while self._out and self._out[0][0] <= number:
                _, size, beat = self._out.popleft()
                self._bytes -= size
                self._count_beat(size, beat, -1)
            self._changed.notify_all()

    def abort(self, error: BaseException) -> None:
        """Wake the sender with an error."""
        with self._changed:
            self._error = error
            self._changed.notify_all()

    @property
    def fill(self) -> float:
        """How full the window is, 0 to 1, heartbeats aside."""
        messages, size = self.under_way
        return max(messages / self._max_messages, size / self._max_bytes)

    @property
    def under_way(self) -> tuple[int, int]:
        """Messages and bytes that were sent and are not done with, heartbeats aside."""
        with self._changed:
            return len(self._out) - self._beats, self._bytes - self._beat_bytes

    @property
    def quiet(self) -> float:
        """Return for how many seconds nothing was sent while something is under way, 0 if nothing is."""
        with self._changed:
            return runtime.now() - self._taken_at if self._out else 0.0

    @property
    def waited(self) -> float:
        """Return for how many seconds the sender has been waiting for room, 0 if it is not waiting."""
        with self._changed:
            return 0.0 if self._waiting_since is None else runtime.now() - self._waiting_since
