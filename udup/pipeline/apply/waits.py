"""What a run waits for, by name: whoever looks at a job that stands still should read why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from udup.base import runtime
from udup.pipeline.apply.progress import Waiting

#: Seconds after which a wait is told. What takes less is the usual.
TOLD_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Began:
    """When something began: on the clock of `runtime.now`, and in seconds since the epoch."""

    now: float
    wall: float

    @classmethod
    def here(cls) -> Began:
        return cls(runtime.now(), runtime.wall())


class Waits:
    """The waits that are under way, by their names."""

    def __init__(self) -> None:
        self._began: dict[str, Began] = {}

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Name what is waited for inside of it. One name is waited for once at a time."""
        self._began[what] = Began.here()
        try:
            yield
        finally:
            self._began.pop(what, None)

    @property
    def any(self) -> bool:
        """Return whether anything is waited for now."""
        return bool(self._began)

    def longest(self) -> Waiting | None:
        """Return what has been waited for longest, None if nothing for long."""
        what = min(self._began, key=lambda name: self._began[name].now, default=None)
        return None if what is None else told(what, self._began[what])


def told(what: str, began: Began) -> Waiting | None:
    """Return a wait that began then, None if it is not long."""
    return Waiting(what, round(began.wall)) if runtime.now() - began.now >= TOLD_SECONDS else None
