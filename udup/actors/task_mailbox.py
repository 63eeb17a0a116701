"""What of the supervisor's mailbox the tasks of runs say, wherever they are: each for the job's present run only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from udup.actors.guest_messages import Abroad
from udup.actors.job import Job
from udup.actors.level_messages import HasReached, SourceExecuted
from udup.actors.membership import Membership
from udup.actors.messages import Probed, Progress, Purged, Ready, RunEnded
from udup.actors.registry import ActorRegistry
from udup.actors.run import Run
from udup.actors.runs import JobRuns
from udup.actors.shared import Hosted, OfTask
from udup.actors.shell import ShellActor
from udup.actors.tasks import Tasks
from udup.actors.worker import ApplyWorker
from udup.actors.worker_messages import Staffed


class TaskMailbox(ShellActor):
    _actors: ActorRegistry
    _jobs: dict[str, Job]
    _membership: Membership | None
    _runs: JobRuns
    _tasks: Tasks

    def _of_run(self, sender: Any, message: Any, step: Callable[[Job, Run], None]) -> None:
        """Do something for the job whose present run this is; a message of any other run is stale and dropped."""
        place = self._actors.place_of(sender)
        job_id = sender.job_id if isinstance(sender, Abroad) else place[1] if place else ""
        if place and self._membership is not None and self._membership.guests_here.said(job_id, message):
            return
        job = self._jobs.get(job_id)
        if job is not None and (run := job.run) is not None and run.number == message.run:
            self._runs.guarded(job, lambda: step(job, run))

    def hear(self, message: object, sender: Any) -> None:
        """Take what a task says that has no actor of its own here."""
        self.receiveMessage(message, sender)

    def receiveMsg_OfTask(self, message: OfTask, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self.hear(message.message, Hosted(sender, message.role, message.job_id))

    def receiveMsg_Probed(self, message: Probed, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._of_run(sender, message, lambda job, run: self._runs.source_seen(job, run, message.look))

    def receiveMsg_Ready(self, message: Ready, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._of_run(sender, message, lambda job, run: self._runs.target_ready(job, run, message))

    def receiveMsg_Staffed(self, message: Staffed, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._of_run(sender, message, lambda job, run: self._tasks.crews.staff(job, run, message.seats))

    def receiveMsg_Progress(self, message: Progress, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._of_run(sender, message, lambda job, run: self._runs.progress(job, run, message))

    def receiveMsg_RunEnded(self, message: RunEnded, sender: Any) -> None:  # noqa: N802 - Thespian's name
        if message.role == ApplyWorker.role:
            self._of_run(sender, message, lambda job, run: self._tasks.worker_failed(job, run, message.failure))
        else:
            self._of_run(sender, message, lambda job, run: self._runs.ended(job, run, message))

    def receiveMsg_SourceExecuted(self, message: SourceExecuted, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._of_run(sender, message, lambda job, run: self._runs.source_executed(job, run, message.executed))

    def receiveMsg_HasReached(self, message: HasReached, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._of_run(sender, message, self._runs.target_has_reached)

    def receiveMsg_Purged(self, message: Purged, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._of_run(sender, message, lambda job, _run: self._runs.purged(job))
