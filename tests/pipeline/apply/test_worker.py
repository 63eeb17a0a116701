"""A worker carries out what follows on, tells what it has in hand, and stops at an order that was lost or repeated."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest

from udup.base.endpoint import Endpoint
from udup.base.errors import Contended, FailureKind, Transient
from udup.node.nats_server import NatsServer
from udup.pipeline.apply.settings import WorkerSettings
from udup.pipeline.apply.worker import Worker
from udup.pipeline.orders import (
    Answer,
    Ask,
    Done,
    Failed,
    Group,
    Opened,
    Order,
    Report,
    decode_report,
)
from udup.pipeline.ports import End, RowCounts, Target
from udup.pipeline.records import encode
from udup.pipeline.transport.link import Departures, Link, Subjects

SLOT, NUMBER = 3, 7

#: Each test has a run of its own, so that none hears what is left of another.
RUNS = count(1)


@pytest.fixture(scope="module")
def nats(server_folder: Path) -> Iterator[NatsServer]:
    server = NatsServer(server_folder / "worker_nats", 0)
    server.start()
    yield server
    server.stop()


class Session:
    """Remembers the commits; `refusals` times a lock is not to be had. Each commit takes `seconds`."""

    in_large_transaction = False

    def __init__(self, refusals: int = 0, seconds: float = 0.0) -> None:
        self.commits: list[list[int]] = []
        self.rolled_back = 0
        self._refusals, self._seconds = refusals, seconds

    def apply(self, groups: Sequence[Group]) -> None:
        time.sleep(self._seconds)
        if self._refusals:
            self._refusals -= 1
            raise Contended("a lock was not granted")
        self.commits.append([group.number for group in groups])

    def rollback(self) -> None:
        self.rolled_back += 1

    def rows_written(self) -> RowCounts:
        return RowCounts()

    def abandon(self) -> None:
        """Nothing is held."""


class ScriptedTarget:
    def __init__(self, session: Session) -> None:
        self._session = session

    def open_session(self, job: str, slot: int) -> Session:
        assert (job, slot) == ("j", SLOT)
        return self._session


class Applier:
    """The other end of a worker's link."""

    def __init__(self, link: Link, subjects: Subjects) -> None:
        self.link = link
        self.subjects = subjects
        self.reports: list[Report] = []

    async def hear(self, data: bytes) -> None:
        self.reports.append(decode_report(data))

    async def send(self, *orders: Order) -> None:
        for order in orders:
            await self.link.publish(self.subjects.orders(NUMBER), encode(order))

    def of(self, kind: type[Any]) -> list[Any]:
        return [report for report in self.reports if isinstance(report, kind)]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                assert not self.link.lost.done(), self.link.lost.exception()
                await asyncio.sleep(0.005)


@asynccontextmanager
async def _worker(url: str, session: Session) -> AsyncIterator[tuple[Applier, asyncio.Task[None]]]:
    subjects = Subjects("j", next(RUNS))
    applier = Applier(await Link.open(url, "applier"), subjects)
    await applier.link.subscribe(subjects.reports, applier.hear)
    await applier.link.flush()
    end = End("MySQL", Endpoint("127.0.0.1", 1, "nobody", ""))
    settings = WorkerSettings(url, "j", subjects.run, SLOT, NUMBER, end)
    running = asyncio.create_task(Worker(settings, cast(Target, ScriptedTarget(session))).run())
    try:
        await applier.until(lambda: applier.of(Opened) == [Opened(SLOT, NUMBER)])
        yield applier, running
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError, Transient):
            await running
        await applier.link.close()


def _group(number: int, version: int) -> Group:
    return Group(number, 1, version, f"u:{number}", [b"x"], f"u:{number}")


def test_groups_that_have_gathered_are_committed_as_one_if_they_follow_on(nats: NatsServer) -> None:
    async def run() -> None:
        session = Session(seconds=0.3)
        async with _worker(nats.url, session) as (applier, _):
            groups = [_group(1, 10), _group(4, 11), _group(6, 12), _group(7, 14), _group(5, 15), _group(8, 16)]
            await applier.send(*groups)
            await applier.until(lambda: len(applier.of(Done)) == len(groups))
        together = [commit for commit in session.commits if len(commit) > 1]
        assert [number for commit in session.commits for number in commit] == [1, 4, 6, 7, 5, 8]
        assert together, "what waits behind a commit goes together"
        versions = {group.number: group.version for group in groups}
        for commit in session.commits:
            assert [versions[number] for number in commit] == list(
                range(versions[commit[0]], versions[commit[0]] + len(commit))
            ), "a version is missing between two groups of one commit"
            assert commit == sorted(commit)

    asyncio.run(run())


def test_a_group_whose_lock_was_not_granted_is_tried_again(nats: NatsServer) -> None:
    async def run() -> None:
        session = Session(refusals=2)
        async with _worker(nats.url, session) as (applier, _):
            await applier.send(_group(1, 10))
            await applier.until(lambda: applier.of(Done) == [Done(SLOT, 1)])
        assert (session.commits, session.rolled_back) == ([[1]], 2)

    asyncio.run(run())


def test_a_worker_that_gives_up_on_a_lock_says_so_and_ends(nats: NatsServer) -> None:
    async def run() -> None:
        async with _worker(nats.url, Session(refusals=1000)) as (applier, running):
            await applier.send(_group(1, 10))
            await applier.until(lambda: bool(applier.of(Failed)))
            assert applier.of(Failed)[0].failure.kind is FailureKind.CONTENDED
            with pytest.raises(Transient, match="a lock was not granted"):
                await asyncio.wait_for(running, 20)

    asyncio.run(run())


def test_a_worker_that_is_asked_tells_what_it_has_in_hand(nats: NatsServer) -> None:
    async def run() -> None:
        async with _worker(nats.url, Session()) as (applier, _):
            await applier.send(Ask(1))
            await applier.until(lambda: applier.of(Answer) == [Answer(SLOT, 1, 0)])
            await applier.send(_group(1, 10), Ask(2))
            await applier.until(lambda: len(applier.of(Answer)) == 2 and len(applier.of(Done)) == 1)
            done_first = applier.reports.index(Done(SLOT, 1)) < applier.reports.index(applier.of(Answer)[1])
            assert applier.of(Answer)[1].in_hand == (0 if done_first else 1)

    asyncio.run(run())


@pytest.mark.parametrize("fault", ["lost", "repeated"])
def test_an_order_that_was_lost_or_repeated_ends_the_run_and_is_not_applied(nats: NatsServer, fault: str) -> None:
    async def run() -> None:
        session = Session()
        async with _worker(nats.url, session) as (applier, running):
            subject = applier.subjects.orders(NUMBER)
            departures = Departures(0)
            orders = [_group(1, 10), _group(2, 11), _group(3, 12)]
            first, second, third = [b"".join(departures.messages(subject, encode(order))) for order in orders]
            await applier.link._client.publish(subject, first)
            await applier.until(lambda: session.commits == [[1]])
            await applier.link._client.publish(subject, first if fault == "repeated" else third)
            with pytest.raises(Transient, match="lost or repeated"):
                await asyncio.wait_for(running, 20)
            assert second and session.commits == [[1]]

    asyncio.run(run())
