"""SrcExtractor: the shell around `pipeline.extract.Extractor`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from udup.actors.messages import Extract, Probe, Probed, RunEnded, StopRun
from udup.actors.shell import EngineActor
from udup.base import runtime
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.registry import MYSQL, Registry
from udup.pipeline.extract.extractor import Extractor
from udup.pipeline.extract.progress import ExtractProgress
from udup.pipeline.ports import End, Scope


class SrcExtractor(EngineActor):
    role = "extractor"

    def receiveMsg_Probe(self, message: Probe, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        async def engine(emit: Callable[[object], None]) -> None:
            emit(await runtime.in_thread(_look, message))

        self.start_engine(message.run, engine)

    def receiveMsg_Extract(self, message: Extract, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        settings = message.settings

        async def engine(emit: Callable[[object], None]) -> None:
            report = self.reporter(settings.run, emit)

            def told(progress: ExtractProgress) -> None:
                report(progress.as_dict())

            await Extractor(settings, Registry().source(settings.end), told).run()

        self.start_engine(settings.run, engine)

    def receiveMsg_StopRun(self, message: StopRun, sender: Any) -> None:  # noqa: N802 - Thespian's name
        if message.run < self.run:
            return  # that run is over
        self.stop_engine()
        self.send(sender, RunEnded(self.role, message.run, "", ""))


def _look(probe: Probe) -> Probed:
    """Return what the source is like, and what of its dictionary speaks against the job."""
    look = Registry().source(End(MYSQL, probe.endpoint)).look(Scope(probe.selection))
    return Probed(probe.run, cast(ServerFacts, look.info), look.faults, look.feeds)
