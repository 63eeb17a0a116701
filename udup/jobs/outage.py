"""What a job waits for that time heals: a server, NATS or its machine that is away, or a lock that was not granted.

Kept with the job's record from the first failure until the job follows or copies again, so that a node that was started
again meanwhile still says since when.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from udup.base.errors import Failure, FailureKind, Side
from udup.jobs.progress import Reconnecting

#: Characters of the reason that are kept.
_WHY_MAX = 2000


class Outage(BaseModel):
    """Times are seconds since the epoch. `attempts` are the runs that have ended by it.

    The stored ones may be older: not every try is stored, and progress tells `attempts` and `next_try` meanwhile.

    `side` is None where nobody knows. `current_until` is when the target was known to be current last, None for never.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    side: Side | None = None
    kind: FailureKind = FailureKind.UNAVAILABLE
    why: str
    since: float
    next_try: float
    attempts: int = 1
    current_until: float | None = None

    @classmethod
    def began(cls, failure: Failure, now: float, pause: float, current_until: float | None) -> Outage:
        """Return one that this failure begins."""
        until = None if current_until is None else round(current_until, 3)
        made = cls(why="", since=round(now, 3), next_try=now, attempts=0, current_until=until)
        return made.lasting(failure, now, pause)

    def lasting(self, failure: Failure, now: float, pause: float) -> Outage:
        """Return it after another run has ended. What does not heal by time began meanwhile and says nothing of it."""
        update: dict[str, object] = {"attempts": self.attempts + 1, "next_try": round(now + pause, 3)}
        if failure.kind.heals:
            update |= {"side": failure.side, "kind": failure.kind, "why": failure.text[:_WHY_MAX]}
        return self.model_copy(update=update)

    @property
    def away(self) -> frozenset[Side]:
        """Return the sides that are waited for; both servers where nobody knows which, none for a lock."""
        if self.kind is not FailureKind.UNAVAILABLE:
            return frozenset()
        return frozenset({Side.SOURCE, Side.TARGET}) if self.side is None else frozenset({self.side})

    def shown(self, told: Reconnecting | None = None) -> Reconnecting:
        """Return it as the API's Progress has it; `told` is what was told of it since it was stored."""
        newer = told is not None and told.since == self.since and (told.attempts or 0) > self.attempts
        return Reconnecting(
            side=None if self.side is None else self.side.value,
            since=self.since,
            why=self.why,
            next_try=told.next_try if told is not None and newer else self.next_try,
            attempts=told.attempts if told is not None and newer else self.attempts,
            kind=self.kind.value,
        )
