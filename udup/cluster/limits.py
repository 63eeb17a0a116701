"""How long is waited for what in a cluster."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """All in seconds, but the counts at the end."""

    #: Between two beats of a node.
    beat: float = 0.5
    #: Silence after which a node is held for dead.
    dead: float = 3.0
    #: Silence after which a node is given no more jobs. Longer than two beats and their ways, and less than `dead` by
    #: more than one: of nodes that fall silent together none gets a job of another.
    fades: float = 1.5
    #: How long a node listens before it judges: when it starts, after a pause, and when it hears a quorum again. Longer
    #: than `dead`, so that whoever lives has been heard by then.
    listen: float = 4.0
    #: Between two looks at the clock, and between two decisions of the coordinator.
    tick: float = 0.1
    #: A gap between two looks at the clock from which on it is a pause of this process.
    pause: float = 1.0
    #: Between two looks at the store for what was missed.
    look: float = 1.0
    #: Before a write that the store did not take is tried again.
    retry: float = 0.3
    #: Before everything is decided again after another's write came first.
    again: float = 0.02
    #: For the store to answer.
    store: float = 1.0

    #: Jobs that wind up at a time to move: off a node that drains, and for balance.
    drain_moves: int = 8
    balance_moves: int = 2
