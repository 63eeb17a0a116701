"""What of the supervisor's mailbox is of comparisons: what their engines ask and tell, what a run's tasks answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from udup.actors.compare_messages import AskRun, CompareEnded, CompareProgress, MarkAnswer
from udup.actors.comparisons import Comparisons
from udup.actors.job import Job
from udup.actors.run import Run
from udup.actors.shell import ShellActor


class CompareMailbox(ShellActor):
    _comparisons: Comparisons
    _of_job: Callable[[Any, Callable[[Job], None]], None]
    _of_run: Callable[[Any, Any, Callable[[Job, Run], None]], None]

    def carry_on_compare(self, job: Job) -> None:
        """Have an engine carry the job's comparison on."""
        self._comparisons.carry_on(job)

    def end_compare(self, job: Job) -> None:
        """End the engine of the job's comparison, whatever it does."""
        self._comparisons.end(job)

    def receiveMsg_AskRun(self, message: AskRun, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._of_job(sender, lambda job: self._comparisons.ask_run(job, sender, message))

    def receiveMsg_CompareProgress(self, message: CompareProgress, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._of_job(sender, lambda job: self._comparisons.progress(job, message))

    def receiveMsg_CompareEnded(self, message: CompareEnded, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._of_job(sender, lambda job: self._comparisons.ended(job, message))

    def receiveMsg_MarkAnswer(self, message: MarkAnswer, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._of_run(sender, message, lambda job, run: self._comparisons.answered(job, run, message))
