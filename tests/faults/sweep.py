"""Every step of a job is made to go wrong once: refused, closed, reset, cut in its middle, or answered by silence.

A trial takes one phase of a small job, counts what passes one of three proxies (source, target, NATS), and does one
thing wrong at the nth step. The job must come to its end with equal rows, in runs that end by errors of Udup's alone.
`python -m tests.faults` does this for every n; the suite takes some by a seed.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import pytest

from tests.faults.engines import Job, through
from tests.faults.proxy import Fault, MySQLPassage, NatsPassage, Proxy, Wrong
from tests.quick_servers import QUICK
from udup.base.endpoint import Endpoint
from udup.base.errors import FailureKind, UdupError
from udup.drivers.mysql import source as source_module
from udup.drivers.mysql.apply import ownership
from udup.drivers.mysql.client import connection, silence
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.stream import opening, stream
from udup.drivers.mysql.target import MySQLTarget
from udup.node.nats_server import NatsServer
from udup.pipeline.transport import link
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer

SCHEMA = "faulty"

#: Numbers of errors that a server may answer anything with: unknown, interrupted, too many connections, disk full,
#: lock wait, deadlock.
CODES = (1105, 1317, 1040, 1021, 1205, 1213)

#: The number that says nothing.
_UNKNOWN = 1105

_TABLES = (
    f"CREATE DATABASE {SCHEMA}",
    f"CREATE TABLE {SCHEMA}.a (id INT PRIMARY KEY, v VARCHAR(200), w INT AS (id * 2) STORED, KEY (v))",
    f"CREATE TABLE {SCHEMA}.b (id INT, v VARCHAR(3000))",
    f"CREATE VIEW {SCHEMA}.of_a AS SELECT id FROM {SCHEMA}.a",
    f"CREATE TRIGGER {SCHEMA}.on_a BEFORE INSERT ON {SCHEMA}.a FOR EACH ROW SET NEW.v = CONCAT(NEW.v, '!')",
)
_FILL = (
    "INSERT INTO {s}.a (id, v) WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 150)"
    " SELECT n, REPEAT('x', n) FROM n",
    "INSERT INTO {s}.b SELECT id, REPEAT(v, 10) FROM {s}.a",
)


class Phase(Enum):
    """What of a job is disturbed."""

    COPY = "copy"  # a job without a checkpoint, from its first look until it is level
    START = "start"  # a run that goes on from a checkpoint
    BUSY = "busy"  # rows, a large transaction, XA and definitions while it follows
    PURGE = "purge"


class Place(Enum):
    SOURCE = "source"
    TARGET = "target"
    NATS = "nats"


#: For counting alone.
_NOTHING = Fault(1 << 30, Wrong.ERROR)


@dataclass(frozen=True)
class Trial:
    phase: Phase
    place: Place
    nth: int
    wrong: Wrong
    code: int = 1105

    def __str__(self) -> str:
        what = f"{self.wrong.value} {self.code}" if self.wrong is Wrong.ERROR else self.wrong.value
        return f"{self.phase.value}, {self.place.value}, step {self.nth}: {what}"


@dataclass
class Bench:
    """Two servers and a NATS, each behind a proxy. `job` has been copied and follows when nothing is disturbed."""

    source: Endpoint
    target: Endpoint
    nats_url: str
    proxies: dict[Place, Proxy]
    job: Job
    turn: int = 0
    counted: dict[Phase, dict[Place, int]] = field(default_factory=dict)

    def steps(self, phase: Phase, place: Place) -> int:
        """Return how many steps an undisturbed phase takes."""
        if phase not in self.counted:
            self._phase(phase, dict.fromkeys(Place, _NOTHING))
            self.counted[phase] = {each: proxy.steps for each, proxy in self.proxies.items()}
        return self.counted[phase][place]

    def run(self, trial: Trial) -> str:
        """Return what the fault did, for people; raise if the job did not stand it."""
        fault = Fault(trial.nth, trial.wrong, trial.code)
        begun = time.monotonic()
        self.job.ended.clear()
        try:
            self._phase(trial.phase, {trial.place: fault})
        except Exception as error:
            raise AssertionError(f"{trial} (at {fault.fired!r}): {type(error).__name__}: {error}") from error
        for ended in self.job.ended:
            assert isinstance(ended, UdupError)
            if not (ended.kind is FailureKind.UNSUPPORTED and _is_refused_definition(ended)):
                assert ended.kind not in (FailureKind.DIVERGENCE, FailureKind.UNSUPPORTED), f"{trial}: {ended}"
        told = "; ".join(f"{type(each).__name__}: {each}"[:200] for each in self.job.ended)
        return f"{trial} (at {fault.fired!r}, {time.monotonic() - begun:.1f} s): {told or 'nothing'}"

    def _phase(self, phase: Phase, faults: Mapping[Place, Fault]) -> None:
        job = self.job
        if phase is Phase.COPY:
            self.forget()
        elif MySQLTarget(self.target).executed(job.name) is None:
            self.forget()
            asyncio.run(job.come_to_the_end())
        if phase is Phase.PURGE:
            self._purge(faults)
            return
        if phase is not Phase.BUSY:
            self._arm(faults)
        asyncio.run(job.come_to_the_end(lambda: self._write(faults if phase is Phase.BUSY else None)))
        self._disarm()
        assert job.rows(0) == job.rows(1)

    def _arm(self, faults: Mapping[Place, Fault]) -> None:
        for place, fault in faults.items():
            self.proxies[place].arm(fault)

    def _disarm(self) -> None:
        for proxy in self.proxies.values():
            proxy.disarm()

    def _write(self, faults: Mapping[Place, Fault] | None) -> None:
        """Change something of everything on the source."""
        if faults is not None:
            self._arm(faults)
        self.turn += 1
        turn, large = self.turn, "y" * 2900
        first = 1000 * turn
        with closing(connect(self.source)) as one, closing(connect(self.source)) as other:
            for number in range(6):
                query(one, f"INSERT INTO {SCHEMA}.a (id, v) VALUES (%s, 'n')", first + number)
                query(other, f"UPDATE {SCHEMA}.b SET v = %s WHERE id = %s", f"v{turn}", number)
            if faults is None:
                return
            query(one, f"INSERT INTO {SCHEMA}.b SELECT id, %s FROM {SCHEMA}.a WHERE id <= 120", large)
            query(one, f"ALTER TABLE {SCHEMA}.a ADD COLUMN c{turn} INT DEFAULT {turn}")
            query(one, f"CREATE TABLE {SCHEMA}.t{turn} (id INT PRIMARY KEY) SELECT id FROM {SCHEMA}.a WHERE id < 5")
            query(one, f"XA START 'x{turn}'")
            query(one, f"INSERT INTO {SCHEMA}.t{turn} VALUES (100)")
            query(one, f"XA END 'x{turn}'")
            query(one, f"XA PREPARE 'x{turn}'")
            query(one, f"XA COMMIT 'x{turn}'")
            query(one, f"ALTER TABLE {SCHEMA}.a DROP COLUMN c{turn}")
            query(one, f"DELETE FROM {SCHEMA}.b WHERE v = %s", large)
            query(one, f"DROP TABLE {SCHEMA}.t{turn}")

    def _purge(self, faults: Mapping[Place, Fault]) -> None:
        """The checkpoint is removed or is not; told by an error of Udup's in the second case."""
        job, target = self.job, MySQLTarget(self.job.target)
        self._arm(faults)
        try:
            target.purge(job.name)
        except UdupError as error:
            job.ended.append(error)
        self._disarm()
        target.purge(job.name)
        assert MySQLTarget(self.target).executed(job.name) is None

    def forget(self) -> None:
        """Have the next run begin with a copy."""
        MySQLTarget(self.target).purge(self.job.name)
        with closing(connect(self.target)) as target:
            query(target, f"DROP DATABASE IF EXISTS {SCHEMA}")


@contextmanager
def bench(programs: MysqlPrograms, folder: Path, of_target: MysqlPrograms | None = None) -> Iterator[Bench]:
    """A bench whose time limits are short, that a silence may be waited out. `of_target`: a server of another kind."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setattr(silence, "SILENT_SECONDS", 0.6)
        patch.setattr(silence, "AGAIN_SECONDS", 0.2)
        patch.setattr(connection, "CONNECT_TIMEOUT", 1.5)
        patch.setattr(connection, "ASK_SECONDS", 2.0)
        patch.setattr(opening, "SILENCE_SECONDS", 2.0)
        patch.setattr(stream, "QUIET_SECONDS", 0.7)
        patch.setattr(opening, "QUIET_SECONDS", 0.7)
        patch.setattr(opening, "HEARTBEAT_SECONDS", 0.5)
        patch.setattr(source_module, "CLOCK_SECONDS", 1.5)
        patch.setattr(link, "PING_SECONDS", 0.8)
        patch.setattr(link, "REQUEST_TIMEOUT", 2)
        patch.setattr(ownership, "PATIENCE_SECONDS", 5)
        servers = [
            stack.enter_context(MysqlServer(of_whom, folder / f"faulty-{name}", options=QUICK))
            for name, of_whom in (("source", programs), ("target", of_target or programs))
        ]
        nats = NatsServer(folder / "faulty-nats", 0)
        nats.start()
        stack.callback(nats.stop)
        source, target = (server.endpoint for server in servers)
        proxies = {
            Place.SOURCE: stack.enter_context(Proxy(source.port, MySQLPassage)),
            Place.TARGET: stack.enter_context(Proxy(target.port, MySQLPassage)),
            Place.NATS: stack.enter_context(Proxy(nats.port, NatsPassage)),
        }
        with closing(connect(source)) as connected:
            for statement in (*_TABLES, *_FILL):
                query(connected, statement.format(s=SCHEMA))
        url = nats.url.replace(f":{nats.port}", f":{proxies[Place.NATS].port}")
        job = Job(
            through(source, proxies[Place.SOURCE].port),
            through(target, proxies[Place.TARGET].port),
            (source, target),
            url,
            SCHEMA,
        )
        yield Bench(source, target, url, proxies, job)


def _is_refused_definition(ended: UdupError) -> bool:
    """Return whether the target answered a definition with the number that says nothing: the job stops, and says so."""
    text = str(ended)
    return f"error {_UNKNOWN}: " in text and text.endswith("fix the cause on the target, then resume the job")


def places(phase: Phase) -> tuple[Place, ...]:
    return (Place.TARGET,) if phase is Phase.PURGE else tuple(Place)


def sample(steps: int, count: int, phase: Phase, place: Place, dice: random.Random) -> Iterator[Trial]:
    """Yield trials whose steps are spread over all, each with a wrong of its own."""
    wrongs = list(Wrong)
    dice.shuffle(wrongs)
    for number in range(count):
        nth = 1 + int((number + dice.random()) / count * steps)
        yield Trial(phase, place, nth, wrongs[number % len(wrongs)], dice.choice(CODES))
