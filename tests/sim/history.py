"""One history: a scenario, carried out, and what was wrong with it."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.sim.actors import ActorWorld, Cell
from tests.sim.ahead import begin_ahead
from tests.sim.checks import Checks
from tests.sim.install import SimLogger
from tests.sim.life import ALL, Act
from tests.sim.life_checks import LifeChecks
from tests.sim.life_source import LifeSource
from tests.sim.machine import Doorbells, Machine
from tests.sim.mysql import Connection, Server
from tests.sim.net import Broker, NatsClient
from tests.sim.node import JOB, SUBSTITUTES, Node, SimClient, SimStore
from tests.sim.scenario import CLASSES, FAULTS_END, Fault, Scenario, numbered
from tests.sim.source import UUID, Source
from tests.sim.world import MS, Livelock, S, World
from udup.actors.messages import DeleteJob, PauseJob, ResumeJob
from udup.drivers.mysql.apply.ownership import CONTROL, lock_name

#: After the last fault the job must have caught up in this time.
LIVELINESS = 90 * S

#: Faults begin when the job has been posted.
_BEGINNING = 100 * MS


@dataclass(frozen=True)
class Outcome:
    """`problem` is empty if everything held; it begins with its kind."""

    problem: str
    digest: str
    steps: int
    now: int
    transactions: int
    counts: Counter[str]  # what has happened, faults as `fault KIND`
    trace: list[tuple[int, str, str]]

    @property
    def kind(self) -> str:
        return self.problem.split(":")[0]


def run(scenario: Scenario, *, trace: bool = False) -> Outcome:
    """Carry it out. `install.installed` must be in force."""
    gc.collect(0 if scenario.seed % 20 else 2)
    gc.disable()  # finalizers run between histories
    try:
        history = _History(scenario, trace=trace)
        problem = history.run()
        world = history.world
        steps, digest = world.steps, world.digest
        return Outcome(problem, digest, steps, world.now, len(scenario.log), history.all_counts(), world.trace or [])
    finally:
        gc.enable()


class _History:
    def __init__(self, scenario: Scenario, *, trace: bool) -> None:
        self.scenario = scenario
        self.world = world = World(scenario.seed, trace=trace)
        self.actors = ActorWorld(world, SUBSTITUTES)
        Machine.bells = Doorbells(self.actors.rung)
        life = CLASSES[scenario.of].life
        self.source = (LifeSource if life else Source)(world, numbered(scenario))
        self.target = Server(world, "dst")
        server = Server(world, "src")
        Server.current = {"dst": self.target, "src": server}
        server.ask = self.source.answer
        self.target.ask = lambda what: self.target.tables.get(what) if life else len(self.checks.ddl_done)
        self.target.fate = server.fate = self._fate_of_call
        if not scenario.copy:
            self.target.tables |= dict.fromkeys(ALL if life else ("t", "loose"), 0)
        self.checks = (LifeChecks if life else Checks)(world, scenario, self.source, self.target)
        if scenario.ahead:
            begin_ahead(self.target, self.source, scenario.ahead)
        SimLogger.on_event = staticmethod(self.checks.heard)
        self.broker = NatsClient.broker = Broker(world)
        self.broker.on_message, self.broker.fate = self.checks.sent, self._fate_of_message
        SimStore.disks, SimClient.nodes = {}, {}
        self.node = Node(world, self.actors, scenario, "A")
        self.counts: Counter[str] = Counter()
        self._aimed = [dict(fault) for fault in scenario.faults if "call" in fault]
        self._messages: list[Fault] = []

    def all_counts(self) -> Counter[str]:
        counts = Counter(self.counts)
        counts.update({f"ended {kind}": number for kind, number in self.checks.ended.items()})
        counts.update({f"error {code}": number for code, number in self.target.errors.items()})
        counts.update({f"log {entry['kind']}": 1 for entry in self.source.log})
        counts["commits"] = self.target.commits
        if isinstance(self.checks, LifeChecks) and isinstance(self.source, LifeSource):
            counts.update({**self.checks.counts, "copies that went on": self.source.resumed})
        return counts

    # ---- Faults ----

    def _hits(self, fault: Fault) -> None:
        self.counts[f"fault {fault['kind']}"] += 1
        self.world.note("FAULT", " ".join(f"{key}={value}" for key, value in fault.items() if key != "at"))

    def _inject(self, fault: Fault) -> None:
        """One that is due by its time."""
        kind = fault["kind"]
        if kind in ("drop", "dup", "slow"):
            self._messages.append(dict(fault))
            return
        found = self.actors.living(fault["role"], "A")
        cell = found[fault["nth"] % len(found)] if found else None
        self._carry_out(fault, cell)

    def _carry_out(self, fault: Fault, cell: Cell | None) -> None:
        kind, world, node = fault["kind"], self.world, self.node
        duration = fault.get("for", 0)
        if kind == "kill" and cell is not None:
            self._hits(fault)
            cell.process.kill()
        elif kind == "freeze" and cell is not None:
            self._hits(fault)
            cell.process.freeze(duration)
        elif kind == "link" and cell is not None:
            clients = [each for each in self.broker.clients if each.open_ and each.owner is cell.process]
            if clients:
                self._hits(fault)
            for each in clients:
                each.lose()
        elif kind == "down":
            self._hits(fault)
            self.target.go_down(world.now + duration // 2)
        elif kind == "nats":
            self._hits(fault)
            self.broker.go_down("A", world.now + duration)
        elif kind == "control":
            # Whoever has it finds out when it is used next, which may be at the end of a copy.
            if (holder := self.target.named.get(lock_name(JOB, CONTROL))) is not None:
                self._hits(fault)
                holder.cut()
        elif kind == "stream":
            streams = [stream for stream in self.source.streams if stream.process.alive]
            if streams:
                self._hits(fault)
                streams[-1].close()
        elif kind == "pause":
            self._hits(fault)
            node.tell(PauseJob(JOB))
            world.after(duration, lambda: node.tell(ResumeJob(JOB)))
        elif kind == "again":
            self._hits(fault)
            node.change_workers(fault["workers"])
        elif kind == "purge":
            self._hits(fault)
            node.tell(DeleteJob(JOB, purge=True))
        elif kind == "lock" and self.target.hold_row(fault["key"], duration):
            self._hits(fault)

    def _fate_of_call(self, connection: Connection, what: str) -> str:
        name = connection.process.name
        fits = [each for each in self._aimed if what.startswith(each["call"]) and name.startswith(each["role"])]
        due = next((each for each in fits if each["nth"] <= 0), None)
        for fault in fits:
            fault["nth"] -= 1
        if due is None:
            return ""
        self._aimed.remove(due)
        self.counts[f"at {due['call']}"] += 1
        if due["kind"] == "call":
            self._hits(due)
            return str(due["how"])
        cell = self.actors.cells.get(connection.process.pid)
        self.world.after(self.world.between("aim", 0, MS // 2), partial(self._carry_out, due, cell))
        return ""

    def _fate_of_message(self, _sender: str, subject: str) -> str:
        """Each waits for its turn among the messages of its subject, counted from its time on."""
        fits = [each for each in self._messages if f".{each['subject']}" in subject]
        due = next((each for each in fits if each["nth"] <= 0), None)
        for fault in fits:
            fault["nth"] -= 1
        if due is None:
            return ""
        self._messages.remove(due)
        self._hits(due)
        return str(due["kind"])

    def _second_node(self, until: int) -> None:
        """Another node is given the same job: by mistake, or as a new owner of a cluster."""
        other = Node(self.world, self.actors, self.scenario, "B")
        other.start()
        self.counts["second node"] += 1
        self.world.note("FAULT", "a second node carries out the job")
        self.world.after(150 * MS, lambda: other.tell(other.wish))
        self.world.at(until, other.end)

    # ---- From beginning to end ----

    def _prepare(self) -> None:
        world, node = self.world, self.node
        node.start()
        world.after(80 * MS, lambda: node.tell(node.wish))
        for fault in self.scenario.faults:
            if "call" not in fault:
                world.at(fault["at"] + _BEGINNING, lambda fault=fault: self._inject(fault))
        for act in self.scenario.acts:
            world.at(act["at"] + _BEGINNING, lambda act=act: self._act(act))
        if self.scenario.second is not None:
            at, until = self.scenario.second
            world.at(at, lambda: self._second_node(until))

    def _act(self, act: Act) -> None:
        """What a client asks for, when the job has copied its tables."""
        record = self.node.record
        if record is None or not (record.has_begun or record.progress.applied_gtid):
            if self.world.now < FAULTS_END:
                self.world.after(200 * MS, lambda: self._act(act))
            return
        self.counts[f"act {act['do']}"] += 1
        self.world.note("CLIENT", str(act))
        if act["do"] == "post":
            self.node.choose_tables(act["out"])
        else:
            self.node.reload([f"s.{table}" for table in act["tables"]])

    def _insist(self) -> None:
        self._follow()
        self.node.insist()

    def _follow(self) -> None:
        """Do what the message of a job that has failed says."""
        if isinstance(self.checks, LifeChecks) and self.checks.to_follow:
            tables, self.checks.to_follow = self.checks.to_follow, []
            self.node.reload(tables)
            self.world.after(50 * MS, lambda: self.node.tell(ResumeJob(JOB)))

    def _is_broken(self) -> bool:
        """Return whether there is no more to be looked at."""
        return self.checks.is_over or bool(self.checks.violation or self.world.crashes)

    def run(self) -> str:
        world, checks = self.world, self.checks
        self._prepare()
        try:
            world.run(FAULTS_END, self._is_broken)
            self._messages.clear()
            self._aimed.clear()
            for turn in range(5 * LIVELINESS // S):
                world.at(FAULTS_END + turn * S // 5, self._insist)
            if not self._is_broken() and not world.run(FAULTS_END + LIVELINESS, self._now_and_then(self._has_ended)):
                checks.fail(self._not_caught_up())
            if not self._is_broken() and not checks.is_over:
                checks.at_the_end()
        except Livelock as error:
            checks.fail(str(error))
        finally:
            world.end()
        return checks.violation or next(iter(world.crashes), "")

    def _now_and_then(self, question: Callable[[], bool]) -> Callable[[], bool]:
        """It is asked after each event, and answered every 50 ms."""
        asked_at, world = -1, self.world

        def ask() -> bool:
            nonlocal asked_at
            if world.now - asked_at < 50 * MS:
                return False
            asked_at = world.now
            return question()

        return ask

    def _has_ended(self) -> bool:
        executed = self.checks.executed()
        has_all = all(executed.contains(UUID, entry["number"]) for entry in self.source.log)
        record = self.node.record
        grows = record is None or record.growth is not None or len(SimStore.disks["A"]) > 1
        if CLASSES[self.scenario.of].life and grows:
            return self._is_broken()
        return self._is_broken() or (has_all and not self.target.find("ahead"))

    def _not_caught_up(self) -> str:
        record: Any = self.node.record
        stage = record and f"{record.stage.value} ({record.status_description})"
        executed = self.checks.executed()
        missing = [entry["number"] for entry in self.source.log if not executed.contains(UUID, entry["number"])]
        grows = record and record.growth and f", its tables are {record.growth.state} ({record.growth.problem})"
        left = f"left: {self.target.find('ahead')}, jobs {sorted(SimStore.disks['A'])}"
        after = f"hang: {LIVELINESS // S} s after the last fault"
        return f"{after} the job is {stage}{grows or ''}, and {missing[:8]} are missing; {left}"
