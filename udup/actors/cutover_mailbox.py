"""What of the supervisor's mailbox is of cut-overs: what their engines ask and how they end, each for its job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from udup.actors.cutover_messages import AskJob, AskTaken, CreateWayBack, CutoverEnded, Keep, Question
from udup.actors.cutovers import Cutovers
from udup.actors.job import Job
from udup.actors.registry import ActorRegistry
from udup.actors.shell import ShellActor


class CutoverMailbox(ShellActor):
    _actors: ActorRegistry
    _jobs: dict[str, Job]
    _cutovers: Cutovers

    def carry_on_cutover(self, job: Job, *, resumed: bool = False) -> None:
        """Have an engine take the next steps of the job's cut-over; `resumed`: another node's did before."""
        self._cutovers.carry_on(job, resumed=resumed)

    def end_cutover(self, job: Job) -> None:
        """End the engine of the job's cut-over, whatever it does."""
        self._cutovers.end(job)

    def _of_job(self, sender: Any, step: Callable[[Job], None]) -> None:
        place = self._actors.place_of(sender)
        job = self._jobs.get(place[1]) if place else None
        if job is not None:
            step(job)

    def _question(self, question: Question, sender: Any) -> None:
        self._of_job(sender, lambda job: self._cutovers.question(job, sender, question))

    def receiveMsg_Keep(self, message: Keep, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._question(message, sender)

    def receiveMsg_AskJob(self, message: AskJob, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._question(message, sender)

    def receiveMsg_AskTaken(self, message: AskTaken, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._question(message, sender)

    def receiveMsg_CreateWayBack(self, message: CreateWayBack, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._question(message, sender)

    def receiveMsg_CutoverEnded(self, message: CutoverEnded, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._of_job(sender, lambda job: self._cutovers.ended(job, message))
