"""The made-up node's stream of events."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.console.world import Json, World


class Streams:
    """Those who listen. `refused`: how many more streams are turned away."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._queues: list[queue.SimpleQueue[tuple[str, Json] | None]] = []
        self._lock = threading.Lock()
        self._number = 0
        self.opened = 0
        self.refused = 0
        self.asked: list[str] = []

    def answer(self, start: Callable[..., Any], query: dict[str, list[str]]) -> Iterator[bytes]:
        self.opened += 1
        self.asked.append(query.get("topics", [""])[0])
        if self.refused:
            self.refused -= 1
            start("503 Service Unavailable", [("Content-Type", "text/plain"), ("Retry-After", "1")])
            return iter([b"too many streams"])
        start("200 OK", [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")])
        mine: queue.SimpleQueue[tuple[str, Json] | None] = queue.SimpleQueue()
        with self._lock:
            self._queues.append(mine)
        return self._told(mine, query.get("topics", [""])[0].split(","))

    def _told(self, mine: queue.SimpleQueue[tuple[str, Json] | None], topics: list[str]) -> Iterator[bytes]:
        try:
            yield self._event("hello", {"Node": "udup-1", "Epoch": "e1", "Role": "write"})
            if "jobs" in topics:
                yield self._event("jobs", {"Jobs": list(self._world.briefs.values()), "Gone": [], "All": True})
            beat = time.monotonic()
            while True:
                try:
                    told = mine.get(timeout=0.2)
                except queue.Empty:
                    if time.monotonic() - beat > 1:
                        beat = time.monotonic()
                        yield b": hb\n\n"
                    continue
                if told is None:
                    return
                if _is_wanted(*told, topics):
                    yield self._event(*told)
        finally:
            with self._lock:
                self._queues.remove(mine)

    def _event(self, name: str, data: Json) -> bytes:
        self._number += 1
        return f"id: e1-{self._number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()

    @property
    def listeners(self) -> int:
        """Return how many streams are read now; one whose reader has gone is noticed at the next word."""
        with self._lock:
            return len(self._queues)

    def tell(self, name: str, data: Json) -> None:
        """Tell all that listen."""
        with self._lock:
            for each in self._queues:
                each.put((name, data))

    def close(self) -> None:
        """End all streams, as a node that stops."""
        with self._lock:
            for each in self._queues:
                each.put(None)

    def change(self, job_id: str, **keys: Any) -> None:
        """Change a job and tell it."""
        brief = self._world.briefs[job_id]
        brief.update(keys)
        whole = self._world.wholes[job_id]
        whole.update({key: value for key, value in keys.items() if key in whole})
        self.tell("jobs", {"Jobs": [brief], "Gone": []})
        self.tell("job", {"Job": self._world.whole(job_id)})


def _is_wanted(name: str, data: Json, topics: list[str]) -> bool:
    """Whether an event is of the topics that were asked for."""
    match name:
        case "jobs" | "nodes":
            return name in topics
        case "job":
            return f"job:{data['Job']['ID']}" in topics
        case "timeline" | "series":
            return f"job:{data['ID']}" in topics
        case "message":
            return f"tail:{data['ID']}" in topics
    return True
