"""JobVerifier: the shell around `pipeline.verify.verifier.Verifier`. It lives while a comparison is under way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from udup.actors.compare_messages import AskRun, CompareEnded, CompareJob, CompareProgress, RunSaid
from udup.actors.messages import EngineEnded
from udup.actors.shell import EngineActor
from udup.base.errors import Failure
from udup.pipeline.verify.replication import Replication, StandsStill
from udup.pipeline.verify.rounds import Rounds
from udup.pipeline.verify.verifier import NotNoted, Verifier


class JobVerifier(EngineActor):
    role = "verifier"

    def __init__(self) -> None:
        super().__init__()
        self._rounds: Rounds | None = None

    def receiveMsg_CompareJob(self, message: CompareJob, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        plan, attempt = message.plan, message.attempt

        async def engine(emit: Callable[[object], None]) -> None:
            drivers = self.node.drivers
            comparer = drivers.comparer(plan.source, plan.target, plan.scope.selection, message.compare)
            kept = drivers.ledger(plan.target, plan.job)
            ledger = NotNoted(kept) if message.compare.repairs else kept
            self._rounds = Rounds(lambda question: emit(AskRun(attempt, question)))
            run: Replication = StandsStill() if message.compare.stands_still else self._rounds
            await Verifier(
                message.settings,
                comparer,
                run,
                ledger,
                drivers.source(plan.source).position,
                lambda progress: emit(CompareProgress(attempt, progress)),
            ).run()

        self.start_engine(attempt, engine)

    def receiveMsg_RunSaid(self, message: RunSaid, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        if message.attempt != self.run or self._rounds is None:
            return
        if message.answer is not None:
            self.call_engine(self._rounds.heard, message.answer)
        else:
            self.call_engine(self._rounds.lost, message.lost)

    def on_report(self, report: object) -> None:
        if isinstance(report, EngineEnded):
            report = CompareEnded(report.run, report.failure)
        self.send(self.owner, report)

    def failed(self, error: Exception, message: object) -> None:
        if self.owner is not None:
            self.send(self.owner, CompareEnded(getattr(message, "run", self.run), Failure.of_machine(error)))
