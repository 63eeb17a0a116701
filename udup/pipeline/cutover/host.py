"""What a cut-over's engine needs of whoever owns the job's record: to keep each step, the job's end, the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from udup.base.errors import Fault, UdupError
from udup.pipeline.cutover.state import Cutover
from udup.pipeline.ownership import Known
from udup.pipeline.ports import JobPlan


class AbortWanted(UdupError):
    """Somebody wants the cut-over undone, or the job cannot be cut over any more. The text says who or why."""


class NameTaken(UdupError):
    """There is another job of the name that the way back should have."""


@dataclass(frozen=True)
class JobNow:
    """The job as its owner has it now.

    `follows`: it applies its source's log. `problem`: why it does not and will not by itself, "" otherwise. `ended`: it
    has ended for good, and applies nothing more. `abort`: why the cut-over is to be undone. `waits`: for what it waits
    that time heals, "" for nothing.
    """

    stage: str
    follows: bool = False
    problem: str = ""
    ended: bool = False
    abort: str = ""
    waits: str = ""


@dataclass(frozen=True)
class CutoverSettings:
    """`attempt` numbers the engines of a cut-over. `back` is the way back's plan, without name and position.

    It is None where nobody asked for it, or where it cannot be: then `back_faults` say why. `resumed`: whoever carried
    it out before has died, and the job perhaps with it. `skipped`: transactions that were passed over on purpose.
    `number`: in a cluster, that of the job's ownership; a later owner has a higher one.
    """

    attempt: int
    plan: JobPlan
    known: Known
    cutover: Cutover
    back: JobPlan | None = None
    back_faults: tuple[Fault, ...] = ()
    resumed: bool = False
    skipped: tuple[str, ...] = ()
    number: int = 0


class Host(Protocol):
    """Answers come when what they say is stored."""

    async def keep(self, cutover: Cutover) -> None:
        """Store it. `AbortWanted` instead if it is not switched yet and is to be undone: then nothing is stored.

        With `switched_ns` the job is ended: from then on nobody can undo anything.
        """
        ...

    async def job(self) -> JobNow: ...

    async def is_taken(self, job_id: str) -> bool:
        """Return whether there is a job of this ID."""
        ...

    async def create_way_back(self, cutover: Cutover) -> None:
        """Make the job `way_back` and have it start after `position`, once; `NameTaken`, or `Refused`."""
        ...
