"""A node's actors without processes, servers or waiting: the real JobSupervisor, its children scripted, virtual time.

Messages take a moment by chance and keep their order between any two actors, as real ones do. Everything is drawn from
one seed, so the same seed gives the same history.
"""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict
from thespian.actors import ActorExitRequest, ChildActorExited, WakeupMessage

from udup.actors.cutover_messages import Answered, CarryOn, CutoverEnded, Question
from udup.actors.level_messages import AskExecuted, HasReached, Reach, SourceExecuted
from udup.actors.messages import (
    Apply,
    Begin,
    Command,
    Extract,
    Hello,
    Introduce,
    NodeSettings,
    Probe,
    Probed,
    Progress,
    Purge,
    Purged,
    Ready,
    RunEnded,
    StopRun,
    WorkersKnown,
)
from udup.actors.store_messages import Forget, Loaded, OpenStore, Save, Saved, ShowProgress
from udup.actors.supervisor import JobSupervisor
from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Failure, FailureKind, Fault
from udup.jobs import JobProgress, JobRecord
from udup.jobs.allocation import Evaluation
from udup.jobs.numbers import last_index, placed, with_indexes
from udup.jobs.progress import TaskReport
from udup.pipeline.checks import Check
from udup.pipeline.ownership import Known
from udup.pipeline.ports import End, JobPlan, ServerInfo, Source, SourceLook, Target
from udup.sandbox.api import job_document

Json = dict[str, Any]

#: Most steps of a test: one that never comes to rest has failed.
_STEPS_MAX = 200_000


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


@dataclass(frozen=True)
class Judged:
    """What the scripted driver was asked about a start."""

    source: SourceLook | None
    target: ServerInfo | None
    start_after: str | None


@dataclass
class ScriptedDrivers:
    """`faults` speak against every start; `judged` is what was asked."""

    faults: list[Fault] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    broken: Exception | None = None

    def source(self, end: End) -> Source:
        raise AssertionError(f"the supervisor asks no server: {end}")

    def target(self, end: End) -> Target:
        raise AssertionError(f"the supervisor asks no server: {end}")

    def start_faults(
        self, plan: JobPlan, source: SourceLook | None, target: ServerInfo | None, start_after: str | None, known: Known
    ) -> list[Fault]:
        if self.broken is not None:
            raise self.broken
        self.judged.append(Judged(source, target, start_after))
        return [*(source.faults if source else ()), *self.faults]

    def warnings(self, plan: JobPlan, source: ServerInfo, target: ServerInfo) -> list[str]:
        return list(self.warned)

    def validate(self, plan: JobPlan, known: Known) -> list[Check]:
        raise AssertionError("not the supervisor's")


@dataclass
class Script:
    """What the children of one job do. `None` for an answer: they say nothing."""

    look: SourceLook | Failure | None = field(default_factory=lambda: SourceLook(Info()))
    target: str | Failure | None = "full copy"  # or the position that the checkpoint says
    known_source: str = "u"  # by the checkpoint
    reports: tuple[Json, ...] = ({"stage": "copying"}, {"stage": "catching_up"}, {"stage": "running", "level": True})
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

    def tell(self, message: object) -> None:
        self.world.post(self.address, self.world.supervisor_address, message)

    def receive(self, message: object) -> None:
        match message:
            case Introduce():
                self.job_id = message.job_id
                self.tell(Hello(self.role, message.job_id, self.pid))
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


class Applier(Child):
    def on_Apply(self, message: Apply) -> None:  # noqa: N802
        self.run = message.run
        self.world.applies.append(message)
        self.world.note_run(self.job_id, message.run)
        self.tell(WorkersKnown(self.job_id, ((1, self.world.next_pid()),)))
        target = self.script.target
        if isinstance(target, Failure):
            self.later(0.02, message.run, lambda: self.end(message.run, target))
        elif target is not None:
            start_after = None if target == "full copy" else target
            known = self.script.known_source
            ready = Ready(message.run, start_after, Info(uuid="t"), f"stamps of {message.run}", known)
            self.later(0.02, message.run, lambda: self.tell(ready))

    def log_comes(self, run: int) -> None:
        if self.run != run or not self.alive:
            return
        script = self.script
        for number, values in enumerate(script.reports):
            self.later(0.1 * number, run, lambda values=values: self.report(values))  # type: ignore[misc]
        if script.run_ends is not None:
            self.later(0.1 * len(script.reports), run, lambda: self.end(run, script.run_ends))

    def report(self, values: Json) -> None:
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


_KINDS: dict[str, type[Child]] = {"extractor": Extractor, "applier": Applier, "cutover": Carrier, "store": Store}


class World:
    """One node. `run` lets time pass; `ask` is a client's command and its answer."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.clock = 1000.0
        self.folder = folder
        self.drivers = ScriptedDrivers()
        self.attempts = 3
        self.children: list[Child] = []
        self.stored: dict[str, JobRecord] = {}
        self.position = 1  # of the store's mark
        self.gone: tuple[Evaluation, ...] = ()
        self.shown: dict[str, JobProgress] = {}
        self.purged: list[str] = []
        self.extracts: list[Extract] = []
        self.applies: list[Apply] = []
        self.asked: list[int] = []  # runs in which the source was asked what it has executed
        self.goals: list[str] = []  # what appliers were to reach
        self.answers: list[object] = []
        self.logged: list[EventDict] = []
        self.runs: dict[str, list[int]] = defaultdict(list)
        self._scripts: dict[str, Script] = {}
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._pid = 100
        self._last: dict[tuple[str, str], float] = {}
        self.supervisor: Any = None
        self.supervisor_address = Address("none")

    # ---- Time and messages ----

    def at(self, seconds: float, act: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.clock + seconds, self._count, act))

    def post(self, sender: Address, to: Address, message: object) -> None:
        pair = (str(sender), str(to))
        due = max(self.clock + self.random.random() * 0.004, self._last.get(pair, 0.0))
        self._last[pair] = due
        self.at(due - self.clock, lambda: self._deliver(sender, to, message))

    def _deliver(self, sender: Address, to: Address, message: object) -> None:
        if to == self.supervisor_address:
            self.supervisor.receiveMessage(message, sender)
        elif str(to).startswith("client"):
            self.answers.append(message)
        else:
            child = next((each for each in self.children if each.address == to), None)
            if child is not None and child.alive:
                child.receive(message)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self._run(lambda: False, seconds)

    def until(self, done: Callable[[], bool], seconds: float = 60.0) -> None:
        self._run(done, seconds)
        assert done(), f"not within {seconds} s"

    def _run(self, done: Callable[[], bool], seconds: float) -> None:
        end = self.clock + seconds
        for _ in range(_STEPS_MAX):
            if done() or not self._events or self._events[0][0] > end:
                break
            self.clock, _, act = heapq.heappop(self._events)
            act()
        else:
            raise AssertionError("it never comes to rest")
        if not done():
            self.clock = end

    # ---- Actors ----

    def next_pid(self) -> int:
        self._pid += 1
        return self._pid

    def start(self, *, opens: bool = True) -> None:
        """Start a supervisor in place of the one that is there, whose children die with it; `opens`: wait for it."""
        for child in self.children:
            child.alive = False
        self.children = []
        self.supervisor_address = Address(f"supervisor {self.next_pid()}")
        self.supervisor = _Supervisor(self, self.supervisor_address)
        settings = NodeSettings(
            nats_url="nats://127.0.0.1:1",
            data_dir=str(self.folder),
            buffer_bytes=1 << 20,
            log_level="error",
            log_format="text",
            retry_attempts=self.attempts,
            backoff_max_s=10,
            keys=None,  # type: ignore[arg-type]
            drivers=self.drivers,
        )
        self.supervisor.receiveMessage(Begin(settings), Address("node"))
        if opens:
            self.until(lambda: self.supervisor._commands is not None)

    def kill(self, child: Child) -> None:
        if child.alive:
            child.alive = False
            self.post(child.address, self.supervisor_address, ChildActorExited(child.address))

    def child_of(self, role: str, job_id: str) -> Any:
        return next((c for c in self.children if c.alive and c.role == role and c.job_id == job_id), None)

    @property
    def living(self) -> list[tuple[str, str]]:
        """Role and job of each task that lives."""
        return sorted((child.role, child.job_id) for child in self.children if child.alive and child.role != "store")

    def note_run(self, job_id: str, run: int) -> None:
        runs = self.runs[job_id]
        if not runs or runs[-1] != run:
            assert not runs or run > runs[-1], f"run {run} came after {runs[-1]}"
            runs.append(run)

    # ---- Clients ----

    def script(self, job_id: str) -> Script:
        return self._scripts.setdefault(job_id, Script())

    def send(self, command: Command) -> None:
        self.post(Address(f"client {self.next_pid()}"), self.supervisor_address, command)

    def ask(self, command: Command, seconds: float = 30.0) -> Any:
        before = len(self.answers)
        self.send(command)
        self.until(lambda: len(self.answers) > before, seconds)
        return self.answers[-1]

    def document(self, job_id: str, kind: str = "synchronous", **config: Any) -> Json:
        here = Endpoint("127.0.0.1", 1, "nobody", "")
        made = {**job_document(job_id, here, replace(here, port=2), ["s"]), "ID": job_id, "Type": kind}
        for task in made["Tasks"]:
            task["Config"].update(config)
        return made

    def next_position(self) -> int:
        self.position += 1
        return self.position

    def job(self, job_id: str) -> Any:
        """The supervisor's own bookkeeping of a job."""
        return self.supervisor._jobs[job_id]

    def stage(self, job_id: str) -> str:
        return str(self.stored[job_id].stage.value)

    def reaches(self, job_id: str, stage: str, seconds: float = 60.0) -> None:
        self.until(lambda: job_id in self.stored and self.stage(job_id) == stage, seconds)

    def events(self, job_id: str, task: str) -> Sequence[str]:
        allocation = [each for each in self.stored[job_id].allocations if each.task == task][-1]
        return [event.type.value for event in allocation.state.events] if allocation.state else []

    def is_empty(self) -> bool:
        """Whether nothing of any job is left: no record, no process, nothing that is waited for."""
        supervisor = self.supervisor
        actors = supervisor._actors
        places = [key for key in (*actors._addresses, *actors._fillings, *actors._last_seen.values()) if key[1]]
        left = (supervisor._jobs, self.stored, self.living, supervisor._starting._waiting, places)
        return not any(left) and not supervisor._journal.orders_waiting


class _Supervisor(JobSupervisor):
    """The real one, whose actor system is the small world."""

    def __init__(self, world: World, address: Address) -> None:
        self._world, self._address = world, address
        super().__init__()

    def configure(self, settings: NodeSettings, of: str = "") -> None:
        """The process is the test's."""

    def createActor(self, kind: Any) -> Address:  # noqa: N802 - Thespian's name
        address = Address(f"{kind.role} {self._world.next_pid()}")
        self._world.children.append(_KINDS[kind.role](self._world, kind.role, address))
        return address

    def send(self, to: Address, message: object) -> None:
        self._world.post(self._address, to, message)

    def wakeupAfter(self, period: timedelta, payload: object = None) -> None:  # noqa: N802 - Thespian's name
        world, address = self._world, self._address

        def wake() -> None:
            if world.supervisor_address == address:
                self.receiveMessage(WakeupMessage(period, payload), address)

        world.at(period.total_seconds(), wake)


@contextmanager
def small_world(monkeypatch: pytest.MonkeyPatch, folder: Path, seed: int = 0) -> Iterator[World]:
    """A node with a supervisor, in virtual time."""
    world = World(folder, seed)
    with monkeypatch.context() as patched, capture_logs() as world.logged:
        patched.setattr(runtime, "now", lambda: world.clock)
        patched.setattr(runtime, "wall", lambda: world.clock)
        patched.setattr(runtime, "wall_ns", lambda: int(world.clock * 1e9))
        patched.setattr(runtime, "chance", world.random.random)
        patched.setattr(runtime, "new_id", lambda: f"{world.random.getrandbits(128):032x}")
        world.start()
        yield world


def transient(text: str = "the connection is lost") -> Failure:
    return Failure(FailureKind.TRANSIENT, text)


def refused(where: str, problem: str) -> Failure:
    fault = Fault(where, problem)
    return Failure(FailureKind.REFUSED, str(fault), (fault,))
