"""Blocking queries: a GET with `index` waits until what it asks for has changed.

A request that waits holds a thread of the server. So the server has threads for them beyond those of ordinary
requests (`serve`), and as many may wait as there are: a request for which there is no place is answered 503 with
Retry-After. It could be answered at once instead, but a client that follows a list by its index would then ask again
without a pause, and so would all others.

A waiting request looks again and again rather than being told: what it looks at is a reading of the store that all
requests share (`JobReads`), so that many cost hardly more than one.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

import falcon

from udup.web.ports import NotReady
from udup.web.requests import LONGEST_WAIT_S, Blocking

#: Requests that may wait at a time. A thread that waits costs some 100 kB.
PLACES = 32

#: Seconds between looks. A change shows within this and the 0.2 s for which one reading of the store serves.
ROUND_S = 0.5

#: Seconds before the second look of a question to a server; the pauses grow from this to ROUND_S.
FIRST_ROUND_S = 0.05

#: A wait takes up to this part of itself longer, so that clients that came together do not come again together.
JITTER = 16

#: What waitress puts into a request's environment: whether the client has hung up.
HUNG_UP = "waitress.client_disconnected"


class Indexed(Protocol):
    """What a request may wait for: the index that it stands for."""

    @property
    def index(self) -> int: ...


V = TypeVar("V", bound=Indexed)


class WaitingRoom:
    """Where blocking queries wait, at most `places` of them and none longer than `longest_s`."""

    def __init__(self, places: int = PLACES, longest_s: float = LONGEST_WAIT_S) -> None:
        self._places = threading.BoundedSemaphore(places)
        self._limit = places
        self._longest_s = longest_s
        self._closed = threading.Event()

    def close(self) -> None:
        """Let everybody out with the answer of now, and nobody in: the server ends."""
        self._closed.set()

    def wait(self, req: falcon.Request, wish: Blocking, look: Callable[[], V]) -> V:
        """What `look` shows when its index is beyond the wished one, or when the time is up."""
        seen = look()
        if not wish.index or seen.index > wish.index:
            return seen
        with self.place():
            seconds = self.at_most(wish.wait_s)
            end = time.monotonic() + seconds + random.uniform(0, seconds / JITTER)
            hung_up: Callable[[], bool] = req.env.get(HUNG_UP, lambda: False)
            while seen.index <= wish.index and (left := end - time.monotonic()) > 0 and not hung_up():
                if self._closed.wait(min(left, ROUND_S)):
                    break
                seen = look()
        return seen

    def look_again(self, req: falcon.Request, seconds: float, is_decided: Callable[[], bool]) -> None:
        """Look, in a place that was taken, until it is decided or the time is up; the pauses in between grow."""
        end = time.monotonic() + self.at_most(seconds)
        hung_up: Callable[[], bool] = req.env.get(HUNG_UP, lambda: False)
        pause = FIRST_ROUND_S
        while not is_decided() and (left := end - time.monotonic()) > 0 and not hung_up():
            if self._closed.wait(min(left, pause)):
                return
            pause = min(pause * 1.5, ROUND_S)

    def at_most(self, seconds: float) -> float:
        """Return how long somebody may wait here who has asked for so many seconds."""
        return min(seconds, self._longest_s)

    def lets_go(self, req: falcon.Request) -> bool:
        """Return whether a request that has a place is to be answered now: its client has gone, or the server ends."""
        hung_up: Callable[[], bool] = req.env.get(HUNG_UP, lambda: False)
        return self._closed.is_set() or hung_up()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take a place for as long as the block lasts; `NotReady` if there is none."""
        if not self._places.acquire(blocking=False):
            raise NotReady(f"{self._limit} requests are waiting already; try again later")
        try:
            yield
        finally:
            self._places.release()
