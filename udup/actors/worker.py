"""ApplyWorker: the shell around `pipeline.apply.worker.Worker`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from udup.actors.shell import EngineActor
from udup.actors.worker_messages import Work
from udup.base.errors import Side
from udup.pipeline.apply.worker import Worker


class ApplyWorker(EngineActor):
    role = "worker"
    side = Side.TARGET

    def receiveMsg_Work(self, message: Work, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        settings = message.settings

        async def engine(_emit: Callable[[object], None]) -> None:
            await Worker(settings, self.node.drivers.target(settings.end)).run()

        self.start_engine(settings.run, engine)
