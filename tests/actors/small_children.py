"""The children of a small world's supervisor: a job's tasks, a cut-over's actor and the StoreKeeper, by script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from thespian.actors import ActorExitRequest

from udup.actors.compare_messages import CompareJob, MarkAnswer, MarkOrder, RunSaid
from udup.actors.cutover_messages import Answered, CarryOn, CutoverEnded, Question
from udup.actors.level_messages import AskExecuted, HasReached, Reach, SourceExecuted
from udup.actors.messages import (
    Apply,
    Extract,
    Hello,
    Introduce,
    Probe,
    Probed,
    Progress,
    Purge,
    Purged,
    Ready,
    RunEnded,
    StopRun,
)
from udup.actors.shared import EndTask, OfTask, ToTask
from udup.actors.store_messages import Forget, Loaded, OpenStore, Save, Saved, ShowProgress
from udup.actors.table_messages import KnowApart
from udup.actors.worker_messages import Staffed, Work, WorkerFailed
from udup.base import runtime
from udup.base.errors import Failure
from udup.jobs import JobRecord
from udup.jobs.numbers import last_index, placed, with_indexes
from udup.jobs.progress import TaskReport
from udup.pipeline.apply.crew import Seat
from udup.pipeline.apply.settings import ApplierSettings
from udup.pipeline.extract.marks import Held
from udup.pipeline.ports import SourceLook
from udup.pipeline.verify.rounds import Expected, HoldLog, StandAt

if TYPE_CHECKING:
    from tests.actors.small_world import World

Json = dict[str, Any]


class Address:
    """Where an actor is. Cannot be hashed, like the real ones."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __str__(self) -> str:
        return self._name

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Info:
    """A server as the scripted driver has found it."""

    address: str = "somewhere:3306"
    uuid: str = "u"
    folds_names: bool = False
    version_text: str = ""


@dataclass
class Script:
    """What the children of one job do. `None` for an answer: they say nothing."""

    look: SourceLook | Failure | None = field(default_factory=lambda: SourceLook(Info()))
    target: str | Failure | None = "full copy"  # or the position that the checkpoint says
    known_source: str = "u"  # by the checkpoint
    reports: tuple[Json, ...] = ({"stage": "copying"}, {"stage": "catching_up"}, {"stage": "running", "level": True})
    crews: tuple[tuple[Seat, ...], ...] = ()  # whom the run wants, one after the other
    run_ends: Failure | None = None  # after the reports
    executed: str | Failure | None = "u:1-9"  # what the source says when it is asked
    reaches: Callable[[str], bool] = lambda _executed: True  # whether the target has that by now
    drains: Failure | str | None = None  # how a drain ends; "never"
    purge: Failure | str | None = None


class Child:
    """A task of a job, or the StoreKeeper."""

    def __init__(self, world: World, role: str, address: Address) -> None:
        self.world, self.role, self.address = world, role, address
        self.job_id = ""
        self.pid = world.next_pid()
        self.run = 0
        self.alive = True
        self.slot = 0
        self.host: Host | None = None
        self.marked: list[object] = []  # what a comparison wanted of it

    def on_MarkOrder(self, message: MarkOrder) -> None:  # noqa: N802
        self.marked.append(message.order)
        if isinstance(message.order, HoldLog):
            self.tell(MarkAnswer(message.run, Held(message.order.number, "u:1-9")))
        elif isinstance(message.order, StandAt):
            self.tell(MarkAnswer(message.run, Expected(message.order.number)))

    def tell(self, message: object) -> None:
        said = message if self.host is None else OfTask(self.role, self.job_id, message)
        self.world.post(self.address, self.world.supervisor_address, said)

    def receive(self, message: object) -> None:
        match message:
            case Introduce():
                self.job_id = message.job_id
                self.slot = message.slot
                self.tell(Hello(self.role, message.job_id, self.pid, message.slot))
            case ActorExitRequest():
                self.world.kill(self)
            case _:
                getattr(self, f"on_{type(message).__name__}")(message)

    @property
    def script(self) -> Script:
        return self.world.script(self.job_id)

    def later(self, seconds: float, run: int, act: Callable[[], None]) -> None:
        """Do it unless the run is over by then."""

        def due() -> None:
            if self.alive and self.run == run:
                act()

        self.world.at(seconds, due)

    def end(self, run: int, failure: Failure | None) -> None:
        self.run = 0
        self.tell(RunEnded(self.role, run, failure))


class Extractor(Child):
    def on_Probe(self, message: Probe) -> None:  # noqa: N802
        self.run = message.run
        self.world.note_run(self.job_id, message.run)
        look = self.script.look
        if isinstance(look, Failure):
            self.later(0.01, message.run, lambda: self.end(message.run, look))
        elif look is not None:
            self.later(0.01, message.run, lambda: self.tell(Probed(message.run, look)))

    def on_Extract(self, message: Extract) -> None:  # noqa: N802
        self.world.extracts.append(message)
        applier = self.world.child_of("applier", self.job_id)
        if applier is not None:
            self.world.at(0.01, lambda: applier.log_comes(message.run))

    def on_KnowApart(self, message: KnowApart) -> None:  # noqa: N802
        if message.run == self.run:
            self.world.apart[self.job_id] = message.apart

    def on_StopRun(self, message: StopRun) -> None:  # noqa: N802
        if message.run >= self.run:
            self.end(message.run, None)

    def on_AskExecuted(self, message: AskExecuted) -> None:  # noqa: N802
        self.world.asked.append(message.run)
        executed = self.script.executed
        if isinstance(executed, Failure):
            self.later(0.01, message.run, lambda: self.end(message.run, executed))
        elif executed is not None:
            self.later(0.01, message.run, lambda: self.tell(SourceExecuted(message.run, executed)))


class Worker(Child):
    def on_Work(self, message: Work) -> None:  # noqa: N802
        self.run = message.run
        self.world.works.append(message)


class Applier(Child):
    settings: ApplierSettings

    def wants(self, *seats: Seat) -> None:
        """Say whom the run is to have."""
        self.tell(Staffed(self.run, seats))

    def on_WorkerFailed(self, message: WorkerFailed) -> None:  # noqa: N802
        self.world.failed_workers.append(message)
        self.later(0.01, message.run, lambda: self.end(message.run, message.failure))

    def on_Apply(self, message: Apply) -> None:  # noqa: N802
        self.run = message.run
        self.world.applies.append(message)
        self.world.note_run(self.job_id, message.run)
        self.settings, apart = message.settings, ""
        target = self.script.target
        if self.world.checkpoints is not None and not isinstance(target, Failure) and target is not None:
            answer = self.world.checkpoints.take_over(message.settings)
            target, apart = (answer, "") if isinstance(answer, Failure) else (answer[0] or "full copy", answer[1])
        if isinstance(target, Failure):
            self.later(0.02, message.run, lambda: self.end(message.run, target))
        elif target is not None:
            start_after = None if target == "full copy" else target
            known = self.script.known_source
            ready = Ready(message.run, start_after, Info(uuid="t"), f"stamps of {message.run}", known, apart=apart)
            self.later(0.02, message.run, lambda: self.tell(ready))

    def log_comes(self, run: int) -> None:
        if self.run != run or not self.alive:
            return
        script = self.script
        for number, crew in enumerate(script.crews):
            self.later(0.1 * number, run, lambda crew=crew: self.wants(*crew))  # type: ignore[misc]
        for number, values in enumerate(script.reports):
            self.later(0.1 * number, run, lambda values=values: self.report(values))  # type: ignore[misc]
        if script.run_ends is not None:
            self.later(0.1 * len(script.reports), run, lambda: self.end(run, script.run_ends))

    def report(self, values: Json) -> None:
        if self.world.checkpoints is not None and values.get("stage") == "catching_up":
            self.world.checkpoints.copied(self.settings)
        self.tell(Progress(self.role, self.run, TaskReport.of(values), runtime.wall()))

    def on_Reach(self, message: Reach) -> None:  # noqa: N802
        self.world.goals.append(message.executed)
        self.look(message)

    def look(self, message: Reach) -> None:
        if self.script.reaches(message.executed):
            self.tell(HasReached(message.run))
        else:
            self.later(0.05, message.run, lambda: self.look(message))

    def on_StopRun(self, message: StopRun) -> None:  # noqa: N802
        if message.run < self.run:
            return
        if not message.drain or self.run == 0:
            self.end(message.run, None)
        elif (how := self.script.drains) != "never":
            assert not isinstance(how, str)
            self.later(0.05, message.run, lambda: self.end(message.run, how))

    def on_Purge(self, message: Purge) -> None:  # noqa: N802
        self.run = message.run
        how = self.script.purge
        if isinstance(how, Failure):
            self.later(0.05, message.run, lambda: self.end(message.run, how))
        elif how is None:
            self.later(0.05, message.run, lambda: self.purge(message))

    def purge(self, message: Purge) -> None:
        self.world.purged.append(message.job)
        if self.world.checkpoints is not None:
            self.world.checkpoints.purge(message.job)
        self.tell(Purged(message.run))


class Carrier(Child):
    """The actor of a cut-over's engine. It does nothing but what a test has it ask."""

    def __init__(self, world: World, role: str, address: Address) -> None:
        super().__init__(world, role, address)
        self.settings: Any = None
        self.answers: list[Answered] = []
        self._asked = 0

    def on_CarryOn(self, message: CarryOn) -> None:  # noqa: N802
        self.settings = message.settings

    def on_Answered(self, message: Answered) -> None:  # noqa: N802
        self.answers.append(message)

    def ask(self, kind: type[Question], *more: Any) -> Answered:
        """Put a question to the supervisor; return its answer."""
        self._asked += 1
        number = self._asked
        self.tell(kind(self.settings.attempt, number, *more))
        self.world.until(lambda: any(each.number == number for each in self.answers))
        return next(each for each in self.answers if each.number == number)

    def ends(self, failure: Failure | None = None) -> None:
        self.tell(CutoverEnded(self.settings.attempt, failure))


class Comparing(Child):
    """The actor of a comparison's engine. It does nothing but what a test has it say."""

    def __init__(self, world: World, role: str, address: Address) -> None:
        super().__init__(world, role, address)
        self.order: Any = None
        self.heard: list[RunSaid] = []

    def on_CompareJob(self, message: CompareJob) -> None:  # noqa: N802
        self.order = message

    def on_RunSaid(self, message: RunSaid) -> None:  # noqa: N802
        self.heard.append(message)


class Store(Child):
    """The StoreKeeper; what it writes outlives it."""

    def __init__(self, world: World, role: str, address: Address) -> None:
        super().__init__(world, role, address)
        self.positions: dict[int, int] = {}

    def on_OpenStore(self, _message: OpenStore) -> None:  # noqa: N802
        world = self.world
        self.tell(Loaded(tuple(world.stored.values()), last_index(world.position), world.gone))

    def on_Save(self, message: Save) -> None:  # noqa: N802
        JobRecord.from_json(message.record.to_json())
        position = self.world.next_position()
        self.positions[message.ticket] = position
        record = placed(message.record, message.ticket, position, self.positions)
        self.world.stored[message.record.id] = record
        self.tell(Saved(message.ticket, position))

    def on_Forget(self, message: Forget) -> None:  # noqa: N802
        self.world.stored.pop(message.job_id, None)
        position = self.positions[message.ticket] = self.world.next_position()
        self.world.gone = tuple(with_indexes(each, message.ticket, self.positions) for each in message.gone)
        self.tell(Saved(message.ticket, position))

    def on_ShowProgress(self, message: ShowProgress) -> None:  # noqa: N802
        self.world.shown.update(message.progress)


#: The child of each role.
class Host(Child):
    """A process for several jobs' tasks: it dies with any of them."""

    def __init__(self, world: World, role: str, address: Address) -> None:
        super().__init__(world, role, address)
        self.job_id = "several jobs"
        self.tasks: dict[str, Child] = {}

    def receive(self, message: object) -> None:
        match message:
            case ToTask(job_id=job_id):
                self._task(job_id).receive(message.message)
            case EndTask(job_id=job_id):
                self.tasks.pop(job_id).alive = False
            case ActorExitRequest():
                self.world.kill(self)

    def _task(self, job_id: str) -> Child:
        if job_id not in self.tasks:
            task = self.tasks[job_id] = KINDS[self.role](self.world, self.role, self.address)
            task.host, task.pid = self, self.pid
            self.world.children.append(task)
        return self.tasks[job_id]


KINDS: dict[str, type[Child]] = {
    "extractor": Extractor,
    "applier": Applier,
    "worker": Worker,
    "cutover": Carrier,
    "verifier": Comparing,
    "store": Store,
}
