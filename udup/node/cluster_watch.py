"""How the cluster looks from this node, for the API: what its keeper has told the supervisor last."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from udup.actors.cluster_messages import AskCluster, Cluster
from udup.cluster.view import View

#: Seconds for which what was told serves other requests, and for the supervisor's answer.
FRESH_SECONDS, ASK_SECONDS = 0.3, 2.0


class ClusterWatch:
    """`ask` puts a question to the supervisor. While that says nothing, what it said last stands."""

    def __init__(self, ask: Callable[[object, float], Any]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._view = View()
        self._asked_at = float("-inf")

    def view(self) -> View:
        with self._lock:
            if time.monotonic() - self._asked_at >= FRESH_SECONDS:
                answer = self._ask(AskCluster(), ASK_SECONDS)
                if isinstance(answer, Cluster) and answer.view is not None:
                    self._view = answer.view
                self._asked_at = time.monotonic()
            return self._view
