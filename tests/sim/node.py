"""A node as its clients see it: its supervisor, which is started again when it dies, and the store that outlives it."""

from __future__ import annotations

import copy
from typing import Any

from tests.sim.actors import ActorWorld, Cell, SimActor, simulated
from tests.sim.life_source import LifeDrivers
from tests.sim.scenario import CLASSES, Scenario
from tests.sim.source import BEGINNING, SimDrivers
from tests.sim.world import MS, US, World
from udup.actors.applier import DestApplier
from udup.actors.extractor import SrcExtractor
from udup.actors.messages import Accepted, Begin, NodeSettings, RegisterJob, Rejected, Rejection, ResumeJob
from udup.actors.store_messages import Forget, Loaded, OpenStore, Save, Saved
from udup.actors.store_writer import StoreKeeper
from udup.actors.supervisor import JobSupervisor
from udup.actors.table_messages import ReloadTables
from udup.actors.worker import ApplyWorker
from udup.jobs import JobRecord
from udup.jobs.numbers import placed, position_of

JOB = "j"

#: Milliseconds from a supervisor's death to the next one.
_AGAIN = 200


class SimStore(SimActor):
    """In the place of the StoreKeeper: a dictionary for each node."""

    role = "store"
    disks: dict[str, dict[str, JobRecord]]  # of the history that runs

    def receiveMessage(self, message: object, sender: Any) -> None:  # noqa: N802 - Thespian's name
        world = World.current
        disk = SimStore.disks.setdefault(world.process.node, {})
        if isinstance(message, (OpenStore, Save, Forget)):
            world.block(world.between(f"store {world.process.name}", 300 * US, 20 * MS))
        match message:
            case OpenStore():
                index = max([5, *(record.modify_index for record in disk.values())])
                self.send(sender, Loaded(tuple(disk.values()), index, ()))
            case Save():
                position = position_of(max([5, *(record.modify_index for record in disk.values())])) + 1
                disk[message.record.id] = placed(message.record, message.ticket, position)
                self.send(sender, Saved(message.ticket, position))
            case Forget():
                disk.pop(message.job_id, None)
                self.send(sender, Saved(message.ticket))


class SimClient(SimActor):
    """Who asks the node for things."""

    role = "client"
    nodes: dict[str, Node]  # of the history that runs

    def receiveMessage(self, message: object, _sender: Any) -> None:  # noqa: N802 - Thespian's name
        if isinstance(message, (Accepted, Rejected)):
            SimClient.nodes[World.current.process.node].answered(message)


SUBSTITUTES = {kind: simulated(kind) for kind in (JobSupervisor, DestApplier, SrcExtractor, ApplyWorker)}
SUBSTITUTES[StoreKeeper] = SimStore


def chosen(out: list[str]) -> dict[str, Any]:
    """Return what of a document chooses all tables but some."""
    found: dict[str, Any] = {"ReplicateDoDb": [{"TableSchema": "s"}]}
    if out:
        found["ReplicateIgnoreDb"] = [{"TableSchema": "s", "Tables": [{"TableName": each} for each in out]}]
    return found


def document(scenario: Scenario) -> dict[str, Any]:
    def server(host: str) -> dict[str, Any]:
        return {"Host": host, "Port": 1, "User": "u", "Password": "p", "SslMode": "DISABLED"}

    config = {
        "ParallelWorkers": scenario.workers,
        "ReplChanBufferSize": scenario.window,
        **chosen(scenario.out),
        "Gtid": "" if scenario.copy else BEGINNING,
        "MsgBytesLimit": 2048,
        "ConnectionConfig": server("src"),
    }
    dest = {"DropTableIfExists": scenario.drop_existing, "ConnectionConfig": server("dst")}
    tasks = [
        {"Type": "Src", "Driver": "MySQL", "Config": config},
        {"Type": "Dest", "Driver": "MySQL", "Config": dest},
    ]
    return {"ID": JOB, "Name": JOB, "Type": "synchronous", "Tasks": tasks}


class Node:
    def __init__(self, world: World, actors: ActorWorld, scenario: Scenario, name: str) -> None:
        self._world, self._actors, self.name = world, actors, name
        self.wish = RegisterJob(document(scenario), None)
        self._settings = NodeSettings(
            nats_url="nats://sim",
            data_dir=name,
            buffer_bytes=1 << 24,
            log_level="info",
            log_format="json",
            retry_attempts=20,
            backoff_max_s=2,
            keys=None,  # type: ignore[arg-type] - no store is opened
            drivers=LifeDrivers() if CLASSES[scenario.of].life else SimDrivers(),
        )
        self._client = actors.outside(SimClient, name)
        self.registered = False
        self.supervisor: Cell
        self._lives = True
        SimStore.disks.setdefault(name, {})
        SimClient.nodes[name] = self

    def start(self) -> None:
        if self._lives:
            self.supervisor = self._actors.outside(JobSupervisor, self.name)
            self.supervisor.process.on_death.append(lambda: self._world.after(_AGAIN * MS, self.start))
            self.supervisor.post(Begin(self._settings), self._client.address)

    def end(self) -> None:
        """For good."""
        self._lives = False
        self.supervisor.process.kill()

    @property
    def record(self) -> JobRecord | None:
        return SimStore.disks[self.name].get(JOB)

    def tell(self, message: object) -> None:
        if self.registered or isinstance(message, RegisterJob):
            self.supervisor.post(message, self._client.address)

    def answered(self, message: Accepted | Rejected) -> None:
        if isinstance(message, Accepted):
            self.registered = True
            return
        self._world.note("client", f"rejected: {message.reason} {message.failure.text}")
        if message.reason is Rejection.INTERNAL:
            self._world.crashes.append(f"exception: client: {message.failure.text}")
        if message.reason in (Rejection.NOT_OPEN, Rejection.NOT_NOW) and self.record is None:
            self._world.after(100 * MS, lambda: self.tell(self.wish))

    def change_workers(self, workers: int) -> None:
        """Post the document again, with another number of workers."""
        self._post({"ParallelWorkers": workers})

    def choose_tables(self, out: list[str]) -> None:
        """Post the document again, with other tables."""
        self._post(chosen(out))

    def _post(self, config: dict[str, Any]) -> None:
        record = self.record
        changed = copy.deepcopy(self.wish.document if record is None else record.document)
        of_source = changed["Tasks"][0]["Config"]
        if "ReplicateDoDb" in config:
            of_source.pop("ReplicateIgnoreDb", None)
        of_source |= config
        self.tell(RegisterJob(changed, None))

    def reload(self, tables: list[str]) -> None:
        self.tell(ReloadTables(JOB, tuple(tables)))

    def insist(self) -> None:
        """A client repeats its wish until it is heard."""
        record = self.record
        if record is None:
            if not self.supervisor.mail:
                self.tell(self.wish)
        elif record.desired.value == "pause" or "failed" in self._stages():
            self.tell(ResumeJob(JOB))

    def _stages(self) -> list[str]:
        """Return the stages of the job, and of what it grows by."""
        return [each.stage.value for each in SimStore.disks[self.name].values()]
