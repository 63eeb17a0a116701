"""What of the supervisor's mailbox is asked to be shown: which actors there are, and what is not well."""

from __future__ import annotations

from typing import Any

from udup.actors.commands import JobCommands
from udup.actors.job import Job
from udup.actors.journal import RecordJournal
from udup.actors.membership import Membership
from udup.actors.messages import Actors, Ailments, AskAilments, Hello, ListActors, Place
from udup.actors.registry import ActorRegistry
from udup.actors.shell import ShellActor
from udup.base import runtime


class ShownMailbox(ShellActor):
    _actors: ActorRegistry
    _commands: JobCommands | None
    _jobs: dict[str, Job]
    _journal: RecordJournal
    _membership: Membership | None

    def receiveMsg_Hello(self, message: Hello, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._actors.register(message, sender)

    def receiveMsg_AskAilments(self, _message: AskAilments, sender: Any) -> None:  # noqa: N802 - Thespian's name
        """Say what is not well: the store has not been read, or does not take what is to be stored."""
        told: tuple[str, ...] = ()
        if self._commands is None:
            told = ("the job store has not been read yet, so no job is carried out",)
        self.send(sender, Ailments((*told, *self._journal.ailments), self._journal.refused_for))

    def receiveMsg_ListActors(self, _message: ListActors, sender: Any) -> None:  # noqa: N802 - Thespian's name
        own = Place(self.role, "", 0, runtime.pid(), 0, busy=True)
        self.send(sender, Actors((own, *self._actors.places(self._is_busy))))

    def _is_busy(self, job_id: str) -> bool:
        job = self._jobs.get(job_id)
        is_guest = self._membership is not None and job_id in self._membership.guests_here
        return not job_id or is_guest or (job is not None and job.run is not None)
