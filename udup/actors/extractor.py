"""SrcExtractor: the shell around `pipeline.extract.extractor.Extractor`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from udup.actors.messages import Extract, Probe, Probed, RunEnded, StopRun
from udup.actors.shell import EngineActor
from udup.base import runtime
from udup.base.errors import Side
from udup.pipeline.extract.extractor import Extractor


class SrcExtractor(EngineActor):
    role = "extractor"
    side = Side.SOURCE

    def receiveMsg_Probe(self, message: Probe, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        async def engine(emit: Callable[[object], None]) -> None:
            source = self.node.drivers.source(message.end)
            emit(Probed(message.run, await runtime.in_thread(source.look, message.scope)))

        self.start_engine(message.run, engine)

    def receiveMsg_Extract(self, message: Extract, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        settings = message.settings

        async def engine(emit: Callable[[object], None]) -> None:
            source = self.node.drivers.source(settings.end)
            await Extractor(settings, source, self.reporter(settings.run, emit)).run()

        self.start_engine(settings.run, engine)

    def receiveMsg_StopRun(self, message: StopRun, sender: Any) -> None:  # noqa: N802 - Thespian's name
        if message.run < self.run:
            return  # that run is over
        self.stop_engine()
        self.send(sender, RunEnded(self.role, message.run))
