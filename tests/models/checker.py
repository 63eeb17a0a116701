"""An explicit-state checker: walks every interleaving of a small model, breadth first.

A model is a function from a state (a NamedTuple, so that equal states are one) to the named steps that can follow. The
first violation that is found has the shortest history.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Step = tuple[str, Any]

#: More states than any model here has: a model that grows beyond it is wrong.
MOST_STATES = 1_000_000


@dataclass(frozen=True)
class Walk:
    """`broken` is what the invariant said, empty if it holds; `history` leads there. `stuck` are bad ends."""

    states: int
    broken: str
    history: tuple[str, ...]
    stuck: int

    def __str__(self) -> str:
        return f"{self.broken or 'holds'} ({self.states} states)\n" + "\n".join(self.history)


def walk(
    initial: Any,
    steps: Callable[[Any], Iterator[Step]],
    invariant: Callable[[Any], str],
    is_good_end: Callable[[Any], bool],
) -> Walk:
    """Every state that can be reached, or the shortest way to one that the invariant speaks against."""
    parents: dict[Any, tuple[Any, str] | None] = {initial: None}
    queue, stuck = deque([initial]), 0
    while queue:
        state = queue.popleft()
        if broken := invariant(state):
            return Walk(len(parents), broken, _history(parents, state), stuck)
        moved = False
        for name, following in steps(state):
            moved = True
            if following not in parents:
                parents[following] = (state, name)
                queue.append(following)
        stuck += not moved and not is_good_end(state)
        if len(parents) > MOST_STATES:
            raise RuntimeError(f"more than {MOST_STATES} states")
    return Walk(len(parents), "", (), stuck)


def _history(parents: dict[Any, tuple[Any, str] | None], state: Any) -> tuple[str, ...]:
    names = []
    while (parent := parents[state]) is not None:
        state, name = parent
        names.append(name)
    return tuple(reversed(names))
