"""DestApplier: the shell around `Applier` or `Deliverer`, and the supervisor of its ApplyWorkers.

What delivers messages has no workers: a sink takes them in one order.

It forks its workers, so it does that only while its engine does not run. A worker that dies ends the run: the engine
stops, the supervisor begins a new run, and the worker is replaced at its beginning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from thespian.actors import ActorExitRequest, ChildActorExited

from udup.actors.level_messages import HasReached, Reach
from udup.actors.messages import (
    Apply,
    EngineEnded,
    Hello,
    Introduce,
    Purge,
    Purged,
    Ready,
    RunEnded,
    StopRun,
    Work,
    WorkerReady,
    WorkersKnown,
)
from udup.actors.shell import EngineActor
from udup.actors.worker import ApplyWorker
from udup.base import runtime
from udup.base.errors import Failure, FailureKind, Side
from udup.pipeline.apply.applier import Applier
from udup.pipeline.apply.readiness import TargetChecked, TargetReady
from udup.pipeline.apply.settings import ApplierSettings, WorkerSettings
from udup.pipeline.deliver.deliverer import Deliverer
from udup.pipeline.ports.delivery import DeliverySettings


class DestApplier(EngineActor):
    role = "applier"
    side = Side.TARGET
    shows_life = True

    def __init__(self) -> None:
        super().__init__()
        self._workers: dict[int, Any] = {}
        self._pids: dict[int, int] = {}
        self._message: Apply | None = None
        self._applier: Applier | Deliverer | None = None
        self._ready: set[int] = set()
        self._ended = True

    def receiveMsg_Apply(self, message: Apply, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        """Make the workers first, while no thread runs; then start the engine."""
        self.stop_engine()
        self._message = message
        settings = message.settings
        delivers = self.node.drivers.delivers(settings.end)
        self._make_workers(0 if delivers else settings.workers)
        self._ready.clear()
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

    def receiveMsg_Purge(self, message: Purge, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        async def engine(emit: Callable[[object], None]) -> None:
            drivers, end = self.node.drivers, message.end
            if end.delivery is not None:
                asking = DeliverySettings.asking(message.job, end.delivery, self.node.nats_url)
                await runtime.in_thread(drivers.destination(end).purge, asking)
            else:
                await runtime.in_thread(drivers.target(end).purge, message.job)
            emit(Purged(message.run))

        self._ended, self._applier = False, None
        self.start_engine(message.run, engine)

    def _make_workers(self, count: int) -> None:
        for slot in range(1, count + 1):
            if slot not in self._workers:
                self._workers[slot] = self.createActor(ApplyWorker)
                self.send(self._workers[slot], Introduce(self.node, self.job_id, slot))
        for slot in [slot for slot in self._workers if slot > count]:
            self.send(self._workers.pop(slot), ActorExitRequest())
            self._pids.pop(slot, None)

    def receiveMsg_Hello(self, message: Hello, sender: Any) -> None:  # noqa: N802 - Thespian's name
        if self._workers.get(message.slot) == sender:
            self._pids[message.slot] = message.pid
            self._tell_pids()

    def _tell_pids(self) -> None:
        self.send(self.owner, WorkersKnown(self.job_id, tuple(self._pids.items())))

    def receiveMsg_WorkerReady(self, message: WorkerReady, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        if message.run == self.run:
            self._ready.add(message.slot)
            if self._applier is not None and len(self._ready) == len(self._workers):
                self.call_engine(self._applier.workers_are_ready)

    def receiveMsg_RunEnded(self, message: RunEnded, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        """Tell the engine that a worker failed. What failed in a group it has heard already, with its cause."""
        if message.run == self.run and not self._ended:
            self.call_engine(self._fail_engine, message)

    def _fail_engine(self, message: RunEnded) -> None:
        if self._applier is not None and message.failure is not None:
            self._applier.worker_failed(message.failure)

    def receiveMsg_ChildActorExited(self, message: ChildActorExited, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        """End the run if a worker died. Thespian tells it twice of one that ended orderly."""
        for slot, address in list(self._workers.items()):
            if address == message.childAddress:
                del self._workers[slot]
                pid = self._pids.pop(slot, 0)
                if not self._ended:
                    self.log.warning("worker_died", job=self.job_id, slot=slot, pid=pid)
                self._tell_pids()
                if not self._ended:
                    self._end(Failure(FailureKind.TRANSIENT, f"ApplyWorker {slot} died", side=Side.NODE))

    def _end(self, failure: Failure | None) -> None:
        """End the run by itself, and tell the supervisor."""
        self._ended = True
        self.stop_engine()
        for address in self._workers.values():
            self.send(address, StopRun(self.run))
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
        for address in self._workers.values():
            self.send(address, StopRun(message.run))
        self.send(sender, RunEnded(self.role, message.run))

    def on_report(self, report: object) -> None:
        match report:
            case EngineEnded():
                if not self._ended:
                    self._end(report.failure)
            case TargetChecked():
                self._start_workers()
            case TargetReady():
                self.send(self.owner, Ready.of(self.run, report))
            case _:
                self.send(self.owner, report)

    def _start_workers(self) -> None:
        assert self._message is not None
        settings = self._message.settings
        for slot, address in self._workers.items():
            work = WorkerSettings(settings.nats_url, settings.job, settings.run, slot, settings.end)
            self.send(address, Work(work))

    def receiveMsg_ActorExitRequest(self, message: object, sender: Any) -> None:  # noqa: N802 - Thespian's name
        self._ended = True
        super().receiveMsg_ActorExitRequest(message, sender)
        if set(self._pids) != set(self._workers):
            # Thespian tells those children to exit that it has met, and waits for all: with one that is just being made
            # both would stay for ever. Workers die with their parent.
            runtime.end_process(0)
