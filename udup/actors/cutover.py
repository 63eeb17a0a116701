"""CutoverCarrier: the shell around `pipeline.cutover.engine.CutoverEngine`. It lives while a cut-over is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from udup.actors.cutover_messages import (
    Answered,
    AskJob,
    AskTaken,
    CarryOn,
    CreateWayBack,
    CutoverEnded,
    Keep,
    Question,
)
from udup.actors.messages import EngineEnded
from udup.actors.shell import EngineActor
from udup.base.errors import Failure
from udup.pipeline.cutover.engine import CutoverEngine
from udup.pipeline.cutover.host import AbortWanted, JobNow, NameTaken
from udup.pipeline.cutover.state import Cutover


class CutoverCarrier(EngineActor):
    role = "cutover"

    def __init__(self) -> None:
        super().__init__()
        self._host: _Host | None = None

    def receiveMsg_CarryOn(self, message: CarryOn, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        settings = message.settings

        async def engine(emit: Callable[[object], None]) -> None:
            self._host = _Host(settings.attempt, emit)
            await CutoverEngine(settings, self.node.drivers, self._host).run()

        self.start_engine(settings.attempt, engine)

    def receiveMsg_Answered(self, message: Answered, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        if message.attempt == self.run and self._host is not None:
            self.call_engine(self._host.answered, message)

    def on_report(self, report: object) -> None:
        if isinstance(report, EngineEnded):
            report = CutoverEnded(report.run, report.failure)
        self.send(self.owner, report)

    def failed(self, error: Exception, message: object) -> None:
        if self.owner is not None:
            self.send(self.owner, CutoverEnded(getattr(message, "run", self.run), Failure.of_machine(error)))


class _Host:
    """`pipeline.cutover.host.Host` by questions to the supervisor. In the engine's loop."""

    def __init__(self, attempt: int, emit: Callable[[object], None]) -> None:
        self._attempt = attempt
        self._emit = emit
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Answered]] = {}

    def answered(self, message: Answered) -> None:
        waiting = self._waiting.pop(message.number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    async def keep(self, cutover: Cutover) -> None:
        await self._ask(Keep(self._attempt, 0, cutover))

    async def job(self) -> JobNow:
        answer = await self._ask(AskJob(self._attempt, 0))
        assert answer.job is not None
        return answer.job

    async def is_taken(self, job_id: str) -> bool:
        return (await self._ask(AskTaken(self._attempt, 0, job_id))).is_taken

    async def create_way_back(self, cutover: Cutover) -> None:
        await self._ask(CreateWayBack(self._attempt, 0, cutover))

    async def _ask(self, question: Question) -> Answered:
        self._number += 1
        waiting = self._waiting[self._number] = asyncio.get_running_loop().create_future()
        self._emit(replace(question, number=self._number))
        answer: Answered = await waiting
        if answer.abort:
            raise AbortWanted(answer.abort)
        if answer.taken:
            raise NameTaken(answer.taken)
        if answer.failure is not None:
            raise answer.failure.error()
        return answer
