"""ApplyWorker: the shell around `target.worker.Worker`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from udup.actors.errors import run_ended
from udup.actors.messages import EngineEnded, Hello, Introduce, StopRun, Work, WorkerReady
from udup.actors.shell import EngineActor
from udup.target.worker import Worker


class ApplyWorker(EngineActor):
    role = "worker"

    def __init__(self) -> None:
        super().__init__()
        self._owner: Any = None

    def receiveMsg_Introduce(self, message: Introduce, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self.configure(message.settings, f"{message.slot} of {message.job_id}")
        self._owner = sender
        self.send(sender, Hello(self.role, message.job_id, os.getpid(), message.slot))

    def receiveMsg_Work(self, message: Work, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._owner = sender
        settings = message.settings

        async def engine(emit: Callable[[object], None]) -> None:
            await Worker(settings, lambda: emit(WorkerReady(settings.run, settings.slot))).run()

        self.start_engine(settings.run, engine)

    def receiveMsg_StopRun(self, _message: StopRun, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        self.stop_engine()

    def on_report(self, report: object) -> None:
        if isinstance(report, EngineEnded):
            if report.run == self.run and report.error is not None:
                self.send(self._owner, run_ended(self.role, report.run, report.error))
            return
        self.send(self._owner, report)
