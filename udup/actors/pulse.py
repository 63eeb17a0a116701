"""Whether this node's supervisor still works, as its keeper sees that: one that hangs must not keep its jobs.

The keeper's beats come from another process than the supervisor, so they would go on and say that all is well. Each
message that the supervisor has handled is noted in memory that both share; the keeper asks it something from time to
time, so that there is always one to handle. What counts is whether it handles anything, not how soon it answers: a
supervisor with a long queue on a busy machine works.
"""

from __future__ import annotations

import mmap
import struct

from udup.base import runtime

_TIME = struct.Struct("<d")

#: Seconds between two looks, and until the supervisor is asked once more.
LOOK_SECONDS, ASK_AGAIN_SECONDS = 1.0, 5.0

#: Seconds without one message handled, though one waits, after which the supervisor hangs: other nodes are told and
#: take its jobs. Far more than any message takes, one that forks processes on a machine that swaps included.
HANGS_SECONDS = 15.0

#: Seconds after which its process is ended, for another to be made: behind what other nodes are told.
END_SECONDS = 20.0


class Pulse:
    """To be made before the processes are forked that share it."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _TIME.size + 2)

    def beat(self) -> None:
        """Note that the supervisor has handled a message."""
        _TIME.pack_into(self._memory, 0, runtime.now())

    def at(self) -> float:
        """Return when that was, on the clock of `runtime.now`, which all processes of a machine share."""
        return float(_TIME.unpack_from(self._memory)[0])

    def tell_twin(self) -> None:
        """Note that an older node with this one's ID is there: for the node's own process, which ends then."""
        self._memory[_TIME.size] = 1

    @property
    def is_twin(self) -> bool:
        return self._memory[_TIME.size] == 1

    def tell_removed(self) -> None:
        """Note that this node was removed from its cluster: its own process ends then."""
        self._memory[_TIME.size + 1] = 1

    @property
    def is_removed(self) -> bool:
        return self._memory[_TIME.size + 1] == 1


#: This node's.
PULSE = Pulse()


class PulseWatch:
    """For how long a supervisor has handled nothing. Pure; call `look` once in `LOOK_SECONDS`."""

    def __init__(self, pulse: float, now: float) -> None:
        self._pulse, self._looked = pulse, now
        self._asked = False
        self._silent = self._silent_asked = 0.0

    def asked(self) -> None:
        """A question is on its way to the supervisor."""
        self._asked, self._silent_asked = True, self._silent

    def look(self, pulse: float, now: float) -> float:
        """Return for how many seconds it has handled nothing.

        A look counts for its own time at most: where all of the machine stood still, so did the supervisor.
        """
        passed, self._looked = min(now - self._looked, 2 * LOOK_SECONDS), now
        if pulse != self._pulse:
            self._pulse, self._silent, self._asked = pulse, 0.0, False
        elif self._asked:
            self._silent += passed
        return self._silent

    @property
    def asks(self) -> bool:
        """Whether it is to be asked now: nothing waits, or what waits may be lost."""
        return not self._asked or self._silent - self._silent_asked >= ASK_AGAIN_SECONDS
