"""ApplyWorker: the shell around `pipeline.apply.worker.Worker`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from udup.actors.messages import StopRun, Work, WorkerReady
from udup.actors.shell import EngineActor
from udup.base.errors import Side
from udup.pipeline.apply.worker import Worker


class ApplyWorker(EngineActor):
    role = "worker"
    side = Side.TARGET

    def receiveMsg_Work(self, message: Work, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        settings = message.settings

        async def engine(emit: Callable[[object], None]) -> None:
            target = self.node.drivers.target(settings.end)
            await Worker(settings, target, lambda: emit(WorkerReady(settings.run, settings.slot))).run()

        self.start_engine(settings.run, engine)

    def receiveMsg_StopRun(self, message: StopRun, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        if message.run >= self.run:
            self.stop_engine()
