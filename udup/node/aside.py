"""Questions to a job's servers for which a request's own thread waits, for a bounded time.

Each is asked on a thread that is left alone when that time is over, and ends by its own time-outs. As many are asked at
a time as have places, also those for which nobody waits any more: each holds a thread of the API.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from udup.web.ports import NotReady

T = TypeVar("T")


class NoAnswer(Exception):
    """The servers did not answer in time."""


class Aside:
    """`what` names what is asked, for who is told to come again."""

    def __init__(self, what: str, places: int, seconds: float) -> None:
        self._what = what
        self._places = threading.BoundedSemaphore(places)
        self.seconds = seconds

    def ask(self, question: Callable[[], T], seconds: float | None = None) -> T:
        """Return what it returns, or raise what it raises; `NoAnswer` after so long, `NotReady` without a place."""
        if not self._places.acquire(blocking=False):
            raise NotReady(f"as many {self._what} as may be at a time; try again in a moment")
        answers: queue.SimpleQueue[tuple[T] | Exception] = queue.SimpleQueue()

        def answer() -> None:
            try:
                answers.put((question(),))
            except Exception as error:  # noqa: BLE001 - whoever waits is to have it
                answers.put(error)
            finally:
                self._places.release()

        threading.Thread(target=answer, name=self._what, daemon=True).start()
        try:
            found = answers.get(timeout=self.seconds if seconds is None else seconds)
        except queue.Empty as error:
            raise NoAnswer from error
        if isinstance(found, Exception):
            raise found
        return found[0]
