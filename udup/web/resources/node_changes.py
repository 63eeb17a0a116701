"""Since when each node is as it is: the indexes of nodes, by which a client waits for their changes.

Each node of a cluster judges by itself who is there, some seconds before or after others do, so that no counter could
say what a client has seen who goes on at another node. Indexes are times instead, in milliseconds. A change is told
when it is noticed, and once more when all must have noticed it: so whoever changes nodes misses nothing, and is told
twice at most.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

#: Milliseconds after which every node has noticed what one has: a beat's silence, a pause, and clocks that differ.
SETTLED_MS = 10_000


def _clock() -> Callable[[], float]:
    """Return seconds since the epoch that never go back."""
    ahead = time.time() - time.monotonic()
    return lambda: ahead + time.monotonic()


class NodeChanges:
    """`now` are seconds since the epoch, and never go back."""

    def __init__(self, now: Callable[[], float] | None = None) -> None:
        self._now = now or _clock()
        self._lock = threading.Lock()
        self._last = 0
        self._states: dict[str, object] = {}
        self._changed: dict[str, int] = {}
        self._gone = 0  # when one was not shown any more

    def note(self, states: Mapping[str, object]) -> None:
        """Take how the nodes are now, by their IDs."""
        with self._lock:
            changed = [node for node, state in states.items() if self._states.get(node) != state]
            gone = self._states.keys() - states.keys()
            if changed or gone:
                self._last = max(self._last + 1, int(self._now() * 1000))
            self._changed.update(dict.fromkeys(changed, self._last))
            for node in gone:
                self._gone = self._last
                del self._changed[node]
            self._states = dict(states)

    def index(self, node: str) -> int:
        """Return the index of a node, 1 for one that is not there."""
        with self._lock:
            return self._index(self._changed.get(node, 0))

    @property
    def last(self) -> int:
        """Return the index of all nodes together."""
        with self._lock:
            return max(self._index(each) for each in (*self._changed.values(), self._gone))

    def changed_at(self, node: str) -> int:
        """Return when a node has changed last, in seconds since the epoch."""
        with self._lock:
            return self._changed.get(node, 0) // 1000

    def _index(self, changed: int) -> int:
        if not changed:
            return 1
        return changed + SETTLED_MS if self._now() * 1000 >= changed + SETTLED_MS else changed
