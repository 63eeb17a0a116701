"""A subscription's messages as they pass, for a stream: a sample, however many there are.

A thread of its own reads the sink, since that may take long to answer. It counts what it reads and keeps as many
messages as may be shown; what the stream does not take is replaced by newer ones. It reads some thousand messages a
second at most, so that a busy sink costs the node little, and goes on at the sink's end when it stays behind.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from udup.base import logs
from udup.base.errors import Refused, UdupError
from udup.pipeline.ports import Seen, TailRequest
from udup.web.live.briefs import as_json
from udup.web.live.topics import Asked, Event, Round
from udup.web.ports import JobControl, NotThere
from udup.web.resources.events import shown_event

_LOG = logs.logger("live")

#: Messages a second that are shown unless a request says otherwise, and at most.
RATE, RATE_MAX = 20, 100

#: Messages a second that are read, and seconds behind the sink's end after which reading goes on there.
_READ_PER_S, _BEHIND_S = 2000, 5.0

#: Seconds between two events, and between two tries of a sink that is away.
_EVENT_S, _AGAIN_S = 0.5, 2.0

#: Bytes of a key or value that are shown.
_BYTES_MAX = 32 << 10


class TailReader:
    """Reads in a thread until it is closed; a place among the readers of sinks is taken for as long."""

    def __init__(self, control: JobControl, asked: Asked, wanted: TailRequest, places: threading.BoundedSemaphore):
        self._control, self._asked, self._wanted, self._places = control, asked, wanted, places
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._kept: deque[Seen] = deque(maxlen=RATE_MAX)
        self._count = 0
        self._problem = ""
        self._thread = threading.Thread(target=self._run, name="tail", daemon=True)
        self._thread.start()

    def taken(self, most: int) -> tuple[list[Seen], int, str]:
        """Return the newest messages, how many were read since the last time, and what is the matter."""
        with self._lock:
            kept, count, problem = list(self._kept)[-most:] if most else [], self._count, self._problem
            self._kept.clear()
            self._count = 0
            return kept, count, problem

    def close(self) -> None:
        """Have it end; it does within the time that reading takes."""
        self._closing.set()

    def _run(self) -> None:
        if not self._places.acquire(blocking=False):
            self._tell("as many readers of sinks as there may be are at work; try again later")
            return
        try:
            while not self._closing.is_set():
                try:
                    self._read()
                except (Refused, NotThere) as error:
                    self._tell(str(error))
                    return
                except UdupError as error:
                    self._tell(str(error))
                    self._closing.wait(_AGAIN_S)
        except Exception as error:  # noqa: BLE001 - the stream tells it
            _LOG.error("tail_failed", job=self._asked.job_id, exc_info=error)
            self._tell(f"{type(error).__name__}: {error}")
        finally:
            self._places.release()

    def _read(self) -> None:
        """Read from the sink's end on, until it is closed or has stayed behind for long."""
        with closing(self._control.tail(self._asked.job_id, self._wanted)) as tail:
            second, read, behind_since = time.monotonic(), 0, None
            while not self._closing.is_set():
                some = tail.read()
                now = time.monotonic()
                self._take(some)
                read += len(some)
                if tail.at_end:
                    behind_since = None
                elif behind_since is None:
                    behind_since = now
                elif now - behind_since > _BEHIND_S:
                    return
                if now - second >= 1:
                    second, read = now, 0
                elif read >= _READ_PER_S:
                    self._closing.wait(1 - (now - second))

    def _take(self, some: list[Seen]) -> None:
        with self._lock:
            self._problem = ""
            self._count += len(some)
            self._kept.extend(_cut(each) for each in some[-RATE_MAX:])

    def _tell(self, problem: str) -> None:
        with self._lock:
            self._problem = problem


class TailTopic:
    """The messages of one subscription, `rate` a second at most."""

    def __init__(self, reader: TailReader, asked: Asked, rate: int) -> None:
        self._reader, self.asked, self._rate = reader, asked, rate
        self._told_at, self._allowed = time.monotonic(), float(rate)
        self._problem = ""

    def news(self, now: Round) -> Iterator[Event]:
        passed = now.now - self._told_at
        if passed < _EVENT_S:
            return
        self._told_at = now.now
        self._allowed = min(self._rate, self._allowed + passed * self._rate)
        seen, count, problem = self._reader.taken(int(self._allowed))
        self._allowed -= len(seen)
        if problem != self._problem:
            self._problem = problem
            yield "error", as_json({"Topic": str(self.asked), "Text": problem})
        if count:
            events = [shown_event(each).to_json() for each in seen]
            told = {"ID": self.asked.job_id, "Events": events, "PerSecond": round(count / passed, 1)}
            yield "message", as_json(told | {"Shown": len(seen)})

    def close(self) -> None:
        self._reader.close()


def _cut(seen: Seen) -> Seen:
    """Return a message as it is shown: of a long one the beginning."""
    return replace(seen, key=_beginning(seen.key), value=_beginning(seen.value))


def _beginning(data: bytes | None) -> bytes | None:
    return data if data is None or len(data) <= _BYTES_MAX else data[:_BYTES_MAX] + " …".encode()
