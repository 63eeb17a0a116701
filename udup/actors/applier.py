"""DestApplier: the shell around `Applier` or `Deliverer`.

Its engine says which ApplyWorkers it wants; JobSupervisor makes them, and tells it what becomes of them. A worker that
dies ends the run. What delivers messages has no workers: a sink takes them in one order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from udup.actors.compare_messages import MarkAnswer, MarkOrder
from udup.actors.level_messages import HasReached, Reach
from udup.actors.messages import (
    Apply,
    EngineEnded,
    Purge,
    Purged,
    Ready,
    RunEnded,
    StopRun,
)
from udup.actors.shell import EngineActor
from udup.actors.worker_messages import Staffed, WorkerFailed
from udup.base import runtime
from udup.base.errors import Failure, Side
from udup.pipeline.apply.applier import Applier
from udup.pipeline.apply.readiness import Staff, TargetReady
from udup.pipeline.apply.settings import ApplierSettings
from udup.pipeline.deliver.deliverer import Deliverer
from udup.pipeline.ports.delivery import DeliverySettings
from udup.pipeline.verify.rounds import Expected, GiveUp, Release, Released, StandAt, Stands


class DestApplier(EngineActor):
    role = "applier"
    side = Side.TARGET
    shows_life = True

    def __init__(self) -> None:
        super().__init__()
        self._applier: Applier | Deliverer | None = None
        self._ended = True

    def receiveMsg_Apply(self, message: Apply, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        settings = message.settings
        delivers = self.node.drivers.delivers(settings.end)
        self._ended, self._applier = False, None

        async def engine(emit: Callable[[object], None]) -> None:
            made = self._deliverer if delivers else self._database_applier
            self._applier = applier = made(settings, emit)
            await applier.run()

        self.start_engine(settings.run, engine)

    def _database_applier(self, settings: ApplierSettings, emit: Callable[[object], None]) -> Applier:
        target = self.node.drivers.target(settings.end)
        return Applier(settings, target, emit, self.reporter(settings.run, emit))

    def _deliverer(self, settings: ApplierSettings, emit: Callable[[object], None]) -> Deliverer:
        drivers, source, plan = self.node.drivers, settings.source, settings.end.delivery
        assert source is not None and plan is not None, "a job that delivers has both"
        reader, position = drivers.reader(source, plan), drivers.source(source).position
        if reader.remedy:
            self.log.warning("slow_decoder", job=settings.job, kind=reader.kind, remedy=reader.remedy)
        destination = drivers.destination(settings.end)
        return Deliverer(settings, destination, reader, position, emit, self.reporter(settings.run, emit))

    def receiveMsg_Reach(self, message: Reach, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        if message.run == self.run and self._applier is not None:
            self.call_engine(
                self._applier.expect, message.executed, lambda: self._emit(message.run, HasReached(message.run))
            )

    def receiveMsg_MarkOrder(self, message: MarkOrder, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        if message.run == self.run and isinstance(self._applier, Applier):
            self.call_engine(self._stand, message.run, self._applier, message.order)

    def _stand(self, run: int, applier: Applier, order: object) -> None:
        """Carry out what a comparison wants, in the engine's loop."""

        def say(answer: Expected | Stands | Released) -> None:
            self._emit(run, MarkAnswer(run, answer))

        match order:
            case StandAt(number):
                applier.marks.expect(number, lambda: say(Stands(number)))
                say(Expected(number))
            case Release(number):
                say(Released(number, applier.marks.release(number)))
            case GiveUp(number):
                applier.marks.release(number)

    def receiveMsg_Purge(self, message: Purge, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        async def engine(emit: Callable[[object], None]) -> None:
            drivers, end = self.node.drivers, message.end
            if end.delivery is not None:
                asking = DeliverySettings.asking(message.job, end.delivery, self.node.nats_url)
                await runtime.in_thread(drivers.destination(end).purge, asking)
            else:
                await runtime.in_thread(drivers.target(end).purge, message.job, message.number)
            emit(Purged(message.run))

        self._ended, self._applier = False, None
        self.start_engine(message.run, engine)

    def receiveMsg_WorkerFailed(self, message: WorkerFailed, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        """End the run if a worker died. What failed in a group the engine has heard already, with its cause."""
        if message.run != self.run or self._ended:
            return
        if message.died:
            self._end(message.failure)
        else:
            self.call_engine(self._fail_engine, message.failure)

    def _fail_engine(self, failure: Failure) -> None:
        if self._applier is not None:
            self._applier.worker_failed(failure)

    def _end(self, failure: Failure | None) -> None:
        """End the run by itself, and tell the supervisor."""
        self._ended = True
        self.stop_engine()
        self.send(self.owner, self.run_ended(self.run, failure))

    def failed(self, error: Exception, message: object) -> None:
        run = getattr(message, "run", self.run)
        if run == self.run and not self._ended:
            self._end(Failure.of_machine(error))
        else:
            super().failed(error, message)

    def receiveMsg_StopRun(self, message: StopRun, sender: Any) -> None:  # noqa: N802 - Thespian's name
        if message.run < self.run:
            return  # that run is over
        if message.drain and not self._ended and self._applier is not None:
            self.call_engine(self._applier.drain)
            return  # the engine ends by itself
        self._ended = True
        self.stop_engine()
        self.send(sender, RunEnded(self.role, message.run))

    def on_report(self, report: object) -> None:
        match report:
            case EngineEnded():
                if not self._ended:
                    self._end(report.failure)
            case Staff(seats=seats):
                self.send(self.owner, Staffed(self.run, seats))
            case TargetReady():
                self.send(self.owner, Ready.of(self.run, report))
            case _:
                self.send(self.owner, report)

    def receiveMsg_ActorExitRequest(self, message: object, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._ended = True
        super().receiveMsg_ActorExitRequest(message, sender)
