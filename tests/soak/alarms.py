"""A job's comparisons as a client sees them while everything is killed, and whether they tell what is not so."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import suppress

import httpx

from udup.base.errors import Transient, UdupError
from udup.sandbox.api import Json
from udup.sandbox.node import UdupNode

#: Seconds in which a node that was killed answers again; between two looks.
ANSWER_SECONDS, POLL_SECONDS = 180.0, 0.2


def ask(node: UdupNode, job: str, method: str, path: str, **arguments: object) -> Json:
    """Ask about a job; again while its node is away."""
    end = time.monotonic() + ANSWER_SECONDS
    while True:
        with suppress(httpx.TransportError):
            url = f"{node.url}/v1/job/{job}{path}"
            answer = httpx.request(method, url, timeout=15, **arguments)  # type: ignore[arg-type]
            if answer.status_code == 200:
                found: Json = answer.json()
                return found
            if answer.status_code < 500 and answer.status_code != 404:
                raise UdupError(f"{method} {path}: {answer.status_code} {answer.text}")
        if time.monotonic() > end:
            raise Transient(f"{method} {path} was not answered")
        time.sleep(POLL_SECONDS)


class Watch:
    """Looks at a comparison all the time. `rounds` have ended; `alarms` are answers that tell a difference."""

    def __init__(self, node: UdupNode, job: str) -> None:
        self._node, self._job = node, job
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._last: Json = {}
        self.rounds = self.tries = 0
        self.said = ""
        self.alarms: list[Json] = []
        self.problems: Counter[str] = Counter()

    def __str__(self) -> str:
        return f"{self.rounds} rounds, {self.tries} tries failed, not compared: {dict(self.problems)}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(60)

    def _look(self) -> None:
        while not self._stopped.wait(POLL_SECONDS):
            with suppress(UdupError):
                self._take(ask(self._node, self._job, "GET", "/compare"))

    def _take(self, shown: Json) -> None:
        if shown["Differences"] or shown["LastRoundDifferences"] or shown["Found"] or shown["State"] != "running":
            self.alarms.append(shown)
        if self._last and shown["Round"] > self._last["Round"]:
            self.rounds += shown["Round"] - self._last["Round"]
            self.problems.update(each["Problem"][:60] for each in self._last["Unlike"])
        self.tries = max(self.tries, shown["FailedTries"])
        self.said = shown["Text"]
        self._last = shown
