"""From an Oracle database in memory to a real MySQL, by processes that are killed: the target has its rows in the end.

The history is written before the first process begins, so that each sees the same one; how much of it has happened is
in memory that they share. Each process is a whole run: extractor, applier and workers, over a network in memory.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from multiprocessing.sharedctypes import Synchronized
from random import Random

import pytest

from tests.drivers.oracle.fake_oracle import FakeOracle
from tests.drivers.oracle.stories import ITEMS, KEYLESS, ORDERS, OWNER, as_texts, on_source, story
from tests.pipeline.memory_link import Network
from udup.base.endpoint import Endpoint
from udup.base.errors import Transient, UdupError
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.target import MySQLTarget
from udup.drivers.oracle.position import source_uuid
from udup.drivers.oracle.source import OracleSource
from udup.pipeline.apply.applier import Applier
from udup.pipeline.apply.crew import Seat
from udup.pipeline.apply.readiness import Staff, TargetReady
from udup.pipeline.apply.settings import ApplierSettings, WorkerSettings
from udup.pipeline.apply.worker import Worker
from udup.pipeline.extract.extractor import Extractor
from udup.pipeline.extract.settings import ExtractorSettings
from udup.pipeline.ownership import Owner
from udup.pipeline.ports import ApplyMode, End, Scope
from udup.pipeline.selection.selection import Selection
from udup.pipeline.transport.flow import Windows
from udup.pipeline.transport.link import Link
from udup.sandbox.server import MysqlServer

JOB = "from-oracle"
SCOPE = Scope(Selection.of([(OWNER, [])]))
SOURCE = source_uuid(4711, 1)

_DEADLINE = 60.0

# ---- A process that is a run ----


class Run:
    """One run after the other, in this process, until it is killed."""

    def __init__(self, server: FakeOracle, target: Endpoint, mode: ApplyMode) -> None:
        self._source = OracleSource(Endpoint("ora", 1521, "repl", "secret"), {"ServiceName": "ORCL"}, lambda: server)
        self._target = MySQLTarget(target, mode)
        self._end = End("MySQL", target, mode)
        self._run = 0

    def run_for_ever(self) -> None:
        Link.open = Network().open  # type: ignore[method-assign, assignment]
        while True:
            self._run += 1
            try:
                asyncio.run(self._attempt())
            except (Transient, UdupError) as error:
                if not error.kind.passes and error.kind.value != "Superseded":
                    raise
            time.sleep(0.05)  # a session of the process before may not be ended yet

    async def _attempt(self) -> None:
        owner = Owner(f"{os.getpid()}-{self._run}", "a test")
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        tasks: list[asyncio.Future[None]] = []

        def begin(engine: Applier | Worker | Extractor) -> None:
            task = asyncio.ensure_future(engine.run())
            tasks.append(task)
            task.add_done_callback(lambda done: _pass_on(done, ended))

        seats: set[Seat] = set()

        def on_told(event: Staff | TargetReady) -> None:
            if isinstance(event, Staff):
                for seat in set(event.seats) - seats:
                    seats.add(seat)
                    settings = WorkerSettings("", JOB, self._run, seat.slot, seat.number, self._end)
                    begin(Worker(settings, self._target))
            else:
                begin(Extractor(self._extractor(event), self._source, lambda progress: None))

        settings = ApplierSettings("", JOB, self._run, self._end, 2, owner, SCOPE.selection, None, False, 64)
        begin(Applier(settings, self._target, on_told, lambda progress: None))
        try:
            await ended
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _extractor(self, ready: TargetReady) -> ExtractorSettings:
        windows = Windows.of(8 << 20, 2)
        return ExtractorSettings(
            "",
            JOB,
            self._run,
            self._end,
            SCOPE,
            ready.start_after,
            2,
            windows,
            64,
            2000,
            chunk_rows=50,
            stamps=ready.stamps,
            source_uuid=ready.source_uuid,
        )


def _pass_on(done: asyncio.Future[None], ended: asyncio.Future[None]) -> None:
    if done.cancelled() or ended.done():
        return
    if (error := done.exception()) is not None:
        ended.set_exception(error)
    else:
        ended.set_result(None)


# ---- The test ----


class Killed:
    """A process of a run, which is killed and begun again."""

    def __init__(self, begin: Callable[[], None]) -> None:
        self._begin = begin
        self._context = multiprocessing.get_context("fork")
        self._process = self._start()
        self.deaths = 0

    def _start(self) -> multiprocessing.context.ForkProcess:
        process = self._context.Process(target=self._begin, daemon=True)
        process.start()
        return process

    def kill(self) -> None:
        self.end()
        self.deaths += 1
        self._process = self._start()

    def end(self) -> None:
        if self._process.is_alive():
            assert self._process.pid is not None
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()

    @property
    def lives(self) -> bool:
        return self._process.is_alive()


@contextmanager
def killed(begin: Callable[[], None]) -> Iterator[Killed]:
    process = Killed(begin)
    try:
        yield process
    finally:
        process.end()


def wait(process: Killed, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE
    while not condition():
        assert process.lives, "the run has failed for good; its error is above"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def executed(target: Endpoint) -> int:
    """Up to which SCN all is on the target, by the job's checkpoint; 0 before the copy has ended."""
    position = MySQLTarget(target).executed(JOB)
    ranges = dict((position or GtidSet()).items()).get(SOURCE, [])
    return ranges[0][1] - 1 if ranges else 0


def on_target(target: Endpoint, table: str) -> list[tuple[object, ...]]:
    with closing(connect(target)) as connection:
        return sorted((tuple(row) for row in query(connection, f"SELECT * FROM {OWNER}.{table}")), key=repr)


def is_copying(target: Endpoint) -> bool:
    sql = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
    with closing(connect(target)) as connection:
        return bool(query(connection, sql, OWNER)[0][0])


def check_killed(target: MysqlServer, mode: ApplyMode) -> None:
    """Have runs killed five times on the way; the target has the source's rows in the end."""
    random = Random(str(mode))
    told = story(random)
    server, endpoint = told.server, target.endpoint
    present: Synchronized[int] = multiprocessing.Value("q", told.copied_at)
    server.visible = lambda: present.value
    run = Run(server, endpoint, mode)
    try:
        with killed(run.run_for_ever) as process:
            wait(process, lambda: is_copying(endpoint))
            process.kill()
            for end in (told.altered, told.end):  # behind DDL, older redo would not fit the dictionary
                begun = executed(endpoint) or told.copied_at
                for part in range(1, 3):
                    goal = begun + (end - begun) * part // 2
                    present.value = goal
                    wait(process, lambda goal=goal: executed(endpoint) >= goal - random.randint(0, 9))  # type: ignore[misc]
                    process.kill()
                wait(process, lambda end=end: executed(endpoint) >= end)  # type: ignore[misc]
            assert process.deaths == 5
        for table in (ORDERS, ITEMS, KEYLESS):
            assert as_texts(on_target(endpoint, table[1])) == as_texts(on_source(server, table))
    finally:
        MySQLTarget(endpoint).purge(JOB)
        with closing(connect(endpoint)) as connection:
            query(connection, f"DROP DATABASE IF EXISTS {OWNER}")


@pytest.mark.parametrize("mode", [ApplyMode.EVENTS, pytest.param(ApplyMode.STATEMENTS, marks=pytest.mark.slow)])
def test_a_process_killed_again_and_again_loses_and_doubles_nothing(target: MysqlServer, mode: ApplyMode) -> None:
    check_killed(target, mode)


@pytest.mark.slow  # the same once more
def test_into_mariadb(mariadb_target: MysqlServer) -> None:
    check_killed(mariadb_target, ApplyMode.BY_PRIVILEGE)
