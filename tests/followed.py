"""Who follows the stream of a node, and comes again when it ends, as a console does."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from typing import Any

import httpx

from udup.cli.events import parsed


class Follower:
    """Reads a stream in a thread, and comes again when it ends, as a console does."""

    def __init__(self, url: str, topics: str, **more: str) -> None:
        self._url, self._asked = url, {"topics": topics, **more}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._last = ""
        self._socket: Any = None
        self.events: list[tuple[str, Any]] = []
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            with suppress(httpx.HTTPError):
                self._read()
            self._stop.wait(0.1)

    def _read(self) -> None:
        headers = {"Last-Event-ID": self._last} if self._last else {}
        with (
            httpx.Client(timeout=15) as client,
            client.stream("GET", f"{self._url}/v1/events", params=self._asked, headers=headers) as answer,
        ):
            if answer.status_code != 200:
                return
            self._socket = answer.extensions["network_stream"].get_extra_info("socket")
            for name, event_id, data in parsed(answer.iter_lines()):
                self._last = event_id or self._last
                self.events.append((name, json.loads(data)))
                if self._stop.is_set():
                    return

    def close(self) -> None:
        self._stop.set()
        with suppress(OSError, AttributeError):  # nobody is connected now
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(20)

    def shown(self, job: str) -> list[str]:
        """Return how the job was, one after the other."""
        words: list[str] = []
        for name, data in list(self.events):
            for brief in data["Jobs"] if name == "jobs" else ():
                if brief["ID"] == job and words[-1:] != [brief["Shown"]]:
                    words.append(brief["Shown"])
        return words

    def entries(self) -> list[Any]:
        return [data["Entry"] for name, data in list(self.events) if name == "timeline"]

    def count(self, wanted: str) -> int:
        return sum(name == wanted for name, _ in list(self.events))
