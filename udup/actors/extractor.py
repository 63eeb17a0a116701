"""SrcExtractor: the shell around `pipeline.extract.extractor.Extractor`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from udup.actors.compare_messages import MarkAnswer, MarkOrder
from udup.actors.level_messages import AskExecuted, SourceExecuted
from udup.actors.messages import Extract, Probe, Probed, RunEnded, StopRun
from udup.actors.shell import EngineActor
from udup.actors.table_messages import KnowApart
from udup.base import runtime
from udup.base.errors import Side
from udup.pipeline.extract.extractor import Extractor
from udup.pipeline.verify.rounds import GiveUp, HoldLog, ReadTo


class SrcExtractor(EngineActor):
    role = "extractor"
    side = Side.SOURCE

    def __init__(self) -> None:
        super().__init__()
        self._extractor: Extractor | None = None

    def receiveMsg_Probe(self, message: Probe, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        async def engine(emit: Callable[[object], None]) -> None:
            source = self.node.drivers.source(message.end)
            emit(Probed(message.run, await runtime.in_thread(source.look, message.scope)))

        self.start_engine(message.run, engine)

    def receiveMsg_Extract(self, message: Extract, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        settings = message.settings

        async def engine(emit: Callable[[object], None]) -> None:
            source = self.node.drivers.source(settings.end)
            self._extractor = extractor = Extractor(settings, source, self.reporter(settings.run, emit))
            await extractor.run()

        self.start_engine(settings.run, engine)

    def receiveMsg_AskExecuted(self, message: AskExecuted, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        if message.run == self.run and self._extractor is not None:
            self.call_engine(
                self._extractor.ask_executed, lambda said: self._emit(message.run, SourceExecuted(message.run, said))
            )

    def receiveMsg_KnowApart(self, message: KnowApart, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        if message.run == self.run and self._extractor is not None:
            self._extractor.apart = message.apart

    def receiveMsg_MarkOrder(self, message: MarkOrder, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        if message.run != self.run or self._extractor is None:
            return
        marks = self._extractor.marks
        match message.order:
            case HoldLog(number):
                marks.hold(number, lambda said: self._emit(message.run, MarkAnswer(message.run, said)))
            case ReadTo(number, snapshot):
                marks.go_on(number, snapshot)
            case GiveUp(number):
                marks.give_up(number)

    def receiveMsg_StopRun(self, message: StopRun, sender: Any) -> None:  # noqa: N802 - Thespian's name
        if message.run < self.run:
            return  # that run is over
        self.stop_engine()
        self.send(sender, RunEnded(self.role, message.run))
