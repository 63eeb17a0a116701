"""A cut-over between two servers in memory, whose engine may die at any point: before and after each thing it does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from udup.drivers.fake.checkpoint import JobRows
from udup.drivers.fake.drivers import FakeDrivers, end_of
from udup.drivers.fake.server import FakeServer, Writers, forget, register
from udup.pipeline.cutover.engine import CutoverEngine
from udup.pipeline.cutover.host import AbortWanted, CutoverSettings, JobNow, NameTaken
from udup.pipeline.cutover.state import Cutover, CutoverState, Options, StepName
from udup.pipeline.ownership import Claim, Known
from udup.pipeline.ports import End, JobPlan, Scope
from udup.pipeline.selection.selection import Selection

JOB = "shop"

TABLE = ("s", "t")

#: Of a driver's parts, the methods that ask a server.
_CALLS = frozenset(
    {"executed", "checks", "look", "close", "restore", "unfinished", "counters", "events", "keeps", "open_for_udup"}
    | {"kept", "raise_counters", "release", "how_to_open", "enable", "triggers", "defined", "lacking", "make"}
    | {"enter", "end_others"}
)


#: Everything that may be asked for.
ALL = {"source_read_only": True, "enable_events": True, "reverse": True}


class Died(BaseException):
    """The process is gone."""


@dataclass
class Points:
    """Counts what an engine does, and lets it die at one of these points. The same points come in every run."""

    dies_at: int = 0
    stands_at: int = 0  # there `meanwhile` is called, then the engine goes on
    meanwhile: Callable[[str], None] = lambda _: None
    passed: int = 0
    names: list[str] = field(default_factory=list)
    fails: dict[str, list[Exception]] = field(default_factory=dict)  # what the next calls of this name raise
    before: dict[str, Callable[[], None]] = field(default_factory=dict)  # what happens before the call of this name

    def pass_(self, name: str) -> None:
        self.passed += 1
        self.names.append(name)
        if self.passed == self.dies_at:
            raise Died(name)
        if self.passed == self.stands_at:
            others = threading.Thread(target=self.meanwhile, args=(name,))  # it may be called in an engine's loop
            others.start()
            others.join()


class _Part:
    """A part of a driver, each of whose calls has a point before and one after it."""

    def __init__(self, part: Any, points: Points, name: str) -> None:
        self._part, self._points, self._name = part, points, name

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        if name not in _CALLS:
            return found

        def call(*args: Any) -> Any:
            full = f"{self._name}.{name}"
            self._points.before.pop(full, lambda: None)()
            self._points.pass_(f"before {full}")
            if errors := self._points.fails.get(full):
                raise errors.pop(0)
            answer = found(*args)
            self._points.pass_(f"after {full}")
            return answer

        return call


class _Drivers(FakeDrivers):
    def __init__(self, points: Points) -> None:
        self._points = points

    def source(self, end: End) -> Any:
        return _Part(super().source(end), self._points, "source")

    def target(self, end: End) -> Any:
        return _Part(super().target(end), self._points, "target")

    def source_gate(self, end: End) -> Any:
        return _Part(super().source_gate(end), self._points, "source_gate")

    def target_gate(self, end: End) -> Any:
        return _Part(super().target_gate(end), self._points, "target_gate")


class World:
    """The record's owner and both servers. `run` carries the cut-over on with another engine."""

    def __init__(self, **options: Any) -> None:
        self.old, self.new = register(FakeServer("alpha")), register(FakeServer("omega"))
        self.points = Points()
        self.old.log.create(TABLE)
        self.write("a")
        self.old.counters[TABLE] = 7
        self.old.events = {("s", "nightly"): True, ("s", "never"): False}
        self.new.events = {("s", "nightly"): False, ("s", "never"): False}
        self.old.triggers = {("s", "audit"): "t", ("s", "check"): "t"}
        self.new.triggers = {("s", "check"): "t"}
        self.new.jobs.rows[JOB] = JobRows(1, "", selection="whole")
        self.new.claims[TABLE] = Claim(TABLE, JOB, "alpha", TABLE, "alpha", "here")
        scope = Scope(Selection.of([("s", [])]))
        self.plan = JobPlan(JOB, end_of(self.old), end_of(self.new), scope)
        self.back = JobPlan("", end_of(self.new), end_of(self.old), scope)
        self.cutover = Cutover.asked(Options(**{"timeout_s": 0.03, **options}))
        self.history: list[Cutover] = []
        self.jobs: dict[str, str] = {JOB: "x"}  # by ID, the incarnation
        self.follows = True  # the job applies what its source logs
        self.problem = ""
        self.abort = ""
        self.waits = ""
        self.skipped: tuple[str, ...] = ()
        self.stage = "running"
        self.position_of_back = ""
        self.store_is_away: Callable[[], bool] = lambda: False
        self.owner = 0  # the number of the newest

    def close(self) -> None:
        forget("alpha")
        forget("omega")

    def write(self, key: str) -> int:
        return self.old.log.write(lambda writing: writing.insert(TABLE, key))

    @property
    def executed_on_new(self) -> str:
        return self.new.jobs.rows[JOB].executed

    # ---- The host ----

    async def keep(self, cutover: Cutover) -> None:
        while self.store_is_away():
            await asyncio.sleep(0.002)
        if self.abort and cutover.state is CutoverState.RUNNING and not self.cutover.switched:
            raise AbortWanted(self.abort)
        assert cutover.switched or not self.cutover.switched, "nothing goes back behind the switch"
        if cutover.switched and not self.cutover.switched:
            assert not self.problem and self.is_level, "the switch is made when both servers are level"
            assert self.old.writers is Writers.NOBODY or cutover.options.writes_stopped
            self.stage = "completed"
        self.cutover = Cutover.model_validate_json(cutover.model_dump_json())
        self.history.append(self.cutover)

    async def job(self) -> JobNow:
        if self.follows and self.stage == "running":
            self.new.jobs.rows[JOB].executed = str(self.old.log.executed)
        ended = self.stage == "completed"
        return JobNow(self.stage, self.stage == "running", self.problem, ended, self.abort, self.waits)

    async def is_taken(self, job_id: str) -> bool:
        return job_id in self.jobs

    async def create_way_back(self, cutover: Cutover) -> None:
        known = self.jobs.get(cutover.way_back)
        if known is not None and known != cutover.way_back_incarnation:
            raise NameTaken(cutover.way_back)
        assert not [claim for claim in self.new.claims.values() if claim.job == JOB], "else it would be a ring"
        self.position_of_back = cutover.position
        self.jobs[cutover.way_back] = cutover.way_back_incarnation

    # ---- Engines ----

    def run(
        self,
        dies_at: int = 0,
        *,
        number: int = 0,
        stands_at: int = 0,
        meanwhile: Callable[[str], None] = lambda _: None,
    ) -> bool:
        """Carry it on; return whether the engine has lived to its end.

        `number` is its owner's: the store takes nothing of one with a lower one, whose engine is ended.
        """
        before = self.points
        self.points = Points(dies_at, stands_at, meanwhile, fails=before.fails, before=before.before)
        self.owner = number
        known = Known("here", frozenset(self.jobs))
        back = self.back if self.reverses else None
        settings = CutoverSettings(1, self.plan, known, self.cutover, back, skipped=self.skipped, number=number)
        try:
            asyncio.run(CutoverEngine(settings, _Drivers(self.points), _HostOf(self, number, self.points)).run())
        except Died:
            return False
        return True

    @property
    def reverses(self) -> bool:
        return self.cutover.options.reverse

    def run_to_the_end(self, number: int = 0) -> None:
        assert self.run(number=number)
        assert not self.cutover.is_active, self.cutover

    def again(self) -> None:
        """A further request on one that has stopped."""
        state = CutoverState.RUNNING if self.cutover.switched else CutoverState.UNDOING
        self.cutover = self.cutover.with_(state=state)

    @property
    def is_level(self) -> bool:
        return self.executed_on_new == str(self.old.log.executed)

    def state_of(self, name: StepName) -> str:
        return self.cutover.step(name).state.value


class _HostOf:
    """The record's owner as one of its engines knows it: it ends an engine when the job is another's."""

    def __init__(self, world: World, number: int, points: Points) -> None:
        self._world, self._number, self._points = world, number, points

    def _pass(self, name: str) -> None:
        self._points.pass_(name)
        if self._world.owner != self._number:
            raise Died(name)

    async def keep(self, cutover: Cutover) -> None:
        self._pass(f"before keep {_shown(cutover)}")
        await self._world.keep(cutover)
        self._pass(f"after keep {_shown(cutover)}")

    async def job(self) -> JobNow:
        if self._world.owner != self._number:
            raise Died("job")
        return await self._world.job()

    async def is_taken(self, job_id: str) -> bool:
        return await self._world.is_taken(job_id)

    async def create_way_back(self, cutover: Cutover) -> None:
        self._pass("before create")
        await self._world.create_way_back(cutover)
        self._pass("after create")


def assert_cut_over(world: World) -> None:
    assert world.cutover.state is CutoverState.DONE, world.cutover
    assert world.is_level and world.stage == "completed"
    assert world.new.counters[TABLE] == 7
    assert world.new.triggers == world.old.triggers
    assert not world.new.claims
    if world.cutover.options.enable_events:
        assert world.new.events == {("s", "nightly"): True, ("s", "never"): False}
    if world.cutover.options.reverse:
        assert world.old.writers is Writers.UDUP and not any(world.old.events.values())
        assert list(world.jobs) == [JOB, "shop-back"], "one way back"
        assert world.position_of_back == world.cutover.position == str(world.new.log.executed)


def assert_undone(world: World, found: Writers = Writers.ALL) -> None:
    assert world.cutover.state is CutoverState.UNDONE, world.cutover
    assert world.old.writers is found, "the source is as it was found"
    assert len(world.new.triggers) == 1, "a job that goes on would set off the other one"
    assert world.stage == "running" and list(world.jobs) == [JOB] and world.new.claims
    assert world.old.events[("s", "nightly")] and not any(world.new.events.values())
    assert "udup job cutover shop" in world.cutover.text


def _shown(cutover: Cutover) -> str:
    doing = [f"{step.name} {step.state}" for step in cutover.steps if step.time_ns]
    return f"{cutover.state} {doing[-1] if doing else ''}"
