"""`Replication` by messages to the two engines of a run, whoever carries them there and back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from udup.pipeline.extract.marks import Held, Marked, MarkTold, NotMarked
from udup.pipeline.verify.replication import RoundFailed

#: Seconds for an answer, and until the target stands at the mark: a job that lags so much is compared later.
ANSWER_SECONDS, STANDING_SECONDS = 20.0, 60.0


@dataclass(frozen=True)
class StandAt:
    """To the applier: stand at the mark of this number. Answered by `Expected`, and by `Stands` when it comes."""

    number: int


@dataclass(frozen=True)
class HoldLog:
    """To the extractor: hold the reading. Answered by `Held`, or `NotMarked`."""

    number: int


@dataclass(frozen=True)
class ReadTo:
    """To the extractor: read on, and put the mark behind what the snapshot holds. Answered as `HoldLog`."""

    number: int
    snapshot: str


@dataclass(frozen=True)
class Release:
    """To the applier: go on. Answered by `Released`."""

    number: int


@dataclass(frozen=True)
class GiveUp:
    """To both: go on, whatever there was."""

    number: int


@dataclass(frozen=True)
class Expected:
    number: int


@dataclass(frozen=True)
class Stands:
    number: int


@dataclass(frozen=True)
class Released:
    """`stood`: the target has stood at the mark until then."""

    number: int
    stood: bool


ToApplier = StandAt | Release | GiveUp
ToExtractor = HoldLog | ReadTo | GiveUp
Heard = MarkTold | Expected | Stands | Released


class Rounds:
    """In the event loop. `send` takes what is for the engines; `heard` what they answer; `lost` that there are none."""

    def __init__(self, send: Callable[[ToApplier | ToExtractor], object]) -> None:
        self._send = send
        self._number = 0
        self._failed = ""  # why this try has failed, while nobody asks
        self._wanted: tuple[type[Held | Expected | Stands | Released], asyncio.Future[Heard]] | None = None

    async def hold(self, number: int) -> str:
        self._number, self._failed = number, ""
        # First, so that the mark does not come to an applier that does not know of it.
        await self._ask(StandAt(number), Expected, "the target's side")
        held = await self._ask(HoldLog(number), Held, "the source's side")
        assert isinstance(held, Held)
        return held.position

    async def stand(self, number: int, snapshot: str) -> None:
        await self._ask(ReadTo(number, snapshot), Stands, "the target, which lags,", lags=True)

    async def release(self, number: int) -> bool:
        answer = await self._ask(Release(number), Released, "the target's side")
        assert isinstance(answer, Released)
        return answer.stood

    def give_up(self, number: int) -> None:
        self._send(GiveUp(number))

    def heard(self, answer: Heard) -> None:
        """Take what an engine has said; what is of an earlier try is dropped."""
        if answer.number != self._number or isinstance(answer, Marked):
            return
        if isinstance(answer, NotMarked):
            self.lost(answer.why)
        elif self._wanted is not None and isinstance(answer, self._wanted[0]) and not self._wanted[1].done():
            self._wanted[1].set_result(answer)

    def lost(self, why: str) -> None:
        """This try has failed: nobody answers any more."""
        self._failed = why
        if self._wanted is not None and not self._wanted[1].done():
            self._wanted[1].set_exception(RoundFailed(why))

    async def _ask(
        self,
        question: ToApplier | ToExtractor,
        kind: type[Held | Expected | Stands | Released],
        who: str,
        *,
        lags: bool = False,
    ) -> Heard:
        if self._failed:
            raise RoundFailed(self._failed)
        seconds = STANDING_SECONDS if lags else ANSWER_SECONDS
        waiting: asyncio.Future[Heard] = asyncio.get_running_loop().create_future()
        self._wanted = kind, waiting
        self._send(question)
        try:
            async with asyncio.timeout(seconds):
                return await waiting
        except TimeoutError as error:
            raise RoundFailed(f"{who} did not come to it within {seconds:g} s") from error
        finally:
            self._wanted = None
