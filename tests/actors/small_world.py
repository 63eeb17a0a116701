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
from thespian.actors import ChildActorExited, WakeupMessage

from tests.actors.small_children import KINDS, Address, Child, Host, Info, Json, Script
from tests.actors.small_cluster import KINDS_OF_CLUSTER, NODE, ClusterState
from tests.actors.small_targets import Checkpoints
from udup.actors.messages import (
    Apply,
    Begin,
    Command,
    Extract,
    NodeSettings,
)
from udup.actors.shared import TaskHost
from udup.actors.supervisor import JobSupervisor
from udup.actors.worker_messages import Work, WorkerFailed
from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Failure, FailureKind, Fault
from udup.jobs import JobProgress, JobRecord
from udup.jobs.allocation import Evaluation
from udup.pipeline.checks import Check
from udup.pipeline.ownership import Known
from udup.pipeline.ports import Apart, End, JobPlan, ServerInfo, Source, SourceLook, Target
from udup.sandbox.api import job_document
from udup.store.sealing import Keyring

#: Most steps of a test: one that never comes to rest has failed.
_STEPS_MAX = 200_000


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

    def look_to_wire(self, end: End, look: SourceLook) -> bytes:
        return repr(look.faults).encode()

    def look_from_wire(self, end: End, data: bytes) -> SourceLook:
        if data != b"()":
            raise ValueError("another version")
        return SourceLook(Info())

    def warnings(self, plan: JobPlan, source: ServerInfo, target: ServerInfo) -> list[str]:
        return list(self.warned)

    def validate(self, plan: JobPlan, known: Known) -> list[Check]:
        raise AssertionError("not the supervisor's")


class World:
    """One node. `run` lets time pass; `ask` is a client's command and its answer."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.clock = 1000.0
        self.folder = folder
        self.share = 1  # jobs whose tasks share a process
        self.drivers = ScriptedDrivers()
        self.attempts = 3
        self.children: list[Child] = []
        self.stored: dict[str, JobRecord] = {}
        self.position = 1  # of the store's mark
        self.gone: tuple[Evaluation, ...] = ()
        self.shown: dict[str, JobProgress] = {}
        self.purged: list[str] = []
        self.apart: dict[str, Apart] = {}  # what runs were told to be a part of while they go on
        self.extracts: list[Extract] = []
        self.applies: list[Apply] = []
        self.works: list[Work] = []
        self.failed_workers: list[WorkerFailed] = []
        self.asked: list[int] = []  # runs in which the source was asked what it has executed
        self.goals: list[str] = []  # what appliers were to reach
        self.answers: list[object] = []
        self.logged: list[EventDict] = []
        self.checkpoints: Checkpoints | None = None  # the target keeps which tables each job has
        self.cluster: ClusterState | None = None  # there are other nodes
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
            child = next((each for each in self.children if each.address == to and each.host is None), None)
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
            keys=Keyring({"k": bytes(32)}, "the test"),
            drivers=self.drivers,
            share_processes=self.share,
            cluster=NODE if self.cluster is not None else None,
        )
        self.supervisor.receiveMessage(Begin(settings), Address("node"))
        if opens:
            self.until(lambda: self.supervisor._commands is not None)

    def kill(self, child: Child) -> None:
        child = child.host or child
        if child.alive:
            for each in (child, *(child.tasks.values() if isinstance(child, Host) else ())):
                each.alive = False
            self.post(child.address, self.supervisor_address, ChildActorExited(child.address))

    def child_of(self, role: str, job_id: str) -> Any:
        return next((c for c in self.children if c.alive and c.role == role and c.job_id == job_id), None)

    @property
    def living(self) -> list[tuple[str, str]]:
        """Role and job of each task that lives."""
        tasks = (child for child in self.children if child.alive and child.role not in ("store", "keeper"))
        return sorted((child.role, child.job_id) for child in tasks if not isinstance(child, Host))

    def note_run(self, job_id: str, run: int) -> None:
        runs = self.runs[job_id]
        if not runs or runs[-1] != run:
            assert not runs or run > runs[-1], f"run {run} came after {runs[-1]}"
            assert self.cluster is None or run in self.cluster.granted, "no run begins without a grant"
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
        hosts = actors._hosts._hosts, [each for each in self.children if each.alive and isinstance(each, Host)]
        left = (supervisor._jobs, self.stored, self.living, supervisor._starting._waiting, places, *hosts)
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
        kinds = KINDS if self._world.cluster is None else {**KINDS, **KINDS_OF_CLUSTER}
        made = Host if issubclass(kind, TaskHost) else kinds[kind.role]
        self._world.children.append(made(self._world, kind.role, address))
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
def small_world(
    monkeypatch: pytest.MonkeyPatch, folder: Path, seed: int = 0, *, share: int = 1, clustered: bool = False
) -> Iterator[World]:
    """A node with a supervisor, in virtual time; `share`: jobs whose tasks share a process.

    `clustered`: it is one of several, and jobs are given to it by `world.cluster`.
    """
    world = World(folder, seed)
    world.share = share
    if clustered:
        world.cluster = ClusterState(world)
    with monkeypatch.context() as patched, capture_logs() as world.logged:
        patched.setattr(runtime, "now", lambda: world.clock)
        patched.setattr(runtime, "wall", lambda: world.clock)
        patched.setattr(runtime, "wall_ns", lambda: int(world.clock * 1e9))
        patched.setattr(runtime, "idle_seconds", lambda: 0.0)
        patched.setattr(runtime, "chance", world.random.random)
        patched.setattr(runtime, "new_id", lambda: f"{world.random.getrandbits(128):032x}")
        world.start()
        yield world


def transient(text: str = "the connection is lost") -> Failure:
    return Failure(FailureKind.TRANSIENT, text)


def refused(where: str, problem: str) -> Failure:
    fault = Fault(where, problem)
    return Failure(FailureKind.REFUSED, str(fault), (fault,))
