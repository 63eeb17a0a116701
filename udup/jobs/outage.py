"""What a job waits for that time heals: a server, NATS or its machine that is away, or a lock that was not granted.

Kept with the job's record from the first failure until the job follows or copies again, so that a node that was started
again meanwhile still says since when. More than one side may be away, each since a time of its own: every run that is
tried asks both servers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from udup.base.errors import Failure, FailureKind, Side
from udup.base.kept import Kept
from udup.jobs.progress import Reconnecting, SideAway

#: Characters of the reason that are kept.
_WHY_MAX = 2000


@dataclass(frozen=True)
class Heard:
    """What a run that has ended heard of its sides: why it ended, and which sides it reached. The first failure counts.

    A side that was reached and failed later is away.
    """

    failures: tuple[Failure, ...]
    answered: frozenset[Side] = frozenset()


class Away(Kept):
    """One side that is away: where it is, for people, since when (seconds since the epoch), and why."""

    side: Side
    to: str = ""
    since: float
    why: str = ""


class Outage(Kept):
    """Times are seconds since the epoch. `attempts` are the runs that have ended by it.

    The stored ones may be older: not every try is stored, and progress tells `attempts` and `next_try` meanwhile.

    `side` and `why` are those of the failure that is told first, `since` is the first failure in a row; `sides` are all
    that are away. `side` is None where nobody knows, and `sides` are empty then and in records of older versions.
    `elsewhere`: what other nodes have met that tried the job in it, by what people call them.
    `current_until` is when the target was known to be current last, None for never.
    """

    side: Side | None = None
    kind: FailureKind = FailureKind.UNAVAILABLE
    why: str
    since: float
    next_try: float
    attempts: int = 1
    current_until: float | None = None
    sides: tuple[Away, ...] = ()
    elsewhere: dict[str, str] = {}

    @model_serializer(mode="wrap")
    def _without_what_is_empty(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write a job that was tried nowhere else as versions before write it: most are."""
        written: dict[str, Any] = write(self)
        return written if self.elsewhere else {key: value for key, value in written.items() if key != "elsewhere"}

    @classmethod
    def begins(cls, now: float, current_until: float | None) -> Outage:
        """Return one of which nothing is known yet but that it begins."""
        until = None if current_until is None else round(current_until, 3)
        return cls(
            kind=FailureKind.CONTENDED, why="", since=round(now, 3), next_try=now, attempts=0, current_until=until
        )

    def lasting(self, heard: Heard, now: float, pause: float, addresses: Mapping[Side, str]) -> Outage:
        """Return it after another run has ended. What does not heal by time began meanwhile and says nothing of it."""
        failure = heard.failures[0]
        update: dict[str, object] = {"attempts": self.attempts + 1, "next_try": round(now + pause, 3)}
        if failure.kind.heals:
            update |= {"side": failure.side, "kind": failure.kind, "why": failure.text[:_WHY_MAX]}
        return self.model_copy(update=update | {"sides": self._sides_after(heard, now, addresses)})

    def _sides_after(self, heard: Heard, now: float, addresses: Mapping[Side, str]) -> tuple[Away, ...]:
        """Return the sides that are away now. One of which the run has heard nothing is as it was."""
        found = {each.side: each for each in self.all_away if each.side not in heard.answered}
        before = {each.side: each for each in self.all_away}
        for failure in heard.failures:
            if failure.kind is not FailureKind.UNAVAILABLE or failure.side is None:
                continue
            side = failure.side
            since = before[side].since if side in before else round(now, 3)
            found[side] = Away(side=side, to=addresses.get(side, ""), since=since, why=failure.text[:_WHY_MAX])
        return tuple(found[side] for side in Side if side in found)

    @property
    def all_away(self) -> tuple[Away, ...]:
        """Return the sides that are waited for; both servers where nobody knows which, none for a lock."""
        if self.sides or self.kind is not FailureKind.UNAVAILABLE:
            return self.sides
        sides = (Side.SOURCE, Side.TARGET) if self.side is None else (self.side,)
        return tuple(Away(side=side, since=self.since, why=self.why) for side in sides)

    @property
    def away(self) -> frozenset[Side]:
        """Return which sides are waited for."""
        return frozenset(each.side for each in self.all_away)

    def shown(self, told: Reconnecting | None = None) -> Reconnecting:
        """Return it as the API's Progress has it; `told` is what was told of it since it was stored."""
        newer = told is not None and told.since == self.since and (told.attempts or 0) > self.attempts
        next_try = told.next_try if told is not None and newer else self.next_try
        return Reconnecting(
            side=None if self.side is None else self.side.value,
            since=self.since,
            why=self.why,
            next_try=next_try,
            attempts=told.attempts if told is not None and newer else self.attempts,
            kind=self.kind.value,
            sides=[
                SideAway(side=each.side.value, to=each.to, since=each.since, why=each.why, next_try=next_try)
                for each in self.sides
            ],
        )
