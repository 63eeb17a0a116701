"""What a run waits for, by name: whoever looks at a job that stands still should read why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from udup.base import runtime
from udup.pipeline.apply.progress import Waiting

#: Seconds after which a wait is told. What takes less is the usual.
TOLD_SECONDS = 5.0


class Waits:
    """The waits that are under way, by their names."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Name what is waited for inside of it. One name is waited for once at a time."""
        self._began[what] = runtime.now()
        try:
            yield
        finally:
            self._began.pop(what, None)

    def longest(self) -> Waiting | None:
        """Return what has been waited for longest, None if nothing for long."""
        what = min(self._began, key=self._began.__getitem__, default=None)
        return None if what is None else told(what, self._began[what])


def told(what: str, began: float) -> Waiting | None:
    """Return a wait that began at this time of `runtime.now`, None if it is not long."""
    waited = runtime.now() - began
    return Waiting(what, round(runtime.wall() - waited)) if waited >= TOLD_SECONDS else None
